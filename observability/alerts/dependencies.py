"""Alerts on what the service depends on. A new dependency adds its own here."""

from observability.rules import OURS, Alert

_POD = "sum by (job, namespace, pod)"
_STATEMENTS = "db_client_operation_duration_seconds_count"


def _statements(*matchers: str) -> str:
    return f"sum by (job, namespace) (increase({_STATEMENTS}{{{','.join((OURS, *matchers))}}}[10m]))"


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
        "Requests to {{ $labels.pod }} of {{ $labels.job }} wait for a connection while all are in use, or gave up "
        "waiting ({{ $value | humanize }} of them).",
        "dependencies",
        wait="3m",
    ),
    Alert(
        "SlipwayDependencyErrors",
        # A conflict and a broken constraint are the caller's doing.
        f"""{_statements('error_type!~"|conflict|integrity"')}
/
{_statements()} > 0.05
and
{_statements('error_type!~"|conflict|integrity"')} > 10""",
        "ticket",
        "Statements of {{ $labels.job }} fail",
        "{{ $value | humanizePercentage }} of the statements that {{ $labels.job }} in {{ $labels.namespace }} "
        "sends to its database fail.",
        "dependencies",
        wait="10m",
        labels={"dependency": "database"},
    ),
)
