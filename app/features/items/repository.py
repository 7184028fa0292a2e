"""Every statement on items."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from uuid import UUID

import asyncpg
from sqlalchemy import bindparam, delete, func, insert, select, tuple_, update

from app.features.items.models import items
from app.features.items.schemas import Filter, Sort
from app.platform.db import Query, UnitOfWork
from app.platform.db.query import Executor

_of_id = items.c.id == bindparam("id")
_changed = ("name", "description", "price", "tax", "updated_at")

# Named one by one: a new column is never shown because somebody added it.
_columns = [
    items.c[name]
    for name in ("id", "owner_id", "name", "description", "price", "tax", "version", "created_at", "updated_at")
]

ADD = Query(insert(items).returning(*_columns), "insert items")
GET = Query(select(*_columns).where(_of_id), "select item")
GET_LOCKED = Query(select(*_columns).where(_of_id).with_for_update(), "select item for update")
REPLACE = Query(
    update(items)
    .where(items.c.id == bindparam("item_id"))
    .values({name: bindparam(name, type_=items.c[name].type) for name in _changed} | {"version": items.c.version + 1})
    .returning(*_columns),
    "update item",
)
REMOVE = Query(delete(items).where(_of_id), "delete item")

_conditions = {
    "owner": items.c.owner_id == bindparam("owner"),
    "min_price": items.c.price >= bindparam("min_price"),
    "max_price": items.c.price <= bindparam("max_price"),
    # The text itself anywhere in the name: no pattern of the client is interpreted.
    "q": func.strpos(func.lower(items.c.name), func.lower(bindparam("q", type_=items.c.name.type))) > 0,
}


async def add(work: UnitOfWork, row: Mapping[str, object]) -> asyncpg.Record:
    """Stores a new item; `row` has every column."""
    record = await ADD.first(work, **row)
    assert record is not None  # noqa: S101 - INSERT ... RETURNING gives the row or raises
    return record


async def get(on: Executor, item_id: UUID) -> asyncpg.Record | None:
    """An item."""
    return await GET.first(on, id=item_id)


async def get_locked(work: UnitOfWork, item_id: UUID) -> asyncpg.Record | None:
    """An item that nobody else can change before this unit of work ends."""
    return await GET_LOCKED.first(work, id=item_id)


async def replace(work: UnitOfWork, item_id: UUID, changes: Mapping[str, object]) -> asyncpg.Record:
    """Writes all changeable columns and counts the version up."""
    record = await REPLACE.first(work, item_id=item_id, **changes)
    assert record is not None  # noqa: S101 - the row is locked by this unit of work
    return record


async def remove(work: UnitOfWork, item_id: UUID) -> None:
    """Deletes an item."""
    await REMOVE.run(work, id=item_id)


async def page(
    on: Executor,
    sort: Sort,
    filters: Mapping[Filter, object],
    after: Sequence[object] | None,
    limit: int,
) -> list[asyncpg.Record]:
    """Up to `limit` items behind the key `after` (value of the sort column, id), in the order of `sort`."""
    query = _page_query(sort, tuple(sorted(filters)), after is not None)
    parameters: dict[str, object] = {"row_limit": limit, **{str(name): value for name, value in filters.items()}}
    if after is not None:
        parameters |= {"after_value": after[0], "after_id": after[1]}
    return await query.all(on, **parameters)


@lru_cache(maxsize=256)
def _page_query(sort: Sort, filters: tuple[Filter, ...], after: bool) -> Query:
    """One statement for each combination, so that PostgreSQL plans with the conditions that are really there."""
    column = items.c[sort.removeprefix("-")]
    statement = select(*_columns).where(*(_conditions[name] for name in filters))
    key = tuple_(column, items.c.id)
    if after:
        behind = tuple_(bindparam("after_value", type_=column.type), bindparam("after_id", type_=items.c.id.type))
        statement = statement.where(key < behind if sort.startswith("-") else key > behind)
    order = (column.desc(), items.c.id.desc()) if sort.startswith("-") else (column, items.c.id)
    return Query(statement.order_by(*order).limit(bindparam("row_limit", type_=items.c.version.type)), "select items")
