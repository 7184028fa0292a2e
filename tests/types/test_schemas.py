"""The JSON schema of each type says what it takes: what is made from it is accepted, the contrary is not."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Protocol, cast
from uuid import UUID

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy
from pydantic import ConfigDict, SecretStr, TypeAdapter, ValidationError
from schemathesis import GenerationMode

from app.platform.types import Email, Id, Instant, Integer, Money, Secret, Text

TYPES: dict[str, TypeAdapter[Any]] = {
    "name": TypeAdapter(Annotated[str, Text(min_length=1, max_length=20)]),
    "lines": TypeAdapter(Annotated[str, Text(max_length=20, lines=True)]),
    "secret": TypeAdapter(Annotated[SecretStr, Secret(min_length=8, max_length=20)]),
    "email": TypeAdapter[str](Email),
    "id": TypeAdapter[UUID](Id),
    "instant": TypeAdapter[datetime](Instant),
    "money": TypeAdapter[Decimal](Money),
    "integer": TypeAdapter[int](Annotated[int, Integer(-(2**63), 2**63 - 1)], config=ConfigDict(strict=True)),
}


class Case(Protocol):
    """What is used of a case of Schemathesis."""

    body: object


class Operation(Protocol):
    """What is used of an operation of Schemathesis."""

    def as_strategy(self, generation_mode: GenerationMode) -> SearchStrategy[Case]: ...


def accepts(adapter: TypeAdapter[Any], value: object) -> bool:
    try:
        adapter.validate_python(value)
    except ValidationError:
        return False
    return True


def cases(name: str, mode: GenerationMode) -> list[object]:
    """Values for one member of a body, as a client that only knows the OpenAPI document makes them."""
    member = TYPES[name].json_schema()
    body = {"type": "object", "properties": {"v": member}, "required": ["v"], "additionalProperties": False}
    request = {"required": True, "content": {"application/json": {"schema": body}}}
    operation = {"requestBody": request, "responses": {"200": {"description": ""}}}
    document = {"openapi": "3.1.0", "info": {"title": "", "version": ""}, "paths": {"/": {"post": operation}}}
    made = cast(Operation, schemathesis.openapi.from_dict(document)["/"]["POST"])
    bodies: list[object] = []

    @settings(
        max_examples=60,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
    )
    @given(case=made.as_strategy(mode))
    def collect(case: Case) -> None:
        bodies.append(case.body)

    collect()
    members = [cast("dict[str, object]", body) for body in bodies if isinstance(body, dict)]
    return [body["v"] for body in members if list(body) == ["v"]]


@pytest.mark.parametrize("name", TYPES)
def test_what_the_schema_allows_is_accepted(name: str) -> None:
    made = cases(name, GenerationMode.POSITIVE)
    assert len(made) > 30
    assert [value for value in made if not accepts(TYPES[name], value)] == []


@pytest.mark.parametrize("name", TYPES)
def test_what_the_schema_forbids_is_refused(name: str) -> None:
    made = cases(name, GenerationMode.NEGATIVE)
    assert len(made) > 10
    assert [value for value in made if accepts(TYPES[name], value)] == []
