"""One request followed by its id: from the exemplar of a scrape to its trace, to its log lines, and back."""

import http.client
import json
import os
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPMessage
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from pydantic import SecretStr

from app.features.users.tokens import TokenIssuer
from app.platform.ids import new_id
from app.platform.settings import Auth, Database
from tests.support.application import ALL_SCOPES, SIGNING_KEY
from tests.support.collector import collecting
from tests.support.live import live_service
from tests.support.process import Service
from tests.support.tools import not_run_here
from tests.support.waiting import free_port, until

CALLING_TRACE, CALLING_SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
REQUEST_ID = "followed-by-its-id"
ROUTE = "/api/v1/items"
EXEMPLAR = re.compile(
    r"^http_server_request_duration_seconds_bucket\{(?P<labels>[^}]*)\} \S+ "
    r"# \{span_id=\"(?P<span>[0-9a-f]{16})\",trace_id=\"(?P<trace>[0-9a-f]{32})\"\}",
    re.MULTILINE,
)
JAEGER = """
service:
  extensions: [jaeger_storage, jaeger_query]
  pipelines:
    traces: {{receivers: [otlp], exporters: [jaeger_storage_exporter]}}
  telemetry: {{metrics: {{level: none}}}}
extensions:
  jaeger_storage: {{backends: {{memory: {{memory: {{max_traces: 1000}}}}}}}}
  jaeger_query:
    storage: {{traces: memory}}
    http: {{endpoint: "127.0.0.1:{query}"}}
    grpc: {{endpoint: "127.0.0.1:{grpc}"}}
receivers:
  otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{otlp}"}}}}}}
exporters:
  jaeger_storage_exporter: {{trace_storage: memory}}
"""


@dataclass(frozen=True)
class Span:
    name: str
    span_id: str
    parent_id: str


Lookup: TypeAlias = Callable[[str], list[Span]]
"""The spans of a trace, by its id."""


@contextmanager
def receiver(folder: Path) -> Generator[tuple[str, Lookup]]:
    """Our own collector."""
    with collecting() as collector:

        def spans(trace_id: str) -> list[Span]:
            found = (span for span in collector.spans if span.trace_id.hex() == trace_id)
            return [Span(span.name, span.span_id.hex(), span.parent_span_id.hex()) for span in found]

        yield collector.endpoint, spans


@contextmanager
def jaeger(folder: Path) -> Generator[tuple[str, Lookup]]:
    """A real Jaeger, asked over its API."""
    program = os.environ.get("SLIPWAY_TEST_JAEGER")
    if not program:
        not_run_here("jaeger", "SLIPWAY_TEST_JAEGER names no program", demanded=False)
    ports = {name: free_port() for name in ("query", "grpc", "otlp")}
    configuration = folder / "jaeger.yaml"
    configuration.write_text(JAEGER.format(**ports))

    def look_up(path: str) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{ports['query']}{path}", timeout=10) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except urllib.error.HTTPError:
            return {"data": None}

    def answers() -> bool:
        try:
            return bool(look_up("/api/services"))
        except OSError:
            return False

    def spans(trace_id: str) -> list[Span]:
        traces: list[dict[str, Any]] = look_up(f"/api/traces/{trace_id}")["data"] or []
        return [_of_jaeger(span) for trace in traces for span in trace["spans"]]

    with (folder / "jaeger.log").open("wb") as log:
        process = subprocess.Popen([program, f"--config=file:{configuration}"], stdout=log, stderr=log)
    try:
        until(answers, "Jaeger to answer")
        yield f"http://127.0.0.1:{ports['otlp']}", spans
    finally:
        process.terminate()
        process.wait(20)


def _of_jaeger(span: dict[str, Any]) -> Span:
    references: list[dict[str, str]] = span["references"]
    return Span(span["operationName"], span["spanID"], references[0]["spanID"] if references else "")


def ask(
    port: int, method: str, path: str, headers: dict[str, str], body: str | None = None
) -> tuple[HTTPMessage, bytes]:
    """The headers and the body of an answer that is good."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status < 300, content
        return answer.headers, content


def openmetrics(port: int) -> str:
    """A scrape as Prometheus asks for it when it stores exemplars."""
    return ask(port, "GET", "/metrics", {"Accept": "application/openmetrics-text; version=1.0.0"})[1].decode()


def post_item(port: int) -> HTTPMessage:
    """The headers of the answer to a request that is part of somebody's trace."""
    token = TokenIssuer(Auth(signing_key=SecretStr(SIGNING_KEY))).issue(new_id(), ALL_SCOPES)
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "X-Request-ID": REQUEST_ID,
        "traceparent": f"00-{CALLING_TRACE}-{CALLING_SPAN}-01",
    }
    return ask(port, "POST", ROUTE, headers, json.dumps({"name": "lamp", "price": "1.00"}))[0]


def log_lines(service: Service, trace_id: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, service.log().splitlines()) if line.get("trace_id") == trace_id]


@pytest.mark.parametrize("backend", [receiver, jaeger], ids=["our receiver", "Jaeger"])
def test_a_request_is_followed_from_exemplar_to_trace_to_log_and_back(
    backend: Callable[[Path], Any], tmp_path: Path, new_database: Database
) -> None:
    with backend(tmp_path) as (endpoint, spans_of):
        telemetry = {
            "SLIPWAY_TELEMETRY__OTLP_ENDPOINT": endpoint,
            "SLIPWAY_TELEMETRY__SAMPLE_RATIO": "0",
            "SLIPWAY_TELEMETRY__TRUSTED_CALLERS": "127.0.0.1",
        }
        with live_service(tmp_path, new_database, **telemetry) as service:
            answered = post_item(service.port)

            until(lambda: EXEMPLAR.search(openmetrics(service.metrics_port)) is not None, "the exemplar")
            (exemplar,) = EXEMPLAR.finditer(openmetrics(service.metrics_port))
            assert f'http_route="{ROUTE}"' in exemplar["labels"]
            trace_id = exemplar["trace"]
            assert trace_id == CALLING_TRACE, "the caller's trace goes on"

            until(lambda: len(spans_of(trace_id)) >= 3, "the spans of the trace")
            spans = {span.name: span for span in spans_of(trace_id)}
            server = spans[f"POST {ROUTE}"]
            assert (server.span_id, server.parent_id) == (exemplar["span"], CALLING_SPAN)
            assert spans.keys() == {f"POST {ROUTE}", "insert items", "COMMIT"}
            assert {spans[name].parent_id for name in ("insert items", "COMMIT")} == {server.span_id}

            until(lambda: bool(log_lines(service, trace_id)), "the log line of the trace")
            (line,) = log_lines(service, trace_id)
            assert (line["route"], line["span_id"], line["status"]) == (ROUTE, server.span_id, 201)
            assert line["request_id"] == REQUEST_ID == answered["x-request-id"], "and the client knows it as this"
            assert {span.name for span in spans_of(str(line["trace_id"]))} == spans.keys(), "back from the line"
        assert "0" * 32 not in service.log()
