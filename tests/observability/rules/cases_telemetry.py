"""When the alerts on the telemetry fire, and when not."""

from __future__ import annotations

from tests.observability.rules.cases import INSTANCE, JOB, OURS, POD, Case, series, variants
from tests.support.rendering import NAMESPACE

_OF_POD = {**OURS, "pod": POD, "severity": "ticket"}
_LOGS = {**_OF_POD, "signal": "logs"}
_TRACES = {**_OF_POD, "signal": "traces"}


def _lines(lines: str, dropped: str) -> dict[str, str]:
    return {series("log_lines_total", level="info"): lines, series("log_lines_dropped_total"): dropped}


def _spans(ended: str, failed: str, dropped: str) -> dict[str, str]:
    counts = {"ended": ended, "failed": failed, "dropped": dropped, "exported": "0+100x80"}
    return {series("trace_spans_total", outcome=outcome): values for outcome, values in counts.items()}


_SLOW_SCRAPE = Case(
    "SlipwayScrapeSlow",
    "fires after ten minutes past 5 s",
    {series("scrape_duration_seconds"): "5.1x40"},
    fires=("10m", "20m"),
    silent=("9m30s",),
    labels={**OURS, "instance": INSTANCE, "severity": "ticket"},
    summary=f"Scraping {INSTANCE} takes long",
    description=f"A scrape of {INSTANCE} of {JOB} takes 5.1s; at 10 s Prometheus times out, and no alert covers it.",
)
_OVERFLOW = Case(
    "SlipwayCardinalityOverflow",
    "fires when a request was booked on _overflow, and ends a quarter of an hour later",
    {series("metrics_series_overflow_total"): "0x10 1x60"},
    fires=("15m30s", "19m"),
    silent=("15m", "22m"),
    labels={**OURS, "severity": "ticket"},
    summary=f"The request metrics of {JOB} are full",
    description=f"1 requests to {JOB} in {NAMESPACE} were recorded on the route _overflow in 15 minutes, since their "
    "metric has reached its limit of series.",
)
_LOST_LINES = Case(
    "SlipwayTelemetryDropping",
    "fires at 2 % of the lines",
    _lines("0+100x80", "0+2x80"),
    fires=("15m30s", "30m"),
    silent=("15m",),
    labels=_LOGS,
    summary=f"{POD} drops log lines",
    description=f"2% of the log lines of {POD} of {JOB} were dropped.",
)
_LOST_SPANS = Case(
    "SlipwayTelemetryDropping",
    "fires at 2 % of the spans, dropped and failed ones together",
    _spans("0+100x80", "0+1x80", "0+1x80"),
    fires=("15m30s",),
    silent=("15m",),
    labels=_TRACES,
    summary=f"{POD} drops spans",
    description=f"2% of the spans of {POD} of {JOB} were dropped.",
)

CASES = [
    _SLOW_SCRAPE,
    Case(_SLOW_SCRAPE.rule, "is silent at 5 s", {series("scrape_duration_seconds"): "5x60"}, silent=("25m",)),
    Case(
        _SLOW_SCRAPE.rule,
        "ends when scrapes are fast again",
        {series("scrape_duration_seconds"): "9x30 1x20"},
        fires=("15m",),
        silent=("15m30s",),
        labels=_SLOW_SCRAPE.labels,
    ),
    *variants(_SLOW_SCRAPE),
    _OVERFLOW,
    Case(
        _OVERFLOW.rule,
        "is silent about what overflowed long ago",
        {series("metrics_series_overflow_total"): "500x60"},
        silent=("16m", "30m"),
    ),
    Case(
        _OVERFLOW.rule,
        "is silent about a counter that starts again",
        {series("metrics_series_overflow_total"): "500x20 0x40"},
        silent=("16m", "22m", "30m"),
    ),
    *variants(_OVERFLOW),
    _LOST_LINES,
    Case(_LOST_LINES.rule, "fires at 1.2 %", _lines("0+1000x80", "0+12x80"), fires=("30m",), labels=_LOGS),
    Case(_LOST_LINES.rule, "is silent at 0.9 %", _lines("0+1000x80", "0+9x80"), silent=("30m",)),
    Case(_LOST_LINES.rule, "is silent while nothing is written", _lines("100x80", "50x80"), silent=("30m",)),
    Case(_LOST_LINES.rule, "is silent at its first lines", _lines("0x80", "0x80"), silent=("30m",)),
    Case(
        _LOST_LINES.rule,
        "goes on through a restart and ends when nothing is lost any more",
        _lines("0+100x30 0+100x90", "0+2x30 0+2x30 60x60"),
        fires=("16m", "30m"),
        silent=("46m30s",),
        labels=_LOGS,
    ),
    *variants(_LOST_LINES),
    _LOST_SPANS,
    Case(
        _LOST_SPANS.rule,
        "fires at 1.2 %",
        _spans("0+1000x80", "0+6x80", "0+6x80"),
        fires=("30m",),
        labels=_TRACES,
    ),
    Case(_LOST_SPANS.rule, "is silent at 0.9 %", _spans("0+1000x80", "0+4x80", "0+5x80"), silent=("30m",)),
    Case(_LOST_SPANS.rule, "is silent while nothing is traced", _spans("0x80", "0x80", "0x80"), silent=("30m",)),
    *variants(_LOST_SPANS),
]
