"""A served application, its metrics and its log lines."""

import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import uvicorn
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.types import Receive, Scope, Send

from app.platform.http.edge import EdgeMiddleware
from app.platform.process.drain import Drain
from app.platform.settings import Settings
from app.platform.telemetry import Telemetry, build_telemetry
from app.platform.telemetry.logging.lines import LineWriter
from tests.support.logs import logging_to
from tests.support.sample import create_sample, raw

Result = TypeVar("Result")
PROBLEM = "application/problem+json"
COUNT = "http_server_request_duration_seconds_count"
SUM = "http_server_request_duration_seconds_sum"


def openmetrics(registry: CollectorRegistry) -> str:
    """What a scrape shows that asks for OpenMetrics."""
    encode, _ = choose_encoder("application/openmetrics-text; version=1.0.0")
    return encode(registry).decode()


def eventually(check: Callable[[], Result], seconds: float = 5) -> Result:
    """What `check` returns as soon as it is true, for what the server does after its answer was read."""
    deadline = time.monotonic() + seconds
    while not (result := check()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)
    return result


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.body)
        return found

    def is_problem(self, status: int) -> bool:
        """Whether it is a problem document of this status, for this request."""
        content = self.json()
        return (
            self.status == content["status"] == status
            and self.headers["content-type"] == PROBLEM
            and content["instance"] == self.headers["x-request-id"]
        )


@dataclass(frozen=True)
class Served:
    """A server on `port`."""

    port: int
    telemetry: Telemetry
    drain: Drain
    log: Path
    server: uvicorn.Server

    def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | Iterator[bytes] | None = None,
    ) -> Answer:
        """One request on a connection of its own; an iterator is sent in chunks."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, dict(headers or {}), encode_chunked=body is not None)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, {name.replace("_", "-"): value for name, value in headers.items()})

    def sends(self, content: bytes) -> socket.socket:
        """A connection on which these bytes were sent."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        connection.sendall(content)
        return connection

    def ask_at_once(self, requests: list[bytes]) -> bytes:
        """Sends requests on one connection without waiting; the answers to all of them."""
        answers = b""
        with self.sends(b"".join(requests)) as connection:
            while answers.count(b"HTTP/1.1 ") < len(requests):
                answers += connection.recv(1 << 20)
        return answers

    def value(self, name: str, **labels: str) -> float:
        """A sample, 0 if there is none."""
        return self.telemetry.registry.get_sample_value(name, labels) or 0

    def requests(self, route: str, status: int, method: str = "GET", sample: str = COUNT) -> float:
        """How many requests were booked so."""
        labels = {
            "http_request_method": method,
            "http_route": route,
            "http_response_status_code": str(status),
        }
        return self.value(sample, **labels)

    def series(self) -> set[tuple[tuple[str, str], ...]]:
        """The label sets of the request histogram that were used."""
        return {
            tuple(sorted(sample.labels.items()))
            for family in self.telemetry.registry.collect()
            for sample in family.samples
            if sample.name == COUNT
        }

    def lines(self) -> list[dict[str, object]]:
        """The log lines so far."""
        assert self.telemetry.writer.flush(5)
        return [json.loads(line) for line in self.log.read_bytes().splitlines()]

    def lines_of(self, request_id: str) -> list[dict[str, object]]:
        return [line for line in self.lines() if line.get("request_id") == request_id]

    def access_line(self, request_id: str) -> dict[str, object]:
        """The line of a request, once it is there."""

        def found() -> dict[str, object] | None:
            return next(
                (line for line in self.lines_of(request_id) if line["event"] in ("request", "websocket")),
                None,
            )

        return eventually(found) or {}


@contextmanager
def serving(
    log: Path,
    *,
    settings: Mapping[str, object] | None = None,
    authenticate: Callable[[bytes], object] | None = None,
    route_headers: Mapping[str, list[tuple[bytes, bytes]]] | None = None,
    request_seconds: int | None = None,
) -> Generator[Served]:
    """Serves the sample behind the layer with uvicorn, on a socket and in a thread of its own."""
    given = Settings.model_validate({"environment": "test", **(settings or {})})
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    writer = LineWriter(descriptor)
    telemetry = build_telemetry(given, writer)
    drain = Drain()
    sample = create_sample()
    telemetry.metrics.prepare(routes_of(sample))

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await (raw if scope.get("path", "").startswith("/raw/") else sample)(scope, receive, send)

    layer = EdgeMiddleware(
        application,
        telemetry=telemetry,
        drain=drain,
        settings=given,
        authenticate=authenticate,
        route_headers=route_headers,
    )
    with logging_to(given, writer), _listening(layer, request_seconds) as server:
        yield Served(server.servers[0].sockets[0].getsockname()[1], telemetry, drain, log, server)
    assert writer.flush(5)
    os.close(descriptor)


@contextmanager
def _listening(layer: EdgeMiddleware, request_seconds: int | None) -> Generator[uvicorn.Server]:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        layer,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        timeout_graceful_shutdown=request_seconds,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        eventually(lambda: server.started or not thread.is_alive(), 10)
        assert thread.is_alive(), "the server did not start"
        yield server
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def routes_of(application: FastAPI) -> list[tuple[str, str, int]]:
    """Method, template and declared success status of every route."""
    return [
        (method, path, getattr(context, "status_code", None) or 200)
        for context in iter_route_contexts(application.routes)
        if (path := context.path_format)
        for method in sorted(context.methods or ())
    ]
