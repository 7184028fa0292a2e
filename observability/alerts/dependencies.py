"""Alerts on dependencies of the service. Alerts on a new dependency belong here."""

from observability.rules import OURS, Alert

_POD = "sum by (job, namespace, pod)"


def _failing(counter: str, failed: str, by: str) -> str:
    """True while more than one in twenty fails, and more than 10 in ten minutes."""

    def counted(*matchers: str) -> str:
        return f"sum by ({by}) (increase({counter}{{{','.join((OURS, *matchers))}}}[10m]))"

    return f"{counted(failed)}\n/\n{counted()} > 0.05\nand\n{counted(failed)} > 10"


ALERTS = (
    Alert(
        "SlipwayDbPoolExhausted",
        f"""(
  {_POD} (db_client_connection_pending_requests{{{OURS}}}) > 0
  and
  {_POD} (db_client_connection_count{{{OURS},db_client_connection_state="used"}})
  /
  {_POD} (db_client_connection_max{{{OURS}}}) > 0.95
)
or
{_POD} (increase(db_client_connection_timeouts_total{{{OURS}}}[2m])) > 0""",
        "page",
        "The database pool of {{ $labels.pod }} is exhausted",
        "Requests to {{ $labels.pod }} of {{ $labels.job }} wait for a connection while all are in use, or timed out "
        "({{ $value | humanize }} of them).",
        "dependencies",
        wait="3m",
    ),
    Alert(
        "SlipwayDependencyErrors",
        # A conflict and a broken constraint are the caller's doing.
        _failing("db_client_operation_duration_seconds_count", 'error_type!~"|conflict|integrity"', "job, namespace"),
        "ticket",
        "Statements of {{ $labels.job }} fail",
        "{{ $value | humanizePercentage }} of the statements that {{ $labels.job }} in {{ $labels.namespace }} "
        "sends to its database fail.",
        "dependencies",
        wait="10m",
        labels={"dependency": "database"},
    ),
    Alert(
        "SlipwayDependencyErrors",
        _failing("http_client_request_duration_seconds_count", 'error_type!=""', "job, namespace, server_address"),
        "ticket",
        "Calls of {{ $labels.job }} to {{ $labels.server_address }} fail",
        "{{ $value | humanizePercentage }} of the calls that {{ $labels.job }} in {{ $labels.namespace }} makes to "
        "{{ $labels.server_address }} fail.",
        "dependencies",
        wait="10m",
        labels={"dependency": "peer"},
    ),
)
