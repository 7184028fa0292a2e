"""One WebSocket, watched from outside the application; a denial is a problem document."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING

import structlog
from prometheus_client import Gauge
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from ..context import RequestContext, current_request
from ..problems import MEDIA_TYPE, problem_body
from ..telemetry.metrics.catalogue import UNMATCHED_ROUTE
from ..telemetry.tracing.spans import ServerSpan
from .exchange import CLIENT_DISCONNECTED, INTERNAL_ERROR_DETAIL, MAX_PATH_LENGTH
from .release import release
from .routes import route_label

if TYPE_CHECKING:
    from .edge_state import EdgeState

DENIED = "This connection is not allowed."
NOT_FOUND_DETAIL = "Not found: check the path and the id."
SWITCHING_PROTOCOLS = 101
INTERNAL_ERROR = 1011
"""Close code (RFC 6455 §7.4.1)."""

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class WebSocketExchange:
    """The `send` of one WebSocket, and its outcome."""

    __slots__ = (
        "_begun",
        "_closed",
        "_context",
        "_disconnected",
        "_edge",
        "_gauge",
        "_receive",
        "_root_path",
        "_scope",
        "_send",
        "_span",
        "_status",
    )

    def __init__(self, edge: EdgeState, scope: Scope, receive: Receive, send: Send, context: RequestContext) -> None:
        self._begun = perf_counter()
        self._edge = edge
        self._scope = scope
        self._receive = receive
        self._send = send
        self._context = context
        self._root_path: str = scope.get("root_path", "")
        self._status = 0  # 101, or that of the denial
        self._closed = self._disconnected = False
        self._gauge: Gauge | None = None
        self._span: ServerSpan | None = None

    async def run(self) -> None:
        """Serves the WebSocket; closes or denies it if the application fails."""
        context, edge = self._context, self._edge
        token = current_request.set(context)
        if context.sampled:
            self._span = edge.tracing.server_span(context, "GET")
        try:
            await edge.app(self._scope, self._receive, self.send)
        except WebSocketDisconnect:
            self._closed = True
        except Exception as error:  # noqa: BLE001 - the last place where an error can become an answer
            if not self._disconnected:
                await self._fail(error)
            release(error)
        except asyncio.CancelledError:
            if not edge.drain.draining:
                raise
        finally:
            self._finish()
            if self._span is not None:
                self._span.detach()
            current_request.reset(token)

    async def send(self, message: Message) -> None:
        """The server's `send`; a WebSocket closed before it is accepted is answered with a problem document."""
        kind = message["type"]
        if kind == "websocket.accept":
            self._status = SWITCHING_PROTOCOLS
            self._gauge = self._edge.metrics.active_websockets(self._route())
            self._gauge.inc()
            message = self._with_headers(message)
        elif kind == "websocket.http.response.start":
            self._status = message["status"]
            message = self._with_headers(message, *self._edge.headers)
        elif kind == "websocket.close":
            self._closed = True
            if not self._status:
                matched = self._route() != UNMATCHED_ROUTE
                await self._deny(403 if matched else 404, DENIED if matched else NOT_FOUND_DETAIL)
                return
        try:
            await self._send(message)
        except OSError:  # Servers of ASGI 2.4 raise this after a disconnect.
            self._disconnected = True
            raise

    async def _deny(self, status: int, detail: str) -> None:
        if "websocket.http.response" not in self._scope.get("extensions", {}):
            self._status = 403
            await self._send({"type": "websocket.close"})
            return
        body = problem_body(status, detail)
        headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
        await self.send({"type": "websocket.http.response.start", "status": status, "headers": headers})
        await self._send({"type": "websocket.http.response.body", "body": body})

    async def _fail(self, error: Exception) -> None:
        _log.error("unhandled exception in a WebSocket", exc_info=error, path=self._path())
        if self._span is not None:
            self._span.record(error)
        if not self._status:
            await self._deny(500, INTERNAL_ERROR_DETAIL)
        elif not self._closed:
            self._closed = True
            try:
                await self._send({"type": "websocket.close", "code": INTERNAL_ERROR})
            except OSError:
                return  # The client has disconnected already.

    def _with_headers(self, message: Message, *more: tuple[bytes, bytes]) -> Message:
        headers = [*message.get("headers", ()), (b"x-request-id", self._context.request_id.encode())]
        present = {name.lower() for name, _ in headers}
        headers += [header for header in more if header[0] not in present]
        headers += self._edge.route_headers.get(self._route(), ())
        return {**message, "headers": headers}

    def _finish(self) -> None:
        edge, context, scope = self._edge, self._context, self._scope
        if self._gauge is not None:
            self._gauge.dec()
        seconds = perf_counter() - self._begun
        status, route = (
            self._status or (CLIENT_DISCONNECTED if self._closed or self._disconnected else 500),
            self._route(),
        )
        context.feature = edge.route_features.get(route, "")
        if self._span is not None:
            self._span.end_request(scope, route, status, seconds)
        if status >= 500 or edge.overrides.logs_requests:
            client = scope.get("client")
            edge.write_line(
                {
                    "ts": datetime.now(UTC),
                    "level": "error" if status >= 500 else "info",
                    "event": "websocket",
                    "route": route,
                    "path": self._path(),
                    "status": status,
                    "duration_ms": int(seconds * 1e6) / 1e3,
                    "client": client[0] if client else "",
                    "principal": context.principal,
                    "feature": context.feature,
                    "request_id": context.request_id,
                    "trace_id": context.trace_id,
                    "span_id": context.span_id,
                }
            )

    def _route(self) -> str:
        return route_label(self._scope, self._root_path, self._status)

    def _path(self) -> str:
        path: str = self._scope["path"]
        return path[:MAX_PATH_LENGTH]
