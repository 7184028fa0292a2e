"""The metrics port: bounded HTTP/1.1 on threads of its own, which answer while the event loop is blocked.

Whoever reaches the port needs no token, so everything that a client can make large has a limit.
"""

import gzip
import selectors
import socket
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from threading import BoundedSemaphore, Condition, Lock, Thread
from typing import TypeAlias

import structlog
from prometheus_client import CollectorRegistry

from ..telemetry.metrics.exposition import exposition
from .listen import listen_error
from .operations_http import LINGER_TIMEOUT_SECONDS, Answer, RefusedError, linger, parse_head, read_head, send_answer

VARIABLE = "SLIPWAY_METRICS__PORT"
MAX_CONNECTIONS = 32
"""Connections at a time, each with a thread. One more ends the oldest that has not sent its head."""
MAX_SCRAPES = 2
"""Answers that are made or sent at a time: each holds a copy of all metrics."""
HEAD_TIMEOUT_SECONDS = 2.0
"""How long a client may take to send its request."""
CONNECTION_TIMEOUT_SECONDS = 10.0
"""A connection is closed after this time, however its client behaves."""
QUEUE_TIMEOUT_SECONDS = 3.0
"""How long a scrape waits for others; then it is answered 503."""
SEND_GRACE_SECONDS = 1.0
"""How long a client may take to read its answer while others wait for its place."""

Endpoint: TypeAlias = Callable[[], Answer]
"""Makes the answer to a GET, in a thread of the port."""

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


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
        listener = _listen(host, port, shared=multiprocess)
    except OSError as error:
        raise listen_error(error, host, port, variable=VARIABLE) from None
    waker, woken = socket.socketpair()
    with listener, waker, woken:
        server = _MetricsPort(registry, endpoints or {})
        thread = Thread(target=server.serve, args=(listener, woken), name="metrics", daemon=True)
        thread.start()
        try:
            yield
        finally:
            waker.send(b"!")
            thread.join()


def _listen(host: str, port: int, *, shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, port))
        listener.listen(MAX_CONNECTIONS)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


class _MetricsPort:
    def __init__(self, registry: CollectorRegistry, endpoints: Mapping[str, Endpoint]) -> None:
        self._registry = registry
        self._endpoints = endpoints
        self._threads = BoundedSemaphore(MAX_CONNECTIONS)
        self._lock = Lock()
        self._without_head: dict[socket.socket, None] = {}  # in the order of their arrival
        self._scrapes = Condition()
        self._scraping: dict[socket.socket, float] = {}  # when sending began; infinity until then

    def serve(self, listener: socket.socket, woken: socket.socket) -> None:
        """Accepts connections until `woken` can be read."""
        with selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            while all(key.fileobj is not woken for key, _ in selector.select()):
                try:
                    client, _ = listener.accept()
                except BlockingIOError:
                    continue
                except OSError:  # no descriptor is left
                    time.sleep(0.05)
                    continue
                self._start(client)

    def _start(self, client: socket.socket) -> None:
        if not self._threads.acquire(blocking=False):
            with self._lock:
                for oldest in self._without_head:
                    _shut(oldest)
                    break
            if not self._threads.acquire(timeout=LINGER_TIMEOUT_SECONDS):
                client.close()
                return
        with self._lock:
            self._without_head[client] = None
        try:
            Thread(target=self._run, args=(client,), name="metrics-connection", daemon=True).start()
        except RuntimeError:  # no thread can be started
            self._end(client)

    def _run(self, client: socket.socket) -> None:
        try:
            self._answer(client, time.monotonic() + CONNECTION_TIMEOUT_SECONDS)
        except OSError:
            pass  # a client that disconnects or is too slow is no news
        except Exception:  # noqa: BLE001 - a collector may raise anything, and the port stays up
            _log.exception("a scrape failed")
        finally:
            self._end(client)

    def _end(self, client: socket.socket) -> None:
        with self._lock:
            self._without_head.pop(client, None)
        client.close()
        self._threads.release()

    def _answer(self, client: socket.socket, deadline: float) -> None:
        method, lingers = "GET", False
        try:
            try:
                head = read_head(client, min(deadline, time.monotonic() + HEAD_TIMEOUT_SECONDS))
            finally:
                with self._lock:
                    self._without_head.pop(client, None)
            method, path, fields = parse_head(head)
            if path != "/metrics":
                answer = self._endpoint(path)()
            else:
                with self._scrape(client):
                    send_answer(client, method, self._metrics(fields), deadline, began=self._sending)
                return
        except RefusedError as refused:
            answer, lingers = refused.answer, True
        send_answer(client, method, answer, deadline)
        if lingers:
            linger(client)

    def _endpoint(self, path: str) -> Endpoint:
        if endpoint := self._endpoints.get(path):
            return endpoint
        raise RefusedError(404, "The metrics are at /metrics.")

    def _metrics(self, fields: Mapping[bytes, bytes]) -> Answer:
        body, media_type = exposition(self._registry, fields.get(b"accept", b"").decode("latin-1"))
        if b"gzip" not in fields.get(b"accept-encoding", b""):
            return Answer(200, body, media_type)
        return Answer(200, gzip.compress(body, compresslevel=1, mtime=0), media_type, (("Content-Encoding", "gzip"),))

    @contextmanager
    def _scrape(self, client: socket.socket) -> Generator[None]:
        """One of the places for scrapes, which is taken from a client that does not read its answer."""
        end = time.monotonic() + QUEUE_TIMEOUT_SECONDS
        with self._scrapes:
            while len(self._scraping) >= MAX_SCRAPES:
                now = time.monotonic()
                if now > end:
                    raise RefusedError(503, "Other scrapes take too long.")
                slowest = min(self._scraping, key=self._scraping.__getitem__)
                if self._scraping[slowest] < now - SEND_GRACE_SECONDS:
                    _shut(slowest)
                self._scrapes.wait(0.1)
            self._scraping[client] = float("inf")
        try:
            yield
        finally:
            with self._scrapes:
                del self._scraping[client]
                self._scrapes.notify()

    def _sending(self, client: socket.socket) -> None:
        with self._scrapes:
            self._scraping[client] = time.monotonic()


def _shut(client: socket.socket) -> None:
    """Ends a connection under the thread that serves it."""
    with suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)
