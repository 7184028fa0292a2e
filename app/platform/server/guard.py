"""Closes slow clients and refuses malformed or oversized heads, before any application code runs."""

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from ..http.problems import MEDIA_TYPE, problem_body
from ..ids import new_id
from ..telemetry.labels import ShedReason
from .joined import JoinedTransport

if TYPE_CHECKING:
    from .config import ServerConfig

LINGER_SECONDS = 2.0
"""How long a refused client may go on sending: to close earlier would reset the connection, answer and all."""

_DETAILS = {
    400: "This is not a valid HTTP/1.1 request.",
    408: "The head of the request took too long to arrive.",
    431: "The request line and the header fields together are larger than this service takes.",
}
_REASONS: dict[int, ShedReason] = {400: "malformed", 408: "slow_client", 431: "large_head"}


class _Trailers(list[tuple[bytes, bytes]]):
    """Drops trailer fields: they could pass for headers that a proxy has checked (RFC 9110 §6.5.1)."""

    def append(self, field: tuple[bytes, bytes], /) -> None:
        pass


_TRAILERS = _Trailers()


class _RefusedError(Exception):
    """Ends the parsing of a head."""


class GuardedProtocol(HttpToolsProtocol):
    """HTTP/1.1 over httptools, which by itself waits for ever and takes any size.

    The server calls `sweep` about once a second; between two sweeps a request costs a few additions.
    """

    def __init__(
        self,
        config: "ServerConfig",
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        http = config.settings.http
        self._count_shed = config.count_shed
        self._most_head = http.max_header_bytes
        self._patience = http.header_timeout_seconds
        self._body_minimum = http.min_body_bytes_per_second
        self._chunk = 0
        self._received = 0  # bytes since the last whole message or piece of a body
        self._in_body = False
        self._body_bytes = 0
        self._waited = 0.0  # seconds spent on the head or the body that is expected
        self._status = 400
        self._refused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        joined = JoinedTransport(cast(asyncio.Transport, transport), self.loop)
        super().connection_made(cast(asyncio.Transport, joined))

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._chunk = len(data)
        self._received += self._chunk
        super().data_received(data)
        if self._received > self._most_head:
            self._refuse(400 if self._in_body else 431)

    def on_headers_complete(self) -> None:
        most = self._most_head
        if (self._received > most or self._chunk > most) and self._head_bytes() > most:
            self._status = 431
            raise _RefusedError
        hosts = 0
        for name, _ in self.headers:
            if name == b"host":
                hosts += 1
        parser = self.parser
        if parser is None or (hosts != 1 and (hosts or parser.get_http_version() != "1.0")):  # RFC 9112 §3.2
            raise _RefusedError
        self._in_body = True
        self._body_bytes = 0
        self._waited = 0.0
        super().on_headers_complete()
        if not parser.should_upgrade():
            self.headers = _TRAILERS

    def on_body(self, body: bytes) -> None:
        self._received = 0
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._received = 0
        self._in_body = False
        self._waited = 0.0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(self._status)

    def shutdown(self) -> None:
        """Closes the connection unless a request is running or has begun to arrive."""
        if not self._received or self._refused or not self._idle():
            super().shutdown()

    def sweep(self, seconds: float) -> None:
        """Ends the connection if its client is too slow; `seconds` have passed since the last sweep."""
        if self._refused:
            self._waited += seconds
            if self._waited > LINGER_SECONDS:
                self.transport.abort()
        elif self._in_body:
            if self.flow.read_paused or self.cycle.waiting_for_100_continue:
                return
            self._waited += seconds
            if self._waited > self._patience + self._body_bytes / self._body_minimum:
                self._count_shed("slow_client")
                self.transport.abort()
        elif self._idle() and self.timeout_keep_alive_task is None:
            self._waited += seconds
            if self._waited > self._patience:
                # A client that sent nothing asked nothing: a 408 could pass for the answer to a later request.
                if self._received:
                    self._refuse(408)
                else:
                    self.transport.close()

    def _idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete  # pyright: ignore[reportUnnecessaryComparison]

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _refuse(self, status: int) -> None:
        """Answers a problem and stops listening to the client."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        self._waited = 0.0
        self._count_shed(_REASONS[status])
        if not self._idle():
            # An answer is on its way or will be, and this one would be taken for it.
            if not self._in_body or self.cycle.response_started or self.pipeline:
                self.transport.abort()
                return
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        request_id = str(new_id())
        body = problem_body(status, _DETAILS[status], instance=request_id)
        fields = [
            *self.server_state.default_headers,
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
            (b"x-request-id", request_id.encode()),
        ]
        head = b"".join(b"%b: %b\r\n" % field for field in fields)
        self.transport.write(b"%b%b\r\n%b" % (STATUS_LINE[HTTPStatus(status)], head, body))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()
