"""The tables of users, of who may hold tokens, and of log-ins that failed."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
)

metadata = MetaData(schema="users")

users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    # "C": names and addresses are ASCII, so this lowers and sorts them the same on every machine.
    Column("username", Text(collation="C"), nullable=False),
    Column("email", Text(collation="C"), nullable=False),
    Column("full_name", Text),
    Column("age", Integer),
    Column("password_hash", Text, nullable=False),
    # Read by the release before the one with roles; the next release drops it.
    Column("scopes", ARRAY(Text), nullable=False),
    Column("role", Text, nullable=False, server_default="user"),
    Column("extra_scopes", ARRAY(Text), nullable=False, server_default="{}"),
    Column("disabled", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("age BETWEEN 0 AND 150", name="users_age_is_human"),
    CheckConstraint("role IN ('user', 'admin')", name="users_role_is_known"),
)
Index("users_username_is_unique", func.lower(users.c.username), unique=True)

token_holders = Table(
    "token_holders",
    metadata,
    # No foreign key: a row outlives its user, whose tokens must be refused then.
    Column("subject", Uuid, primary_key=True),
    # Seconds since 1970, as in the tokens: the latest `iat` that was given, and the first that is not revoked.
    Column("issued_at", BigInteger, nullable=False),
    Column("not_before", BigInteger, nullable=False),
)

log_in_failures = Table(
    "log_in_failures",
    metadata,
    # A hash of 16 bytes, so that a row has the same size whatever a client sends.
    Column("key", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("free_at", DateTime(timezone=True), nullable=False),
    Column("known", ARRAY(LargeBinary), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("log_in_failures_expires_at", "expires_at"),
)
"""Failures of an account, an address, or both together. Of an account `known` holds the addresses that it has logged in
from."""
