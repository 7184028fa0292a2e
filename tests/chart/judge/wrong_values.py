"""Wrong values made from the schema of the chart: for every value one of each kind of mistake that it allows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from tests.support.helm import CHART

Schema: TypeAlias = dict[str, Any]
Path: TypeAlias = tuple[str, ...]

SCHEMA: Schema = json.loads((CHART / "values.schema.json").read_text())
TYPES: dict[str, object] = {"array": ["text"], "boolean": True, "integer": 12, "object": {"key": 1}, "string": "text"}
NAMES = {"components": "api", "settings": "SLIPWAY_ANYTHING"}
"""How an entry of a map may be called, where not every name will do."""


@dataclass(frozen=True)
class WrongValue:
    """A value that the schema must refuse at its path. Those of one round can all be given at once."""

    round: str
    path: Path
    value: object
    words: str = ""

    @property
    def name(self) -> str:
        return f"{self.round}: {'.'.join(self.path)}"


def wrong_values(schema: Schema = SCHEMA, path: Path = ()) -> Iterator[WrongValue]:
    schema = resolved(schema)
    types: list[str] = [schema["type"]] if isinstance(schema.get("type"), str) else schema.get("type", [])
    if types and path:
        allowed = {*types, *(["integer"] if "number" in types else [])}
        wrong = next(value for kind, value in TYPES.items() if kind not in allowed)
        depth = f"map of depth {len(path)}" if "object" in types else "type"
        yield WrongValue(depth, path, wrong, "got ")
    yield from _out_of_bounds(schema, path, types)
    for name, inner in schema.get("properties", {}).items():
        yield from wrong_values(inner, (*path, name))
    others: object = schema.get("additionalProperties")
    if others is False:
        yield WrongValue("unknown key", (*path, "surprise"), 1, "'surprise' not allowed")
    elif isinstance(others, dict):
        yield from wrong_values(cast(Schema, others), (*path, NAMES.get(path[-1], "anything")))


def _out_of_bounds(schema: Schema, path: Path, types: list[str]) -> Iterator[WrongValue]:
    if "enum" in schema:
        yield WrongValue("enum", path, "no-such-word", "must be one of")
    if "minimum" in schema:
        yield WrongValue("minimum", path, schema["minimum"] - 1, "minimum: ")
    if "maximum" in schema:
        yield WrongValue("maximum", path, schema["maximum"] + 1, "maximum: ")
    if schema.get("minLength"):
        yield WrongValue("empty", path, "", "minLength: ")
    if "pattern" in schema:
        assert not re.search(schema["pattern"], "§ §")
        yield WrongValue("pattern", path, "§ §", "does not match pattern")
    if "array" in types and "items" in schema:
        for one in wrong_values(schema["items"], (*path, "0")):
            yield WrongValue(f"item, {one.round}", one.path, one.value, one.words)


def together(values: list[WrongValue]) -> Schema:
    """All values of a round as one file."""
    file: Schema = {}
    for one in values:
        parts = [part for part in one.path if part != "0"]
        inner = file
        for part in parts[:-1]:
            inner = inner.setdefault(part, {})
        inner[parts[-1]] = [one.value] if one.path[-1] == "0" else one.value
    return file


def resolved(schema: Schema) -> Schema:
    while reference := schema.get("$ref"):
        schema = SCHEMA
        for part in reference.split("/")[1:]:
            schema = schema[part]
    return schema
