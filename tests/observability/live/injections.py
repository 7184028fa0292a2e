"""How each fault is injected: it lasts as long as the block of its context manager."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from app.features.users.tokens import TokenIssuer
from app.platform.ids import new_id
from tests.observability.live.chart import SCRAPE_SECONDS
from tests.observability.live.clients import ITEMS, ONE_ITEM, Client, flood, ordinary
from tests.observability.live.components import Component
from tests.observability.live.mistakes import BLOCK, CHATTER, SLOW, WIDE
from tests.support.application import ALL_SCOPES
from tests.support.databases import connection
from tests.support.forge import auth_settings
from tests.support.process import scrape
from tests.support.waiting import until


@asynccontextmanager
async def missing_table(component: Component) -> AsyncGenerator[None]:
    async def look(client: Client) -> None:
        """A route whose every request fails; some requests of ordinary clients are rejected before."""
        await client.request("GET", f"{ITEMS}/{new_id()}", ONE_ITEM)

    async with connection(component.database) as held:
        await held.execute("ALTER TABLE items.items RENAME TO gone")
        try:
            async with component.clients.sending(), component.clients.sending(number=1, behavior=look):
                yield
        finally:
            await held.execute("ALTER TABLE items.gone RENAME TO items")


@asynccontextmanager
async def locked_table(component: Component) -> AsyncGenerator[None]:
    """Every statement on items waits until it times out, and more clients wait than there are connections."""
    async with component.clients.sending(number=30), connection(component.database) as held, held.transaction():
        await held.execute("LOCK TABLE items.items IN ACCESS EXCLUSIVE MODE")
        yield


@asynccontextmanager
async def slow_table(component: Component) -> AsyncGenerator[None]:
    """Statements on items wait for up to 1.6 s, which is below their timeout."""
    async with component.clients.sending():
        locking = asyncio.create_task(_lock_repeatedly(component))
        try:
            yield
        finally:
            locking.cancel()


async def _lock_repeatedly(component: Component) -> None:
    async with connection(component.database) as held:
        while True:
            async with held.transaction():
                await held.execute("LOCK TABLE items.items IN ACCESS EXCLUSIVE MODE")
                await asyncio.sleep(1.6)
            await asyncio.sleep(0.2)


@asynccontextmanager
async def blocked_loop(component: Component) -> AsyncGenerator[None]:
    async def block(client: Client) -> None:
        await client.request("GET", BLOCK)

    async with component.clients.sending(), component.clients.sending(number=1, behavior=block, pause=0.1):
        yield


@asynccontextmanager
async def disconnecting_clients(component: Component) -> AsyncGenerator[None]:
    async def leave(client: Client) -> None:
        await client.request("GET", SLOW, disconnect_after=0.3)

    async with component.clients.sending():
        async with component.clients.sending(number=1, behavior=leave):
            pass  # once: their series begins with the first of them, which is no increase
        metrics_port = component.processes[0].metrics_port
        await asyncio.to_thread(until, lambda: 'status_code="499"' in scrape(metrics_port), "the first that left")
        await asyncio.sleep(4 * SCRAPE_SECONDS)  # to see it; one or two may be missed on a busy machine
        async with component.clients.sending(number=3, behavior=leave):
            yield


@asynccontextmanager
async def wrong_tokens(component: Component) -> AsyncGenerator[None]:
    async def guess(client: Client) -> None:
        await client.request("GET", ITEMS, headers={"Authorization": "Bearer guessed"})

    async with component.clients.sending(number=1), component.clients.sending(number=4, behavior=guess, pause=0.1):
        yield


@asynccontextmanager
async def killed_process(component: Component) -> AsyncGenerator[None]:
    """It comes back with another configuration."""
    component.processes[0].signal(signal.SIGKILL)
    yield
    await asyncio.to_thread(component.restart, SLIPWAY_TELEMETRY__LOG_LEVEL="warning")


@asynccontextmanager
async def half_a_rollout(component: Component) -> AsyncGenerator[None]:
    """One process of two has a new version, and the other one stays."""
    await asyncio.to_thread(component.restart, 1, SLIPWAY_SERVICE__VERSION="99.0.0")
    async with component.clients.sending():
        yield
    await asyncio.to_thread(component.restart, 0, SLIPWAY_SERVICE__VERSION="99.0.0")


@asynccontextmanager
async def cardinality_attack(component: Component) -> AsyncGenerator[None]:
    """Ten thousand requests of which each is another: by path, slashes, method, host and headers."""
    methods = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "MKCOL", "PURGE")
    starts, ends = ("/", f"{ITEMS}/", "/livez/", "/docs/"), ("", "/", "//", "/..%2f", "?a=b", "%0d%0a")
    requests = [
        f"{methods[number % 11]} {starts[number % 4]}{number}{ends[number % 6]} HTTP/1.1\r\n"
        f"Host: {number}.example\r\nUser-Agent: {number}\r\nX-Request-ID: {number}\r\nContent-Length: 0\r\n\r\n"
        for number in range(10_000)
    ]
    async with component.clients.sending():
        await flood(component.processes[0].port, [request.encode() for request in requests])
        yield


@asynccontextmanager
async def more_routes_than_room(component: Component) -> AsyncGenerator[None]:
    port = component.processes[0].port
    requests = [f"GET /api/v1/wide/{number} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for number in range(WIDE)]
    sending = asyncio.create_task(_send_repeatedly(port, requests))
    async with component.clients.sending():
        yield
        sending.cancel()


async def _send_repeatedly(port: int, requests: list[bytes]) -> None:
    """All of them once a second: it is no test of load."""
    while True:
        await flood(port, requests)
        await asyncio.sleep(1)


@asynccontextmanager
async def stopped_outlet(component: Component) -> AsyncGenerator[None]:
    async def chatter(client: Client) -> None:
        await client.request("GET", CHATTER)

    assert component.outlet

    async def strange(client: Client) -> None:
        await client.request("GET", ITEMS, headers={"Authorization": f"Bearer {token}"})

    token = TokenIssuer(auth_settings("stranger")).issue(new_id(), ALL_SCOPES)  # whose key has to be fetched
    behavior = {"Lines": chatter, "Peer": strange}.get(type(component.outlet).__name__, ordinary)
    component.outlet.stop()
    async with component.clients.sending(number=1), component.clients.sending(behavior=behavior):
        try:
            yield
        finally:
            component.outlet.go()
