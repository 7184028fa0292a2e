"""Header fields that have one value: a request that repeats one is refused (RFC 9110 §5.3).

The proxy may use the first value and the application the last: one is checked, the other applied. Lists such as
`If-Match` and `X-Forwarded-For` are not affected, nor are labels of a request: two `traceparent` fields are both
ignored.
"""

from collections.abc import Iterable

from starlette.types import Receive, Scope, Send

from ..problems import MEDIA_TYPE, problem_body, send_problem

SINGLE_FIELDS = frozenset(
    {
        b"authorization",
        b"content-length",
        b"content-range",
        b"content-type",
        b"host",
        b"idempotency-key",
        b"if-modified-since",
        b"if-range",
        b"if-unmodified-since",
        b"origin",
        b"proxy-authorization",
        b"sec-websocket-key",
        b"sec-websocket-version",
    }
)


def repeated_field(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The first of `SINGLE_FIELDS` that occurs more than once, or an empty string."""
    seen: set[bytes] = set()
    for name, _ in headers:
        if name in SINGLE_FIELDS:
            if name in seen:
                return name.decode()
            seen.add(name)
    return ""


async def refuse_repeated_field(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI application that answers 400 and names the field."""
    detail = f"The header field {repeated_field(scope['headers'])} may be sent once only."
    if scope["type"] == "http":
        await send_problem(send, 400, detail)
    elif "websocket.http.response" in scope.get("extensions", {}):
        body = problem_body(400, detail)
        headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "websocket.http.response.start", "status": 400, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": body})
    else:
        await send({"type": "websocket.close"})
