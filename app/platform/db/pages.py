"""Keyset pages: a list goes on behind the last row seen, however many rows come and go (no offsets, no counts)."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Generic, TypeVar

import orjson
from fastapi import Depends, Query
from pydantic import BaseModel, StringConstraints

from ..problems import Problem

MAX_LIMIT = 100
_MAX_CURSOR_LENGTH = 1024

Row = TypeVar("Row")
Model = TypeVar("Model")


class Page(BaseModel, Generic[Model]):
    """One page of a list; `next` is the cursor of the page behind it, or null on the last one."""

    items: list[Model]
    next: str | None


@dataclass(frozen=True)
class PageRequest:
    """How many rows, and behind which."""

    limit: int
    cursor: str | None

    def after(self, sort: str, parsers: Sequence[Callable[[str], object]]) -> list[object] | None:
        """The key values to go on behind, or None for the first page.

        A cursor is input like any other: `parsers` turns its texts into the values of the sort columns.

        Raises `Problem` 422 for a cursor that is malformed or was made for another order.
        """
        if self.cursor is None:
            return None
        try:
            padded = self.cursor + "=" * (-len(self.cursor) % 4)
            content = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            made_for, keys = content["s"], content["k"]
            if made_for != sort or len(keys) != len(parsers) or not all(isinstance(key, str) for key in keys):
                raise ValueError("made for another list")
            return [parse(key) for parse, key in zip(parsers, keys, strict=True)]
        except (binascii.Error, ValueError, KeyError, TypeError, ArithmeticError) as error:
            raise Problem(
                422,
                "The cursor was not made by this list with this sort: start again without a cursor.",
                slug="invalid-cursor",
                extensions={"errors": [{"field": "query.cursor", "message": "is not valid here"}]},
            ) from error


def cursor_of(sort: str, keys: Sequence[object]) -> str:
    """The opaque cursor that goes on behind a row with these key values."""
    texts = [key.isoformat() if isinstance(key, datetime) else str(key) for key in keys]
    content = orjson.dumps({"s": sort, "k": texts})
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def split_page(
    rows: list[Row], limit: int, sort: str, keys: Callable[[Row], Sequence[object]]
) -> tuple[list[Row], str | None]:
    """Cuts the one row too many that was asked for, and makes the cursor if it was there."""
    if len(rows) <= limit:
        return rows, None
    rows = rows[:limit]
    return rows, cursor_of(sort, keys(rows[-1]))


async def _page(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Rows in a page.")] = 20,
    cursor: Annotated[
        str | None,
        StringConstraints(max_length=_MAX_CURSOR_LENGTH, pattern=r"^[A-Za-z0-9_-]+$"),
        Query(description="`next` of the page before."),
    ] = None,
) -> PageRequest:
    return PageRequest(limit, cursor)


PageDep = Annotated[PageRequest, Depends(_page)]
"""`limit` and `cursor` of a list."""
