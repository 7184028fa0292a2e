"""Saturation of each process: event loop, requests in flight, CPU, memory and file descriptors."""

from observability.dashboards.model import Dashboard, Panel, Query, Thresholds
from observability.dashboards.panels import PROCESS, lines, stat
from observability.dashboards.promql import ANNOTATIONS, VARIABLES, or_zero, own, quantile, rate, share, total

_LAG = "event_loop_lag_seconds"
_SAMPLES = total(rate(f"{_LAG}_count"))
_IN_TIME = total(rate(f"{_LAG}_bucket", 'le="0.05"'))


RUNTIME = Dashboard(
    "slipway-runtime",
    "Runtime",
    "Saturation of each process: event loop, requests in flight, CPU, memory and file descriptors.",
    (
        stat(
            "Event-loop lag (p99)",
            "99th percentile of the event-loop delay. Bad: above 50 ms requests wait for each other; above 250 ms a "
            "call blocks the loop.",
            "s",
            quantile(0.99, _LAG),
            Thresholds(0.05, 0.25),
            None,
        ),
        stat(
            "CPU of the busiest process",
            "Share of one core that the busiest process uses. Bad: above 80 %: a process has one event loop and cannot "
            "use a second core for requests.",
            "percentunit",
            f"max({rate('process_cpu_seconds_total')})",
            Thresholds(0.8, 0.95),
            0,
        ),
        stat(
            "Most requests in flight",
            "Requests in flight in the process with the most. Bad: hundreds, more than its database pool and event "
            "loop can serve at once.",
            "none",
            f"max({own('http_server_active_requests')})",
            Thresholds(50, 200),
            0,
        ),
        stat(
            "Shed requests",
            "Requests per second that were refused to protect the service. Bad: any for long: add pods, or find the "
            "client that floods the service.",
            "reqps",
            or_zero(total(rate("http_server_requests_shed_total"))),
            Thresholds(0.1, 1),
            1,
        ),
        stat(
            "Descriptors used",
            "Share of file descriptors in use, in the process with the highest share. Bad: above 80 %; at 100 % no "
            "connection is accepted.",
            "percentunit",
            f"max({own('process_open_fds')} / {own('process_max_fds')})",
            Thresholds(0.8, 0.95),
            1,
        ),
        stat(
            "Shortest uptime",
            "Uptime of the process that started last. Bad: minutes, repeatedly and without a release: it keeps "
            "restarting.",
            "s",
            f"min(time() - {own('process_start_time_seconds')})",
            Thresholds(300, 60, falling=True),
            None,
        ),
        lines(
            "Event-loop lag by process",
            "99th percentile of the event-loop delay by process. Bad: one line above 250 ms is a blocking call in that "
            "process; all lines mean too little CPU.",
            "s",
            Query(quantile(0.99, _LAG, "pod", "instance"), PROCESS),
            thresholds=Thresholds(0.05, 0.25),
        ),
        Panel(
            "heatmap",
            "Event-loop lag",
            "Distribution of the event-loop delay; darker is more. Bad: marks above 250 ms, even rare ones: every "
            "request of that process waited as long.",
            "s",
            (Query(total(rate(f"{_LAG}_bucket"), "le"), "{{le}}"),),
        ),
        lines(
            "Event-loop lag above 50 ms",
            "Share of samples with a delay above 50 ms. Bad: above 1 %: the loop is late regularly, and not only in "
            "single cases.",
            "percentunit",
            Query(share(f"{_SAMPLES} - {_IN_TIME}", _SAMPLES), "late"),
            thresholds=Thresholds(0.01, 0.1),
        ),
        lines(
            "In flight by process",
            "Requests whose response is not complete. Bad: a line that stays up when traffic falls (a leak), or one "
            "process far above the others (uneven load balancing).",
            "none",
            Query(total(own("http_server_active_requests"), "pod", "instance"), PROCESS),
        ),
        lines(
            "Shed requests by reason",
            "Requests per second that were refused to protect the service, by reason. Bad: `log_in_slots` is password "
            "hashing at its limit, `log_in_failures` and `log_in_client_places` clients that guess passwords or flood "
            "the log-in, `slow_client` a client that sends too slowly, `connections`, `pipelined` and `body_budget` "
            "clients that take up memory; `draining` is normal in a rollout.",
            "reqps",
            Query(total(rate("http_server_requests_shed_total"), "reason"), "{{reason}}"),
            thresholds=Thresholds(0.1, 1),
        ),
        lines(
            "Open WebSockets",
            "Open WebSockets by route; zero if no route has one. Bad: a line that only grows: disconnected clients are "
            "not detected.",
            "none",
            Query(or_zero(total(own("websocket_active_connections"), "http_route")), "{{http_route}}"),
        ),
        lines(
            "CPU by process",
            "Cores used by each process. Bad: above 0.8 for minutes, since the event loop is one thread; the "
            "autoscaler should have added pods.",
            "short",
            Query(total(rate("process_cpu_seconds_total"), "pod", "instance"), PROCESS),
            thresholds=Thresholds(0.8, 0.95),
        ),
        lines(
            "Memory by process",
            "Resident memory of each process. Bad: a line that rises for hours and never falls: a leak, until the pod "
            "reaches its limit (see Kubernetes).",
            "bytes",
            Query(total(own("process_resident_memory_bytes"), "pod", "instance"), PROCESS),
        ),
        lines(
            "Garbage collections of the oldest generation",
            "Full collections per second; each stops the process while the whole heap is scanned. Bad: more than one "
            "in ten seconds for long: many objects live for a while.",
            "ops",
            Query(total(rate("python_gc_collections_total", 'generation="2"'), "pod", "instance"), PROCESS),
        ),
    ),
    VARIABLES,
    ANNOTATIONS,
)
