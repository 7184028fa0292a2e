"""Schemas over manifests: Kubernetes' own for every version that is supported, and ours for custom resources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

import jsonschema_rs
import kubernetes_validate  # pyright: ignore[reportMissingTypeStubs] (it has its types in the code)
import yaml

from tests.chart.judge.release import Object, name_of
from tests.support.rendering import NEWEST_KUBERNETES, OLDEST_KUBERNETES

FOLDER = Path(__file__).parent / "schemas"
CUSTOM_KINDS = sorted(path.stem for path in FOLDER.glob("*.yaml"))
"""The only kinds that Kubernetes itself need not know."""

METADATA = {
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"},
        "namespace": {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"},
        "labels": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 63}},
        "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
        "finalizers": {"type": "array", "items": {"type": "string"}},
    },
}


def complaints(
    objects: Iterable[Object], versions: Iterable[str] = (OLDEST_KUBERNETES, NEWEST_KUBERNETES)
) -> list[str]:
    """What the schemas have against the objects, each with the object's name and the path in it."""
    wanted = list(versions)
    return [words for one in objects for words in _of(one, wanted)]


def _of(one: Object, versions: list[str]) -> Iterator[str]:
    if one["kind"] in CUSTOM_KINDS:
        for error in _validator(one["kind"]).iter_errors(one):
            yield f"{name_of(one)} at /{'/'.join(map(str, error.instance_path))}: {error.message}"
        return
    for version in versions:
        try:
            used = kubernetes_validate.validate(one, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{name_of(one)} at /{'/'.join(map(str, error.path))}: {error.message} ({version})"
        except kubernetes_validate.SchemaNotFoundError:
            # The program only warns of these, and a manifest that is wrong from top to bottom passes.
            yield f"{name_of(one)} at /apiVersion: Kubernetes {version} has no {one['kind']} of {one['apiVersion']}"
        else:
            if used != version:
                yield f"there are no schemas of Kubernetes {version}"


@cache
def _validator(kind: str) -> jsonschema_rs.Draft7Validator:
    return jsonschema_rs.Draft7Validator(schema_of(kind))


def schema_of(kind: str) -> dict[str, Any]:
    """The whole schema of a custom resource, closed at every level."""
    file: dict[str, Any] = yaml.load((FOLDER / f"{kind}.yaml").read_text(), yaml.CSafeLoader)
    envelope = {
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"const": file["apiVersion"]},
            "kind": {"const": kind},
            "metadata": METADATA,
            "spec": file["spec"],
        },
        "$defs": file.get("$defs", {}),
    }
    return cast(dict[str, Any], _closed(envelope))


def _closed(schema: object) -> object:
    """`properties` means an object that has no others; a property that is called so has a schema as its value."""
    if isinstance(schema, list):
        return [_closed(one) for one in cast(list[object], schema)]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in cast(dict[str, object], schema).items()}
    return {"type": "object", "additionalProperties": False} | closed if "properties" in closed else closed
