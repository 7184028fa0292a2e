"""The state of the service on one screen: rate, errors, duration and the remaining error budget."""

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
        "Remaining share of the 30-day budget for failed requests. Bad: below 25 %; at 0 or below the objective is "
        "missed.",
        "percentunit",
        f'min(slipway:slo_budget_left:30d{{{SERVICE},slo="availability"}})',
        thresholds=Thresholds(0.25, 0, falling=True),
        minimum=None,
        decimals=1,
        details="slipway-slo",
    ),
    _stat(
        "Current burn rate",
        "Budget consumption of the last 5 minutes, in multiples of what the objective allows. Bad: above 1 for long; "
        "at 14.4 an hour costs 2 % of the monthly budget, and an alert pages.",
        "short",
        f'max(slipway:slo_error_ratio:rate5m{{{SERVICE},slo="availability"}} / '
        f'(1 - slipway:slo_objective{{{SERVICE},slo="availability"}}))',
        thresholds=Thresholds(1, 14.4),
        decimals=1,
        details="slipway-slo",
    ),
    _stat(
        "Requests",
        "Responses per second, probes included. Bad: a drop to zero at a time with users, or more than the pods are "
        "sized for.",
        "reqps",
        _ALL,
        thresholds=Thresholds(0.01, 0.01, falling=True),
        decimals=1,
    ),
    _stat(
        "Error rate",
        "Share of responses with a 5xx status, the failures of the service itself. Bad: above 0.1 %, which is all that "
        "an objective of 99.9 % allows.",
        "percentunit",
        _status("5.."),
        thresholds=Thresholds(0.001, 0.01),
        decimals=2,
    ),
    _stat(
        "p99 latency",
        "99 of 100 requests take less. Bad: above 250 ms, the latency objective; above 1 s users notice every click.",
        "s",
        quantile(0.99, _REQUESTS),
        thresholds=Thresholds(0.25, 1),
    ),
    _stat(
        "In flight",
        "Requests whose response is not complete, over all processes. Bad: a rise without a higher request rate: "
        "responses got slower, or requests hang.",
        "none",
        total(own("http_server_active_requests")),
        thresholds=Thresholds(100, 500),
        details="slipway-runtime",
    ),
    _stat(
        "Processes up",
        "Processes whose last scrape succeeded. Bad: fewer than the deployment should have; 0 is an outage, or "
        "Prometheus cannot reach them.",
        "none",
        or_zero(total(own("up"))),
        thresholds=Thresholds(1, 1, falling=True),
        details="slipway-telemetry",
    ),
    _stat(
        "Alerts firing",
        "Firing alerts of this service, pages and tickets. Bad: any; the table below names them, and each notification "
        "links to a runbook.",
        "none",
        or_zero(f"count({_FIRING})"),
        thresholds=Thresholds(1, 3),
    ),
)

_GRAPHS = (
    Panel(
        "timeseries",
        "Requests by route",
        "Responses per second by route template. Bad: a route that drops to zero, or grows far faster than the others "
        "(a client that retries in a loop).",
        "reqps",
        (Query(total(rate(_COUNT), "http_route"), "{{http_route}}"),),
        stacked=True,
    ),
    Panel(
        "timeseries",
        "Failed requests by route",
        "Share of 5xx responses by route. Bad: above 0.1 %; a single route points to its code or its statement, all "
        "routes to a dependency.",
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
        "Time from the arrival of a request to the last byte of its response; the dots are exemplars. Bad: p99 above "
        "250 ms; if p50 rises too, all users wait.",
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
        "Distribution of response times; darker is more. Bad: a second band higher up (cache misses, a lock), which a "
        "quantile would hide.",
        "s",
        (Query(total(rate(f"{_REQUESTS}_bucket"), "le"), "{{le}}", exemplars=True),),
    ),
    Panel(
        "timeseries",
        "Client errors and disconnects",
        "Share of responses by status: 4xx client errors, 429 rate limits, 499 clients that disconnected early. Bad: a "
        "jump of 4xx after a release (a broken contract), or 499 that rises with latency.",
        "percentunit",
        (
            Query(_status("4(0.|1.|2[0-8]|[3-8].|9[0-8])"), "4xx"),
            Query(_status("429"), "429 too many requests"),
            Query(_status("499"), "499 client disconnected"),
        ),
    ),
    Panel(
        "timeseries",
        "Processes by version",
        "Number of processes by version. Bad: two versions for longer than a rollout takes, or a version that was not "
        "meant to be released.",
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
        "The five routes with the highest 99th percentile now. Bad: above 250 ms where users wait; exports and streams "
        "may take longer by design.",
        "s",
        (Query(f"topk(5, {quantile(0.99, _REQUESTS, 'http_route')} > 0)", "{{http_route}}", instant=True),),
        height=6,
        thresholds=Thresholds(0.25, 1),
    ),
    Panel(
        "bargauge",
        "Failing routes",
        "The five routes with the most 5xx responses per second now. Bad: any bar above zero; search logs and traces "
        "for that route.",
        "reqps",
        (Query(f"topk(5, {total(rate(_COUNT, _FAILED), 'http_route')})", "{{http_route}}", instant=True),),
        height=6,
        thresholds=Thresholds(0.01, 0.1),
    ),
    Panel(
        "table",
        "Firing alerts",
        "Firing alerts by name and severity; `none` if there are none. Bad: a page needs an immediate response; a "
        "ticket can wait for working hours.",
        "none",
        (Query(or_none(_FIRING, "alertname"), instant=True),),
        height=6,
        columns=(("alertname", "Alert"), ("severity", "Severity"), ("job", "Job")),
    ),
)

OVERVIEW = Dashboard(
    "slipway-overview",
    "Overview",
    "The state of the service: rate, errors, duration, and the remaining error budget.",
    (*_STATS, *_GRAPHS, *_DETAILS),
    VARIABLES,
    ANNOTATIONS,
)
