"""Closes slow clients and refuses malformed or oversized requests, before any application code runs."""

import asyncio
from typing import Any

from uvicorn.server import ServerState

from .crowd import make_room
from .limits import LimitedConfig
from .reading import RequestReader
from .refusal import REASONS, refusal

LINGER_TIMEOUT_SECONDS = 2.0
"""How long a refused client may go on sending. Closing earlier would reset the connection and lose the answer."""


class GuardedProtocol(RequestReader):
    """HTTP/1.1 with limits: uvicorn alone has no timeouts and no size limits.

    The server calls `sweep` about once a second; between two sweeps a request costs a few additions.
    """

    def __init__(
        self,
        config: LimitedConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._header_timeout = config.limits.http.header_timeout_seconds

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if len(self.connections) > self._limits.max_connections:
            make_room(self, self.connections, self._limits)

    def shutdown(self) -> None:
        """Closes the connection unless a request is running or has begun to arrive."""
        if not self._received or self._refused or not self._idle():
            super().shutdown()

    def sweep(self, seconds: float) -> None:
        """Ends the connection if its client is too slow; `seconds` have passed since the last sweep."""
        idle = self._idle()
        self._unsent.sweep(seconds, answered=idle)
        if self._refused:
            self._waited += seconds
            if self._waited > LINGER_TIMEOUT_SECONDS:
                self.transport.abort()
        elif self._in_body:
            if idle:
                self._waited += seconds
                if self._waited > self._header_timeout:
                    self._stop_listening()
            elif self.flow.read_paused or self.cycle.waiting_for_100_continue:
                self._body_rate.restart(self._body_bytes)
            elif self._body_rate.too_slow(self._body_bytes, seconds):
                self._limits.refuse("slow_client")
                self.transport.abort()
        elif idle and self.timeout_keep_alive_task is None and not self._held:
            self._waited += seconds
            if self._waited > self._header_timeout:
                # The client has sent nothing: a 408 could be taken for the answer to its next request.
                if self._received:
                    self._refuse(408)
                else:
                    self.transport.close()

    def seconds_left(self) -> float | None:
        """Seconds until this idle connection is closed; None while it has a request."""
        if self._refused:
            return LINGER_TIMEOUT_SECONDS - self._waited
        if self._held or not self._idle():
            return None
        if self._in_body:  # of a request that is answered
            return self._header_timeout - self._waited
        timer = self.timeout_keep_alive_task
        return self._header_timeout - self._waited if timer is None else timer.when() - self.loop.time()

    def evict(self) -> None:
        """Closes the connection to make room; a client that has sent something is answered 503."""
        refused, self._refused = self._refused, True
        self.connections.discard(self)
        if refused or self._joined.get_write_buffer_size():
            self.transport.abort()
            return
        if self._received or self.cycle is None:  # pyright: ignore[reportUnnecessaryComparison]
            self.transport.write(refusal(503, self.server_state.default_headers))
        self.transport.close()

    def _refuse(self, status: int) -> None:
        """Answers with a problem and ignores what the client sends from now on."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        self._waited = 0.0
        self._head = b""
        self._limits.refuse(REASONS[status])
        if not self._idle():
            # Another answer is due or under way, and the client would take this one for it.
            if not self._in_body or self.cycle.response_started or self.pipeline:
                self.transport.abort()
                return
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        elif self._in_body:  # of a request that has its answer
            self._stop_listening()
            return
        self.transport.write(refusal(status, self.server_state.default_headers))
        self._stop_listening()

    def _stop_listening(self) -> None:
        """Says that nothing follows what was written, and drops what the client still sends."""
        self._refused = True
        self._waited = 0.0
        self._unset_keepalive_if_required()
        self._flow.held = False
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()
