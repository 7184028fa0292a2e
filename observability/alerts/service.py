"""Alerts on the service itself: availability, traffic, event loop, disconnects and rejected log-ins."""

from observability.rules import OURS, Alert

_UP = 'up{job="%{component}",namespace="%{namespace}"}'

SERVICE_DOWN = Alert(
    "SlipwayServiceDown",
    f"absent({_UP})\nor\nsum by (job, namespace) ({_UP}) == 0",
    "page",
    "{{ $labels.job }} is down",
    "Prometheus reaches no process of {{ $labels.job }} in {{ $labels.namespace }}: there is no process, or none "
    "responds.",
    "overview",
    wait="90s",
)
"""One for each component, since `absent` needs the labels of the missing series."""

_REQUESTS_NOW = f'avg_over_time(slipway:slo_requests:increase5m{{slo="availability",{OURS}}}[30m])'
_REQUESTS_THEN = f'avg_over_time(slipway:slo_requests:increase5m{{slo="availability",{OURS}}}[1h] offset 1w)'
# histogram_quantile takes NaN for the highest bucket: NaN is filtered out before.
_LAG = f"""histogram_quantile(
  0.99,
  sum by (job, namespace, pod, le) (rate(event_loop_lag_seconds_bucket{{{OURS}}}[5m]) >= 0)
)"""
_LATE = f'ALERTS{{alertname="SlipwayLatencyBurnFast",alertstate="firing",{OURS}}}'
_ANSWERS = "http_server_request_duration_seconds_count"


def _answers(*status: str) -> str:
    return f"sum by (job, namespace) (increase({_ANSWERS}{{{','.join((OURS, *status))}}}[10m]))"


def _share(status: str, more_than: float, fewest: int) -> str:
    """True while more than a share of all answers has a status, and more than a few of them."""
    these = _answers(f'http_response_status_code="{status}"')
    return f"{these}\n/\n{_answers()} > {more_than}\nand\n{these} > {fewest}"


ALERTS = (
    Alert(
        "SlipwayMetricsAbsent",
        f"up{{{OURS}}} == 1\nunless on (job, namespace, instance)\napp_build_info{{{OURS}}}",
        "ticket",
        "{{ $labels.instance }} answers scrapes without the metrics of the service",
        "Prometheus scrapes {{ $labels.instance }} of {{ $labels.job }} in {{ $labels.namespace }}, but finds no "
        "app_build_info: other alerts do not cover that process.",
        "telemetry",
        wait="10m",
    ),
    Alert(
        "SlipwayTrafficDropped",
        f"(\n  {_REQUESTS_NOW}\n  or\n  0 * {_REQUESTS_THEN}\n) < 0.2 * {_REQUESTS_THEN}\nand\n{_REQUESTS_THEN} > 300",
        "ticket",
        "{{ $labels.job }} gets far fewer requests than a week ago",
        "{{ $labels.job }} in {{ $labels.namespace }} gets {{ $value | humanize }} requests in 5 minutes, less than a "
        "fifth of this time last week.",
        "overview",
        wait="15m",
    ),
    Alert(
        "SlipwayEventLoopBlocked",
        f"{_LAG} > 0.25\nand on (job, namespace)\n{_LATE}",
        "page",
        "The event loop of {{ $labels.pod }} is blocked, and requests are late",
        "Work in {{ $labels.pod }} of {{ $labels.job }} starts {{ $value | humanizeDuration }} late (p99), and "
        "the latency objective burns.",
        "runtime",
        wait="5m",
    ),
    Alert(
        "SlipwayEventLoopBlocked",
        f"{_LAG} > 0.25\nunless on (job, namespace)\n{_LATE}",
        "ticket",
        "The event loop of {{ $labels.pod }} is blocked",
        "Work in {{ $labels.pod }} of {{ $labels.job }} starts {{ $value | humanizeDuration }} late (p99); the "
        "latency objective holds so far.",
        "runtime",
        wait="5m",
    ),
    Alert(
        "SlipwayClientsLeaving",
        _share("499", 0.05, 20),
        "ticket",
        "Clients of {{ $labels.job }} disconnect before the response",
        "{{ $value | humanizePercentage }} of the requests to {{ $labels.job }} in {{ $labels.namespace }} ended "
        "because the client disconnected (499). The availability objective does not count them.",
        "overview",
        wait="15m",
    ),
    Alert(
        "SlipwayAuthFailureSurge",
        _share("401", 0.3, 100),
        "ticket",
        "{{ $labels.job }} rejects many log-ins or tokens",
        "{{ $value | humanizePercentage }} of the responses of {{ $labels.job }} in {{ $labels.namespace }} are 401: "
        "a client guesses passwords, or the keys of tokens do not match.",
        "overview",
        wait="15m",
        labels={"feature": "users"},
    ),
)
