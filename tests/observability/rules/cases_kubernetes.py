"""When the alerts on scaling and rollouts fire, and when not, and how missing pods are counted."""

from __future__ import annotations

from tests.observability.rules.cases import JOB, OURS, Case, foreign, nan, others, series, variants
from tests.support.rendering import NAMESPACE

_TICKET = {"severity": "ticket"}
_HPA = {"horizontalpodautoscaler": JOB}


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


def _floor(sentence: str, samples: dict[str, str], missing: int | None) -> Case:
    return Case("slipway:pods_missing", sentence, {**samples, **others(samples)}, values={"5m": missing})


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
    description=f"The autoscaler of {JOB} in {NAMESPACE} wants 12 pods, its maximum.",
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
_STUCK = Case(
    "SlipwayRolloutStuck",
    "fires when a rollout is stuck for ten minutes, and ends when it does",
    {**_progress("false", "1x30 0x30"), **_progress("true", "0x30 1x30")},
    fires=("10m", "15m"),
    silent=("9m30s", "16m"),
    labels={**OURS, **_TICKET, "deployment": JOB},
    summary=f"The rollout of {JOB} is stuck",
    description=f"The new pods of {JOB} in {NAMESPACE} did not become available in time; the old pods keep serving.",
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
