"""What a stranger's trace headers make this service do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from app.platform.telemetry.tracing.propagation import MAX_TRACESTATE_MEMBERS
from tests.support.collector import Collector, collecting
from tests.support.served import Answer, Served, eventually, serving

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED = f"00-{TRACE}-{PARENT}-01"


def settings(endpoint: str, ratio: float, **groups: object) -> dict[str, object]:
    telemetry: dict[str, object] = {"otlp_endpoint": endpoint, "sample_ratio": ratio}
    more = groups.pop("telemetry", {})
    assert isinstance(more, dict)
    return {"telemetry": telemetry | more, **groups}


def carried(answer: Answer) -> tuple[str, str]:
    """Trace and flags that a call of the handler would have carried."""
    _, trace_id, _, flags = str(answer.json()["traceparent"]).split("-")
    return trace_id, flags


def open_websocket(served: Served, **headers: str) -> None:
    with connect(f"ws://127.0.0.1:{served.port}/api/sockets/a", additional_headers=headers) as socket:
        socket.send("close")


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


def test_a_stranger_has_nothing_exported(tmp_path: Path, collector: Collector) -> None:
    with serving(tmp_path / "log", settings=settings(collector.endpoint, 0)) as served:
        for _ in range(20):
            answer = served.get("/api/observed", traceparent=SAMPLED, tracestate="a=1", baggage="b=2")
            assert carried(answer)[1] == "00"
            assert carried(answer)[0] != TRACE, "a stranger cannot add to the trace of somebody else"
        open_websocket(served, traceparent=SAMPLED)
        eventually(lambda: [line for line in served.lines() if line["event"] == "websocket"])
        assert TRACE not in {line.get("trace_id") for line in served.lines()}
    assert collector.spans == []


def test_a_stranger_is_sampled_by_our_ratio_and_linked(tmp_path: Path, collector: Collector) -> None:
    with serving(tmp_path / "log", settings=settings(collector.endpoint, 1)) as served:
        for flags in ("00", "01"):
            served.get("/api/observed", traceparent=f"00-{TRACE}-{PARENT}-{flags}", tracestate="a=1")
        open_websocket(served, traceparent=SAMPLED)
    servers = [span for span in collector.spans if span.kind == span.SPAN_KIND_SERVER]
    assert len(servers) == 3
    for span in servers:
        assert span.trace_id.hex() != TRACE
        assert not span.parent_span_id
        assert not span.trace_state
        assert [(link.trace_id.hex(), link.span_id.hex()) for link in span.links] == [(TRACE, PARENT)]
    assert len({span.trace_id for span in servers}) == 3


@pytest.mark.parametrize(
    "groups",
    [
        {"http": {"trusted_proxies": "127.0.0.0/8"}},
        {"telemetry": {"trusted_callers": "127.0.0.1"}},
        {"http": {"trusted_proxies": "10.0.0.0/8"}, "telemetry": {"trusted_callers": "127.0.0.1"}},
    ],
    ids=["a proxy", "a service", "a service that is not a proxy"],
)
def test_a_trusted_caller_decides(tmp_path: Path, collector: Collector, groups: dict[str, object]) -> None:
    with serving(tmp_path / "log", settings=settings(collector.endpoint, 0, **groups)) as served:
        # The address of the connection counts, and not the one that a proxy reports.
        answer = served.get("/api/observed", traceparent=SAMPLED, x_forwarded_for="192.0.2.7")
        assert carried(answer) == (TRACE, "01")
        open_websocket(served, traceparent=SAMPLED)
    servers = [span for span in collector.spans if span.kind == span.SPAN_KIND_SERVER]
    assert {(span.trace_id.hex(), span.parent_span_id.hex()) for span in servers} == {(TRACE, PARENT)}
    assert (len(servers), [link for span in servers for link in span.links]) == (2, [])


def test_a_proxy_that_passes_everything_on_can_be_left_out(tmp_path: Path, collector: Collector) -> None:
    groups = {"http": {"trusted_proxies": "127.0.0.1"}, "telemetry": {"trusted_callers": ""}}
    with serving(tmp_path / "log", settings=settings(collector.endpoint, 0, **groups)) as served:
        assert carried(served.get("/api/observed", traceparent=SAMPLED))[1] == "00"
    assert collector.spans == []


@pytest.mark.parametrize(
    "state", ["a=1," * MAX_TRACESTATE_MEMBERS + "b=2", "a=" + "x" * 600, "a=\xe9"], ids=["many", "long", "not ASCII"]
)
def test_what_others_want_to_be_passed_on_is_bounded(tmp_path: Path, collector: Collector, state: str) -> None:
    groups = {"telemetry": {"trusted_callers": "127.0.0.1"}}
    with serving(tmp_path / "log", settings=settings(collector.endpoint, 0, **groups)) as served:
        served.get("/api/observed", traceparent=SAMPLED, tracestate=state, baggage="a=" + "x" * 5000)
    (server, *_) = [span for span in collector.spans if span.kind == span.SPAN_KIND_SERVER]
    assert server.trace_state == ""
