"""A steady, realistic load: reads, writes, client errors, disconnects, and a locked table."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import asyncpg
import httpx2 as httpx

from app.platform.settings import Database
from tools.postgres.connect import connect
from tools.run.greeting import PASSWORD, USERNAME

REQUESTS_A_SECOND = 40
LOCK_INTERVAL_SECONDS = 100.0
"""Seconds between two moments in which the table of items is locked: a few requests then get no connection."""
LOCK_SECONDS = 1.65
_TOKEN_REFRESH_SECONDS = 240.0
_DISCONNECT_AFTER_SECONDS = 0.05

Step = Callable[["Visitor"], Awaitable[object]]


class Gone(Exception):  # noqa: N818 - no error
    """There is nothing left to load: a service or the database has ended, as all do at Ctrl-C."""


class Visitor:
    """A client of one process of the service, logged in as the demo user."""

    def __init__(self, address: str) -> None:
        self.client = httpx.AsyncClient(base_url=address, timeout=10, limits=httpx.Limits(max_connections=40))
        self.items: list[str] = []

    async def log_in(self) -> None:
        """A token for the requests that follow, and the items that there are."""
        form = {"username": USERNAME, "password": PASSWORD}
        answer = await self.client.post("/api/v1/auth/token", data=form)
        self.client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        listed = await self.client.get("/api/v2/items", params={"limit": 50})
        self.items = [item["id"] for item in listed.json()["items"]]

    async def read(self) -> None:
        await self.client.get(f"/api/v2/items/{random.choice(self.items)}")  # noqa: S311 - no secret

    async def look_through(self) -> None:
        await self.client.get("/api/v2/items", params={"limit": 20})

    async def create_and_remove(self) -> None:
        item = {"name": "Buoy", "price": {"amount": "12.50", "currency": "EUR"}}
        made = await self.client.post("/api/v2/items", json=item)
        if made.status_code == 201:
            await self.client.delete(f"/api/v2/items/{made.json()['id']}")

    async def look_for_what_is_not_there(self) -> None:
        await self.client.get("/api/v2/items/00000000-0000-7000-8000-000000000000")

    async def get_it_wrong(self) -> None:
        await self.client.post("/api/v2/items", json={"name": ""})

    async def come_without_a_token(self) -> None:
        await self.client.get("/api/v2/items", headers={"Authorization": ""})

    async def leave_early(self) -> None:
        await self.client.get("/api/v2/items", params={"limit": 100}, timeout=_DISCONNECT_AFTER_SECONDS)


_STEPS: tuple[tuple[Step, int], ...] = (
    (Visitor.read, 60),
    (Visitor.look_through, 20),
    (Visitor.create_and_remove, 8),
    (Visitor.look_for_what_is_not_there, 4),
    (Visitor.get_it_wrong, 3),
    (Visitor.come_without_a_token, 2),
    (Visitor.leave_early, 3),
)
"""With their weights."""


def run(addresses: list[str], database: Database) -> None:
    """Sends load to these addresses until the process ends, or one of them stops responding."""
    with suppress(Gone):
        asyncio.run(_run(addresses, database))


async def _run(addresses: list[str], database: Database) -> None:
    visitors = [Visitor(address) for address in addresses]
    try:
        async with asyncio.TaskGroup() as group:
            for visitor in visitors:
                group.create_task(_visit(visitor, REQUESTS_A_SECOND / len(visitors)))
            group.create_task(_lock_at_intervals(database))
    except* (httpx.HTTPError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as errors:
        raise Gone from errors


async def _visit(visitor: Visitor, rate: float) -> None:
    """Starts requests at a rate of their own, whether or not the answers come."""
    steps, weights = zip(*_STEPS, strict=True)
    pending: set[asyncio.Task[None]] = set()
    logged_in = 0.0
    while True:
        if not logged_in or time.monotonic() > logged_in + _TOKEN_REFRESH_SECONDS:
            await visitor.log_in()
            logged_in = time.monotonic()
        (step,) = random.choices(steps, weights)  # noqa: S311 - no secret
        task = asyncio.create_task(_try(step, visitor))
        pending.add(task)
        task.add_done_callback(pending.discard)
        await asyncio.sleep(random.expovariate(rate))


async def _try(step: Step, visitor: Visitor) -> None:
    try:
        await step(visitor)
    except httpx.HTTPError:
        return  # errors of the service show in its metrics


async def _lock_at_intervals(database: Database) -> None:
    connection = await connect(database)
    while True:
        await asyncio.sleep(LOCK_INTERVAL_SECONDS)
        async with connection.transaction():
            await connection.execute("LOCK TABLE items.items IN ACCESS EXCLUSIVE MODE")
            await asyncio.sleep(LOCK_SECONDS)
