"""One request on a connection of the metrics port: its head is bounded and read strictly, and it has no body."""

import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

import orjson

from ..content_length import parse_content_length
from ..ids import new_id
from ..problems import MEDIA_TYPE, problem_body

MAX_HEAD_BYTES = 8 * 1024
MAX_FIELDS = 64
LINGER_TIMEOUT_SECONDS = 0.5
"""How long a refused client may go on sending: to close earlier would reset the connection, answer and all."""

_REQUEST_LINE = re.compile(rb"([A-Z]{1,16}) (/[!-~]{0,1023}) HTTP/1\.[01]")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}):[ \t]*([\t -~\x80-\xff]*)")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back."""

    status: int
    body: bytes
    media_type: str
    headers: tuple[tuple[str, str], ...] = ()


def json_answer(content: object) -> Answer:
    """200 with this content."""
    return Answer(200, orjson.dumps(content), "application/json")


class RefusedError(Exception):
    """A request that is answered with this problem."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.answer = problem(status, detail)


def problem(status: int, detail: str) -> Answer:
    """A problem document; `detail` is a sentence."""
    return Answer(status, problem_body(status, detail, instance=str(new_id())), MEDIA_TYPE)


def read_head(client: socket.socket, deadline: float) -> bytes:
    """The request line and the fields, without the empty line. Raises `OSError` for a client that is too slow."""
    head = b""
    while b"\r\n\r\n" not in head:
        client.settimeout(_left(deadline))
        received = client.recv(MAX_HEAD_BYTES + 4 - len(head))
        if not received:
            raise ConnectionAbortedError
        head += received
        if len(head) > MAX_HEAD_BYTES:
            raise RefusedError(431, f"The head of a request has at most {MAX_HEAD_BYTES} bytes.")
    return head.partition(b"\r\n\r\n")[0]


def parse_head(head: bytes) -> tuple[str, str, dict[bytes, bytes]]:
    """Method, path without its query, and fields by their name in lower case; a GET or HEAD without a body."""
    lines = head.split(b"\r\n")
    request = _REQUEST_LINE.fullmatch(lines[0])
    parsed = [_FIELD.fullmatch(line) for line in lines[1:]]
    if request is None or None in parsed:
        raise RefusedError(400, "This is not a valid HTTP/1.1 request.")
    if len(parsed) > MAX_FIELDS:
        raise RefusedError(431, f"A request has at most {MAX_FIELDS} header fields.")
    fields: dict[bytes, bytes] = {}
    for name, value in ((field[1].lower(), field[2].strip()) for field in parsed if field):
        if name in fields and name in {b"content-length", b"transfer-encoding", b"host"}:
            raise RefusedError(400, "A header field is there twice.")
        fields[name] = value
    if request[1] not in {b"GET", b"HEAD"}:
        raise RefusedError(405, "This port takes GET and HEAD only.")
    try:
        length = parse_content_length(fields.get(b"content-length", b"0"))
    except ValueError as error:
        raise RefusedError(400, f"{error}.") from None
    if length or b"transfer-encoding" in fields:
        raise RefusedError(413, "This port takes no body.")
    return request[1].decode(), request[2].decode().partition("?")[0], fields


def send_answer(
    client: socket.socket,
    method: str,
    answer: Answer,
    deadline: float,
    began: Callable[[socket.socket], None] = lambda _: None,
) -> None:
    fields = [
        ("Content-Type", answer.media_type),
        ("Content-Length", str(len(answer.body))),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("Connection", "close"),
        *answer.headers,
        *([("Allow", "GET, HEAD")] if answer.status == 405 else []),
    ]
    status = HTTPStatus(answer.status)
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    began(client)
    client.settimeout(_left(deadline))
    client.sendall(f"HTTP/1.1 {status.value} {status.phrase}\r\n{head}\r\n".encode("latin-1"))
    if method != "HEAD":
        client.settimeout(_left(deadline))
        client.sendall(answer.body)  # the time is that of the whole body


def linger(client: socket.socket) -> None:
    """Reads what a refused client still sends, and drops it, so that it sees its answer."""
    client.shutdown(socket.SHUT_WR)
    end = time.monotonic() + LINGER_TIMEOUT_SECONDS
    while (left := end - time.monotonic()) > 0:
        client.settimeout(left)
        if not client.recv(64 * 1024):
            return


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
