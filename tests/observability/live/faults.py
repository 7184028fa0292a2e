"""The table of faults: the fault of each component, the alerts that must fire, and what the dashboards must show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from tests.observability.live.components import Component, Part
from tests.observability.live.injections import (
    blocked_loop,
    cardinality_attack,
    disconnecting_clients,
    half_a_rollout,
    killed_process,
    locked_table,
    missing_table,
    more_routes_than_room,
    slow_table,
    stopped_outlet,
    wrong_tokens,
)
from tests.observability.live.kubernetes import Kubernetes
from tests.observability.live.outlets import Lines, Metrics, Peer, Spans

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
        description: the fault, as a sentence.
        happens: as long as the block lasts.
        fires: alerts that have to fire, and to end when it is over.
        may_fire: alerts that may fire as well, since they are about the same.
        shows: panels, and what they have to show meanwhile.
    """

    part: Part
    description: str
    happens: Happening
    fires: frozenset[str]
    may_fire: frozenset[str] = frozenset()
    shows: Mapping[str, Shown] = field(default_factory=dict[str, Shown])


FAULTS = (
    Fault(
        Part("no-table", alone=True),
        "A table is gone, so that requests fail with 500",
        missing_table,
        fires=frozenset({"SlipwayAvailabilityBurnFast", "SlipwayDependencyErrors"}),
        may_fire=frozenset(_BUDGET),
        shows={
            "Error rate": above(0.3),
            "Failed requests by route": above(0.9),
            "Failing routes": above(0),
            "Current burn rate": above(14.4),
            "Failed statements": above(0.3),
            "Burn rate over 1h and 5m": above(14.4),
        },
    ),
    Fault(
        Part("slow-database", alone=True),
        "Statements take a second and more",
        slow_table,
        fires=frozenset({"SlipwayLatencyBurnFast"}),
        may_fire=frozenset(_LATE),
        shows={"p99 latency": above(1), "Statement duration (p99)": above(0.5), "Slowest routes (p99)": above(1)},
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
            "Pool waits and timeouts": above(5),
            "Pool timeouts": above(0),
            "Failed statements by reason": above(0),
            "Connection wait time": above(0.5),
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
            "Event-loop lag above 50 ms": above(0.2),
        },
    ),
    Fault(
        Part("impatience", app=_MISTAKES),
        "Clients leave before they have their answer",
        disconnecting_clients,
        fires=frozenset({"SlipwayClientsLeaving"}),
        may_fire=frozenset(_LATE),  # the handler works on for clients that left
        shows={"Client errors and disconnects": above(0.1)},
    ),
    Fault(
        Part("guessed-tokens"),
        "Somebody tries tokens",
        wrong_tokens,
        fires=frozenset({"SlipwayAuthFailureSurge"}),
        shows={"Client errors and disconnects": above(0.5)},
    ),
    Fault(
        Part("killed"),
        "The only process is killed",
        killed_process,
        fires=frozenset({"SlipwayServiceDown"}),
        shows={"Processes up": falls_to(0), "Successful scrapes": falls_to(0)},
    ),
    Fault(
        Part("half-rolled-out", processes=2),
        "A rollout stops half way",
        half_a_rollout,
        fires=frozenset({"SlipwayVersionSkew"}),
        shows={"Processes by version": falls_to(1), "Running versions": above(0)},
    ),
    Fault(
        Part("attacked"),
        "Ten thousand requests, each of them another",
        cardinality_attack,
        fires=frozenset(),
        shows={"Series overflow": falls_to(0)},
    ),
    Fault(
        Part("too-many-routes", app=_WIDE),
        "There are more routes than their metric has room for",
        more_routes_than_room,
        fires=frozenset({"SlipwayCardinalityOverflow"}),
        shows={"Series overflow": above(0), "Samples per scrape": above(3_000)},
    ),
    Fault(
        Part("black-hole", outlet=Spans),
        "The collector takes connections and never answers",
        stopped_outlet,
        fires=frozenset({"SlipwayTelemetryDropping"}),
        shows={"Dropped spans": above(0.01), "Spans by outcome": above(0)},
    ),
    Fault(
        Part("unread", app=_MISTAKES, outlet=Lines),
        "Nobody reads the log",
        stopped_outlet,
        fires=frozenset({"SlipwayTelemetryDropping"}),
        shows={"Dropped log lines": above(0), "Dropped log lines by process": above(0)},
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
        fires=frozenset(),  # keys are fetched too rarely for its ten failures in twenty seconds
        may_fire=frozenset(_BUDGET | _LATE),
        shows={
            "Calls to other services": above(0),
            "Failed calls by peer": above(0),
            "Call duration (p99)": above(2),
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
