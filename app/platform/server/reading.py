"""Reads requests from the bytes of a connection, so that nothing in a body is ever taken for a request."""

import abc
import asyncio
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from .flow import HeldFlow
from .framing import FRAMING_FIELDS, Framing, MalformedError
from .heads import BLANK, END, NO_TRAILERS, REQUEST_LINE, BodyEnd, cannot_be_a_head, skip_blank_lines, without_upgrade
from .joined import JoinedTransport
from .limits import (
    CHUNK_OVERHEAD,
    MAX_FIELDS,
    MAX_PIECE_BYTES,
    MAX_PIECES,
    MAX_PIPELINED,
    MAX_UNWANTED_BYTES,
    REQUEST_BYTES,
    LimitedConfig,
    RateWindow,
    Waiting,
)
from .unsent import Unsent
from .websocket import GuardedWebSocket


class RequestReader(HttpToolsProtocol, abc.ABC):
    """HTTP/1.1 over httptools, fed whole heads, and bodies apart from what follows them.

    So the reader knows where each request begins, and each gets one answer. llhttp by itself ends a request that
    asks for an upgrade at its head, and takes the body for the next request.
    """

    def __init__(
        self,
        config: LimitedConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        limits = config.limits
        self._limits = limits
        self._max_head = limits.http.max_header_bytes
        self._head = b""  # the beginning of a head whose end has not arrived
        self._received = 0  # bytes of a head, and of blank lines before it
        self._waited = 0.0  # seconds spent on the head that is expected
        self._held = b""  # what arrived and may not be parsed yet
        self._waiting = Waiting(limits)
        self._expecting = False  # a head: the parser is being fed one
        self._upgrading = self._in_body = False
        self._body_end = BodyEnd(0, chunked=False)
        self._framing = Framing()
        self._body_bytes = 0
        self._unwanted_bytes = 0  # of a body that arrived after the answer
        self._overhead = 0
        self._body_rate = RateWindow(limits.http.header_timeout_seconds, limits.http.min_body_bytes_per_second)
        self._refused = False

    @abc.abstractmethod
    def _refuse(self, status: int) -> None:
        """Answers a problem and stops listening to the client."""

    @abc.abstractmethod
    def _stop_listening(self) -> None:
        """Says that nothing follows what was written, and drops what the client still sends."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._joined = JoinedTransport(cast(asyncio.Transport, transport), self.loop, self._may_close)
        super().connection_made(cast(asyncio.Transport, self._joined))
        self.flow = self._flow = HeldFlow(self.transport)
        self._unsent = Unsent(self._joined, self._limits)

    def connection_lost(self, exc: Exception | None) -> None:
        self._unsent.end()
        self._waiting.release()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()
        if self._held:
            self._hold(self._held + data)
        else:
            self._parse(data)

    def _parse(self, data: bytes) -> None:
        """Feeds the parser head by head and body by body, until nothing is left or the rest has to wait."""
        at, end, pieces = 0, len(data), 0
        while at < end and not self._refused:
            pieces += 1
            if pieces > MAX_PIECES:
                self._hold(data[at:])
                self.loop.call_soon(self._go_on)
                return
            if self._in_body:
                begin, at = at, self._body_end.after(data, at, MAX_PIECE_BYTES)
                self._feed_body(data[begin:at])
                if begin == at:  # the parser waits for more than was announced
                    self._refuse(400)
                continue
            if pieces > 1 and not (self._idle() or self.cycle.keep_alive):
                return  # nothing is answered behind `Connection: close`
            if self._head:
                searched = len(self._head)
                data, begin, at = self._head + data[at:], 0, 0
                found = data.find(END, max(0, searched - 3))
                self._received -= searched
                end, self._head = len(data), b""
            else:
                begin = at
                if data[at] in BLANK:
                    begin = skip_blank_lines(data, at)
                    self._received += begin - at
                found = data.find(END, begin)
            if found < 0:
                self._keep(data[begin:])
                return
            at = found + 4
            if not self._take(data[begin:at], last=at == end):
                self._hold(data[begin:])
                return

    def _keep(self, partial: bytes) -> None:
        """Waits for the rest of a head."""
        self._head = partial
        self._received += len(partial)
        if self._received > self._max_head:
            self._refuse(431)
        elif partial and cannot_be_a_head(partial):
            self._refuse(400)

    def _take(self, head: bytes, *, last: bool) -> bool:
        """Parses a whole head; False if it has to wait for earlier requests of this connection."""
        if len(self.pipeline) >= MAX_PIPELINED:
            return False
        if len(head) > self._max_head or head.count(b"\n") > MAX_FIELDS + 2:
            self._refuse(431)
            return True
        if REQUEST_LINE.match(head) is None:
            self._refuse(400)
            return True
        self._expecting = True
        try:
            self.parser.feed_data(head)
        except httptools.HttpParserUpgrade:
            pass
        except httptools.HttpParserError:
            self._refuse(400)
            return True
        if self._upgrading:
            self._upgrading = False
            return self._upgrade(head, last=last)
        if self._expecting:
            self._refuse(400)
        return True

    def _upgrade(self, head: bytes, *, last: bool) -> bool:
        """Begins a WebSocket, or parses the head again as if no upgrade were asked for."""
        method, version = self.parser.get_method(), self.parser.get_http_version()
        self.parser = httptools.HttpRequestParser(self)
        if method == b"CONNECT":
            self._refuse(400)
            return True
        upgrades = [value.strip(b" \t").lower() for name, value in self.headers if name == b"upgrade"]
        if method != b"GET" or version != "1.1" or upgrades != [b"websocket"]:
            self._expecting = True
            self._feed(without_upgrade(head))
            return True
        if not self._idle():
            return False
        protocol = GuardedWebSocket(cast(LimitedConfig, self.config), self.server_state, self.app_state)
        # Before our answer nothing may follow (RFC 6455 §4.1).
        status = protocol.refusal(self.url, self.headers) if last else 400
        if status or self._limits.websockets >= self._limits.max_websockets:
            self._refuse(status or 503)
            return True
        self.connections.discard(self)
        self._unsent.end()
        protocol.begin(self._joined)
        return True

    def _feed(self, piece: bytes) -> None:
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            return
        except httptools.HttpParserError:
            self._refuse(400)
            return
        if self._expecting:
            self._refuse(400)

    def _feed_body(self, piece: bytes) -> None:
        self._overhead += len(piece)
        self._feed(piece)
        if self._overhead > self._max_head:
            self._refuse(400)

    def on_message_begin(self) -> None:
        if not self._expecting:
            raise MalformedError
        self._framing.restart()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name in FRAMING_FIELDS and not self._in_body:
            self._framing.read(name, value)
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        parser, framing = self.parser, self._framing
        length, codings = framing.length, framing.codings
        if framing.hosts != 1 or codings:
            framing.check(parser.get_http_version())
        self.expect_100_continue = framing.expects_continue
        self._expecting = False
        if parser.should_upgrade():
            self._upgrading = True
            return
        self._waited = 0.0
        self._received = 0
        if codings or length:
            self._body_end = BodyEnd(length, chunked=codings > 0)
            self._body_bytes = self._overhead = self._unwanted_bytes = 0
            self._body_rate.restart(0)
        super().on_headers_complete()
        self._in_body = True
        self.headers = NO_TRAILERS
        if self.pipeline:
            self._flow.held = True

    def on_body(self, body: bytes) -> None:
        size = len(body)
        self._body_bytes += size
        self._overhead = max(0, self._overhead - size - CHUNK_OVERHEAD)
        if self.cycle.response_complete:
            self._unwanted_bytes += size
            if self._unwanted_bytes > MAX_UNWANTED_BYTES and not self._refused:
                self._stop_listening()
            return
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._upgrading:
            return
        self._in_body = False
        self._waited = 0.0
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.more_body = False
            cycle.message_event.set()

    def on_response_complete(self) -> None:
        if not self._flow.held:
            super().on_response_complete()
            return
        self._flow.held = len(self.pipeline) > 1 or bool(self._held)
        super().on_response_complete()
        if not self.pipeline:
            self._go_on()

    def _may_close(self) -> bool:
        """Whether a connection that is to be closed has nothing to read, which would have the client reset."""
        if not self._in_body or self._refused or not self._idle() or not self.transport.can_write_eof():
            return True
        self._stop_listening()
        return False

    def _hold(self, data: bytes) -> None:
        """Keeps what cannot be parsed yet, and reads no more until it is."""
        self._held = data
        self._flow.held = True
        self.flow.pause_reading()
        if not self._waiting.book(len(data) + len(self.pipeline) * REQUEST_BYTES):
            self._refused = True
            self.transport.abort()

    def _go_on(self) -> None:
        """Parses what was held back."""
        if self._refused or self.transport.is_closing():
            return
        data, self._held = self._held, b""
        self._flow.held = bool(self.pipeline)
        self._waiting.release()
        if data:
            self._unset_keepalive_if_required()
            self._parse(data)
        if not self._held:
            self.flow.resume_reading()

    def _idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete  # pyright: ignore[reportUnnecessaryComparison]
