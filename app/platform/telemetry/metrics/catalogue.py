"""Every metric of a process: they are built from this list, and dashboards and alerts use only what is on it."""

from typing import get_args

from .labels import (
    OPERATIONS,
    OTHER_OPERATION,
    TOKEN_CACHE,
    CallError,
    LogLevel,
    Override,
    ShedReason,
    StatementError,
)
from .specification import Label, MetricSpec

__all__ = ["Label", "MetricSpec"]  # for those who read the catalogue, beside what is below

METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
"""The methods of RFC 9110 and RFC 5789."""
OTHER_METHOD = "_OTHER"
UNMATCHED_ROUTE = "_unmatched"
OVERFLOW_ROUTE = "_overflow"

DURATION_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Of OpenTelemetry's `http.server.request.duration`; the latency objective, 250 ms, is one of them."""
STATEMENT_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5)
"""Few, since there are many series; a statement may take 2 s by default."""
LAG_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

_ROUTE = Label("http_route", f"path templates of the routes, {UNMATCHED_ROUTE}, {OVERFLOW_ROUTE}")

REQUEST_DURATION = MetricSpec(
    "http_server_request_duration_seconds",
    "histogram",
    "seconds",
    "From the arrival of a request to the last byte of its answer.",
    (
        Label("http_request_method", (*sorted(METHODS), OTHER_METHOD)),
        _ROUTE,
        Label("http_response_status_code", "100 to 599; 499 is a client that left before the last byte"),
    ),
    DURATION_BUCKETS,
    owner="http",
)
ACTIVE_REQUESTS = MetricSpec(
    "http_server_active_requests",
    "gauge",
    "requests",
    "Requests whose answer is not complete, or waits for a client that does not read it.",
    owner="http",
)
CONNECTIONS = MetricSpec(
    "http_server_open_connections",
    "gauge",
    "connections",
    "Open connections to the API, WebSockets included, as of the last second.",
    owner="http",
)
ACTIVE_WEBSOCKETS = MetricSpec(
    "websocket_active_connections",
    "gauge",
    "connections",
    "Accepted WebSockets that are open.",
    (_ROUTE,),
    owner="http",
)
BUILD_INFO = MetricSpec(
    "app_build_info",
    "gauge",
    "builds",
    "Always 1; the labels say what runs.",
    (
        Label("version", "the service's version"),
        Label("revision", "the commit that it was built from"),
        Label("python", "version of the interpreter"),
    ),
    across_workers="livemax",
    owner="telemetry",
)
CONFIG_INFO = MetricSpec(
    "app_config_info",
    "gauge",
    "configurations",
    "Always 1; the label changes with the settings, secrets and ports aside.",
    (Label("hash", "8 hexadecimal digits of what the settings hash to"),),
    across_workers="livemax",
    owner="telemetry",
)
SERIES_OVERFLOW = MetricSpec(
    "metrics_series_overflow_total",
    "counter",
    "observations",
    f"Observations booked on the route {OVERFLOW_ROUTE}, since their metric has as many series as it may.",
    owner="telemetry",
)
SHED = MetricSpec(
    "http_server_requests_shed_total",
    "counter",
    "requests",
    "Requests refused to protect the service; those whose head could not be read are counted nowhere else.",
    (Label("reason", get_args(ShedReason)),),
    owner="http",
)
LOOP_LAG = MetricSpec(
    "event_loop_lag_seconds",
    "histogram",
    "seconds",
    "How late the event loop runs what is due, sampled ten times a second; a block counts for each sample it held up.",
    buckets=LAG_BUCKETS,
    owner="telemetry",
)
FEATURE_INFO = MetricSpec(
    "app_feature_info",
    "gauge",
    "features",
    "Always 1, for each feature that runs in this process.",
    (Label("feature", "names of the features"),),
    across_workers="livemax",
    optional=True,
    owner="telemetry",
)
OVERRIDES = MetricSpec(
    "telemetry_override_active",
    "gauge",
    "overrides",
    "1 while the setting differs from the configuration, as `slipway log-level` or `slipway trace-ratio` asked.",
    (Label("setting", get_args(Override)),),
    owner="telemetry",
)
LOG_LINES = MetricSpec(
    "log_lines_total",
    "counter",
    "lines",
    "Log lines by level, access lines and those that were then dropped included.",
    (Label("level", get_args(LogLevel)),),
    owner="telemetry",
)
CACHE_REQUESTS = MetricSpec(
    "cache_requests_total",
    "counter",
    "requests",
    "Look-ups in a cache of the process; a token that is refused is a miss each time.",
    (Label("cache", (TOKEN_CACHE,)), Label("result", ("hit", "miss"))),
    optional=True,
    owner="auth",
)
LOG_LINES_DROPPED = MetricSpec(
    "log_lines_dropped_total",
    "counter",
    "lines",
    "Log lines that were lost, since nobody read them in time.",
    owner="telemetry",
)
SPANS = MetricSpec(
    "trace_spans_total",
    "counter",
    "spans",
    "Spans that ended, and what became of them: dropped from a full queue, sent, or refused; the rest wait.",
    (Label("outcome", ("ended", "exported", "failed", "dropped")),),
    optional=True,
    owner="telemetry",
)
CLIENT_DURATION = MetricSpec(
    "http_client_request_duration_seconds",
    "histogram",
    "seconds",
    "How long a call to another process took, its whole answer read.",
    (
        Label("server_address", "names of the features that run in other processes"),
        Label("http_response_status_code", "100 to 599; empty without an answer"),
        Label("error_type", get_args(CallError)),
    ),
    STATEMENT_BUCKETS,
    optional=True,
    owner="auth",
)
REVOCATIONS_AGE = MetricSpec(
    "auth_revocations_age_seconds",
    "gauge",
    "seconds",
    "How long ago it was read which tokens are revoked, by all processes that it came through.",
    optional=True,
    owner="auth",
)
POOL_CONNECTIONS = MetricSpec(
    "db_client_connection_count",
    "gauge",
    "connections",
    "Connections of the database pool.",
    (Label("db_client_connection_state", ("used", "idle")),),
    optional=True,
    owner="db",
)
POOL_LIMIT = MetricSpec(
    "db_client_connection_max",
    "gauge",
    "connections",
    "Connections that the pool may open.",
    optional=True,
    owner="db",
)
POOL_PENDING = MetricSpec(
    "db_client_connection_pending_requests",
    "gauge",
    "requests",
    "Those that wait for a connection of the pool.",
    optional=True,
    owner="db",
)
POOL_WAIT = MetricSpec(
    "db_client_connection_wait_time_seconds",
    "histogram",
    "seconds",
    "How long it took to get a connection from the pool, the opening of a new one included.",
    buckets=STATEMENT_BUCKETS,
    optional=True,
    owner="db",
)
POOL_TIMEOUTS = MetricSpec(
    "db_client_connection_timeouts_total",
    "counter",
    "timeouts",
    "Times that no connection of the pool was free within its time limit.",
    optional=True,
    owner="db",
)
STATEMENT_DURATION = MetricSpec(
    "db_client_operation_duration_seconds",
    "histogram",
    "seconds",
    "How long a statement took, without the wait for a connection; where none was had, that wait, as a failure.",
    (
        Label("db_operation_name", (*OPERATIONS, OTHER_OPERATION)),
        Label("error_type", get_args(StatementError)),
    ),
    STATEMENT_BUCKETS,
    optional=True,
    owner="db",
)

CATALOGUE = (
    REQUEST_DURATION,
    ACTIVE_REQUESTS,
    CONNECTIONS,
    ACTIVE_WEBSOCKETS,
    SHED,
    LOOP_LAG,
    BUILD_INFO,
    CONFIG_INFO,
    FEATURE_INFO,
    OVERRIDES,
    SERIES_OVERFLOW,
    LOG_LINES,
    LOG_LINES_DROPPED,
    SPANS,
    CACHE_REQUESTS,
    CLIENT_DURATION,
    REVOCATIONS_AGE,
    POOL_CONNECTIONS,
    POOL_LIMIT,
    POOL_PENDING,
    POOL_WAIT,
    POOL_TIMEOUTS,
    STATEMENT_DURATION,
)
"""What this service measures itself."""

PROCESS_METRICS = (
    MetricSpec("process_virtual_memory_bytes", "gauge", "bytes", "Virtual memory size in bytes."),
    MetricSpec("process_resident_memory_bytes", "gauge", "bytes", "Resident memory size in bytes."),
    MetricSpec("process_start_time_seconds", "gauge", "seconds", "Start time since unix epoch in seconds."),
    MetricSpec("process_cpu_seconds_total", "counter", "seconds", "User and system CPU time spent."),
    MetricSpec("process_open_fds", "gauge", "descriptors", "Number of open file descriptors."),
    MetricSpec("process_max_fds", "gauge", "descriptors", "Maximum number of open file descriptors."),
    MetricSpec(
        "python_info",
        "gauge",
        "builds",
        "Python platform information",
        tuple(
            Label(name, "as the interpreter says")
            for name in ("implementation", "major", "minor", "patchlevel", "version")
        ),
    ),
    *(
        MetricSpec(f"python_gc_{name}_total", "counter", unit, meaning, (Label("generation", ("0", "1", "2")),))
        for name, unit, meaning in (
            ("objects_collected", "objects", "Objects collected during gc"),
            ("objects_uncollectable", "objects", "Uncollectable objects found during GC"),
            ("collections", "collections", "Number of times this generation was collected"),
        )
    ),
)
"""What prometheus_client adds: `process_*` only on Linux, and none when several workers share a port."""
