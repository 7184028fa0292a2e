"""Creates the table of users."""

import sqlalchemy as sa
from alembic import op

revision = "0001_create_users"
down_revision = None


def upgrade() -> None:
    """Expands the schema."""
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("username", sa.Text(collation="C"), nullable=False),
        sa.Column("email", sa.Text(collation="C"), nullable=False),
        sa.Column("full_name", sa.Text()),
        sa.Column("age", sa.Integer()),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("age BETWEEN 0 AND 150", name="users_age_is_human"),
        schema="users",
    )
    op.create_index("users_username_is_unique", "users", [sa.text("lower(username)")], unique=True, schema="users")
    op.create_index("users_email_is_unique", "users", [sa.text("lower(email)")], unique=True, schema="users")
