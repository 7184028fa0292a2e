"""Can we trust what we see? Scrapes, rules, spans, log lines, and how to follow one request through them."""

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
    "Can we trust what we see? Scrapes, rules, spans, log lines, and how to follow one request through them.",
    (
        stat(
            "Scrapes that work",
            "Share of our processes that answered the last scrape. Bad: below 100 %: what those processes do is not in "
            "any panel.",
            "percentunit",
            or_zero(f"avg({own('up')})"),
            Thresholds(1, 0.5, falling=True),
            0,
        ),
        stat(
            "Slowest scrape",
            "How long the slowest process took to write its metrics. Bad: above 0.5 s; a scrape that takes longer than "
            "its time limit leaves gaps in every panel.",
            "s",
            f"max({own('scrape_duration_seconds')})",
            Thresholds(0.5, 5),
            None,
        ),
        stat(
            "Rules behind by",
            "How old the newest result of our rules is, of the job where it is oldest. Bad: above 2 minutes, or "
            "nothing at all: Prometheus evaluates no rules of ours, so no alert fires.",
            "s",
            f"time() - min(timestamp(slipway:slo_objective{{{SERVICE}}}))",
            Thresholds(120, 240),
            0,
        ),
        stat(
            "Samples in a scrape",
            "Samples of the largest scrape. Bad: above 7,200, which is what the service is measured with; it grows "
            "with routes, statuses and methods.",
            "short",
            f"max({own('scrape_samples_scraped')})",
            Thresholds(7200, 20000),
            0,
        ),
        stat(
            "Series refused",
            "Observations a second that went to the overflow route, since a metric has as many series as it may. Bad: "
            "any: somebody varies paths or methods, or there are too many routes.",
            "ops",
            or_zero(total(rate("metrics_series_overflow_total"))),
            Thresholds(0.001, 1),
            2,
        ),
        stat(
            "Log lines lost",
            "Log lines a second that nobody read in time. Bad: any: an error may be among them; whoever collects the "
            "output of the pods is too slow.",
            "ops",
            or_zero(total(rate("log_lines_dropped_total"))),
            Thresholds(0.001, 1),
            2,
        ),
        stat(
            "Spans lost",
            "Share of ended spans that were dropped from a full queue or that the collector refused. Bad: above 1 %: "
            "traces have holes; the collector is away or too slow.",
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
            "Spans a second that ended, were exported, failed or were dropped; empty where no collector is configured. "
            "Bad: `exported` below `ended` for long.",
            "ops",
            Query(or_zero(total(rate(_SPANS), "outcome")), "{{outcome}}"),
        ),
        lines(
            "Log lines by level",
            "Log lines a second by level, access lines included. Bad: `error` above zero for long; `debug` that "
            "somebody switched on and forgot.",
            "ops",
            Query(total(rate("log_lines_total"), "level"), "{{level}}"),
        ),
        lines(
            "Log lines lost by process",
            "Log lines a second that were lost, by process. Bad: any; one process alone has a reader that hangs, all "
            "of them an agent that is too slow.",
            "ops",
            Query(total(rate("log_lines_dropped_total"), "pod", "instance"), PROCESS),
            thresholds=Thresholds(0.001, 1),
        ),
        lines(
            "Scrape duration",
            "How long each process took to write its metrics, in a thread of its own. Bad: a line that grows day by "
            "day: more and more series.",
            "s",
            Query(own("scrape_duration_seconds"), PROCESS),
            thresholds=Thresholds(0.5, 5),
        ),
        lines(
            "Samples and new series",
            "Samples of each scrape, and series that it was the first to have. Bad: new series long after a start: a "
            "label whose values never end.",
            "short",
            Query(total(own("scrape_samples_scraped"), "pod", "instance"), f"samples {PROCESS}"),
            Query(total(own("scrape_series_added"), "pod", "instance"), f"new {PROCESS}"),
        ),
        lines(
            "Settings changed for a while",
            "1 while the log level or the trace ratio differs from the configuration, as somebody asked. Bad: nothing "
            "in itself, but it explains a jump of lines or spans.",
            "none",
            Query(f"max by (setting) ({own('telemetry_override_active')})", "{{setting}}"),
        ),
        Panel(
            "table",
            "What runs",
            "Version, commit and Python of each process. Bad: a version that nobody meant to release, or two of them "
            "long after a rollout.",
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
            "Features in force",
            "Features that run, and in how many processes. Bad: one that is missing where it should be, or that only "
            "some processes of a job have.",
            "none",
            (Query(f"count by (job, feature) ({own('app_feature_info')})", instant=True),),
            columns=(("job", "Job"), ("feature", "Feature"), ("Value", "Processes")),
        ),
        Panel(
            "text",
            "Follow one request",
            "How to get from a point in a panel to its trace and its log lines. Bad: a trace id of zeros, which is "
            "never written here.",
            text=_FOLLOW,
        ),
    ),
    VARIABLES,
    ANNOTATIONS,
)
