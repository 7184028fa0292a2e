"""Responses to successful requests: JSON with the headers of the API's contract."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from typing import Protocol, cast
from uuid import UUID

import orjson
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from .concurrency import etag, is_current

JSON = "application/json"


class Row(Protocol):
    """A row of the driver or a mapping: values by their name. Raises `KeyError` for a name that it has not."""

    def __getitem__(self, name: str, /) -> object: ...


def resource(request: Request, model: type[BaseModel], row: Row) -> Response:
    """200 with the members of `model` from the row; one that has a version has an `ETag`.

    304 for a GET whose client has this version already.
    """
    headers = _etag(row)
    if headers and request.method == "GET" and is_current(request, cast(int, row["version"])):
        return Response(status_code=304, headers=headers)
    return Response(_dump(_shown(model, row)), headers=headers, media_type=JSON)


def created(request: Request, model: type[BaseModel], row: Row, *, location: str = "") -> Response:
    """201 with the members of `model`, an `ETag` if there is a version, and `Location`.

    `Location` is the id below the path of the request unless it is given.
    """
    headers = {**_etag(row), "Location": location or f"{request.url.path}/{row['id']}"}
    return Response(_dump(_shown(model, row)), 201, headers, JSON)


def page(request: Request, model: type[BaseModel], rows: Iterable[Row], cursor: str | None) -> Response:
    """200 with a page; where there is a next one, `Link: rel="next"` (RFC 8288) keeps the other parameters."""
    headers: dict[str, str] = {}
    if cursor is not None:
        url = request.url.include_query_params(cursor=cursor)
        headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    content = {"items": [_shown(model, row) for row in rows], "next": cursor}
    return Response(_dump(content), headers=headers, media_type=JSON)


@cache
def _members(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(model.model_fields)


def _shown(model: type[BaseModel], row: Row) -> dict[str, object]:
    """Exactly the members of the output model: a column that it does not name is never shown."""
    return {name: row[name] for name in _members(model)}


def _etag(row: Row) -> dict[str, str]:
    try:
        return {"ETag": etag(cast(int, row["version"]))}
    except KeyError:
        return {}


def _dump(content: Mapping[str, object]) -> bytes:
    return orjson.dumps(content, _text, orjson.OPT_UTC_Z)


def _text(value: object) -> str:
    # The driver's UUID is a subclass of Python's; money is sent as text.
    if isinstance(value, (UUID, Decimal)):
        return str(value)
    raise TypeError
