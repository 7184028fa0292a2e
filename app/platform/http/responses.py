"""Responses to successful requests: JSON with the headers of the API's contract."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response

from .concurrency import etag, is_current

JSON = "application/json"


def resource(request: Request, content: Mapping[str, object], version: int) -> Response:
    """200 with the resource and its `ETag`; 304 for a GET if the client has this version."""
    headers = {"ETag": etag(version)}
    if request.method == "GET" and is_current(request, version):
        return Response(status_code=304, headers=headers)
    return Response(_dump(content), headers=headers, media_type=JSON)


def created(request: Request, content: Mapping[str, object], key: object, version: int) -> Response:
    """201 with the resource, its `ETag`, and its path below the collection as `Location`."""
    headers = {"ETag": etag(version), "Location": f"{request.url.path}/{key}"}
    return Response(_dump(content), 201, headers, JSON)


def page(request: Request, items: Sequence[Mapping[str, object]], cursor: str | None) -> Response:
    """200 with a page; where there is a next one, `Link: rel="next"` (RFC 8288) keeps the other parameters."""
    headers: dict[str, str] = {}
    if cursor is not None:
        url = request.url.include_query_params(cursor=cursor)
        headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    return Response(_dump({"items": items, "next": cursor}), headers=headers, media_type=JSON)


def _dump(content: Mapping[str, object]) -> bytes:
    return orjson.dumps(content, _text, orjson.OPT_UTC_Z)


def _text(value: object) -> str:
    # The driver's UUID is a subclass of Python's; money is sent as text.
    if isinstance(value, (UUID, Decimal)):
        return str(value)
    raise TypeError
