"""Alerts on the telemetry itself: dropped log lines and spans, slow scrapes, too many series."""

from observability.rules import OURS, Alert

_POD = "sum by (job, namespace, pod)"


def _lost(lost: str, all_of_them: str) -> str:
    """True while more than 1 % of something is lost."""
    return f"""{_POD} (increase({lost}[15m]))
/
{_POD} (increase({all_of_them}[15m])) > 0.01"""


ALERTS = (
    Alert(
        "SlipwayCardinalityOverflow",
        f"sum by (job, namespace) (increase(metrics_series_overflow_total{{{OURS}}}[15m])) > 0",
        "ticket",
        "The request metrics of {{ $labels.job }} are full",
        "{{ $value | humanize }} requests to {{ $labels.job }} in {{ $labels.namespace }} were recorded on the route "
        "_overflow in 15 minutes, since their metric has reached its limit of series.",
        "telemetry",
        wait="10m",
    ),
    Alert(
        "SlipwayScrapeSlow",
        # The scrape timeout of Prometheus is 10 s by default, and our ServiceMonitor does not change it.
        f"max by (job, namespace, instance) (scrape_duration_seconds{{{OURS}}}) > 5",
        "ticket",
        "Scraping {{ $labels.instance }} takes long",
        "A scrape of {{ $labels.instance }} of {{ $labels.job }} takes {{ $value | humanizeDuration }}; at 10 s "
        "Prometheus times out, and no alert covers it.",
        "telemetry",
        wait="10m",
    ),
    Alert(
        "SlipwayTelemetryDropping",
        _lost(f"log_lines_dropped_total{{{OURS}}}", f"log_lines_total{{{OURS}}}"),
        "ticket",
        "{{ $labels.pod }} drops log lines",
        "{{ $value | humanizePercentage }} of the log lines of {{ $labels.pod }} of {{ $labels.job }} were dropped.",
        "telemetry",
        wait="15m",
        labels={"signal": "logs"},
    ),
    Alert(
        "SlipwayTelemetryDropping",
        _lost(f'trace_spans_total{{{OURS},outcome=~"dropped|failed"}}', f'trace_spans_total{{{OURS},outcome="ended"}}'),
        "ticket",
        "{{ $labels.pod }} drops spans",
        "{{ $value | humanizePercentage }} of the spans of {{ $labels.pod }} of {{ $labels.job }} were dropped.",
        "telemetry",
        wait="15m",
        labels={"signal": "traces"},
    ),
)
