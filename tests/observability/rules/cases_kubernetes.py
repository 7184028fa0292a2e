"""When the alerts on what Kubernetes does with the pods fire, and when not."""

from __future__ import annotations

from tests.observability.rules.cases import JOB, NAMESPACE, OURS, POD, Case, foreign, nan, series, target, variants

_TICKET, _PAGE = {"severity": "ticket"}, {"severity": "page"}
_HPA = {"horizontalpodautoscaler": JOB}
_CONTAINER = {"pod": POD, "container": "slipway", "uid": "9"}
_MISSING = {target("slipway:pods_missing"): "1x160"}
_FEW = "too few pods are left to serve"
_ENOUGH = "the other pods carry on"


def _autoscaler(desired: str, most: str = "12x90", fewest: str = "3x90") -> dict[str, str]:
    return {
        foreign("kube_horizontalpodautoscaler_status_desired_replicas", **_HPA): desired,
        foreign("kube_horizontalpodautoscaler_spec_max_replicas", **_HPA): most,
        foreign("kube_horizontalpodautoscaler_spec_min_replicas", **_HPA): fewest,
    }


def _scaling(condition: str, status: str, values: str) -> dict[str, str]:
    name = "kube_horizontalpodautoscaler_status_condition"
    return {foreign(name, **_HPA, condition=condition, status=status): values}


def _replicas(available: str, wanted: str, fewest: str = "") -> dict[str, str]:
    floor = {foreign("kube_horizontalpodautoscaler_spec_min_replicas", **_HPA): fewest} if fewest else {}
    return {
        foreign("kube_deployment_status_replicas_available", deployment=JOB): available,
        foreign("kube_deployment_spec_replicas", deployment=JOB): wanted,
        **floor,
    }


def _restarts(values: str, container: str = "slipway") -> dict[str, str]:
    return {foreign("kube_pod_container_status_restarts_total", **{**_CONTAINER, "container": container}): values}


def _killed(values: str, reason: str = "OOMKilled", container: str = "slipway") -> dict[str, str]:
    labels = {**_CONTAINER, "container": container, "reason": reason}
    return {foreign("kube_pod_container_status_last_terminated_reason", **labels): values}


def _others(samples: dict[str, str]) -> dict[str, str]:
    """The same of another release, and in another namespace."""
    return {
        name.replace(*change): values
        for name, values in samples.items()
        for change in ((JOB, "billing-api"), (NAMESPACE, "elsewhere"))
    }


def _silent(rule: str, says: str, samples: dict[str, str]) -> list[Case]:
    """Neither a page, where pods are missing, nor a ticket, where they are not."""
    return [
        Case(rule, f"is silent {says}, with pods missing", {**samples, **_MISSING}, silent=("16m", "20m")),
        Case(rule, f"is silent {says}", samples, silent=("16m", "20m")),
    ]


def _floor(says: str, samples: dict[str, str], missing: int | None) -> Case:
    return Case("slipway:pods_missing", says, {**samples, **_others(samples)}, values={"5m": missing})


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


def _progress(status: str, values: str, condition: str = "Progressing") -> dict[str, str]:
    labels = {"deployment": JOB, "condition": condition, "status": status, "reason": "ProgressDeadlineExceeded"}
    return {foreign("kube_deployment_status_condition", **labels): values}


def _build(pod: str, version: str, revision: str, values: str) -> dict[str, str]:
    return {series("app_build_info", pod=pod, instance=pod, version=version, revision=revision): values}


_MAXED = Case(
    "SlipwayHpaMaxedOut",
    "fires after a quarter of an hour at the limit, and ends below it",
    _autoscaler("12x40 11x40"),
    fires=("15m", "20m"),
    silent=("14m30s", "21m"),
    labels={**OURS, **_HPA, **_TICKET},
    summary=f"{JOB} cannot scale any further",
    description=f"The autoscaler of {JOB} in {NAMESPACE} wants 12 pods, which is its limit.",
)
_CANNOT = Case(
    "SlipwayCannotScale",
    "fires when the autoscaler has no metrics, and ends when it has",
    {**_scaling("ScalingActive", "false", "1x40 0x40"), **_scaling("ScalingActive", "true", "0x40 1x40")},
    fires=("15m", "20m"),
    silent=("14m30s", "21m"),
    labels={**OURS, **_HPA, **_TICKET, "condition": "ScalingActive"},
    summary=f"The autoscaler of {JOB} does not work",
    description=f"The condition ScalingActive of the autoscaler of {JOB} in {NAMESPACE} is false: pods are neither "
    "added nor removed.",
)
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
    summary=f"The CPU limit of {POD} makes requests late",
    description=f"{POD} in {NAMESPACE} is held back in 30% of its CPU periods, and the latency objective burns.",
)
_FULL = Case(
    "SlipwayMemoryNearLimit",
    "fires when nearly all memory is used and it grows, and ends when it does no longer",
    {**_memory("91+0.1x35 94.5x80"), **_memory("5x90", limit="1000x90", container="mesh")},
    fires=("15m30s",),
    silent=("15m", "34m"),
    labels={**OURS, **_TICKET, "pod": POD},
    summary=f"{POD} is about to run out of memory",
    description=f"{POD} in {NAMESPACE} uses 94.1% of its memory limit, and more with every minute.",
)
_STUCK = Case(
    "SlipwayRolloutStuck",
    "fires when a rollout does not get on for ten minutes, and ends when it does",
    {**_progress("false", "1x30 0x30"), **_progress("true", "0x30 1x30")},
    fires=("10m", "15m"),
    silent=("9m30s", "16m"),
    labels={**OURS, **_TICKET, "deployment": JOB},
    summary=f"The rollout of {JOB} does not get on",
    description=f"The new pods of {JOB} in {NAMESPACE} did not become available in time; the old ones serve on.",
)
_SKEWED = Case(
    "SlipwayVersionSkew",
    "fires after half an hour with two versions, and ends with the old one",
    {**_build("one", "1.0", "a", "1x70 stale"), **_build("two", "2.0", "b", "1x90")},
    fires=("30m", "35m"),
    silent=("29m30s", "36m"),
    labels={**OURS, **_TICKET},
    summary=f"{JOB} runs in several versions",
    description=f"2 versions of {JOB} have run side by side in {NAMESPACE} for half an hour.",
)

CASES = [
    _floor("counts from the autoscaler's least", _replicas("1x90", "5x90", "3x90"), 2),
    _floor("counts from what is asked for without an autoscaler", _replicas("1x90", "5x90"), 4),
    _floor("is nothing where the least is there", _replicas("3x90", "5x90", "3x90"), None),
    _floor("is nothing where there are more", _replicas("4x90", "5x90", "3x90"), None),
    _floor("is nothing without series", {}, None),
    _floor("is nothing while all is NaN", _replicas(nan(20), nan(20), nan(20)), None),
    _MAXED,
    Case(_MAXED.rule, "is silent one pod below the limit", _autoscaler("11x60"), silent=("20m",)),
    Case(
        _MAXED.rule,
        "is silent where the limit is also the least",
        _autoscaler("3x60", most="3x60", fewest="3x60"),
        silent=("20m",),
    ),
    *variants(_MAXED),
    _CANNOT,
    Case(
        _CANNOT.rule,
        "fires when the autoscaler cannot change the deployment",
        _scaling("AbleToScale", "false", "1x40"),
        fires=("15m",),
        labels={**_CANNOT.labels, "condition": "AbleToScale"},
    ),
    Case(_CANNOT.rule, "is silent while it works", _scaling("ScalingActive", "true", "1x60"), silent=("20m",)),
    Case(_CANNOT.rule, "is silent at a limit", _scaling("ScalingLimited", "false", "1x60"), silent=("20m",)),
    Case(
        _CANNOT.rule,
        "is silent where a condition does not hold",
        _scaling("ScalingActive", "false", "0x60"),
        silent=("20m",),
    ),
    *variants(_CANNOT),
    _CRASHING,
    _CRASHING_ALONE,
    Case(
        _CRASHING.rule,
        "does not take another release's lack of pods for ours",
        {**_restarts("0x30 4x60"), **_others(_MISSING)},
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
    _STUCK,
    Case(_STUCK.rule, "is silent while it gets on", _progress("true", "1x60"), silent=("20m",)),
    Case(_STUCK.rule, "is silent about availability", _progress("false", "1x60", "Available"), silent=("20m",)),
    Case(_STUCK.rule, "is silent where a condition does not hold", _progress("false", "0x60"), silent=("20m",)),
    *variants(_STUCK),
    _SKEWED,
    Case(
        _SKEWED.rule,
        "tells revisions of one version apart",
        {**_build("one", "1.0", "a", "1x90"), **_build("two", "1.0", "b", "1x90")},
        fires=("30m",),
        labels=_SKEWED.labels,
    ),
    Case(
        _SKEWED.rule,
        "is silent about two pods of one version",
        {**_build("one", "1.0", "a", "1x90"), **_build("two", "1.0", "a", "1x90")},
        silent=("40m",),
    ),
    *variants(_SKEWED),
]
