"""WebSockets of uvicorn, with a handshake that our parser has read and with timeouts."""

from collections.abc import Sequence
from typing import Any

import httptools
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.datastructures import Headers
from websockets.http11 import Request

from .joined import JoinedTransport
from .limits import LimitedConfig
from .unsent import Unsent

_BODY_FIELDS = frozenset({"content-length", "transfer-encoding"})
_STAND_IN = b"GET / HTTP/1.1\r\n\r\n"
"""Fed to the library's parser, whose limits (lines of 8 KiB, 128 fields) are not ours."""


class GuardedWebSocket(WebSocketsSansIOProtocol):
    """Begins with a parsed handshake, and is swept like every connection."""

    def __init__(
        self,
        config: LimitedConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
    ) -> None:
        super().__init__(config, server_state, app_state)
        self._limits = config.limits
        self._handshake: Request | None = None
        self._unsent: Unsent | None = None
        self._waited = 0.0

    def refusal(self, url: bytes, fields: Sequence[tuple[bytes, bytes]]) -> int:
        """The status that refuses this handshake (RFC 6455 §4.2); 0 if it is valid."""
        try:
            return self._refusal(url, fields)
        except (ValueError, httptools.HttpParserError):
            return 400

    def _refusal(self, url: bytes, fields: Sequence[tuple[bytes, bytes]]) -> int:
        headers = Headers([(name.decode("ascii"), value.decode("latin-1")) for name, value in fields])
        if any(length != "0" for name in _BODY_FIELDS for length in headers.get_all(name)):
            return 400
        if headers.get_all("sec-websocket-version") != ["13"]:
            return 426
        parsed = httptools.parse_url(url)
        path = parsed.path + (b"?" + parsed.query if parsed.query else b"")
        self._handshake = Request(path.decode("ascii"), headers)
        return 0 if self.conn.accept(self._handshake).status_code == 101 else 400

    def begin(self, transport: JoinedTransport) -> None:
        """Takes the connection over and calls the application."""
        self._unsent = Unsent(transport, self._limits)
        self._limits.websockets += 1
        self.connection_made(transport)  # type: ignore[arg-type]
        transport.set_protocol(self)
        self.data_received(_STAND_IN)

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(self._handshake or event)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._unsent:
            self._unsent.end()
            self._limits.websockets -= 1
        super().connection_lost(exc)

    def sweep(self, seconds: float) -> None:
        """Ends the connection if it is not accepted in time, or if its client does not read."""
        if self._unsent:
            self._unsent.sweep(seconds, answered=False)
        if self.transport.is_closing() or self.handshake_complete:
            return
        self._waited += seconds
        if self._waited > self._limits.http.header_timeout_seconds:
            self.shutdown()
