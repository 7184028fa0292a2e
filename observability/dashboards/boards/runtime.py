"""What runs out first? The event loop, requests in flight, CPU, memory and descriptors of each process."""

from observability.dashboards.model import Dashboard, Panel, Query, Thresholds
from observability.dashboards.panels import PROCESS, lines, stat
from observability.dashboards.promql import ANNOTATIONS, VARIABLES, or_zero, own, quantile, rate, share, total

_LAG = "event_loop_lag_seconds"
_SAMPLES = total(rate(f"{_LAG}_count"))
_IN_TIME = total(rate(f"{_LAG}_bucket", 'le="0.05"'))


RUNTIME = Dashboard(
    "slipway-runtime",
    "Runtime",
    "What runs out first? The event loop, requests in flight, CPU, memory and descriptors of each process.",
    (
        stat(
            "Event-loop lag (p99)",
            "How late the event loop runs what is due, the worst of 100. Bad: above 50 ms requests wait for each "
            "other; above 250 ms something blocks the loop.",
            "s",
            quantile(0.99, _LAG),
            Thresholds(0.05, 0.25),
            None,
        ),
        stat(
            "Busiest process",
            "Share of one core that the busiest process uses. Bad: above 80 %, since one process has one event loop "
            "and cannot use a second core for requests.",
            "percentunit",
            f"max({rate('process_cpu_seconds_total')})",
            Thresholds(0.8, 0.95),
            0,
        ),
        stat(
            "Most in flight",
            "Requests in flight in the process that has most. Bad: hundreds, which is more than its database pool and "
            "its event loop can serve at once.",
            "none",
            f"max({own('http_server_active_requests')})",
            Thresholds(50, 200),
            0,
        ),
        stat(
            "Shed",
            "Requests a second that were refused to protect the service. Bad: any for more than a moment: it asks for "
            "more pods, or for the client that floods it.",
            "reqps",
            or_zero(total(rate("http_server_requests_shed_total"))),
            Thresholds(0.1, 1),
            1,
        ),
        stat(
            "Descriptors used",
            "Share of its file descriptors that the fullest process uses. Bad: above 80 %; at 100 % no connection is "
            "accepted any more.",
            "percentunit",
            f"max({own('process_open_fds')} / {own('process_max_fds')})",
            Thresholds(0.8, 0.95),
            1,
        ),
        stat(
            "Youngest process",
            "Time since the process that started last did so. Bad: minutes, again and again without a release: "
            "something restarts it.",
            "s",
            f"min(time() - {own('process_start_time_seconds')})",
            Thresholds(300, 60, falling=True),
            None,
        ),
        lines(
            "Event-loop lag by process",
            "99th percentile of how late each event loop runs what is due. Bad: one line above 250 ms: a blocking call "
            "in that process; all of them: too little CPU.",
            "s",
            Query(quantile(0.99, _LAG, "pod", "instance"), PROCESS),
            thresholds=Thresholds(0.05, 0.25),
        ),
        Panel(
            "heatmap",
            "Event-loop lag",
            "How many times a second the loop was how late; darker is more. Bad: marks above 250 ms, even rare ones: "
            "every request of that process waited as long.",
            "s",
            (Query(total(rate(f"{_LAG}_bucket"), "le"), "{{le}}"),),
        ),
        lines(
            "Loop late by more than 50 ms",
            "Share of samples in which the loop was late by more than 50 ms. Bad: above 1 %; the difference to a high "
            "p99 is whether it is a habit or an accident.",
            "percentunit",
            Query(share(f"{_SAMPLES} - {_IN_TIME}", _SAMPLES), "late"),
            thresholds=Thresholds(0.01, 0.1),
        ),
        lines(
            "In flight by process",
            "Requests whose answer is not complete. Bad: a line that stays up when traffic falls (a leak), or one "
            "process far above the others (uneven balancing).",
            "none",
            Query(total(own("http_server_active_requests"), "pod", "instance"), PROCESS),
        ),
        lines(
            "Shed requests by reason",
            "Requests a second refused to protect the service, by reason. Bad: `log_in_slots` is password hashing at "
            "its limit, `log_in_failures` and `log_in_client_places` somebody who guesses passwords or floods the "
            "log-in, `slow_client` somebody who sends very slowly; `draining` is normal in a rollout.",
            "reqps",
            Query(total(rate("http_server_requests_shed_total"), "reason"), "{{reason}}"),
            thresholds=Thresholds(0.1, 1),
        ),
        lines(
            "WebSockets open",
            "Accepted WebSockets by route; none is shown while no route has one. Bad: a line that only grows: clients "
            "leave and nobody notices.",
            "none",
            Query(or_zero(total(own("websocket_active_connections"), "http_route")), "{{http_route}}"),
        ),
        lines(
            "CPU by process",
            "Cores that each process uses. Bad: above 0.8 for minutes, since the event loop is one thread; the "
            "autoscaler should have added pods before.",
            "short",
            Query(total(rate("process_cpu_seconds_total"), "pod", "instance"), PROCESS),
            thresholds=Thresholds(0.8, 0.95),
        ),
        lines(
            "Memory by process",
            "Resident memory of each process. Bad: a line that climbs for hours and never falls: a leak, which ends at "
            "the pod's limit (see Kubernetes).",
            "bytes",
            Query(total(own("process_resident_memory_bytes"), "pod", "instance"), PROCESS),
        ),
        lines(
            "Garbage collections of the oldest generation",
            "Full collections a second; each stops the process for its whole heap. Bad: more than one in ten seconds "
            "for long: many objects that live for a while.",
            "ops",
            Query(total(rate("python_gc_collections_total", 'generation="2"'), "pod", "instance"), PROCESS),
        ),
    ),
    VARIABLES,
    ANNOTATIONS,
)
