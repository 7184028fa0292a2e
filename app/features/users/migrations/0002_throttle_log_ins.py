"""Creates the table of failed log-ins, and lets several users name the same e-mail address (ADR 12).

An older release goes on with this schema: it never refuses an address any more.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002_throttle_log_ins"
down_revision = "0001_create_users"


def upgrade() -> None:
    """Expands the schema."""
    op.create_table(
        "log_in_failures",
        sa.Column("key", sa.LargeBinary(), primary_key=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("free_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known", sa.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        schema="users",
    )
    op.create_index("log_in_failures_expires_at", "log_in_failures", ["expires_at"], schema="users")
    op.drop_index("users_email_is_unique", table_name="users", schema="users")
