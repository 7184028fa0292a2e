"""The answers of the server to what it refuses before any application code runs."""

from collections.abc import Sequence
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from ..ids import new_id
from ..problems import MEDIA_TYPE, problem_body
from ..telemetry.metrics.labels import ShedReason

_DETAILS = {
    400: "This is not a valid HTTP/1.1 request.",
    408: "The head of the request took too long to arrive.",
    426: "The WebSocket protocol is spoken here in version 13.",
    431: "The request line and the header fields together are larger, or more, than this service takes.",
    503: "There are too many connections.",
}
REASONS: dict[int, ShedReason] = {
    400: "malformed",
    408: "slow_client",
    426: "malformed",
    431: "large_head",
    503: "connections",
}
_FIELDS: dict[int, tuple[tuple[bytes, bytes], ...]] = {
    # RFC 9110 §15.5.22 wants `Upgrade`, RFC 6455 §4.4 the version.
    426: ((b"connection", b"upgrade, close"), (b"upgrade", b"websocket"), (b"sec-websocket-version", b"13")),
    503: ((b"connection", b"close"), (b"retry-after", b"1")),
}
_CLOSE = ((b"connection", b"close"),)


def refusal(status: int, default_fields: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A complete answer with a problem document, after which the connection closes."""
    request_id = str(new_id())
    body = problem_body(status, _DETAILS[status], instance=request_id)
    fields = [
        *default_fields,
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", b"%d" % len(body)),
        *_FIELDS.get(status, _CLOSE),
        (b"x-request-id", request_id.encode()),
    ]
    head = b"".join(b"%b: %b\r\n" % field for field in fields)
    return b"%b%b\r\n%b" % (STATUS_LINE[HTTPStatus(status)], head, body)
