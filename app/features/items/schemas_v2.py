"""What clients of version 2 send and get: as version 1, but a price has a currency."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, cast
from uuid import UUID

from pydantic import BaseModel, Field
from pydantic_core import MISSING

from app.features.items.schemas import Description, Name
from app.platform.http.responses import Row
from app.platform.types import Money, StrictInput

CURRENCY = "EUR"


class Price(StrictInput):
    """An amount of money in a currency."""

    amount: Money
    currency: Annotated[Literal["EUR"], Field(description="ISO 4217 code; the catalogue has one currency.")]


class ItemInV2(StrictInput):
    """A whole item, as POST and PUT take it."""

    name: Name
    description: Description | None = None
    price: Price
    tax: Money | None = None


class ItemPatchV2(StrictInput):
    """Changes: what is absent stays, and null clears what may be empty."""

    name: Name | MISSING = MISSING
    description: Description | MISSING | None = MISSING
    price: Price | MISSING = MISSING
    tax: Money | MISSING | None = MISSING


class ItemOutV2(BaseModel):
    """An item."""

    id: UUID
    owner_id: UUID
    name: str
    description: str | None
    price: Price
    tax: Money | None
    version: int
    created_at: datetime
    updated_at: datetime


def stored(body: ItemInV2 | ItemPatchV2) -> Mapping[str, object]:
    """The columns that a body sets."""
    values = body.model_dump()
    if "price" in values:
        values["price"] = values["price"]["amount"]
    return values


def priced(row: Row) -> dict[str, object]:
    """A row whose price has a currency."""
    return {**cast("Mapping[str, object]", row), "price": {"amount": row["price"], "currency": CURRENCY}}
