"""A transport that sends the head and the body of an answer in one system call."""

import array
import asyncio
import fcntl
import socket
import termios
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

MAX_JOINED_BYTES = 64 * 1024
"""A larger piece is sent alone: copying it would cost more than the system call."""


class JoinedTransport:
    """Wraps a transport so that everything written in one turn of the event loop is sent together.

    uvicorn writes an answer in two pieces, and uvloop sends the first at once: the second system call costs about
    10 µs (`make bench`). Everything but writing is passed to the wrapped transport.
    """

    __slots__ = ("_loop", "_may_close", "_pieces", "_transport", "_written")

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        may_close: Callable[[], bool] = lambda: True,
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._may_close = may_close
        self._pieces: list[bytes] = []
        self._written = 0

    def write(self, data: bytes) -> None:
        """Sends `data` after what was written before, in the next turn of the event loop at the latest."""
        self._written += len(data)
        if len(data) > MAX_JOINED_BYTES:
            self._flush()
            self._transport.write(data)
            return
        if not self._pieces:
            self._loop.call_soon(self._flush)
        self._pieces.append(data)

    def write_eof(self) -> None:
        """Closes the writing side after what was written before."""
        self._flush()
        self._transport.write_eof()

    def close(self) -> None:
        """Closes once everything that was written is sent, unless `may_close` handles the end itself."""
        if self._may_close():
            self._flush()
            self._transport.close()

    def abort(self) -> None:
        """Closes at once; what was written and not yet sent is lost."""
        self._pieces.clear()
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether nothing more can be sent; asked for each answer."""
        return self._transport.is_closing()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Passes the events of the connection to another protocol."""
        self._transport.set_protocol(protocol)

    def get_write_buffer_size(self) -> int:
        """Bytes that the kernel has not accepted yet."""
        return self._transport.get_write_buffer_size()

    def acknowledged(self) -> int:
        """Number of written bytes that the client's machine has acknowledged."""
        unsent = sum(map(len, self._pieces)) + self.get_write_buffer_size()
        queued = array.array("i", [0])
        bound = cast("socket.socket | None", self._transport.get_extra_info("socket"))
        with suppress(OSError, ValueError):  # a kernel without TIOCOUTQ, or a closed socket
            fcntl.ioctl(bound.fileno() if bound else -1, termios.TIOCOUTQ, queued)
        return self._written - unsent - queued[0]

    def _flush(self) -> None:
        pieces, self._pieces = self._pieces, []
        if pieces and not self._transport.is_closing():
            self._transport.write(b"".join(pieces) if len(pieces) > 1 else pieces[0])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
