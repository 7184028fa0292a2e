"""The recording rules of an objective: how many requests missed it, in every window.

Windows up to an hour, which decide about pages, read the service's own counters, so that a full outage shows within a
minute. Longer windows sum recorded increases, since three days of every route's counter are more than Prometheus reads
in one query (docs/adr/0010-error-budgets.md).
"""

from collections.abc import Iterator

from observability.catalogue.recorded import WINDOWS
from observability.rules import OURS, Group, Record, indented

from .objectives import Objective

OVERLAP = 10
"""An increase over 5 minutes is recorded every 30 seconds: a sum of them counts each request this many times."""
MONTH = "30d"
_SUMMED_WINDOWS = WINDOWS[WINDOWS.index("2h") :]


def groups(name: str, objectives: tuple[Objective, ...]) -> tuple[Group, ...]:
    """The groups of rules for some objectives; the second may be late by a minute."""
    return (
        Group(f"{name}-now", tuple(rule for objective in objectives for rule in _now(objective))),
        Group(f"{name}-long", tuple(rule for objective in objectives for rule in _long(objective)), interval="1m"),
    )


def summed(name: str, slo: str, window: str) -> str:
    """How often a recorded increase was counted in a window, each time as often as windows overlap."""
    return f'sum_over_time(slipway:slo_{name}:increase5m{{slo="{slo}",{OURS}}}[{window}])'


def _now(objective: Objective) -> Iterator[Record]:
    labels = {"slo": objective.slo}
    selected = f'slo="{objective.slo}",{OURS}'
    # A process that exports requests has objectives, also without traffic.
    yield Record(
        "slipway:slo_objective",
        f"group by (job, namespace) (http_server_active_requests{{{OURS}}}) * {objective.target}",
        labels,
    )
    for window in ("5m", "1h"):
        for name, expr in (("requests", objective.requests), ("errors", objective.errors)):
            # NaN is not >= 0: one in a recorded series would be in every sum for 30 days.
            counted = f"(\n{indented(expr.replace('%{window}', window))}\n) >= 0"
            yield Record(f"slipway:slo_{name}:increase{window}", counted, labels)
        yield Record(
            f"slipway:slo_error_ratio:rate{window}",
            _ratio(*(f"slipway:slo_{name}:increase{window}{{{selected}}}" for name in ("errors", "requests"))),
            labels,
        )
    yield Record("slipway:slo_error_ratio:rate30m", _ratio_of_sums(objective.slo, "30m"), labels)


def _long(objective: Objective) -> Iterator[Record]:
    labels = {"slo": objective.slo}
    for window in _SUMMED_WINDOWS:
        yield Record(f"slipway:slo_error_ratio:rate{window}", _ratio_of_sums(objective.slo, window), labels)
    # Sums over sums, so that each request weighs the same: a mean of ratios would let a quiet night weigh like a day.
    yield Record(f"slipway:slo_error_ratio:{MONTH}", _ratio_of_sums(objective.slo, MONTH), labels)
    selected = f'slo="{objective.slo}",{OURS}'
    allowed = f"(1 - slipway:slo_objective{{{selected}}})"
    yield Record(
        f"slipway:slo_budget_left:{MONTH}", f"1 - slipway:slo_error_ratio:{MONTH}{{{selected}}} / {allowed}", labels
    )
    requests, errors = (f"{summed(name, objective.slo, MONTH)} / {OVERLAP}" for name in ("requests", "errors"))
    yield Record(f"slipway:slo_errors_left:{MONTH}", f"{requests} * {allowed}\n-\n{errors}", labels)


def _ratio_of_sums(slo: str, window: str) -> str:
    return _ratio(summed("errors", slo, window), summed("requests", slo, window))


def _ratio(errors: str, requests: str) -> str:
    """Nothing where there were no requests, rather than NaN."""
    return f"{errors}\n/\n({requests} > 0)"
