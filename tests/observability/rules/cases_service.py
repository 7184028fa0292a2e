"""When the alerts on the service itself fire, and when not."""

from __future__ import annotations

from dataclasses import replace

from tests.observability.rules.cases import (
    INSTANCE,
    JOB,
    OURS,
    POD,
    Case,
    requests,
    series,
    target,
    variants,
)
from tests.support.rendering import NAMESPACE

OTHER_POD = "slipway-api-7c9d8f5b6-q8z2m"
_PAGE, _TICKET = {"severity": "page"}, {"severity": "ticket"}

_DOWN = Case(
    "SlipwayServiceDown",
    "fires 90 seconds after the last process stopped to answer, and ends when one does again",
    {series("up"): "1x10 0x20 1x10", series("up", pod=OTHER_POD, instance="10.0.0.2:9464"): "0x60"},
    fires=("7m", "15m"),
    silent=("5m", "6m30s", "16m"),
    labels={**OURS, **_PAGE},
    summary=f"{JOB} is down",
    description=f"Prometheus reaches no process of {JOB} in {NAMESPACE}: there is no process, or none responds.",
)
_NO_METRICS = Case(
    "SlipwayMetricsAbsent",
    "fires ten minutes after a process answers without our metrics",
    {series("up"): "1x60", series("app_build_info", pod=OTHER_POD, instance="10.0.0.2:9464", version="1"): "1x60"},
    fires=("10m",),
    silent=("9m30s",),
    labels={**OURS, **_TICKET, "pod": POD, "instance": INSTANCE},
    summary=f"{INSTANCE} answers scrapes without the metrics of the service",
    description=f"Prometheus scrapes {INSTANCE} of {JOB} in {NAMESPACE}, but finds no app_build_info: other alerts do "
    "not cover that process.",
)


def _traffic(values: str, slo: str = "availability") -> dict[str, str]:
    return {target("slipway:slo_requests:increase5m", slo=slo): values}


def _traffic_case(
    sentence: str, series: dict[str, str], fires: tuple[str, ...] = (), silent: tuple[str, ...] = ()
) -> Case:
    labels = {**OURS, **_TICKET, "slo": "availability"}
    return Case("SlipwayTrafficDropped", sentence, series, fires=fires, silent=silent, labels=labels, step="5m")


_DROPPED = Case(
    "SlipwayTrafficDropped",
    "fires when there is less than a fifth of the traffic of last week",
    _traffic("600x24 100x40"),
    fires=("2h55m",),
    silent=("2h", "2h40m"),
    labels={**OURS, **_TICKET, "slo": "availability"},
    summary=f"{JOB} gets far fewer requests than a week ago",
    description=f"{JOB} in {NAMESPACE} gets 100 requests in 5 minutes, less than a fifth of this time last week.",
    step="5m",
)


def _lag(*counts: str) -> dict[str, str]:
    bounds = ("0.1", "0.25", "0.5", "+Inf")
    return {series("event_loop_lag_seconds_bucket", le=le): values for le, values in zip(bounds, counts, strict=True)}


def _late(alert: str = "SlipwayLatencyBurnFast", state: str = "firing") -> dict[str, str]:
    labels = {"alertname": alert, "alertstate": state, "severity": "page", "slo": "latency"}
    return {target("ALERTS", **labels): "1x60"}


_LATE = _lag("0+80x60", "0+98.75x60", "0+100x60", "0+100x60")
_BLOCKED = Case(
    "SlipwayEventLoopBlocked",
    "pages where requests are late, too",
    {**_LATE, **_late()},
    fires=("5m30s",),
    silent=("5m",),
    labels={**OURS, **_PAGE, "pod": POD},
    summary=f"The event loop of {POD} is blocked, and requests are late",
    description=f"Work in {POD} of {JOB} starts 300ms late (p99), and the latency objective burns.",
)
_BLOCKED_UNNOTICED = Case(
    "SlipwayEventLoopBlocked",
    "is a ticket where requests are in time",
    _LATE,
    fires=("5m30s",),
    silent=("5m",),
    labels={**OURS, **_TICKET, "pod": POD},
    summary=f"The event loop of {POD} is blocked",
    description=f"Work in {POD} of {JOB} starts 300ms late (p99); the latency objective holds so far.",
)


def _answers(status: str, these: str, others: str) -> dict[str, str]:
    return {requests(status): these, requests("200"): others}


_LEAVING = Case(
    "SlipwayClientsLeaving",
    "fires at a tenth of the requests",
    _answers("499", "0+10x90", "0+90x90"),
    fires=("17m",),
    silent=("15m30s",),
    labels={**OURS, **_TICKET},
    summary=f"Clients of {JOB} disconnect before the response",
    description=f"10% of the requests to {JOB} in {NAMESPACE} ended because the client disconnected (499). The "
    "availability objective does not count them.",
)
_REFUSED = Case(
    "SlipwayAuthFailureSurge",
    "fires at two fifths of the answers",
    _answers("401", "0+40x90", "0+60x90"),
    fires=("17m",),
    silent=("15m30s",),
    labels={**OURS, **_TICKET, "feature": "users"},
    summary=f"{JOB} rejects many log-ins or tokens",
    description=f"40% of the responses of {JOB} in {NAMESPACE} are 401: a client guesses passwords, or the keys of "
    "tokens do not match.",
)

CASES = [
    _DOWN,
    Case(
        _DOWN.rule,
        "fires where there never was a process, whoever else is up",
        {series("up", job="billing-api"): "1x20", series("up", namespace="elsewhere"): "1x20"},
        fires=("1m30s",),
        silent=("1m",),
        labels={**OURS, **_PAGE},
    ),
    Case(
        _DOWN.rule,
        "fires when the last process is gone from the targets",
        {series("up"): "1x10 stale"},
        fires=("8m",),
        silent=("6m",),
        labels={**OURS, **_PAGE},
    ),
    Case(
        _DOWN.rule,
        "is silent while one of two processes answers",
        {series("up"): "0x60", series("up", pod=OTHER_POD, instance="10.0.0.2:9464"): "1x60"},
        silent=("10m",),
    ),
    Case(
        _DOWN.rule,
        "is silent about others that are down",
        {series("up"): "1x60", series("up", job="billing-api"): "0x60", series("up", namespace="elsewhere"): "0x60"},
        silent=("10m",),
    ),
    Case(_DOWN.rule, "is silent through a minute without an answer", {series("up"): "1x8 0x2 1x20"}, silent=("6m",)),
    *variants(_DOWN),
    _NO_METRICS,
    Case(
        _NO_METRICS.rule,
        "is silent while each process has its metrics",
        {series("up"): "1x60", series("app_build_info", version="1"): "1x60"},
        silent=("10m", "25m"),
    ),
    Case(_NO_METRICS.rule, "is silent while a process does not answer", {series("up"): "0x60"}, silent=("15m",)),
    Case(
        _NO_METRICS.rule,
        "does not take another release's metrics for ours, and ends when ours are there",
        {
            series("up"): "1x60",
            series("app_build_info", namespace="elsewhere", version="1"): "1x60",
            series("app_build_info", job="billing-api", version="1"): "1x60",
            series("app_build_info", version="1"): "_x30 1x30",
        },
        fires=("14m30s",),
        silent=("16m",),
        labels=_NO_METRICS.labels,
    ),
    *variants(_NO_METRICS),
    _DROPPED,
    replace(
        _traffic_case("fires when nobody asks at all", _traffic("400x24 stale"), fires=("3h10m",), silent=("2h",)),
        summary=_DROPPED.summary,
        description=_DROPPED.description.replace("100", "0"),
    ),
    _traffic_case("is silent at a fifth", _traffic("600x24 120x40"), silent=("3h", "4h")),
    _traffic_case("is silent about little traffic", _traffic("300x24 10x40"), silent=("3h", "4h")),
    _traffic_case("is silent without a last week", _traffic("1x40"), silent=("1h", "3h")),
    _traffic_case(
        "looks at all requests, not at those with a latency",
        {**_traffic("600x64"), **_traffic("600x24 10x40", slo="latency")},
        silent=("3h", "4h"),
    ),
    _traffic_case("ends when the traffic is back", _traffic("600x24 100x13 600x30"), fires=("3h",), silent=("3h50m",)),
    *variants(_DROPPED),
    _BLOCKED,
    _BLOCKED_UNNOTICED,
    Case(
        _BLOCKED.rule,
        "is a ticket where another alert fires, or another service is late",
        {
            **_LATE,
            **_late("SlipwayAvailabilityBurnFast"),
            **_late(state="pending"),
            **{name.replace(JOB, "billing-api"): values for name, values in _late().items()},
        },
        fires=("5m30s",),
        labels=_BLOCKED_UNNOTICED.labels,
    ),
    Case(
        _BLOCKED.rule,
        "is silent below a quarter of a second",
        {**_lag("0+50x60", "0+99.1x60", "0+100x60", "0+100x60"), **_late()},
        silent=("10m",),
    ),
    Case(
        _BLOCKED.rule,
        "is silent below a quarter of a second, whoever is late",
        _lag("0+50x60", "0+99.1x60", "0+100x60", "0+100x60"),
        silent=("10m",),
    ),
    Case(
        _BLOCKED.rule,
        "is silent where nothing is measured",
        {**_lag("5x60", "5x60", "9x60", "9x60"), **_late()},
        silent=("10m",),
    ),
    Case(
        _BLOCKED.rule,
        "goes on through a restart, and ends when the loop is free",
        {
            **_lag(
                "0+80x20 0+80x20 1600+100x40",
                "0+90x20 0+90x20 1800+100x40",
                "0+100x20 0+100x20 2000+100x40",
                "0+100x20 0+100x20 2000+100x40",
            )
        },
        fires=("10m", "15m", "20m"),
        silent=("27m",),
        labels=_BLOCKED_UNNOTICED.labels,
    ),
    *variants(_BLOCKED),
    *variants(_BLOCKED_UNNOTICED),
    _LEAVING,
    Case(
        _LEAVING.rule,
        "fires at 6 % and 24 of them",
        _answers("499", "0+1.2x90", "0+18.8x90"),
        fires=("30m",),
        labels=_LEAVING.labels,
    ),
    Case(_LEAVING.rule, "is silent at a twentieth", _answers("499", "0+50x90", "0+950x90"), silent=("30m",)),
    Case(_LEAVING.rule, "is silent about 20 of them", _answers("499", "0+1x90", "0+1x90"), silent=("30m",)),
    Case(_LEAVING.rule, "is silent without traffic", _answers("499", "90x90", "10x90"), silent=("30m",)),
    Case(_LEAVING.rule, "is silent about 5xx", _answers("500", "0+50x90", "0+50x90"), silent=("30m",)),
    Case(
        _LEAVING.rule,
        "goes on through a restart and ends when clients stay",
        _answers("499", "0+10x30 0+10x20 200x60", "0+90x30 0+90x80"),
        fires=("17m", "24m"),
        silent=("37m",),
        labels=_LEAVING.labels,
    ),
    *variants(_LEAVING),
    _REFUSED,
    Case(
        _REFUSED.rule,
        "fires at 35 % and 140 of them",
        _answers("401", "0+7x90", "0+13x90"),
        fires=("30m",),
        labels=_REFUSED.labels,
    ),
    Case(_REFUSED.rule, "is silent at 30 %", _answers("401", "0+30x90", "0+70x90"), silent=("30m",)),
    Case(_REFUSED.rule, "is silent about 90 of them", _answers("401", "0+4.5x90", "0+7.5x90"), silent=("30m",)),
    Case(_REFUSED.rule, "is silent about 100 of them", _answers("401", "0+5x90", "0+5x90"), silent=("30m",)),
    Case(_REFUSED.rule, "is silent without traffic", _answers("401", "90x90", "10x90"), silent=("30m",)),
    Case(_REFUSED.rule, "is silent about 403", _answers("403", "0+50x90", "0+50x90"), silent=("30m",)),
    Case(
        _REFUSED.rule,
        "goes on through a restart and ends with the attack",
        _answers("401", "0+40x30 0+40x20 800x60", "0+60x30 0+60x80"),
        fires=("17m", "24m"),
        silent=("37m",),
        labels=_REFUSED.labels,
    ),
    *variants(_REFUSED),
]
