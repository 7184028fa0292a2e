"""The table of items."""

from sqlalchemy import CheckConstraint, Column, DateTime, Index, Integer, MetaData, Numeric, Table, Text, Uuid

metadata = MetaData(schema="items")

items = Table(
    "items",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    # "C", so that the order of names does not depend on the machine.
    Column("name", Text(collation="C"), nullable=False),
    Column("description", Text),
    Column("price", Numeric(12, 2), nullable=False),
    Column("tax", Numeric(12, 2)),
    Column("version", Integer, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("price >= 0", name="items_price_not_negative"),
    CheckConstraint("tax >= 0", name="items_tax_not_negative"),
    Index("items_by_owner", "owner_id", "id"),
    Index("items_by_created_at", "created_at", "id"),
    Index("items_by_price", "price", "id"),
    Index("items_by_name", "name", "id"),
)
