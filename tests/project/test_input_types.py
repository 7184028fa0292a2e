"""Every input of every route is bounded, and the OpenAPI document says how (ASVS 2.2.1)."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, FastAPI, Form, Query
from pydantic import BaseModel, Field

from app.platform.http.scopes import PUBLIC
from app.platform.types import Email, Id, Instant, Integer, Money, MoneyParameter, StrictInput, Text
from app.registry import discover

Schema = dict[str, Any]


def unbounded(routers: list[APIRouter]) -> list[str]:
    """What may be too large or of any characters: `POST /things body.name: why`."""
    app = FastAPI(routes=[])
    for router in routers:
        app.include_router(router)
    document = app.openapi()
    schemas: dict[str, Schema] = document.get("components", {}).get("schemas", {})
    found: list[str] = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method.upper()} {path}"
            for parameter in operation.get("parameters", []):
                if parameter["in"] in {"path", "query"}:
                    found += _faults(parameter["schema"], f"{where} {parameter['name']}", schemas, strict=False)
            for media_type, body in operation.get("requestBody", {}).get("content", {}).items():
                strict = media_type == "application/json"
                found += _faults(body["schema"], f"{where} body", schemas, strict=strict)
    return found


def _faults(schema: Schema, where: str, schemas: dict[str, Schema], *, strict: bool) -> Iterator[str]:
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if "enum" in schema or "const" in schema:
        return
    choices = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if choices:
        for choice in choices:
            yield from _faults(choice, where, schemas, strict=strict)
        return
    kind = schema.get("type")
    if kind == "string":
        yield from _string_faults(schema, where)
    elif kind in {"integer", "number"}:
        if not {"minimum", "exclusiveMinimum"} & schema.keys() or not {"maximum", "exclusiveMaximum"} & schema.keys():
            yield f"{where}: a number without bounds"
    elif kind == "array":
        if "maxItems" not in schema:
            yield f"{where}: a list without a greatest length"
        yield from _faults(schema.get("items", {}), f"{where}[]", schemas, strict=strict)
    elif kind == "object":
        yield from _object_faults(schema, where, schemas, strict=strict)
    elif kind not in {"boolean", "null"}:
        yield f"{where}: anything at all"


def _object_faults(schema: Schema, where: str, schemas: dict[str, Schema], *, strict: bool) -> Iterator[str]:
    if strict and schema.get("additionalProperties") is not False:
        yield f"{where}: a body that takes unknown members"
    for name, member in schema.get("properties", {}).items():
        yield from _faults(member, f"{where}.{name}", schemas, strict=strict)


def _string_faults(schema: Schema, where: str) -> Iterator[str]:
    if schema.get("format") == "uuid":
        return
    if "maxLength" not in schema:
        yield f"{where}: text without a greatest length"
    # A secret is hashed and never stored or shown, so its characters do not matter.
    if not schema.get("writeOnly") and ("pattern" not in schema or re.search(schema["pattern"], "\0")):
        yield f"{where}: text with control characters"


def test_every_input_of_every_feature_is_bounded() -> None:
    routers = [router for feature in discover().values() for router in feature.routers]
    assert routers
    assert unbounded(routers) == []


class Good(StrictInput):
    """Bounded throughout."""

    name: Annotated[str, Text(max_length=5)] | None = None
    email: Email
    count: Annotated[int, Integer(0, 9)]
    price: Money
    at: Instant
    tags: Annotated[list[Annotated[str, Text(max_length=5)]], Field(max_length=3)]


def test_bounded_inputs_are_not_reported() -> None:
    router = APIRouter()

    @router.put("/{key}", openapi_extra=PUBLIC)
    async def put(key: Id, body: Good, least: MoneyParameter | None = None) -> None:
        """Takes what is bounded."""

    assert unbounded([router]) == []


class Bad(BaseModel):
    """Not bounded at all."""

    text: str
    long: Annotated[str, Field(pattern="^[a-z]*$")]
    any_characters: Annotated[str, Field(max_length=5, pattern="^.*$")]
    count: int
    least_only: Annotated[float, Field(ge=0)]
    at: datetime
    tags: list[Annotated[str, Text(max_length=5)]]
    numbers: Annotated[list[int], Field(max_length=3)]
    anything: Any


class BadFilter(BaseModel):
    """Not bounded either."""

    word: str | None = None


@pytest.mark.parametrize(
    "fault",
    [
        "POST /{key} key: text without a greatest length",
        "POST /{key} limit: a number without bounds",
        "POST /{key} word: text without a greatest length",
        "POST /{key} body: a body that takes unknown members",
        "POST /{key} body.text: text without a greatest length",
        "POST /{key} body.text: text with control characters",
        "POST /{key} body.long: text without a greatest length",
        "POST /{key} body.any_characters: text with control characters",
        "POST /{key} body.count: a number without bounds",
        "POST /{key} body.least_only: a number without bounds",
        "POST /{key} body.at: text without a greatest length",
        "POST /{key} body.tags: a list without a greatest length",
        "POST /{key} body.numbers[]: a number without bounds",
        "POST /{key} body.anything: anything at all",
        "PUT /form body.word: text without a greatest length",
    ],
)
def test_an_unbounded_input_is_reported(fault: str) -> None:
    router = APIRouter()

    @router.post("/{key}")
    async def post(key: str, body: Bad, query: Annotated[BadFilter, Query()], limit: int = 0) -> None:
        """Takes everything."""

    @router.put("/form")
    async def put(form: Annotated[BadFilter, Form()]) -> None:
        """Takes everything too."""

    assert fault in unbounded([router])
