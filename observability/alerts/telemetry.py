"""Alerts on the telemetry: what it loses, nobody sees."""

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
        "{{ $value | humanize }} requests to {{ $labels.job }} in {{ $labels.namespace }} were booked on the route "
        "_overflow in 15 minutes, since their metric has as many series as it may.",
        "telemetry",
        wait="10m",
    ),
    Alert(
        "SlipwayScrapeSlow",
        # Prometheus gives up after 10 s unless it is told otherwise, and our ServiceMonitor does not.
        f"max by (job, namespace, instance) (scrape_duration_seconds{{{OURS}}}) > 5",
        "ticket",
        "Scraping {{ $labels.instance }} takes long",
        "A scrape of {{ $labels.instance }} of {{ $labels.job }} takes {{ $value | humanizeDuration }}; at 10 s "
        "Prometheus gives up, and every alert on it is blind.",
        "telemetry",
        wait="10m",
    ),
    Alert(
        "SlipwayTelemetryDropping",
        _lost(f"log_lines_dropped_total{{{OURS}}}", f"log_lines_total{{{OURS}}}"),
        "ticket",
        "{{ $labels.pod }} loses log lines",
        "{{ $value | humanizePercentage }} of the log lines of {{ $labels.pod }} of {{ $labels.job }} are lost.",
        "telemetry",
        wait="15m",
        labels={"signal": "logs"},
    ),
    Alert(
        "SlipwayTelemetryDropping",
        _lost(f'trace_spans_total{{{OURS},outcome=~"dropped|failed"}}', f'trace_spans_total{{{OURS},outcome="ended"}}'),
        "ticket",
        "{{ $labels.pod }} loses spans",
        "{{ $value | humanizePercentage }} of the spans of {{ $labels.pod }} of {{ $labels.job }} are lost.",
        "telemetry",
        wait="15m",
        labels={"signal": "traces"},
    ),
)
