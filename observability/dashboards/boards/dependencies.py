"""Dependencies as the service sees them: the database, its pool, caches and other services."""

from observability.dashboards.model import Dashboard, Panel, Query, Thresholds
from observability.dashboards.panels import lines, stat
from observability.dashboards.promql import ANNOTATIONS, VARIABLES, or_zero, own, quantile, rate, share, total

_POOL = "db_client_connection_count"
_WAIT = "db_client_connection_wait_time_seconds"
_STATEMENTS = "db_client_operation_duration_seconds"
_USED = own(_POOL, 'db_client_connection_state="used"')
_FAILED = 'error_type!=""'
_HITS = "cache_requests_total"
_CALLS = "http_client_request_duration_seconds"


DEPENDENCIES = Dashboard(
    "slipway-dependencies",
    "Dependencies",
    "Dependencies as the service sees them: the database, its pool, caches and other services.",
    (
        stat(
            "Pool used",
            "Share of connections in use, in the fullest pool. Bad: above 80 %; at 100 % requests wait for a "
            "connection, however fast the database is.",
            "percentunit",
            f"max({total(_USED, 'pod', 'instance')} / {total(own('db_client_connection_max'), 'pod', 'instance')})",
            Thresholds(0.8, 0.95),
            0,
        ),
        stat(
            "Waiting for a connection",
            "Requests that are waiting for a connection of the pool. Bad: any for long: slow statements hold the "
            "connections, or the pool is too small.",
            "none",
            or_zero(total(own("db_client_connection_pending_requests"))),
            Thresholds(1, 10),
            0,
        ),
        stat(
            "Pool timeouts",
            "Requests per second that got no connection in time; each is answered 503. Bad: any: users see an outage.",
            "ops",
            or_zero(total(rate("db_client_connection_timeouts_total"))),
            Thresholds(0.001, 0.1),
            2,
        ),
        stat(
            "Statement duration (p99)",
            "99 of 100 statements take less, without the wait for a connection. Bad: above 100 ms for look-ups by key: "
            "a missing index, a lock, or a busy database.",
            "s",
            quantile(0.99, _STATEMENTS),
            Thresholds(0.1, 0.25),
            None,
        ),
        stat(
            "Failed statements",
            "Share of statements that failed, for any reason. Bad: above 1 %; the panel below shows whether the "
            "database was unreachable, slow, or rejected them.",
            "percentunit",
            share(or_zero(total(rate(f"{_STATEMENTS}_count", _FAILED))), total(rate(f"{_STATEMENTS}_count"))),
            Thresholds(0.01, 0.05),
            2,
        ),
        stat(
            "Token cache hits",
            "Share of access tokens found in the cache, so that no signature had to be checked. Bad: below 50 % with "
            "steady clients: tokens expire too early, or there are more than the cache holds.",
            "percentunit",
            share(or_zero(total(rate(_HITS, 'result="hit"'))), total(rate(_HITS))),
            Thresholds(0.5, 0.1, falling=True),
            0,
        ),
        lines(
            "Pool connections",
            "Used and idle connections, and the limit. Bad: used at the limit for minutes, or a limit whose sum over "
            "all pods exceeds what PostgreSQL accepts.",
            "none",
            Query(total(own(_POOL), "db_client_connection_state"), "{{db_client_connection_state}}"),
            Query(total(own("db_client_connection_max")), "limit"),
        ),
        lines(
            "Connection wait time",
            "Time to get a connection from the pool. Bad: p99 above 25 ms: the pool is the bottleneck, and adds this "
            "to the latency of every route.",
            "s",
            *(Query(quantile(which, _WAIT), f"p{which * 100:.0f}") for which in (0.5, 0.99)),
            thresholds=Thresholds(0.025, 0.25),
        ),
        lines(
            "Pool waits and timeouts",
            "Requests that wait for a connection, and timeouts per second. Bad: both at once: the pool is exhausted "
            "and requests are answered 503.",
            "none",
            Query(or_zero(total(own("db_client_connection_pending_requests"))), "waiting"),
            Query(or_zero(total(rate("db_client_connection_timeouts_total"))), "timeouts per second"),
        ),
        lines(
            "Statements by operation",
            "Statements per second by operation. Bad: SELECT grows faster than requests: a loop runs one query for "
            "each row.",
            "ops",
            Query(total(rate(f"{_STATEMENTS}_count"), "db_operation_name"), "{{db_operation_name}}"),
        ),
        lines(
            "Statement duration by operation (p99)",
            "99th percentile by operation. Bad: COMMIT above 25 ms points to the disk of the database; SELECT alone to "
            "an index or a lock.",
            "s",
            Query(quantile(0.99, _STATEMENTS, "db_operation_name"), "{{db_operation_name}}"),
            thresholds=Thresholds(0.1, 0.25),
        ),
        lines(
            "Failed statements by reason",
            "Failed statements per second by reason. Bad: `unavailable` and `timeout`, which the database causes; "
            "`integrity` is caused by clients, and is normal in small numbers.",
            "ops",
            Query(or_zero(total(rate(f"{_STATEMENTS}_count", _FAILED), "error_type")), "{{error_type}}"),
            thresholds=Thresholds(0.1, 1),
        ),
        Panel(
            "heatmap",
            "Statement duration",
            "Distribution of statement durations; darker is more. Bad: a second band higher up: a kind of statement "
            "lost its index or waits for a lock.",
            "s",
            (Query(total(rate(f"{_STATEMENTS}_bucket"), "le"), "{{le}}"),),
            width=12,
        ),
        Panel(
            "timeseries",
            "Token cache",
            "Look-ups of access tokens per second, by result. Bad: misses that follow the request rate: each costs a "
            "signature check; a burst of misses alone is a client that guesses tokens.",
            "ops",
            (Query(total(rate(_HITS), "result"), "{{result}}"),),
            width=12,
        ),
        lines(
            "Calls to other services",
            "Outgoing HTTP requests per second by peer; zero if there are none. Bad: one call for each incoming "
            "request, although the responses should be cached.",
            "reqps",
            Query(or_zero(total(rate(f"{_CALLS}_count"), "server_address")), "{{server_address}}"),
        ),
        lines(
            "Failed calls by peer",
            "Calls per second without a response or with a 5xx, by peer and reason. Bad: any for long: cached "
            "responses expire, and then requests fail too.",
            "reqps",
            Query(
                or_zero(total(rate(f"{_CALLS}_count", _FAILED), "server_address", "error_type")),
                "{{server_address}} {{error_type}}",
            ),
            thresholds=Thresholds(0.01, 0.1),
        ),
        lines(
            "Call duration (p99)",
            "99th percentile of the duration of calls by peer; zero if there are none. Bad: above 250 ms: requests "
            "that wait for a call miss the latency objective.",
            "s",
            Query(or_zero(f"{quantile(0.99, _CALLS, 'server_address')} >= 0"), "{{server_address}}"),
            thresholds=Thresholds(0.25, 1),
        ),
    ),
    VARIABLES,
    ANNOTATIONS,
)
