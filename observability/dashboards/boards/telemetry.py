"""The telemetry itself: scrapes, rules, spans, log lines, and how to follow one request through them."""

from observability.dashboards.model import Dashboard, Panel, Query, Thresholds
from observability.dashboards.panels import PROCESS, lines, stat
from observability.dashboards.promql import ANNOTATIONS, SERVICE, VARIABLES, or_zero, own, rate, share, total

_SPANS = "trace_spans_total"

_FOLLOW = """\
**From a number to one request.** The dots in the latency panels are exemplars: the trace id of one request that took
as long. Prometheus keeps them with `--enable-feature=exemplar-storage`; name `trace_id` as the label of the internal
link in Grafana's data source, and a click opens the trace.

**From a trace to its log lines.** Each JSON line has `trace_id`, `span_id` and `request_id`. In Loki:
`{namespace="…"} | json | trace_id="…"`.

**And back.** The `instance` of a problem document is the `request_id` of its log line, which has the `trace_id` too.
"""


TELEMETRY = Dashboard(
    "slipway-telemetry",
    "Telemetry",
    "The telemetry itself: scrapes, rules, spans, log lines, and how to follow one request through them.",
    (
        stat(
            "Successful scrapes",
            "Share of processes whose last scrape succeeded. Bad: below 100 %: the other processes are missing from "
            "every panel.",
            "percentunit",
            or_zero(f"avg({own('up')})"),
            Thresholds(1, 0.5, falling=True),
            0,
        ),
        stat(
            "Slowest scrape",
            "Longest scrape of any process. Bad: above 0.5 s; a scrape that times out leaves gaps in every panel.",
            "s",
            f"max({own('scrape_duration_seconds')})",
            Thresholds(0.5, 5),
            None,
        ),
        stat(
            "Rule evaluation delay",
            "Age of the newest rule result, of the job where it is oldest. Bad: above 2 minutes, or no value: "
            "Prometheus does not evaluate our rules, so no alert fires.",
            "s",
            f"time() - min(timestamp(slipway:slo_objective{{{SERVICE}}}))",
            Thresholds(120, 240),
            0,
        ),
        stat(
            "Samples per scrape",
            "Samples of the largest scrape. Bad: above 7,200, the number that the service is benchmarked with; it "
            "grows with routes, statuses and methods.",
            "short",
            f"max({own('scrape_samples_scraped')})",
            Thresholds(7200, 20000),
            0,
        ),
        stat(
            "Series overflow",
            "Observations per second on the overflow route, because a metric has reached its limit of series. Bad: "
            "any: there are too many routes, or a client varies paths or methods.",
            "ops",
            or_zero(total(rate("metrics_series_overflow_total"))),
            Thresholds(0.001, 1),
            2,
        ),
        stat(
            "Dropped log lines",
            "Log lines per second that were dropped because standard output was not read in time. Bad: any: errors may "
            "be among them; the log collector is too slow.",
            "ops",
            or_zero(total(rate("log_lines_dropped_total"))),
            Thresholds(0.001, 1),
            2,
        ),
        stat(
            "Dropped spans",
            "Share of ended spans that were dropped from a full queue or rejected by the collector. Bad: above 1 %: "
            "traces are incomplete; the collector is down or too slow.",
            "percentunit",
            share(
                or_zero(total(rate(_SPANS, 'outcome=~"dropped|failed"'))),
                or_zero(total(rate(_SPANS, 'outcome="ended"'))),
            ),
            Thresholds(0.01, 0.1),
            2,
        ),
        lines(
            "Spans by outcome",
            "Spans per second by outcome; zero if no collector is configured. Bad: `exported` below `ended` for long.",
            "ops",
            Query(or_zero(total(rate(_SPANS), "outcome")), "{{outcome}}"),
        ),
        lines(
            "Log lines by level",
            "Log lines per second by level, access lines included. Bad: `error` above zero for long, or `debug` that "
            "was left on.",
            "ops",
            Query(total(rate("log_lines_total"), "level"), "{{level}}"),
        ),
        lines(
            "Dropped log lines by process",
            "Dropped log lines per second by process. Bad: any; in one process its reader hangs, in all of them the "
            "log collector is too slow.",
            "ops",
            Query(total(rate("log_lines_dropped_total"), "pod", "instance"), PROCESS),
            thresholds=Thresholds(0.001, 1),
        ),
        lines(
            "Scrape duration",
            "Scrape duration by process. Bad: a line that grows from day to day: the number of series grows.",
            "s",
            Query(own("scrape_duration_seconds"), PROCESS),
            thresholds=Thresholds(0.5, 5),
        ),
        lines(
            "Samples and new series",
            "Samples of each scrape, and series that appeared in it. Bad: new series long after the start: a label "
            "with unbounded values.",
            "short",
            Query(total(own("scrape_samples_scraped"), "pod", "instance"), f"samples {PROCESS}"),
            Query(total(own("scrape_series_added"), "pod", "instance"), f"new {PROCESS}"),
        ),
        lines(
            "Run-time overrides",
            "1 while `slipway log-level` or `slipway trace-ratio` overrides the configuration. Bad: nothing in itself, "
            "but it explains a jump of log lines or spans.",
            "none",
            Query(f"max by (setting) ({own('telemetry_override_active')})", "{{setting}}"),
        ),
        Panel(
            "table",
            "Running versions",
            "Version, commit and Python version of each process. Bad: a version that was not meant to be released, or "
            "two versions long after a rollout.",
            "none",
            (Query(own("app_build_info"), instant=True),),
            columns=(
                ("job", "Job"),
                ("instance", "Instance"),
                ("version", "Version"),
                ("revision", "Revision"),
                ("python", "Python"),
            ),
        ),
        Panel(
            "table",
            "Enabled features",
            "Enabled features, and the number of processes that run them. Bad: a feature that is missing, or that only "
            "some processes of a job run.",
            "none",
            (Query(f"count by (job, feature) ({own('app_feature_info')})", instant=True),),
            columns=(("job", "Job"), ("feature", "Feature"), ("Value", "Processes")),
        ),
        Panel(
            "text",
            "Follow one request",
            "How to get from a point in a panel to its trace and its log lines. Bad: a trace id of zeros, which the "
            "service never writes.",
            text=_FOLLOW,
        ),
    ),
    VARIABLES,
    ANNOTATIONS,
)
