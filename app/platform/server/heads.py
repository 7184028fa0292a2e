"""Finds where a request ends from its bytes, before the parser reads them."""

import re

END = b"\r\n\r\n"
"""Ends a head, and a chunked body with its trailer fields."""
REQUEST_LINE = re.compile(rb"[!-~]+ [!-~]+ HTTP/1\.[01]\r\n")
"""RFC 9112 §3: single spaces, and no other protocol; llhttp also accepts several spaces, HTTP/2.0, RTSP and ICE."""
BLANK = frozenset(b"\r\n")
"""The bytes of blank lines."""


class _NoTrailers(list[tuple[bytes, bytes]]):
    """Drops trailer fields: they could be taken for headers that a proxy has checked (RFC 9110 §6.5.1)."""

    def append(self, field: tuple[bytes, bytes], /) -> None:
        pass


NO_TRAILERS = _NoTrailers()


def skip_blank_lines(data: bytes, at: int) -> int:
    """Where the next request begins: RFC 9112 §2.2 allows blank lines before it."""
    end = len(data)
    while at < end and data[at] in BLANK:
        at += 1
    return at


def cannot_be_a_head(partial: bytes) -> bool:
    """Whether these bytes cannot begin an HTTP/1.1 request, such as TLS or lines that end in a bare LF."""
    return not partial[:1].isupper() or partial.count(b"\n") != partial.count(b"\r\n")


def without_upgrade(head: bytes) -> bytes:
    """The head without its `Upgrade` fields, which a server may ignore (RFC 9110 §7.8).

    Without them the parser reads the body; the other bytes of the head are unchanged.
    """
    lines = head.split(b"\r\n")
    return b"\r\n".join(line for line in lines if line.partition(b":")[0].lower() != b"upgrade")


class BodyEnd:
    """Finds the bytes that can belong to a body: no piece for the parser contains the start of another request."""

    __slots__ = ("_chunked", "_left", "_tail")

    def __init__(self, length: int, *, chunked: bool) -> None:
        self._left = length
        self._chunked = chunked
        self._tail = b""

    def after(self, data: bytes, at: int, most: int) -> int:
        """Where the piece that begins at `at` ends; a chunked body is cut wherever it could be over."""
        if not self._chunked:
            stop = min(len(data), at + self._left)
            self._left -= stop - at
            return stop
        stop = min(len(data), at + most)
        tail = self._tail
        found = (tail + data[at : at + 3]).find(END) if tail else -1
        if found >= 0:
            stop = at + found + len(END) - len(tail)
        elif (found := data.find(END, at, stop)) >= 0:
            stop = found + len(END)
        piece = data[max(at, stop - 3) : stop]
        self._tail = (tail + piece)[-3:]
        return stop
