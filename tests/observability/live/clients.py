"""Clients of a process: they send requests all the time, and count the responses."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import httpx2

from app.features.users.tokens import TokenIssuer
from app.platform.ids import new_id
from app.platform.settings import Database
from tests.support.application import ALL_SCOPES, settings_for

ITEM = {"name": "x", "price": {"amount": "1", "currency": "EUR"}}
ITEMS, ONE_ITEM, NOWHERE = "/api/v2/items", "/api/v2/items/{item_id}", "_unmatched"
PAUSE_SECONDS = 0.3
TIMEOUT_SECONDS = 20

Behavior = Callable[["Client"], Awaitable[None]]
"""The requests of a client; they are repeated."""


@dataclass
class Client:
    """One client, who counts its answers by the template of the route and the status."""

    http: httpx2.AsyncClient
    answers: Counter[tuple[str, int]]
    pause: float = PAUSE_SECONDS

    async def request(
        self,
        method: str,
        path: str,
        route: str = "",
        *,
        json: object = None,
        headers: Mapping[str, str] | None = None,
        disconnect_after: float | None = None,
    ) -> httpx2.Response | None:
        """The response; None if the client disconnected before it, or could not connect."""
        timeout = httpx2.Timeout(TIMEOUT_SECONDS, read=disconnect_after or TIMEOUT_SECONDS)
        answer: httpx2.Response | None = None
        with suppress(httpx2.TransportError):
            try:
                answer = await self.http.request(method, path, json=json, headers=headers, timeout=timeout)
            except httpx2.ReadTimeout:
                self.answers[route or path, 499] += 1
        if answer is not None:
            self.answers[route or path, answer.status_code] += 1
        await asyncio.sleep(self.pause)
        return answer


async def ordinary(client: Client) -> None:
    """Requests of ordinary users, some of them wrong."""
    made = await client.request("POST", ITEMS, json=ITEM)
    if made is not None and made.status_code == 201:
        await client.request("GET", f"{ITEMS}/{made.json()['id']}", ONE_ITEM)
    await client.request("GET", ITEMS)
    await client.request("GET", "/nowhere", NOWHERE)
    await client.request("POST", ITEMS, json={})


@dataclass
class Clients:
    """Clients of one process, with a token that is good; `answers` has what all of them got."""

    port: int
    database: Database
    answers: Counter[tuple[str, int]] = field(default_factory=Counter[tuple[str, int]])

    @asynccontextmanager
    async def sending(
        self, number: int = 3, behavior: Behavior = ordinary, pause: float = PAUSE_SECONDS
    ) -> AsyncGenerator[None]:
        """Clients send requests while the block lasts, each at least once; at its end no request is open."""
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for _ in range(number):
                group.create_task(self._send(behavior, pause, over))
            try:
                yield
            finally:
                over.set()

    async def _send(self, behavior: Behavior, pause: float, over: asyncio.Event) -> None:
        token = TokenIssuer(settings_for(self.database).auth).issue(new_id(), ALL_SCOPES)
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", headers=headers) as http:
            client = Client(http, self.answers, pause)
            await behavior(client)
            while not over.is_set():
                await behavior(client)


async def flood(port: int, requests: list[bytes]) -> None:
    """Sends these over ten connections, pipelined, and reads the responses."""

    async def send(some: list[bytes]) -> None:
        with suppress(ConnectionError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            taking = asyncio.create_task(_take(reader))
            try:
                for start in range(0, len(some), 50):
                    writer.write(b"".join(some[start : start + 50]))
                    await writer.drain()
                writer.write(b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                await taking
            finally:
                taking.cancel()
                writer.close()
                await writer.wait_closed()

    async with asyncio.TaskGroup() as group:
        for part in range(10):
            group.create_task(send(requests[part::10]))


async def _take(reader: asyncio.StreamReader) -> None:
    with suppress(ConnectionError):
        while await reader.read(65536):
            pass
