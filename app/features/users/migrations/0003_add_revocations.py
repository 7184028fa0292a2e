"""Adds the table that says whose tokens are revoked."""

import sqlalchemy as sa
from alembic import op

revision = "0003_add_revocations"
down_revision = "0002_throttle_log_ins"


def upgrade() -> None:
    """Expands the schema."""
    op.create_table(
        "token_holders",
        sa.Column("subject", sa.Uuid(), primary_key=True),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        schema="users",
    )
