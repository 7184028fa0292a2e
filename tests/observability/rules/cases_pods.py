"""When the alerts on single pods fire, and when not: they crash, run out of memory, are held back."""

from __future__ import annotations

from tests.observability.rules.cases import OURS, POD, Case, foreign, others, target, variants
from tests.support.rendering import NAMESPACE

_TICKET, _PAGE = {"severity": "ticket"}, {"severity": "page"}
_CONTAINER = {"pod": POD, "container": "slipway", "uid": "9"}
_MISSING = {target("slipway:pods_missing"): "1x160"}
_FEW = "too few pods are left to serve"
_ENOUGH = "the other pods keep serving"


def _restarts(values: str, container: str = "slipway") -> dict[str, str]:
    return {foreign("kube_pod_container_status_restarts_total", **{**_CONTAINER, "container": container}): values}


def _killed(values: str, reason: str = "OOMKilled", container: str = "slipway") -> dict[str, str]:
    labels = {**_CONTAINER, "container": container, "reason": reason}
    return {foreign("kube_pod_container_status_last_terminated_reason", **labels): values}


def _silent(rule: str, sentence: str, samples: dict[str, str]) -> list[Case]:
    """Neither a page, where pods are missing, nor a ticket, where they are not."""
    return [
        Case(rule, f"is silent {sentence}, with pods missing", {**samples, **_MISSING}, silent=("16m", "20m")),
        Case(rule, f"is silent {sentence}", samples, silent=("16m", "20m")),
    ]


def _cpu(throttled: str, periods: str, ratio: str = "0.02x90") -> dict[str, str]:
    return {
        foreign("container_cpu_cfs_throttled_periods_total", **_CONTAINER): throttled,
        foreign("container_cpu_cfs_periods_total", **_CONTAINER): periods,
        target("slipway:slo_error_ratio:rate1h", slo="latency"): ratio,
        target("slipway:slo_objective", slo="latency"): "0.99x90",
    }


def _memory(used: str, limit: str = "100x90", container: str = "slipway") -> dict[str, str]:
    labels = {**_CONTAINER, "container": container}
    return {
        foreign("container_memory_working_set_bytes", **labels): used,
        foreign("container_spec_memory_limit_bytes", **labels): limit,
    }


_CRASHING = Case(
    "SlipwayCrashLooping",
    "pages where fewer pods are left than the autoscaler's least, and ends after a quarter of an hour",
    {**_restarts("0+1x60 60x90"), **_MISSING},
    fires=("20m", "30m"),
    silent=("1m", "46m"),
    labels={**OURS, **_PAGE, "pod": POD},
    summary=f"{POD} keeps crashing",
    description=f"{POD} in {NAMESPACE} was restarted 30 times in 15 minutes; {_FEW}.",
)
_CRASHING_ALONE = Case(
    "SlipwayCrashLooping",
    "is a ticket where the others are enough",
    _restarts("0+1x90"),
    fires=("20m",),
    labels={**OURS, **_TICKET, "pod": POD},
    summary=f"{POD} keeps crashing",
    description=f"{POD} in {NAMESPACE} was restarted 30 times in 15 minutes; {_ENOUGH}.",
)
_KILLED = Case(
    "SlipwayOOMKilled",
    "pages where fewer pods are left than wanted, and ends after a quarter of an hour",
    {**_restarts("0x30 1x90"), **_killed("_x30 1x90"), **_MISSING},
    fires=("15m30s", "29m"),
    silent=("15m", "31m"),
    labels={**OURS, **_PAGE, "pod": POD},
    summary=f"{POD} ran out of memory",
    description=f"{POD} in {NAMESPACE} was killed at its memory limit; {_FEW}.",
)
_KILLED_ALONE = Case(
    "SlipwayOOMKilled",
    "is a ticket where the others are enough",
    {**_restarts("0x30 1x90"), **_killed("_x30 1x90")},
    fires=("16m",),
    labels={**OURS, **_TICKET, "pod": POD},
    summary=f"{POD} ran out of memory",
    description=f"{POD} in {NAMESPACE} was killed at its memory limit; {_ENOUGH}.",
)
_THROTTLED = Case(
    "SlipwayThrottlingHurts",
    "fires when three in ten periods are cut short and requests are late",
    _cpu("0+3x90", "0+10x90"),
    fires=("15m30s",),
    silent=("15m",),
    labels={**OURS, **_TICKET, "pod": POD},
    summary=f"The CPU limit of {POD} slows down requests",
    description=f"{POD} in {NAMESPACE} is throttled in 30% of its CPU periods, and the latency objective burns.",
)
_FULL = Case(
    "SlipwayMemoryNearLimit",
    "fires when nearly all memory is used and it grows, and ends when it does no longer",
    {**_memory("91+0.1x35 94.5x80"), **_memory("5x90", limit="1000x90", container="mesh")},
    fires=("15m30s",),
    silent=("15m", "34m"),
    labels={**OURS, **_TICKET, "pod": POD},
    summary=f"{POD} is about to run out of memory",
    description=f"{POD} in {NAMESPACE} uses 94.1% of its memory limit, and its use is growing.",
)
CASES = [
    _CRASHING,
    _CRASHING_ALONE,
    Case(
        _CRASHING.rule,
        "does not take another release's lack of pods for ours",
        {**_restarts("0x30 4x60"), **others(_MISSING)},
        fires=("16m",),
        labels=_CRASHING_ALONE.labels,
    ),
    Case(
        _CRASHING.rule,
        "pages from the fourth restart on",
        {**_restarts("0x30 4x60"), **_MISSING},
        fires=("16m",),
        labels=_CRASHING.labels,
    ),
    *_silent(_CRASHING.rule, "about three restarts", _restarts("0x30 3x60")),
    *_silent(_CRASHING.rule, "about a sidecar", _restarts("0x30 9x60", container="mesh")),
    *_silent(_CRASHING.rule, "about a counter that starts again", _restarts("9x30 0x60")),
    *variants(_CRASHING),
    *variants(_CRASHING_ALONE),
    _KILLED,
    _KILLED_ALONE,
    *_silent(_KILLED.rule, "about other ends", {**_restarts("0x30 1x60"), **_killed("_x30 1x60", "Error")}),
    *_silent(_KILLED.rule, "about what was killed long ago", {**_restarts("1x90"), **_killed("1x90")}),
    *_silent(_KILLED.rule, "where the last end has another reason", {**_restarts("0x30 2x60"), **_killed("0x90")}),
    *_silent(_KILLED.rule, "about a sidecar's restarts", {**_restarts("0x30 2x60", "mesh"), **_killed("1x90")}),
    *_silent(_KILLED.rule, "about a sidecar's end", {**_restarts("0x30 2x60"), **_killed("1x90", container="mesh")}),
    *variants(_KILLED),
    *variants(_KILLED_ALONE),
    _THROTTLED,
    Case(_THROTTLED.rule, "is silent at a quarter", _cpu("0+1x90", "0+4x90"), silent=("20m",)),
    Case(
        _THROTTLED.rule,
        "is silent while the objective holds",
        _cpu("0+3x90", "0+10x90", ratio="0.010000000000000009x90"),
        silent=("20m",),
    ),
    Case(_THROTTLED.rule, "is silent without a limit", _cpu("0x90", "0x90"), silent=("20m",)),
    Case(
        _THROTTLED.rule,
        "looks at the latency objective of our service",
        {
            **_cpu("0+3x90", "0+10x90", ratio="0x90"),
            target("slipway:slo_error_ratio:rate1h", slo="availability"): "0.02x90",
            target("slipway:slo_objective", slo="availability"): "0.99x90",
        },
        silent=("20m",),
    ),
    Case(
        _THROTTLED.rule,
        "is silent about a sidecar",
        {
            **{name.replace('"slipway"', '"mesh"'): values for name, values in _THROTTLED.series.items()},
            **_cpu("0+1x90", "0+10x90"),
        },
        silent=("20m",),
    ),
    Case(
        _THROTTLED.rule,
        "goes on through a restart, and ends with it",
        _cpu("0+3x20 0+3x40 120x60", "0+10x20 0+10x100"),
        fires=("16m", "30m"),
        silent=("37m",),
        labels=_THROTTLED.labels,
    ),
    *variants(_THROTTLED),
    _FULL,
    Case(_FULL.rule, "is silent where it does not grow", _memory("95x90"), silent=("20m",)),
    Case(_FULL.rule, "is silent below nine tenths", _memory("80+0.1x90"), silent=("20m",)),
    Case(_FULL.rule, "is silent without a limit", _memory("91+0.1x90", limit="0x90"), silent=("20m",)),
    Case(_FULL.rule, "is silent at nine tenths", _memory("9+9x90", limit="10+10x90"), silent=("20m",)),
    Case(
        _FULL.rule,
        "is silent about a sidecar that is full",
        {**_memory("50+0.1x90"), **_memory("91+0.1x90", container="mesh")},
        silent=("20m",),
    ),
    Case(
        _FULL.rule,
        "is silent about a sidecar that grows",
        {**_memory("95x90"), **_memory("10+0.1x90", container="mesh")},
        silent=("20m",),
    ),
    *variants(_FULL),
]
