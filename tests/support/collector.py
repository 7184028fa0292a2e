"""A collector of spans and metrics on a real socket: one that takes them, and one that hangs."""

import socket
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.support.answering import answering


@dataclass
class Collector:
    """What has arrived at `endpoint`."""

    endpoint: str
    spans: list[Span] = field(default_factory=list[Span])
    metrics: list[ResourceMetrics] = field(default_factory=list[ResourceMetrics])
    raw: list[bytes] = field(default_factory=list[bytes])

    def of_trace(self, trace_id: str) -> dict[str, Span]:
        return {span.name: span for span in self.spans if span.trace_id.hex() == trace_id}


def attributes(span: Span) -> dict[str, str | int]:
    return values(span.attributes)


def event_attributes(span: Span) -> dict[str, str | int]:
    (event,) = span.events
    return values(event.attributes)


def values(entries: Iterable[KeyValue]) -> dict[str, str | int]:
    return {
        entry.key: entry.value.int_value if entry.value.HasField("int_value") else entry.value.string_value
        for entry in entries
    }


@contextmanager
def collecting() -> Generator[Collector]:
    """A collector that takes everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.raw.append(body)
            if self.path == "/v1/metrics":
                collector.metrics += ExportMetricsServiceRequest.FromString(body).resource_metrics
            else:
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    for scope in resource.scope_spans:
                        collector.spans += scope.spans
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    with answering(Handler) as port:
        collector = Collector(f"http://127.0.0.1:{port}")
        yield collector


@contextmanager
def hanging() -> Generator[str]:
    """The address of a collector that accepts connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def dead() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"
