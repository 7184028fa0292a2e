"""What the service is compared with: the same row from the same table, read with less around it.

`raw` is the limit that we quote: asyncpg in bare ASGI, without routing, validation, telemetry or tokens.
`bare` is what the first page of a tutorial gives: a FastAPI route with a response model. The address of
PostgreSQL comes from the variables that asyncpg reads itself: PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE.
"""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

if TYPE_CHECKING:
    from asyncpg.pool import Pool

POOL_SIZE = 10
PREFIX = "/items/"
ROW = """SELECT id, owner_id, name, description, price, tax, version, created_at, updated_at
FROM items.items WHERE id = $1"""

_pools: "list[Pool[asyncpg.Record]]" = []


class ItemOut(BaseModel):
    """The nine columns."""

    id: UUID
    owner_id: UUID
    name: str
    description: str | None
    price: Decimal
    tax: Decimal | None
    version: int
    created_at: datetime
    updated_at: datetime


@asynccontextmanager
async def _lifespan(_: object) -> AsyncGenerator[None]:
    async with asyncpg.create_pool(min_size=POOL_SIZE, max_size=POOL_SIZE) as pool:
        _pools.append(pool)
        yield


async def raw(scope: Scope, receive: Receive, send: Send) -> None:
    """Bare ASGI."""
    if scope["type"] == "lifespan":
        await _serve_lifespan(receive, send)
        return
    async with _pools[0].acquire() as connection:
        row = await connection.fetchrow(ROW, UUID(scope["path"][len(PREFIX) :]))
    assert row is not None
    body = json.dumps(dict(row), default=_as_text).encode()
    head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})


async def _serve_lifespan(receive: Receive, send: Send) -> None:
    await receive()
    async with _lifespan(None):
        await send({"type": "lifespan.startup.complete"})
        await receive()
    await send({"type": "lifespan.shutdown.complete"})


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


bare = FastAPI(lifespan=_lifespan)


@bare.get("/items/{item_id}", response_model=ItemOut)
async def read_item(item_id: UUID) -> object:
    async with _pools[0].acquire() as connection:
        row = await connection.fetchrow(ROW, item_id)
    if row is None:
        raise HTTPException(404)
    return dict(row)
