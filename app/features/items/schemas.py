"""What clients of version 1 send and get."""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

from pydantic import BaseModel, Field
from pydantic_core import MISSING

from app.platform.types import Id, Money, MoneyParameter, StrictInput, Text

Sort: TypeAlias = Literal["created_at", "-created_at", "price", "-price", "name", "-name"]
Filter: TypeAlias = Literal["owner", "min_price", "max_price", "q"]

Name = Annotated[str, Text(min_length=1, max_length=100)]
Description = Annotated[str, Text(max_length=2000, lines=True)]


class ItemIn(StrictInput):
    """A whole item, as POST and PUT take it."""

    name: Name
    description: Description | None = None
    price: Money
    tax: Money | None = None


class ItemPatch(StrictInput):
    """Changes: what is absent stays, and null clears what may be empty."""

    name: Name | MISSING = MISSING
    description: Description | MISSING | None = MISSING
    price: Money | MISSING = MISSING
    tax: Money | MISSING | None = MISSING


class ItemOut(BaseModel):
    """An item."""

    id: UUID
    owner_id: UUID
    name: str
    description: str | None
    price: Money
    tax: Money | None
    version: int
    created_at: datetime
    updated_at: datetime


class ListQuery(BaseModel):
    """Filters and order of a list; all filters must hold."""

    owner: Annotated[Id | None, Field(description="Only items of this owner.")] = None
    min_price: Annotated[MoneyParameter | None, Field(description="Only items that cost at least this much.")] = None
    max_price: Annotated[MoneyParameter | None, Field(description="Only items that cost at most this much.")] = None
    q: Annotated[
        Annotated[str, Text(min_length=1, max_length=100)] | None,
        Field(description="Only items with this text in their name, in upper or lower case."),
    ] = None
    sort: Annotated[Sort, Field(description="Order; with `-` it descends.")] = "-created_at"

    def filters(self) -> dict[Filter, object]:
        """The filters that were given."""
        given: dict[Filter, object] = {
            "owner": self.owner,
            "min_price": self.min_price,
            "max_price": self.max_price,
            "q": self.q,
        }
        return {name: value for name, value in given.items() if value is not None}
