"""The tables of users and of who may hold tokens."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
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
    Column("scopes", ARRAY(Text), nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("age BETWEEN 0 AND 150", name="users_age_is_human"),
)
Index("users_username_is_unique", func.lower(users.c.username), unique=True)
Index("users_email_is_unique", func.lower(users.c.email), unique=True)

token_holders = Table(
    "token_holders",
    metadata,
    # No foreign key: a row outlives its user, whose tokens must be refused then.
    Column("subject", Uuid, primary_key=True),
    # Seconds since 1970, as in the tokens: the latest `iat` that was given, and the first that is not revoked.
    Column("issued_at", BigInteger, nullable=False),
    Column("not_before", BigInteger, nullable=False),
)
