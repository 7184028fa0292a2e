"""When the alerts on dependencies fire, and when not."""

from __future__ import annotations

from tests.observability.rules.cases import JOB, OURS, POD, Case, series, variants
from tests.support.rendering import NAMESPACE


def _pool(pending: str, used: str, most: str, timeouts: str = "0x60") -> dict[str, str]:
    return {
        series("db_client_connection_pending_requests"): pending,
        series("db_client_connection_count", db_client_connection_state="used"): used,
        series("db_client_connection_count", db_client_connection_state="idle"): "1x60",
        series("db_client_connection_max"): most,
        series("db_client_connection_timeouts_total"): timeouts,
    }


def _statements(**counts: str) -> dict[str, str]:
    kinds = {"fine": "", **{kind: kind for kind in counts if kind != "fine"}}
    return {
        series("db_client_operation_duration_seconds_count", db_operation_name="SELECT", error_type=kinds[kind]): values
        for kind, values in counts.items()
    }


def _calls(**counts: str) -> dict[str, str]:
    """Calls to `users`, by what became of them."""
    kinds = {
        "fine": ("200", ""),
        "connection": ("", "connection"),
        "timeout": ("", "timeout"),
        "status": ("503", "status"),
    }
    return {_call(*kinds[kind]): values for kind, values in counts.items()}


def _call(status: str, error: str, peer: str = "users") -> str:
    labels = {"server_address": peer, "http_response_status_code": status, "error_type": error}
    return series("http_client_request_duration_seconds_count", **labels)


_EXHAUSTED = Case(
    "SlipwayDbPoolExhausted",
    "fires when requests wait for three minutes while all connections are in use",
    _pool("1x60", "10x60", "10x60"),
    fires=("3m",),
    silent=("2m30s",),
    labels={**OURS, "pod": POD, "severity": "page"},
    summary=f"The database pool of {POD} is exhausted",
    description=f"Requests to {POD} of {JOB} wait for a connection while all are in use, or timed out (1 of them).",
)
_GAVE_UP = Case(
    _EXHAUSTED.rule,
    "fires while requests give up waiting, and ends with the last of them",
    _pool("0x60", "2x60", "10x60", timeouts="0+1x20 20x40"),
    fires=("3m30s", "10m"),
    silent=("3m", "13m"),
    labels=_EXHAUSTED.labels,
)
_FAILING = Case(
    "SlipwayDependencyErrors",
    "fires at a tenth of the statements",
    _statements(fine="0+90x90", unavailable="0+10x90"),
    fires=("12m",),
    silent=("10m",),
    labels={**OURS, "dependency": "database", "severity": "ticket"},
    summary=f"Statements of {JOB} fail",
    description=f"10% of the statements that {JOB} in {NAMESPACE} sends to its database fail.",
)
_PEER_FAILING = Case(
    "SlipwayDependencyErrors",
    "fires at a tenth of the calls to a peer",
    _calls(fine="0+9x90", connection="0+1x90"),
    fires=("16m",),
    silent=("10m",),
    labels={**OURS, "dependency": "peer", "server_address": "users", "severity": "ticket"},
    summary=f"Calls of {JOB} to users fail",
    description=f"10% of the calls that {JOB} in {NAMESPACE} makes to users fail.",
)

CASES = [
    _EXHAUSTED,
    _GAVE_UP,
    *variants(_GAVE_UP),
    Case(
        _EXHAUSTED.rule,
        "is silent about one that gave up",
        _pool("0x60", "2x60", "10x60", timeouts="0x4 1x50"),
        silent=("4m", "5m", "6m", "7m"),
    ),
    Case(_EXHAUSTED.rule, "is silent while nobody waits", _pool("0x60", "10x60", "10x60"), silent=("10m",)),
    Case(_EXHAUSTED.rule, "is silent at 95 %", _pool("3x60", "19x60", "20x60"), silent=("10m",)),
    Case(
        _EXHAUSTED.rule,
        "counts no idle connection",
        {
            **_pool("3x60", "1x60", "10x60"),
            series("db_client_connection_count", db_client_connection_state="idle"): "9x60",
        },
        silent=("10m",),
    ),
    Case(
        _EXHAUSTED.rule,
        "is silent about a counter that starts again",
        _pool("0x60", "2x60", "10x60", timeouts="9x8 0x40"),
        silent=("4m", "6m", "8m"),
    ),
    *variants(_EXHAUSTED),
    _FAILING,
    Case(
        _FAILING.rule,
        "adds up all kinds of failures, and ends when statements work",
        _statements(fine="0+90x100", timeout="0+2x30 60x70", unavailable="0+2x30 60x70", pool_timeout="0+2x30 60x70"),
        fires=("13m", "15m"),
        silent=("26m30s",),
        labels=_FAILING.labels,
    ),
    Case(
        _FAILING.rule,
        "does not blame the database for what callers do",
        _statements(fine="0+50x90", conflict="0+25x90", integrity="0+25x90"),
        silent=("20m",),
    ),
    Case(
        _FAILING.rule,
        "fires at 6 % and 12 of them",
        _statements(fine="0+9.4x90", other="0+0.6x90"),
        fires=("30m",),
        labels=_FAILING.labels,
    ),
    Case(_FAILING.rule, "is silent at a twentieth", _statements(fine="0+95x90", other="0+5x90"), silent=("20m",)),
    Case(_FAILING.rule, "is silent about 10 of them", _statements(fine="0+1x90", other="0+0.5x90"), silent=("20m",)),
    Case(_FAILING.rule, "is silent without statements", _statements(fine="10x90", other="90x90"), silent=("20m",)),
    Case(
        _FAILING.rule,
        "is silent about counters that start again",
        _statements(fine="0+50x20 0+50x70", other="900x20 0x70"),
        silent=("11m", "15m", "20m"),
    ),
    *variants(_FAILING),
    _PEER_FAILING,
    Case(
        _PEER_FAILING.rule,
        "adds up all kinds of failed calls, and ends when they work",
        _calls(fine="0+90x100", timeout="0+2x30 60x70", connection="0+2x30 60x70", status="0+2x30 60x70"),
        fires=("13m", "15m"),
        silent=("26m30s",),
        labels=_PEER_FAILING.labels,
    ),
    Case(
        _PEER_FAILING.rule,
        "blames the peer that fails, and no other",
        {
            **_calls(fine="0+90x90", status="0+5x90"),
            _call("200", "", "stock"): "0+90x90",
            _call("503", "status", "stock"): "0+4x90",
        },
        fires=("20m",),
        labels=_PEER_FAILING.labels,
    ),
    Case(
        _PEER_FAILING.rule,
        "fires at 6 % and 12 failed calls",
        _calls(fine="0+9.4x90", status="0+0.6x90"),
        fires=("30m",),
        labels=_PEER_FAILING.labels,
    ),
    Case(
        _PEER_FAILING.rule,
        "is silent at a twentieth of the calls",
        _calls(fine="0+95x90", status="0+5x90"),
        silent=("20m",),
    ),
    Case(
        _PEER_FAILING.rule, "is silent about 10 failed calls", _calls(fine="0+1x90", status="0+0.5x90"), silent=("20m",)
    ),
    Case(_PEER_FAILING.rule, "is silent without calls", _calls(fine="10x90", status="90x90"), silent=("20m",)),
    Case(
        _PEER_FAILING.rule,
        "is silent about counters of calls that start again",
        _calls(fine="0+50x20 0+50x70", status="900x20 0x70"),
        silent=("11m", "15m", "20m"),
    ),
    *variants(_PEER_FAILING),
]
