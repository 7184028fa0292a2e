"""Whose fault is it? The database, its pool, caches and other services, as we see them."""

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
    "Whose fault is it? The database, its pool, caches and other services, as we see them.",
    (
        stat(
            "Pool used",
            "Share of its connections that the fullest pool uses. Bad: above 80 %; at 100 % requests wait for a "
            "connection, however fast the database is.",
            "percentunit",
            f"max({total(_USED, 'pod', 'instance')} / {total(own('db_client_connection_max'), 'pod', 'instance')})",
            Thresholds(0.8, 0.95),
            0,
        ),
        stat(
            "Waiting for a connection",
            "Requests that wait for a connection of the pool now. Bad: any for more than a moment: slow statements "
            "hold the connections, or the pool is too small.",
            "none",
            or_zero(total(own("db_client_connection_pending_requests"))),
            Thresholds(1, 10),
            0,
        ),
        stat(
            "No connection in time",
            "How often a second no connection was free in time; each is a 503. Bad: any: people see it as an outage.",
            "ops",
            or_zero(total(rate("db_client_connection_timeouts_total"))),
            Thresholds(0.001, 0.1),
            2,
        ),
        stat(
            "Statement time (p99)",
            "99 of 100 statements take less, the wait for a connection not included. Bad: above 100 ms for look-ups by "
            "key: a missing index, a lock, or a busy database.",
            "s",
            quantile(0.99, _STATEMENTS),
            Thresholds(0.1, 0.25),
            None,
        ),
        stat(
            "Failed statements",
            "Share of statements that failed, for whatever reason. Bad: above 1 %; the panel below says whether the "
            "database was away, slow, or refused what was asked.",
            "percentunit",
            share(or_zero(total(rate(f"{_STATEMENTS}_count", _FAILED))), total(rate(f"{_STATEMENTS}_count"))),
            Thresholds(0.01, 0.05),
            2,
        ),
        stat(
            "Token cache hits",
            "Share of access tokens that were known from before, so that no signature had to be checked. Bad: below "
            "50 % with steady clients: tokens live too short, or too many to keep.",
            "percentunit",
            share(or_zero(total(rate(_HITS, 'result="hit"'))), total(rate(_HITS))),
            Thresholds(0.5, 0.1, falling=True),
            0,
        ),
        lines(
            "Pool connections",
            "Connections used and idle, and how many there may be. Bad: used at the limit for minutes; or a limit "
            "whose sum over all pods is more than PostgreSQL takes.",
            "none",
            Query(total(own(_POOL), "db_client_connection_state"), "{{db_client_connection_state}}"),
            Query(total(own("db_client_connection_max")), "limit"),
        ),
        lines(
            "Wait for a connection",
            "How long it takes to get a connection of the pool. Bad: p99 above 25 ms: the pool is the bottleneck, and "
            "the latency of every route grows by this.",
            "s",
            *(Query(quantile(which, _WAIT), f"p{which * 100:.0f}") for which in (0.5, 0.99)),
            thresholds=Thresholds(0.025, 0.25),
        ),
        lines(
            "Waiting and timed out",
            "Requests that wait for a connection, and how often a second none was free in time. Bad: both at once: the "
            "pool is exhausted and answers are 503.",
            "none",
            Query(or_zero(total(own("db_client_connection_pending_requests"))), "waiting"),
            Query(or_zero(total(rate("db_client_connection_timeouts_total"))), "timed out a second"),
        ),
        lines(
            "Statements by operation",
            "Statements a second by kind. Bad: SELECT that grows faster than requests do: a loop that asks once for "
            "each row.",
            "ops",
            Query(total(rate(f"{_STATEMENTS}_count"), "db_operation_name"), "{{db_operation_name}}"),
        ),
        lines(
            "Statement time by operation (p99)",
            "99th percentile of each kind of statement. Bad: COMMIT above 25 ms is the database's disk; SELECT alone "
            "is an index or a lock.",
            "s",
            Query(quantile(0.99, _STATEMENTS, "db_operation_name"), "{{db_operation_name}}"),
            thresholds=Thresholds(0.1, 0.25),
        ),
        lines(
            "Failed statements by reason",
            "Statements a second that failed, by reason. Bad: `unavailable` and `timeout` are the database; "
            "`integrity` is what clients asked for, and is normal in small numbers.",
            "ops",
            Query(or_zero(total(rate(f"{_STATEMENTS}_count", _FAILED), "error_type")), "{{error_type}}"),
            thresholds=Thresholds(0.1, 1),
        ),
        Panel(
            "heatmap",
            "Statement time",
            "How many statements a second took how long; darker is more. Bad: a second band that appears higher up: "
            "one kind of statement lost its index or waits for a lock.",
            "s",
            (Query(total(rate(f"{_STATEMENTS}_bucket"), "le"), "{{le}}"),),
            width=12,
        ),
        Panel(
            "timeseries",
            "Token cache",
            "Look-ups a second of access tokens, by result. Bad: misses that follow the request rate: each costs the "
            "check of a signature; a burst of misses alone is somebody who tries tokens.",
            "ops",
            (Query(total(rate(_HITS), "result"), "{{result}}"),),
            width=12,
        ),
        lines(
            "Calls to other services",
            "HTTP requests a second that we send, by peer; 0 where this process asks nobody. Bad: a peer that is asked "
            "for each of our requests, although its answer is to be kept.",
            "reqps",
            Query(or_zero(total(rate(f"{_CALLS}_count"), "server_address")), "{{server_address}}"),
        ),
        lines(
            "Failed calls by peer",
            "Calls a second that got no answer or a 5xx, by peer and reason. Bad: any for long: what we keep of that "
            "peer gets old, and then our requests fail too.",
            "reqps",
            Query(
                or_zero(total(rate(f"{_CALLS}_count", _FAILED), "server_address", "error_type")),
                "{{server_address}} {{error_type}}",
            ),
            thresholds=Thresholds(0.01, 0.1),
        ),
        lines(
            "Time of calls (p99)",
            "99th percentile of what each peer takes to answer; 0 where nobody is asked. Bad: above 250 ms: whoever "
            "waits for that answer is late for our own objective.",
            "s",
            Query(or_zero(f"{quantile(0.99, _CALLS, 'server_address')} >= 0"), "{{server_address}}"),
            thresholds=Thresholds(0.25, 1),
        ),
    ),
    VARIABLES,
    ANNOTATIONS,
)
