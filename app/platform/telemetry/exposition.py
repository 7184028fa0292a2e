"""Metrics on their own port and threads, so that a scrape never runs on the request loop."""

import gzip
import logging
import socket
import socketserver
import sys
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Protocol, TypeAlias, cast

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from ..http.problems import MEDIA_TYPE, problem_body
from ..ids import new_id
from ..listen import listen_error

SCRAPE_SECONDS = 10.0
"""A connection to the metrics port is cut after this time, however its client behaves."""
VARIABLE = "SLIPWAY_METRICS__PORT"
Connection: TypeAlias = socket.socket | tuple[bytes, socket.socket]
"""As socketserver has it; of TCP it is always the socket."""

LINES_AT_A_TIME = 64
"""Of a scrape, before requests have their turn: about half a millisecond."""
NOTICED_SECONDS = 20e-6
"""CPU that other threads of the process used meanwhile: more, and somebody has requests to answer."""
REST_SECONDS = 0.001
"""How long the interpreter is left to them: some requests."""
MOST_RESTS = 250
"""In one scrape, which a Prometheus waits for."""

LARGEST_BODY = 4096
"""Bytes of a signed change."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back."""

    status: int
    body: bytes
    media_type: str


class Endpoint(Protocol):
    """What else than metrics is served on the port."""

    def state(self) -> Answer:
        """The answer to a GET."""
        ...

    def change(self, document: bytes) -> Answer:
        """The answer to a PUT."""
        ...


_log = logging.getLogger(__name__)


def exposition(registry: CollectorRegistry, accept: str) -> tuple[bytes, str]:
    """The metrics and their media type: OpenMetrics, with exemplars, if the `Accept` header asks for it.

    Takes tens of milliseconds for a large registry, and several times that beside a busy event loop, to which it
    leaves most of the time. So call it in a thread.
    """
    encode, media_type = choose_encoder(accept)
    return encode(cast(CollectorRegistry, _Source(registry))), media_type


def in_turns(metrics: Collector) -> Iterator[Metric]:
    """All families, of whose samples only some are given at a time, so that requests are answered in between.

    The interpreter runs one thread at a time, and would give a scrape as much of it as the requests
    (docs/adr/0011-one-set-of-metrics-however-they-leave.md).
    """
    turns = _Turns()
    for family in metrics.collect():
        shown = copy(family)  # some collectors return the same one each time
        shown.samples = cast(list[Sample], turns.some_at_a_time(family.samples))
        yield shown


class _Turns:
    """Rests while other threads of this process have work; that other processes have some is none of its business."""

    def __init__(self) -> None:
        self._others = _cpu_of_others()
        self._rests_left = MOST_RESTS

    def some_at_a_time(self, samples: list[Sample]) -> Iterator[Sample]:
        for start in range(0, len(samples), LINES_AT_A_TIME):
            yield from samples[start : start + LINES_AT_A_TIME]
            before, self._others = self._others, _cpu_of_others()
            if self._others - before > NOTICED_SECONDS and self._rests_left:
                self._rests_left -= 1
                time.sleep(REST_SECONDS)
                self._others = _cpu_of_others()


def _cpu_of_others() -> float:
    return time.process_time() - time.thread_time()


@dataclass(frozen=True, slots=True)
class _Source:
    """What an encoder reads."""

    metrics: Collector

    def collect(self) -> Iterator[Metric]:
        return in_turns(self.metrics)


def problem(status: int, detail: str) -> Answer:
    """A problem document; `detail` is a sentence without its first capital and its full stop."""
    sentence = f"{detail[0].upper()}{detail[1:]}."
    return Answer(status, problem_body(status, sentence, instance=str(new_id())), MEDIA_TYPE)


@contextmanager
def serve_metrics(
    registry: CollectorRegistry,
    host: str,
    port: int,
    *,
    multiprocess: bool = False,
    endpoints: Mapping[str, Endpoint] | None = None,
) -> Generator[None]:
    """Serves `/metrics` until the context ends, and `endpoints` by their path.

    With `multiprocess`, several processes may share the port.

    Raises:
        ListenError: the port is in use or cannot be had.
    """
    try:
        server = _MetricsServer(registry, host, port, multiprocess, endpoints or {})
    except OSError as error:
        raise listen_error(error, host, port, variable=VARIABLE) from None
    with server:
        thread = Thread(target=server.serve_forever, name="metrics", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


class _MetricsServer(ThreadingHTTPServer):
    def __init__(
        self, registry: CollectorRegistry, host: str, port: int, multiprocess: bool, endpoints: Mapping[str, Endpoint]
    ) -> None:
        self.registry = registry
        self.endpoints = endpoints
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.allow_reuse_port = multiprocess
        self._open: dict[socket.socket, float] = {}
        self._lock = Lock()
        super().__init__((host, port), _Scrape)

    def server_bind(self) -> None:
        # HTTPServer would ask the name service for the host's name, which can hang.
        socketserver.TCPServer.server_bind(self)

    def process_request(self, request: Connection, client_address: object) -> None:
        with self._lock:
            self._open[cast(socket.socket, request)] = time.monotonic()
        super().process_request(request, client_address)

    def shutdown_request(self, request: Connection) -> None:
        with self._lock:
            self._open.pop(cast(socket.socket, request), None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Cuts clients that hang; called twice a second."""
        oldest = time.monotonic() - SCRAPE_SECONDS
        with self._lock:
            late = [request for request, since in self._open.items() if since < oldest]
            for request in late:
                try:
                    request.shutdown(socket.SHUT_RDWR)
                except OSError:
                    self._open.pop(request)

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), OSError):  # a client that went away is no news
            _log.exception("a scrape failed")


class _Scrape(BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        endpoint = self._endpoint()
        length = self.headers.get("Content-Length", "")
        if endpoint is None:
            self._send(problem(404, "nothing can be changed here: a signed change goes to /admin/telemetry"))
        elif not length.isdecimal() or int(length[:20]) > LARGEST_BODY:
            self._send(problem(413, f"send a signed change of at most {LARGEST_BODY} bytes, with its Content-Length"))
        else:
            self._send(endpoint.change(self.rfile.read(int(length))))

    def do_GET(self) -> None:
        if endpoint := self._endpoint():
            self._send(endpoint.state())
            return
        if self.path.partition("?")[0] != "/metrics":
            self.send_error(404, explain="The metrics are at /metrics.")
            return
        body, media_type = exposition(cast(_MetricsServer, self.server).registry, self.headers.get("Accept", ""))
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, compresslevel=1, mtime=0)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _endpoint(self) -> Endpoint | None:
        return cast(_MetricsServer, self.server).endpoints.get(self.path)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.media_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def version_string(self) -> str:
        return "metrics"

    def log_message(self, format: str, *args: object) -> None:
        """A scrape every few seconds is no news."""
