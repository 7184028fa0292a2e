"""Problem details (RFC 9457), the format of every error response."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Literal, TypeAlias

import orjson
from starlette.types import Send

from .context import current_request

ShedReason: TypeAlias = Literal[
    "body_budget",
    "connections",
    "draining",
    "large_head",
    "log_in_client_places",
    "log_in_failures",
    "log_in_slots",
    "malformed",
    "pipelined",
    "slow_client",
]
"""Why a request was refused to protect the service. For log-ins: the client has all of its places in the queue, too
many have failed, or the whole queue is full."""

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:slipway:problem:"
_RENAMED = {413: "Content Too Large", 414: "URI Too Long", 416: "Range Not Satisfiable", 422: "Unprocessable Content"}
"""The names of Python 3.13; a problem's `type` must not depend on the interpreter."""


class Problem(Exception):
    """An error with a response.

    Args:
        status: HTTP status.
        slug: last part of the problem's `type`, stable for clients; the status phrase if not given.
        title: short and the same for each occurrence; the status phrase if not given.
        detail: what was wrong here and what to do about it; never a secret, never input.
        headers: added to the answer.
        extensions: further members of the body.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        slug: str = "",
        title: str = "",
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.slug = slug or slug_of(status)
        self.title = title or phrase(status)
        self.detail = detail
        self.headers = dict(headers or {})
        self.extensions = dict(extensions or {})


class Overloaded(Problem):
    """Refused at once to protect the service; counted by its reason.

    Args:
        reason: what it is counted as.
        detail: as of any problem.
        status: 503 if the service is overloaded, 429 if a client sends too much: only the first is an error of the
            service and counts against its objective.
        slug: as of any problem.
        retry_after: seconds after which the request may be sent again (RFC 9110 §10.2.3).
    """

    def __init__(
        self,
        reason: ShedReason,
        detail: str,
        *,
        status: int = HTTPStatus.SERVICE_UNAVAILABLE,
        slug: str = "",
        retry_after: int = 1,
    ) -> None:
        super().__init__(status, detail, slug=slug, headers={"Retry-After": str(retry_after)})
        self.reason: ShedReason = reason


def phrase(status: int) -> str:
    """The name of a status in RFC 9110: the title of a problem without its own."""
    try:
        return _RENAMED.get(status) or HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def slug_of(status: int) -> str:
    """`404` gives `not-found`."""
    return phrase(status).lower().replace(" ", "-").replace("'", "")


def problem_body(
    status: int,
    detail: str,
    *,
    slug: str = "",
    title: str = "",
    instance: str | None = None,
    extensions: Mapping[str, object] | None = None,
) -> bytes:
    """The JSON of a problem; `instance` is the id of the running request unless another is given."""
    if instance is None:
        context = current_request.get()
        instance = context.request_id if context else ""
    body: dict[str, object] = {
        "type": TYPE_PREFIX + (slug or slug_of(status)),
        "title": title or phrase(status),
        "status": status,
        "detail": detail,
        "instance": instance,
    }
    return orjson.dumps({**body, **(extensions or {})})


async def send_problem(
    send: Send, status: int, detail: str, *, slug: str = "", headers: Mapping[str, str] | None = None
) -> None:
    """Sends a problem from outside the framework."""
    body = problem_body(status, detail, slug=slug)
    head = {"content-type": MEDIA_TYPE, "content-length": str(len(body)), **(headers or {})}
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in head.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
