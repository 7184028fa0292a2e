"""The objectives: the error budget of 30 days and how fast it is consumed."""

from observability.dashboards.model import Dashboard, Panel, Query, Thresholds
from observability.dashboards.promql import ANNOTATIONS, SERVICE, VARIABLES

_OBJECTIVE = f"slipway:slo_objective{{{SERVICE}}}"
_LEFT = f"slipway:slo_budget_left:30d{{{SERVICE}}}"
_LEGEND = "{{job}} {{slo}}"


def _ratio(window: str) -> str:
    return f"slipway:slo_error_ratio:{window}{{{SERVICE}}}"


def _burn(window: str) -> str:
    return f"{_ratio(f'rate{window}')} / (1 - {_OBJECTIVE})"


def _stat(title: str, description: str, unit: str, expr: str, thresholds: Thresholds, decimals: int) -> Panel:
    return Panel(
        "stat",
        title,
        description,
        unit,
        (Query(expr, _LEGEND),),
        width=6,
        height=5,
        thresholds=thresholds,
        decimals=decimals,
        minimum=None,
    )


def _burns(long: str, short: str, limit: float, meaning: str) -> Panel:
    return Panel(
        "timeseries",
        f"Burn rate over {long} and {short}",
        f"Budget consumption in multiples of what the objective allows. Bad: both windows above {limit:g}, which "
        f"{meaning}; the short window shows whether it still continues.",
        "short",
        (Query(_burn(long), f"{_LEGEND} {long}"), Query(_burn(short), f"{_LEGEND} {short}")),
        width=6,
        height=8,
        thresholds=Thresholds(limit, limit),
    )


SLO = Dashboard(
    "slipway-slo",
    "SLO",
    "The objectives: the error budget of 30 days and how fast it is consumed.",
    (
        _stat(
            "Objective",
            "Share of requests that must be good over 30 days, from the chart's values. Bad: a target that was not "
            "agreed on; each further nine allows ten times fewer failures.",
            "percentunit",
            _OBJECTIVE,
            Thresholds(0.9, 0.5, falling=True),
            2,
        ),
        _stat(
            "Good requests (30 days)",
            "Share of the requests of 30 days that met the objective. Bad: below the objective shown beside it.",
            "percentunit",
            f"1 - {_ratio('30d')}",
            Thresholds(0.999, 0.99, falling=True),
            3,
        ),
        _stat(
            "Budget left (30 days)",
            "Remaining share of the failures that 30 days allow. Bad: below 25 % releases should wait; below 0 the "
            "objective is missed until old failures leave the window.",
            "percentunit",
            _LEFT,
            Thresholds(0.25, 0, falling=True),
            1,
        ),
        _stat(
            "Failures left in budget",
            "Requests that may still miss the objective before the 30-day budget is used up. Bad: fewer than one bad "
            "release usually costs; below 0 the budget is overdrawn.",
            "short",
            f"slipway:slo_errors_left:30d{{{SERVICE}}}",
            Thresholds(100, 0, falling=True),
            0,
        ),
        Panel(
            "timeseries",
            "Budget left",
            "Remaining 30-day budget over time. Bad: a steep drop (one incident), or a steady slope that reaches 0 "
            "before the window renews it.",
            "percentunit",
            (Query(_LEFT, _LEGEND),),
            width=12,
            thresholds=Thresholds(0.25, 0, falling=True),
            minimum=None,
            maximum=1,
        ),
        Panel(
            "timeseries",
            "Missed requests (5 minutes)",
            "Requests of the last 5 minutes that missed an objective. Bad: a plateau, which is a continuing fault; the "
            "budget is there for single spikes.",
            "short",
            (Query(f"slipway:slo_errors:increase5m{{{SERVICE}}}", _LEGEND),),
            width=12,
            details="slipway-overview",
        ),
        _burns("1h", "5m", 14.4, "pages: 2 % of the monthly budget in an hour"),
        _burns("6h", "30m", 6, "pages: 5 % of the monthly budget in six hours"),
        _burns("1d", "2h", 3, "opens a ticket: 10 % of the monthly budget in a day"),
        _burns("3d", "6h", 1, "opens a ticket: the budget will not last the month"),
    ),
    VARIABLES,
    ANNOTATIONS,
    span="now-24h",
)
