"""Optimistic concurrency: `ETag`, `If-Match` and `If-None-Match` (RFC 9110 §8.8, §13.1) over a version number."""

import re
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from ..problems import Problem

_TAGS = re.compile(r'\s*(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"\s*(?:,\s*(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"\s*)*')
_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_TAGS_SCHEMA = r'^(\*|(W/)?"[!#-~]*"(, (W/)?"[!#-~]*")*)$'
_MAX_HEADER_LENGTH = 1024


class Precondition:
    """The versions that the client accepts to change; `None` for any (`*`)."""

    __slots__ = ("_versions",)

    def __init__(self, versions: frozenset[str] | None) -> None:
        self._versions = versions

    def check(self, version: int) -> None:
        """Raises `Problem` 412 if the resource has another version."""
        if self._versions is not None and str(version) not in self._versions:
            raise Problem(
                412,
                "The resource has changed since it was read: read it again, and send its ETag in If-Match.",
                slug="stale-etag",
                headers={"ETag": etag(version)},
            )


def etag(version: int) -> str:
    """The strong entity tag of a version."""
    return f'"{version}"'


def _parse(header: str) -> frozenset[str] | None:
    if header.strip() == "*":
        return None
    if len(header) > _MAX_HEADER_LENGTH or not _TAGS.fullmatch(header):
        raise Problem(400, 'If-Match must be an ETag such as "3", a list of ETags, or *.', slug="malformed-etag")
    # If-Match compares strongly, so a weak tag never matches (RFC 9110 §13.1.1).
    return frozenset(value for weak, value in _TAG.findall(header) if not weak)


async def _required(request: Request) -> Precondition:
    header = _header(request, "if-match")
    if header is None:
        raise Problem(428, "Send the ETag of the version to change in If-Match.", slug="if-match-required")
    return Precondition(_parse(header))


async def _optional(request: Request) -> Precondition:
    header = _header(request, "if-match")
    return Precondition(None if header is None else _parse(header))


RequiredPrecondition = Annotated[Precondition, Depends(_required)]
"""For PUT and PATCH, beside `IF_MATCH`: a missing `If-Match` is answered 428 (RFC 6585 §3)."""

OptionalPrecondition = Annotated[Precondition, Depends(_optional)]
"""For DELETE, beside `IF_MATCH_OPTIONAL`: without `If-Match` any version is accepted."""


def _parameter(name: str, description: str, *, required: bool = False, pattern: str | None = None) -> dict[str, object]:
    """`openapi_extra` of an operation that reads a conditional header."""
    schema = {"type": "string", **({"pattern": pattern} if pattern else {})}
    parameter = {"name": name, "in": "header", "required": required, "schema": schema, "description": description}
    return {"parameters": [parameter]}


IF_MATCH = _parameter("If-Match", "ETag of the version to change, or `*`.", required=True, pattern=_TAGS_SCHEMA)
IF_MATCH_OPTIONAL = _parameter("If-Match", "ETag of the version to delete, or `*`.", pattern=_TAGS_SCHEMA)
IF_NONE_MATCH = _parameter("If-None-Match", "ETag of a copy that the client has: 304 if it is current.")
NOT_MODIFIED: dict[int | str, dict[str, object]] = {304: {"description": "The client's copy is current"}}
"""`responses` of a GET that reads `If-None-Match`."""


def is_current(request: Request, version: int) -> bool:
    """Whether `If-None-Match` names this version: the answer to a GET is then 304."""
    known = _header(request, "if-none-match")
    return known is not None and _matches(known, etag(version))


def _matches(header: str, tag: str) -> bool:
    if header.strip() == "*":
        return True
    # If-None-Match compares weakly (RFC 9110 §13.1.2), and a malformed one does not make a read fail.
    return any(f'"{value}"' == tag for _, value in _TAG.findall(header[:_MAX_HEADER_LENGTH]))


def _header(request: Request, name: str) -> str | None:
    # A list may come in several lines (RFC 9110 §5.3).
    lines = request.headers.getlist(name)
    return ", ".join(lines) if lines else None
