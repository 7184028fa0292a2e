"""The series that the recording rules create."""

from app.platform.telemetry.metrics.catalogue import Label, MetricSpec

WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
"""Over which the burn of an error budget is looked at."""

_SLO = Label("slo", "names of the objectives: `availability`, `latency` and what values.yaml adds")


def _recorded(name: str, unit: str, meaning: str) -> MetricSpec:
    return MetricSpec(name, "gauge", unit, meaning, (_SLO,))


RECORDED = (
    *(
        _recorded(f"slipway:slo_requests:increase{window}", "requests", f"Requests of the last {window} that count.")
        for window in ("5m", "1h")
    ),
    *(
        _recorded(f"slipway:slo_errors:increase{window}", "requests", f"Those of the last {window} that missed.")
        for window in ("5m", "1h")
    ),
    *(
        _recorded(f"slipway:slo_error_ratio:rate{window}", "ratio", f"Share of the last {window} that missed.")
        for window in WINDOWS
    ),
    _recorded(
        "slipway:slo_error_ratio:30d", "ratio", "Share of the last 30 days that missed, each request counted once."
    ),
    _recorded("slipway:slo_objective", "ratio", "Share of requests that is to meet the objective."),
    _recorded(
        "slipway:slo_budget_left:30d", "ratio", "What is left of the error budget: 1 is all, below 0 it is spent."
    ),
    _recorded("slipway:slo_errors_left:30d", "requests", "Requests that may still miss; below 0, too many did."),
    MetricSpec("slipway:pods_missing", "gauge", "pods", "Pods that a component has too few, where it has."),
)
"""Each keeps the labels `job` and `namespace`."""
