"""The table of users."""

from sqlalchemy import (
    ARRAY,
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
