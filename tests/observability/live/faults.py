"""The table of faults: what happens to which process, which alert has to fire, and what the dashboards show then."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from app.features.users.tokens import TokenIssuer
from app.platform.ids import new_id
from tests.auth.forge import auth_settings
from tests.observability.live.chart import SCRAPE_SECONDS
from tests.observability.live.clients import ITEMS, ONE_ITEM, Client, flood, ordinary
from tests.observability.live.kubernetes import Kubernetes
from tests.observability.live.mistakes import BLOCK, CHATTER, SLOW, WIDE
from tests.observability.live.outlets import Lines, Metrics, Peer, Spans
from tests.observability.live.stage import Component, Part
from tests.server.process import scrape
from tests.support.application import ALL_SCOPES
from tests.support.databases import connection
from tests.support.waiting import until

Shown = Callable[[list[float]], bool]
Happening = Callable[[Component], AbstractAsyncContextManager[None]]

_BUDGET = {"SlipwayAvailabilityBurnFast", "SlipwayAvailabilityBurnSlow"}
_LATE = {"SlipwayLatencyBurnFast", "SlipwayLatencyBurnSlow"}
_MISTAKES = "tests.observability.live.mistakes:create_app"
_WIDE = "tests.observability.live.mistakes:create_wide_app"


def above(least: float) -> Shown:
    """Some value is greater."""
    return lambda values: max(values, default=0) > least


def falls_to(value: float) -> Shown:
    """Some value is as low."""
    return lambda values: min(values, default=value + 1) <= value


@dataclass(frozen=True)
class Fault:
    """A fault of one component.

    Args:
        says: what happens, as the beginning of a sentence.
        happens: as long as the block lasts.
        fires: alerts that have to fire, and to end when it is over.
        may_fire: alerts that may fire as well, since they are about the same.
        shows: panels, and what they have to show meanwhile.
    """

    part: Part
    says: str
    happens: Happening
    fires: frozenset[str]
    may_fire: frozenset[str] = frozenset()
    shows: Mapping[str, Shown] = field(default_factory=dict[str, Shown])


@asynccontextmanager
async def missing_table(component: Component) -> AsyncGenerator[None]:
    async def look(client: Client) -> None:
        """A route of which every answer fails; of what ordinary clients ask, some is refused before."""
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
    """Every statement on items waits until it is given up, and more clients wait than there are connections."""
    async with component.clients.sending(number=30), connection(component.database) as held, held.transaction():
        await held.execute("LOCK TABLE items.items IN ACCESS EXCLUSIVE MODE")
        yield


@asynccontextmanager
async def slow_table(component: Component) -> AsyncGenerator[None]:
    """Statements on items wait for up to 1.6 s, which is less than what they may take."""
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

    token = TokenIssuer(auth_settings("stranger")).issue(new_id(), ALL_SCOPES)  # whose key has to be asked for
    what = {"Lines": chatter, "Peer": strange}.get(type(component.outlet).__name__, ordinary)
    component.outlet.stop()
    async with component.clients.sending(number=1), component.clients.sending(behavior=what):
        try:
            yield
        finally:
            component.outlet.go()


FAULTS = (
    Fault(
        Part("no-table", alone=True),
        "A table is gone, so that requests fail with 500",
        missing_table,
        fires=frozenset({"SlipwayAvailabilityBurnFast", "SlipwayDependencyErrors"}),
        may_fire=frozenset(_BUDGET),
        shows={
            "Failed": above(0.3),
            "Failed requests by route": above(0.9),
            "Failing routes": above(0),
            "Budget burn now": above(14.4),
            "Failed statements": above(0.3),
            "Burn over 1h and 5m": above(14.4),
        },
    ),
    Fault(
        Part("slow-database", alone=True),
        "Statements take a second and more",
        slow_table,
        fires=frozenset({"SlipwayLatencyBurnFast"}),
        may_fire=frozenset(_LATE),
        shows={"p99 latency": above(1), "Statement time (p99)": above(0.5), "Slowest routes (p99)": above(1)},
    ),
    Fault(
        Part("no-connection", alone=True),
        "All connections of the pool wait for a lock",
        locked_table,
        fires=frozenset({"SlipwayDbPoolExhausted", "SlipwayDependencyErrors", "SlipwayAvailabilityBurnFast"}),
        may_fire=frozenset(_BUDGET | _LATE),
        shows={
            "Pool used": above(0.99),
            "Waiting for a connection": above(5),
            "Waiting and timed out": above(5),
            "No connection in time": above(0),
            "Failed statements by reason": above(0),
            "Wait for a connection": above(0.5),
        },
    ),
    Fault(
        Part("blocked-loop", app=_MISTAKES),
        "A handler waits without await",
        blocked_loop,
        fires=frozenset({"SlipwayEventLoopBlocked"}),
        may_fire=frozenset(_LATE),
        shows={
            "Event-loop lag (p99)": above(0.25),
            "Event-loop lag by process": above(0.25),
            "Loop late by more than 50 ms": above(0.2),
        },
    ),
    Fault(
        Part("impatience", app=_MISTAKES),
        "Clients leave before they have their answer",
        disconnecting_clients,
        fires=frozenset({"SlipwayClientsLeaving"}),
        may_fire=frozenset(_LATE),  # the handler works on for clients that left
        shows={"Refused and abandoned requests": above(0.1)},
    ),
    Fault(
        Part("guessed-tokens"),
        "Somebody tries tokens",
        wrong_tokens,
        fires=frozenset({"SlipwayAuthFailureSurge"}),
        shows={"Refused and abandoned requests": above(0.5)},
    ),
    Fault(
        Part("killed"),
        "The only process is killed",
        killed_process,
        fires=frozenset({"SlipwayServiceDown"}),
        shows={"Processes up": falls_to(0), "Scrapes that work": falls_to(0)},
    ),
    Fault(
        Part("half-rolled-out", processes=2),
        "A rollout stops half way",
        half_a_rollout,
        fires=frozenset({"SlipwayVersionSkew"}),
        shows={"Processes by version": falls_to(1), "What runs": above(0)},
    ),
    Fault(
        Part("attacked"),
        "Ten thousand requests, each of them another",
        cardinality_attack,
        fires=frozenset(),
        shows={"Series refused": falls_to(0)},
    ),
    Fault(
        Part("too-many-routes", app=_WIDE),
        "There are more routes than their metric has room for",
        more_routes_than_room,
        fires=frozenset({"SlipwayCardinalityOverflow"}),
        shows={"Series refused": above(0), "Samples in a scrape": above(3_000)},
    ),
    Fault(
        Part("black-hole", outlet=Spans),
        "The collector takes connections and never answers",
        stopped_outlet,
        fires=frozenset({"SlipwayTelemetryDropping"}),
        shows={"Spans lost": above(0.01), "Spans by outcome": above(0)},
    ),
    Fault(
        Part("unread", app=_MISTAKES, outlet=Lines),
        "Nobody reads the log",
        stopped_outlet,
        fires=frozenset({"SlipwayTelemetryDropping"}),
        shows={"Log lines lost": above(0), "Log lines lost by process": above(0)},
    ),
    Fault(
        Part("foreign-metrics", outlet=Metrics),
        "Another program answers on the port that is scraped",
        stopped_outlet,
        fires=frozenset({"SlipwayMetricsAbsent"}),
        shows={"Processes up": falls_to(0)},
    ),
    Fault(
        Part("mute-peer", settings={"SLIPWAY_FEATURES": "items"}, outlet=Peer),
        "The process that it has the keys of tokens from takes connections and never answers",
        stopped_outlet,
        fires=frozenset(),  # keys are asked for every few seconds, and it takes ten failures in twenty seconds here
        may_fire=frozenset(_BUDGET | _LATE),
        shows={
            "Calls to other services": above(0),
            "Failed calls by peer": above(0),
            "Time of calls (p99)": above(2),
        },
    ),
    Fault(
        Part("ailing", outlet=Kubernetes),
        "Kubernetes kills its container again and again, and neither scales nor rolls out",
        stopped_outlet,
        fires=frozenset(
            {
                "SlipwayCannotScale",
                "SlipwayCrashLooping",
                "SlipwayHpaMaxedOut",
                "SlipwayMemoryNearLimit",
                "SlipwayOOMKilled",
                "SlipwayRolloutStuck",
            }
        ),
    ),
)

NOT_PROVOKED = {
    "SlipwayTrafficDropped": "it compares with the week before",
    "SlipwayScrapeSlow": "its 5 s of a scrape are longer than the time between two of them here",
    "SlipwayAvailabilityBurnSlow": "it ends when six hours were fine, which are twelve minutes here",
    "SlipwayLatencyBurnSlow": "it ends when six hours were fine, which are twelve minutes here",
    "SlipwayThrottlingHurts": "it needs a kubelet that throttles, and requests that are late for it",
}
"""Alerts that no fault here provokes, and why. Their cases for promtool prove them."""
