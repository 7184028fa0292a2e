"""The YAML below `k8s`, and kustomize as far as our overlays use it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import yaml

from tests.support.checkout import ROOT
from tools.generate.manifests import Key, Object, key_of

K8S = ROOT / "k8s"
POLICIES = K8S / "policies"


def documents(path: Path) -> list[Object]:
    return [cast(Object, one) for one in yaml.safe_load_all(path.read_text()) if one]


def document(path: Path) -> Object:
    (found,) = documents(path)
    return found


def policies() -> list[Object]:
    """The admission policies and their bindings."""
    return [
        one for path in document(POLICIES / "kustomization.yaml")["resources"] for one in documents(POLICIES / path)
    ]


def built(overlay: Path) -> dict[Key, Object]:
    """What kustomize makes of an overlay, but for the namespace."""
    kustomization = document(overlay / "kustomization.yaml")
    assert kustomization.keys() == {"apiVersion", "kind", "namespace", "resources", "components"}
    (base,) = kustomization["resources"]
    (component,) = kustomization["components"]
    found = {key_of(one): one for one in _resources((overlay / base).resolve())}
    changes = document(overlay / component / "kustomization.yaml")
    for patch in changes["patches"]:
        target = patch["target"]
        key = ("/".join(filter(None, (target["group"], target["version"]))), target["kind"], target["name"])
        content = yaml.safe_load(patch["patch"])
        if isinstance(content, list):
            found[key] = patched(found[key], cast(list[Object], content))
        else:
            assert content["$patch"] == "delete"
            del found[key]
    found |= {key_of(one): one for one in _resources(overlay / component)}
    return found


def patched(one: Object, operations: Sequence[Mapping[str, Any]]) -> Object:
    """A copy, after the operations of a JSON patch."""
    result = {"": copy.deepcopy(one)}
    for operation in operations:
        *parents, last = [""] + [
            part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]
        ]
        place: Any = result
        for part in parents:
            place = place[int(part) if isinstance(place, list) else part]
        name: Any = int(last) if isinstance(place, list) else last
        if operation["op"] == "add":
            assert name not in place
        else:
            place[name]  # it must be there
        if operation["op"] == "remove":
            del place[name]
        else:
            place[name] = operation["value"]
    return result[""]


def _resources(folder: Path) -> Iterator[Object]:
    for name in document(folder / "kustomization.yaml")["resources"]:
        yield from documents(folder / name)
