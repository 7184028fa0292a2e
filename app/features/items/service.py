"""What can be done with items, and by whom; each function is a use case."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Protocol
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter

from app.features.items import repository
from app.features.items.schemas import Filter, Sort
from app.platform.auth.principal import Principal
from app.platform.db import UnitOfWork
from app.platform.db.pages import PageRequest, split_page
from app.platform.db.query import Executor
from app.platform.ids import new_id
from app.platform.problems import Problem
from app.platform.types import Id, Instant, MoneyParameter, Text

ADMIN = "items:admin"
_KEYS: dict[str, Callable[[str], object]] = {
    "created_at": TypeAdapter(Instant).validate_python,
    "price": TypeAdapter(MoneyParameter).validate_python,
    "name": TypeAdapter(Annotated[str, Text(max_length=100)]).validate_python,
}
"""How the key of each sort is read back from a cursor: bounded like any input."""
_ID = TypeAdapter(Id).validate_python


class Precondition(Protocol):
    """What the client says of the version that it will change."""

    def check(self, version: int) -> None:
        """Raises `Problem` when it does not hold."""
        ...


async def create_item(work: UnitOfWork, principal: Principal, values: Mapping[str, object]) -> asyncpg.Record:
    """A new item of the principal."""
    now = datetime.now(UTC)
    fixed = {"id": new_id(), "owner_id": principal.subject, "version": 1, "created_at": now, "updated_at": now}
    return await repository.add(work, {**values, **fixed})


async def get_item(on: Executor, item_id: UUID) -> asyncpg.Record:
    """An item. Raises `Problem` 404."""
    return _found(await repository.get(on, item_id))


async def list_items(
    on: Executor, request: PageRequest, sort: Sort, filters: Mapping[Filter, object]
) -> tuple[list[asyncpg.Record], str | None]:
    """A page of items and the cursor of the next one."""
    column = sort.removeprefix("-")
    keys = request.after(sort, (_KEYS[column], _ID))
    rows = await repository.page(on, sort, filters, keys, request.limit + 1)
    return split_page(rows, request.limit, sort, lambda row: (row[column], row["id"]))


async def change_item(
    work: UnitOfWork, principal: Principal, item_id: UUID, precondition: Precondition, changes: Mapping[str, object]
) -> asyncpg.Record:
    """The item with `changes` on top of what it was. Raises `Problem` 403, 404 or 412."""
    row = await _writable(work, principal, item_id, precondition)
    values = {name: row[name] for name in ("name", "description", "price", "tax")}
    return await repository.replace(work, item_id, {**values, **changes, "updated_at": datetime.now(UTC)})


async def delete_item(work: UnitOfWork, principal: Principal, item_id: UUID, precondition: Precondition) -> None:
    """Takes the item away. Raises `Problem` 403, 404 or 412."""
    await _writable(work, principal, item_id, precondition)
    await repository.remove(work, item_id)


async def _writable(
    work: UnitOfWork, principal: Principal, item_id: UUID, precondition: Precondition
) -> asyncpg.Record:
    row = _found(await repository.get_locked(work, item_id))
    if row["owner_id"] != principal.subject and ADMIN not in principal.scopes:
        raise Problem(403, "This item belongs to somebody else: only its owner changes it.", slug="not-the-owner")
    precondition.check(row["version"])
    return row


def _found(row: asyncpg.Record | None) -> asyncpg.Record:
    if row is None:
        raise Problem(404, "There is no item with this id.")
    return row
