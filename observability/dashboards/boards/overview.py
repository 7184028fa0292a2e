"""Is the service well? Rate, errors, duration and what is left of the error budget, on one screen."""

from observability.dashboards.model import Dashboard, Panel, Query, Thresholds
from observability.dashboards.promql import (
    ANNOTATIONS,
    SERVICE,
    VARIABLES,
    or_none,
    or_zero,
    own,
    quantile,
    rate,
    share,
    total,
)

_REQUESTS = "http_server_request_duration_seconds"
_COUNT = f"{_REQUESTS}_count"
_ALL = total(rate(_COUNT))
_FAILED = 'http_response_status_code=~"5.."'
_FIRING = f'ALERTS{{{SERVICE},alertname=~"Slipway.+",alertstate="firing"}}'


def _status(pattern: str) -> str:
    return share(or_zero(total(rate(_COUNT, f'http_response_status_code=~"{pattern}"'))), _ALL)


def _stat(  # noqa: PLR0913 - as a panel has fields
    title: str,
    description: str,
    unit: str,
    expr: str,
    *,
    legend: str = "",
    thresholds: Thresholds,
    minimum: float | None = 0,
    decimals: int | None = None,
    details: str = "",
) -> Panel:
    query = Query(expr, legend)
    return Panel(
        "stat",
        title,
        description,
        unit,
        (query,),
        width=3,
        height=4,
        thresholds=thresholds,
        minimum=minimum,
        decimals=decimals,
        details=details,
    )


_STATS = (
    _stat(
        "Error budget left",
        "Share of the 30-day budget for failed requests that is left. Bad: below 25 %, and at 0 the promise of the "
        "month is broken; below 0 it is overdrawn.",
        "percentunit",
        f'min(slipway:slo_budget_left:30d{{{SERVICE},slo="availability"}})',
        thresholds=Thresholds(0.25, 0, falling=True),
        minimum=None,
        decimals=1,
        details="slipway-slo",
    ),
    _stat(
        "Budget burn now",
        "How many times faster than allowed the last 5 minutes spent the budget. Bad: above 1 for long; at 14.4 two "
        "percent of the month are gone in an hour, and somebody is paged.",
        "short",
        f'max(slipway:slo_error_ratio:rate5m{{{SERVICE},slo="availability"}} / '
        f'(1 - slipway:slo_objective{{{SERVICE},slo="availability"}}))',
        thresholds=Thresholds(1, 14.4),
        decimals=1,
        details="slipway-slo",
    ),
    _stat(
        "Requests",
        "Answers a second, probes included. Bad: a fall to nothing while people should be there, or a rise past what "
        "the pods were sized for.",
        "reqps",
        _ALL,
        thresholds=Thresholds(0.01, 0.01, falling=True),
        decimals=1,
    ),
    _stat(
        "Failed",
        "Share of answers that are a 5xx: the service's own failures. Bad: anything above 0.1 %, which is all that an "
        "objective of 99.9 % allows.",
        "percentunit",
        _status("5.."),
        thresholds=Thresholds(0.001, 0.01),
        decimals=2,
    ),
    _stat(
        "p99 latency",
        "99 of 100 requests are answered faster. Bad: above 250 ms, the latency objective; above 1 s people notice "
        "each click.",
        "s",
        quantile(0.99, _REQUESTS),
        thresholds=Thresholds(0.25, 1),
    ),
    _stat(
        "In flight",
        "Requests whose answer is not complete, over all processes. Bad: a number that climbs while the request rate "
        "does not: answers got slow, or something hangs.",
        "none",
        total(own("http_server_active_requests")),
        thresholds=Thresholds(100, 500),
        details="slipway-runtime",
    ),
    _stat(
        "Processes up",
        "Processes that answered their last scrape. Bad: fewer than the deployment should have, and 0 is an outage or "
        "a scrape that does not reach them.",
        "none",
        or_zero(total(own("up"))),
        thresholds=Thresholds(1, 1, falling=True),
        details="slipway-telemetry",
    ),
    _stat(
        "Alerts firing",
        "Alerts of this service that fire now, pages and tickets. Bad: any; each has a runbook that its notification "
        "links to, and the table below names it.",
        "none",
        or_zero(f"count({_FIRING})"),
        thresholds=Thresholds(1, 3),
    ),
)

_GRAPHS = (
    Panel(
        "timeseries",
        "Requests by route",
        "Answers a second for each route template. Bad: one route that falls to nothing, or one that grows far faster "
        "than the others (a client that retries in a loop).",
        "reqps",
        (Query(total(rate(_COUNT), "http_route"), "{{http_route}}"),),
        stacked=True,
    ),
    Panel(
        "timeseries",
        "Failed requests by route",
        "Share of each route's answers that are a 5xx. Bad: a line above 0.1 %; one route alone points at its code or "
        "its statement, all of them at a dependency.",
        "percentunit",
        (
            Query(
                share(total(rate(_COUNT, _FAILED), "http_route"), total(rate(_COUNT), "http_route")), "{{http_route}}"
            ),
        ),
        thresholds=Thresholds(0.001, 0.01),
    ),
    Panel(
        "timeseries",
        "Latency",
        "From the arrival of a request to the last byte of its answer; the dots are single traces. Bad: p99 above "
        "250 ms; p50 that rises too means everybody waits, not only a few.",
        "s",
        tuple(
            Query(quantile(which, _REQUESTS), f"p{which * 100:.0f}", exemplars=which == 0.99)
            for which in (0.5, 0.95, 0.99)
        ),
        thresholds=Thresholds(0.25, 1),
    ),
    Panel(
        "heatmap",
        "Latency of all requests",
        "How many answers a second took how long; darker is more. Bad: a second band that appears higher up (a cache "
        "that misses, a lock), which a quantile alone would hide.",
        "s",
        (Query(total(rate(f"{_REQUESTS}_bucket"), "le"), "{{le}}", exemplars=True),),
    ),
    Panel(
        "timeseries",
        "Refused and abandoned requests",
        "Shares of answers: 4xx the client's mistakes, 429 over a limit, 499 clients that left before the answer. Bad: "
        "a jump of 4xx after a release (a broken contract), or 499 that rises with latency.",
        "percentunit",
        (
            Query(_status("4(0.|1.|2[0-8]|[3-8].|9[0-8])"), "4xx"),
            Query(_status("429"), "429 too many"),
            Query(_status("499"), "499 client left"),
        ),
    ),
    Panel(
        "timeseries",
        "Processes by version",
        "How many processes run each version. Bad: two versions side by side for longer than a rollout takes, or a "
        "version that nobody meant to release.",
        "none",
        (Query(f"count by (version) ({own('app_build_info')})", "{{version}}"),),
        stacked=True,
        decimals=0,
    ),
)

_DETAILS = (
    Panel(
        "bargauge",
        "Slowest routes (p99)",
        "The five routes with the highest 99th percentile now. Bad: a route past 250 ms that people wait for; exports "
        "and streams may take longer by their nature.",
        "s",
        (Query(f"topk(5, {quantile(0.99, _REQUESTS, 'http_route')} > 0)", "{{http_route}}", instant=True),),
        height=6,
        thresholds=Thresholds(0.25, 1),
    ),
    Panel(
        "bargauge",
        "Failing routes",
        "The five routes with the most 5xx a second now. Bad: any bar that is not zero; the route's name is where to "
        "look in logs and traces.",
        "reqps",
        (Query(f"topk(5, {total(rate(_COUNT, _FAILED), 'http_route')})", "{{http_route}}", instant=True),),
        height=6,
        thresholds=Thresholds(0.01, 0.1),
    ),
    Panel(
        "table",
        "Firing alerts",
        "Alerts that fire now, by name and severity; `none` is the good case. Bad: a page, which somebody must answer "
        "at once; a ticket can wait for working hours.",
        "none",
        (Query(or_none(_FIRING, "alertname"), instant=True),),
        height=6,
        columns=(("alertname", "Alert"), ("severity", "Severity"), ("job", "Job")),
    ),
)

OVERVIEW = Dashboard(
    "slipway-overview",
    "Overview",
    "Is the service well? Rate, errors, duration, and what is left of the error budget.",
    (*_STATS, *_GRAPHS, *_DETAILS),
    VARIABLES,
    ANNOTATIONS,
)
