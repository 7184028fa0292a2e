"""Spans of real requests, sent by the real exporter to a collector on a real socket."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from websockets.sync.client import connect

from app.platform.context import RequestContext, current_request
from app.platform.settings import Service, Settings
from app.platform.settings import Telemetry as TelemetrySettings
from app.platform.telemetry import build_telemetry
from app.platform.telemetry.metrics.instruments import Metrics
from app.platform.telemetry.tracing.export import make_provider
from tests.support.collector import Collector, attributes, collecting, dead, event_attributes, hanging
from tests.support.served import Answer, Served, eventually, openmetrics, serving

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def traced(endpoint: str, ratio: float) -> dict[str, object]:
    return {"telemetry": {"otlp_endpoint": endpoint, "sample_ratio": ratio, "trusted_callers": "127.0.0.1"}}


def carried(answer: Answer) -> tuple[str, str, str]:
    """Trace, span and flags that a call of the handler would have carried."""
    _, trace_id, span_id, flags = str(answer.json()["traceparent"]).split("-")
    return trace_id, span_id, flags


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Collector, dict[str, Answer], Served]]:
    """Requests of every kind, all sampled, and what the collector had of them when the server had stopped."""
    answers: dict[str, Answer] = {}
    with collecting() as collector:
        folder = tmp_path_factory.mktemp("traced")
        with serving(folder / "log", settings=traced(collector.endpoint + "/", 1)) as served:
            answers["observed"] = served.get("/api/observed?token=hunter2", user_agent="test/1")
            answers["fails"] = served.get("/api/fails")
            answers["missing"] = served.get("/nothing")
            answers["unsampled"] = served.get("/api/observed", traceparent=f"00-{TRACE}-{PARENT}-00")
            answers["continued"] = served.get(
                "/api/observed", traceparent=f"00-{TRACE}-{PARENT}-01", tracestate="other=1"
            )
            answers["malformed"] = served.get("/api/observed", traceparent=f"00-{TRACE}-{PARENT}-0x")
            with connect(f"ws://127.0.0.1:{served.port}/api/sockets/1") as socket:
                socket.send("close")
            eventually(lambda: served.value("websocket_active_connections", http_route="/api/sockets/{room}") == 0)
        yield collector, answers, served


Collected = tuple[Collector, dict[str, Answer], Served]


def test_a_request_has_one_server_span_and_its_work_below_it(collected: Collected) -> None:
    collector, answers, _ = collected
    trace_id, calling, flags = carried(answers["observed"])
    spans = collector.of_trace(trace_id)
    assert spans.keys() == {"GET /api/observed", "work", "SELECT items"}
    server, work, statement = spans["GET /api/observed"], spans["work"], spans["SELECT items"]
    assert server.kind == Span.SPAN_KIND_SERVER
    assert server.parent_span_id == b""
    assert work.parent_span_id == server.span_id
    assert statement.parent_span_id == work.span_id
    assert (statement.span_id.hex(), flags) == (calling, "01"), "an outbound call is a child of the span around it"
    assert server.start_time_unix_nano <= work.start_time_unix_nano
    assert work.end_time_unix_nano <= server.end_time_unix_nano


def test_the_attributes_are_those_of_the_stable_conventions(collected: Collected) -> None:
    collector, answers, _ = collected
    spans = collector.of_trace(carried(answers["observed"])[0])
    assert attributes(spans["GET /api/observed"]) == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": "/api/observed",
        "network.protocol.version": "1.1",
        "url.path": "/api/observed",
        "url.scheme": "http",
        "client.address": "127.0.0.1",
        "user_agent.original": "test/1",
    }
    assert attributes(spans["SELECT items"]) == {
        "db.system.name": "postgresql",
        "db.operation.name": "SELECT",
        "db.query.text": "SELECT 1",
    }


def test_a_failure_is_an_error_with_its_exception(collected: Collected) -> None:
    collector, answers, _ = collected
    (span,) = collector.of_trace(answers["fails"].headers["x-request-id"]).values()
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert attributes(span)["error.type"] == "RuntimeError"
    exception = event_attributes(span)
    assert exception["exception.message"] == "password=[redacted] is no good"
    assert "fails" in str(exception["exception.stacktrace"])


def test_a_request_without_a_route_is_named_by_its_method(collected: Collected) -> None:
    collector, answers, _ = collected
    (span,) = collector.of_trace(answers["missing"].headers["x-request-id"]).values()
    assert span.name == "GET"
    assert span.status.code == Status.STATUS_CODE_UNSET, "a 404 is the client's error"


def test_a_sampled_parent_is_continued_with_its_state(collected: Collected) -> None:
    collector, answers, _ = collected
    spans = collector.of_trace(TRACE)
    assert spans["GET /api/observed"].parent_span_id.hex() == PARENT
    assert spans["GET /api/observed"].trace_state == "other=1"
    assert answers["continued"].json()["tracestate"] == "other=1"
    assert carried(answers["continued"])[0] == TRACE


def test_an_unsampled_parent_is_respected(collected: Collected) -> None:
    collector, answers, _ = collected
    trace_id, span_id, flags = carried(answers["unsampled"])
    assert (trace_id, span_id, flags) == (TRACE, PARENT, "00")
    servers = [span for span in collector.spans if span.trace_id.hex() == TRACE and span.name.startswith("GET")]
    assert len(servers) == 1, "only the sampled one"


def test_a_malformed_parent_starts_a_trace(collected: Collected) -> None:
    collector, answers, _ = collected
    trace_id = carried(answers["malformed"])[0]
    assert trace_id != TRACE
    assert collector.of_trace(trace_id)["GET /api/observed"].parent_span_id == b""


def test_a_websocket_has_a_span(collected: Collected) -> None:
    collector, _, _ = collected
    (span,) = (span for span in collector.spans if span.name == "GET /api/sockets/{room}")
    assert attributes(span)["http.response.status_code"] == 101


def test_metric_log_and_trace_of_a_request_lead_to_each_other(collected: Collected) -> None:
    collector, answers, served = collected
    trace_id = carried(answers["observed"])[0]
    server = collector.of_trace(trace_id)["GET /api/observed"]
    lines = served.lines_of(answers["observed"].headers["x-request-id"])
    assert [line["event"] for line in lines] == ["observed", "request"]
    for line in lines:
        assert line["trace_id"] == trace_id
        assert line["span_id"] == server.span_id.hex()
    last_of_its_bucket = carried(answers["malformed"])[0]
    exemplar = rf'# {{span_id="[0-9a-f]{{16}}",trace_id="{last_of_its_bucket}"}}'
    assert re.search(exemplar, openmetrics(served.telemetry.registry))


def test_every_span_that_ended_was_exported(collected: Collected) -> None:
    collector, _, served = collected
    ended = served.value("trace_spans_total", outcome="ended")
    assert ended == served.value("trace_spans_total", outcome="exported") == len(collector.spans)
    assert served.value("trace_spans_total", outcome="failed") == 0


def test_a_request_that_is_not_sampled_has_no_exemplar(tmp_path: Path) -> None:
    with collecting() as collector:
        with serving(tmp_path / "log", settings=traced(collector.endpoint, 0)) as served:
            assert served.get("/api/items/1").status == 200
            eventually(lambda: served.requests("/api/items/{item_id}", 200))
            assert "trace_id" not in openmetrics(served.telemetry.registry)
        assert collector.raw == []


@pytest.mark.parametrize("kind", ["dead", "hanging"])
def test_a_collector_that_is_away_changes_nothing_for_requests(tmp_path: Path, kind: str) -> None:
    with hanging() as silent:
        with serving(tmp_path / "log", settings=traced(silent if kind == "hanging" else dead(), 1)) as served:
            begun = time.perf_counter()
            # More than a batch, so that an export is under way.
            answers = served.ask_at_once([b"GET /api/items/1 HTTP/1.1\r\nHost: x\r\n\r\n"] * 600)
            assert answers.count(b"HTTP/1.1 200") == 600
            assert time.perf_counter() - begun < 5
            stopping = time.perf_counter()
        assert time.perf_counter() - stopping < 3, "the last spans are given up in time"
    said = [line for line in served.lines() if str(line.get("logger")).startswith("opentelemetry")]
    assert len(said) <= 3, "the exporter does not fill the log"


def test_spans_of_libraries_in_an_unsampled_request_are_no_new_traces() -> None:
    with collecting() as collector:
        settings = Settings(environment="test", telemetry=TelemetrySettings(otlp_endpoint=collector.endpoint))
        provider = make_provider(settings, Metrics(Service(), traced=True), lambda _: True)
        library = provider.get_tracer("library")
        token = current_request.set(RequestContext("id", TRACE, sampled=False))
        try:
            with library.start_as_current_span("outer"), library.start_as_current_span("inner"):
                pass
        finally:
            current_request.reset(token)
        library.start_span("elsewhere", attributes={"url.full": "http://x/y?token=hunter2"}).end()
        provider.shutdown()
    (span,) = collector.spans
    assert span.name == "elsewhere"
    assert attributes(span) == {"url.full": "http://x/y"}


def test_making_telemetry_starts_and_imports_nothing() -> None:
    program = """
import sys, threading
from app.platform.settings import Settings
from app.platform.telemetry import build_telemetry
telemetry = build_telemetry(Settings(environment="test", telemetry={"otlp_endpoint": "http://127.0.0.1:9"}))
assert threading.active_count() == 1, threading.enumerate()
assert not [name for name in sys.modules if name.startswith(("opentelemetry.sdk", "requests"))]
telemetry.start()
from opentelemetry import trace
assert trace.get_tracer("library").start_span("x").is_recording() in (True, False)
assert type(trace.get_tracer_provider()).__module__ == "opentelemetry.sdk.trace", "libraries find it"
telemetry.tracing.close()
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_telemetry_can_be_closed_twice_and_started_again() -> None:
    telemetry = build_telemetry(Settings(environment="test", telemetry=TelemetrySettings(otlp_endpoint=dead())))
    for _ in range(2):
        telemetry.start()
        telemetry.start()
        assert telemetry.tracing.tracer is not None
        telemetry.tracing.close()
        telemetry.tracing.close()
        assert telemetry.tracing.tracer is None
