"""One request and its response, observed from outside the application: what arrived, what was sent, and when."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from ..context import RequestContext, current_request
from ..problems import Overloaded, Problem, send_problem
from ..telemetry.tracing.spans import ServerSpan
from .body import TOO_LARGE, BodyReader, RefusedError
from .release import release
from .routes import route_label

if TYPE_CHECKING:
    from .edge_state import EdgeState

DISCONNECT_CHECK_SECONDS = 0.25
"""From this duration on, it is worth checking whether the client has disconnected; few do so earlier."""
CLIENT_DISCONNECTED = 499
MAX_PATH_LENGTH = 512
"""Characters of a path in a log line or a span."""
PROBES = frozenset({"/livez", "/readyz", "/startupz", "/health", "/ready", "/metrics", "/internal/revocations"})
"""Requested every few seconds: logged only when they fail."""

LENGTH = "Content-Length must be a number."
INTERNAL_ERROR_DETAIL = "Internal error, logged under this request id."
STOPPING = "This instance is shutting down: send the request again."

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class Exchange:
    """The `receive` and `send` of one request, and its outcome.

    Every request of the process passes through it: straight code, few calls, measured by `make bench`.
    """

    __slots__ = (
        "_begun",
        "_body",
        "_context",
        "_declared",
        "_disconnected",
        "_edge",
        "_ended",
        "_expects_continue",
        "_finished",
        "_listening",
        "_outcome",
        "_receive",
        "_refused",
        "_root_path",
        "_route",
        "_scope",
        "_send",
        "_sent",
        "_span",
        "_status",
        "_unread",
    )

    def __init__(self, edge: EdgeState, scope: Scope, receive: Receive, send: Send, context: RequestContext) -> None:
        self._begun = perf_counter()
        self._ended = 0.0
        self._edge = edge
        self._scope = scope
        self._receive = receive
        self._send = send
        self._context = context
        self._root_path: str = scope.get("root_path", "")
        self._route = ""
        self._status = 0  # of the answer that has begun
        self._outcome = 0  # where it differs from the status line
        self._sent = self._listening = 0
        self._declared = 0
        self._expects_continue = False
        self._body: BodyReader | None = None
        self._unread: deque[Message] | None = None
        self._disconnected = self._refused = self._finished = False
        self._span: ServerSpan | None = None

    async def run(self, declared_bytes: int, *, expects_continue: bool = False) -> None:
        """Answers the request, whatever the application does; -1 bytes stand for an invalid length."""
        self._declared = declared_bytes
        self._expects_continue = expects_continue
        edge, context = self._edge, self._context
        token = current_request.set(context)
        if context.sampled:
            self._span = edge.tracing.server_span(context, self._scope["method"])
        edge.active_requests.inc()
        try:
            if declared_bytes < 0:
                await self._refuse(Problem(400, LENGTH))
            elif declared_bytes > edge.bodies.max_bytes:
                await self._refuse(Problem(413, TOO_LARGE))
            else:
                await edge.app(self._scope, self.receive, self.send)
                if not self._status and not self._disconnected:
                    _log.error("the application returned without an answer", path=self._path())
                    await send_problem(self.send, 500, INTERNAL_ERROR_DETAIL)
        except Exception as error:  # noqa: BLE001 - the last place where an error can become an answer
            await self._fail(error)
            release(error)
        except asyncio.CancelledError:
            if not edge.drain.draining:
                self._disconnected = True
                raise
            await self._stop()
        finally:
            if not self._finished:
                self._finish()
            if self._body is not None:
                self._body.close()
            if self._span is not None:
                self._span.detach()
            current_request.reset(token)

    async def receive(self) -> Message:
        """The server's `receive` with the rules for the body; it remembers a disconnect."""
        if self._body is None:
            # The application reads the body, so the route is known.
            bodies, scope = self._edge.bodies, self._scope
            self._body = BodyReader(bodies, bodies.rules(scope), scope, self._declared)
        try:
            message = await self._body.read(self._next)
        except RefusedError as refusal:
            await self._refuse(refusal.problem)
            raise
        if message["type"] != "http.request" and not self._ended:
            self._disconnected = True
        return message

    async def _next(self) -> Message:
        if self._unread:
            return self._unread.popleft()
        self._listening += 1
        try:
            return await self._receive()
        finally:
            self._listening -= 1

    async def send(self, message: Message) -> None:
        """The server's `send` with our headers; it notes when the first and the last byte are sent."""
        if self._refused:
            return
        kind = message["type"]
        if kind == "http.response.start":
            message = self._with_headers(message)
        try:
            await self._send(message)
        except OSError:  # Servers of ASGI 2.4 raise this after a disconnect.
            self._disconnected = True
            raise
        if kind == "http.response.body":
            self._sent += len(message.get("body", b""))
            if message.get("more_body", False):
                return
        elif kind != "http.response.pathsend":
            return
        self._ended = perf_counter()
        if self._status < 500:
            # Background work may continue for long. The application may raise the cause of an error when it returns.
            self._finish()

    def _with_headers(self, message: Message) -> Message:
        """The first message of the answer, with the headers of every answer."""
        if perf_counter() - self._begun > DISCONNECT_CHECK_SECONDS and not self._listening and not self._disconnected:
            self._disconnected = self._is_disconnected()
        edge = self._edge
        self._status = message["status"]
        route = self._route_label(self._status)
        headers = list(message.get("headers", ()))
        present = {name.lower() for name, _ in headers}
        if present.isdisjoint(edge.header_names):
            headers += edge.headers
        else:
            headers = [header for header in headers if header[0].lower() != b"x-request-id"]
            headers += [header for header in edge.headers if header[0] not in present]
        headers.append((b"x-request-id", self._context.request_id.encode()))
        if route in edge.route_headers:
            headers += edge.route_headers[route]
        unread = self._expects_continue and not (self._body and self._body.started)
        # A client that waits for a 100 may send its body or not: the next bytes are ambiguous (RFC 9110 §10.1.1).
        if edge.drain.draining or unread:
            headers.append((b"connection", b"close"))
        return {**message, "headers": headers}

    def _is_disconnected(self) -> bool:
        """Polls the server twice without waiting; other messages are kept for the application."""
        for _ in range(2):
            answer = self._receive().__await__()
            try:
                answer.send(None)
            except StopIteration as received:
                if received.value["type"] == "http.disconnect":
                    return True
                self._unread = self._unread or deque()
                self._unread.append(received.value)
            else:
                answer.close()
                break
        return False

    async def _refuse(self, problem: Problem) -> None:
        if isinstance(problem, Overloaded):
            self._edge.metrics.count_shed(problem.reason)
        if self._status:
            self._outcome = problem.status
        else:
            await send_problem(self.send, problem.status, problem.detail, slug=problem.slug, headers=problem.headers)
        self._refused = True

    async def _fail(self, error: Exception) -> None:
        if self._refused:
            return
        if isinstance(error, ClientDisconnect) or (self._disconnected and isinstance(error, OSError)):
            self._disconnected = True
            return
        if not self._route:
            self._route_label(500)
        _log.error("unhandled exception", exc_info=error, method=self._scope["method"], path=self._path())
        if self._span is not None and not self._finished:
            self._span.record(error)
        # An answer that has begun stays incomplete: the server closes the connection, and the client detects it.
        if not self._status:
            await send_problem(self.send, 500, INTERNAL_ERROR_DETAIL)

    async def _stop(self) -> None:
        """The time for running requests is over: a request without an answer can be sent to another instance."""
        self._edge.metrics.count_shed("draining")
        if not self._status:
            await send_problem(self.send, 503, STOPPING, headers={"retry-after": "1"})
        elif not self._ended:
            self._outcome = 503

    def _finish(self) -> None:
        """Records the request, once."""
        self._finished = True
        edge, scope, context, span = self._edge, self._scope, self._context, self._span
        seconds = (self._ended or perf_counter()) - self._begun
        status = self._outcome or (CLIENT_DISCONNECTED if self._disconnected else self._status if self._ended else 500)
        route = self._route or self._route_label(status)
        method: str = scope["method"]
        exemplar = {"trace_id": context.trace_id, "span_id": context.span_id} if span is not None else None
        edge.active_requests.dec()
        edge.observe_request(method, route, status, seconds, exemplar)
        if span is not None:
            span.end_request(scope, route, status, seconds)
        if status >= 500 or (edge.overrides.logs_requests and (status >= 400 or scope["path"] not in PROBES)):
            client = scope.get("client")
            edge.write_line(
                {
                    "ts": datetime.now(UTC),
                    "level": "error" if status >= 500 else "info",
                    "event": "request",
                    "method": method,
                    "route": route,
                    "path": self._path(),
                    "status": status,
                    "duration_ms": int(seconds * 1e6) / 1e3,
                    "bytes": self._sent,
                    "client": client[0] if client else "",
                    "principal": context.principal,
                    "feature": context.feature,
                    "request_id": context.request_id,
                    "trace_id": context.trace_id,
                    "span_id": context.span_id,
                }
            )

    def _route_label(self, status: int) -> str:
        self._route = route = route_label(self._scope, self._root_path, status)
        self._context.feature = self._edge.route_features.get(route, "")
        return route

    def _path(self) -> str:
        path: str = self._scope["path"]
        return path[:MAX_PATH_LENGTH]
