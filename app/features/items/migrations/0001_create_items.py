"""Creates the table of items."""

import sqlalchemy as sa
from alembic import op

revision = "0001_create_items"
down_revision = None


def upgrade() -> None:
    """Expands the schema."""
    op.create_table(
        "items",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("price", sa.Numeric(12, 2), nullable=False),
        sa.Column("tax", sa.Numeric(12, 2)),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("price >= 0", name="items_price_not_negative"),
        sa.CheckConstraint("tax >= 0", name="items_tax_not_negative"),
        schema="items",
    )
    op.create_index("items_by_owner", "items", ["owner_id", "id"], schema="items")
    op.create_index("items_by_created_at", "items", ["created_at", "id"], schema="items")
    op.create_index("items_by_price", "items", ["price", "id"], schema="items")
    op.create_index("items_by_name", "items", ["name", "id"], schema="items")
