"""Every metric of a process: they are built from this list, and dashboards and alerts use only what is on it."""

from dataclasses import dataclass
from typing import Literal

METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
"""The methods of RFC 9110 and RFC 5789."""
OTHER_METHOD = "_OTHER"
UNMATCHED_ROUTE = "_unmatched"
OVERFLOW_ROUTE = "_overflow"

DURATION_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Of OpenTelemetry's `http.server.request.duration`; the latency objective, 250 ms, is one of them."""


@dataclass(frozen=True, slots=True)
class Label:
    """A label and the closed set that its values come from: the values themselves, or what the set is."""

    name: str
    values: tuple[str, ...] | str


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """A metric as it is exported.

    Args:
        name: with `_total` for a counter.
        unit: what its value counts, in the plural.
        across_workers: how a gauge is merged when several processes share a port (prometheus_client's modes).
        optional: exported only where there is something to export, such as a database.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    help: str
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = ()
    across_workers: Literal["livesum", "livemax"] = "livesum"
    optional: bool = False


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
)
ACTIVE_REQUESTS = MetricSpec(
    "http_server_active_requests", "gauge", "requests", "Requests whose answer is not complete."
)
ACTIVE_WEBSOCKETS = MetricSpec(
    "websocket_active_connections", "gauge", "connections", "Accepted WebSockets that are open.", (_ROUTE,)
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
)
SERIES_OVERFLOW = MetricSpec(
    "metrics_series_overflow_total",
    "counter",
    "observations",
    f"Observations booked on the route {OVERFLOW_ROUTE}, since their metric has as many series as it may.",
)
LOG_LINES_DROPPED = MetricSpec(
    "log_lines_dropped_total", "counter", "lines", "Log lines that were lost, since nobody read them in time."
)
SPANS = MetricSpec(
    "trace_spans_total",
    "counter",
    "spans",
    "Spans that ended; those neither exported nor failed wait, or were dropped from a full queue.",
    (Label("outcome", ("ended", "exported", "failed")),),
    optional=True,
)
POOL_CONNECTIONS = MetricSpec(
    "db_client_connection_count",
    "gauge",
    "connections",
    "Connections of the database pool.",
    (Label("db_client_connection_state", ("used", "idle")),),
    optional=True,
)
POOL_LIMIT = MetricSpec(
    "db_client_connection_max", "gauge", "connections", "Connections that the pool may open.", optional=True
)

CATALOGUE = (
    REQUEST_DURATION,
    ACTIVE_REQUESTS,
    ACTIVE_WEBSOCKETS,
    BUILD_INFO,
    SERIES_OVERFLOW,
    LOG_LINES_DROPPED,
    SPANS,
    POOL_CONNECTIONS,
    POOL_LIMIT,
)
"""What this service measures itself."""

_GENERATION = (Label("generation", ("0", "1", "2")),)

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
    MetricSpec("python_gc_objects_collected_total", "counter", "objects", "Objects collected during gc", _GENERATION),
    MetricSpec(
        "python_gc_objects_uncollectable_total",
        "counter",
        "objects",
        "Uncollectable objects found during GC",
        _GENERATION,
    ),
    MetricSpec(
        "python_gc_collections_total",
        "counter",
        "collections",
        "Number of times this generation was collected",
        _GENERATION,
    ),
)
"""What prometheus_client adds: `process_*` only on Linux, and none when several workers share a port."""
