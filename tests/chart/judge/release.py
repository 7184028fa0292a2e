"""A release as the rules see it: its objects, the pods that they make, and what is found wrong with one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Object: TypeAlias = dict[str, Any]

COMPONENT = "app.kubernetes.io/component"
ONCE = ("Job", "CronJob", "Pod")
"""Kinds whose pods run to an end: hooks, tests and jobs."""


@dataclass(frozen=True)
class Finding:
    """What is wrong, and where: the object, and the path in it as a JSON pointer."""

    owner: Object
    path: str
    words: str

    def __str__(self) -> str:
        return f"{name_of(self.owner)} at {self.path}: {self.words}"


@dataclass(frozen=True)
class Container:
    """A container of a pod and its place in the object."""

    owner: Object
    path: str
    value: Object
    is_init: bool

    def finding(self, path: str, words: str) -> Finding:
        return Finding(self.owner, f"{self.path}{path}", words)

    @property
    def ports(self) -> dict[str, int]:
        return {port.get("name", ""): port["containerPort"] for port in self.value.get("ports", [])}


@dataclass(frozen=True)
class Pod:
    """A pod that an object is or makes, and its place in that object: empty, or `/spec/template`."""

    owner: Object
    path: str
    value: Object

    @property
    def spec(self) -> Object:
        return self.value["spec"]

    @property
    def labels(self) -> Mapping[str, str]:
        return self.value.get("metadata", {}).get("labels", {})

    @property
    def runs_once(self) -> bool:
        return self.owner["kind"] in ONCE

    @property
    def ports(self) -> dict[str, int]:
        return {name: port for one in self.containers() for name, port in one.ports.items()}

    def containers(self) -> Iterator[Container]:
        for kind in ("initContainers", "containers"):
            for number, one in enumerate(self.spec.get(kind, [])):
                yield Container(self.owner, f"{self.path}/spec/{kind}/{number}", one, kind == "initContainers")

    def finding(self, path: str, words: str) -> Finding:
        """`path` begins at the pod's `spec`."""
        return Finding(self.owner, f"{self.path}/spec{path}", words)


@dataclass(frozen=True)
class Release:
    """The objects of one rendering, and the names of what its values say exists beside it."""

    objects: Sequence[Object]
    foreign: frozenset[str] = field(default_factory=frozenset[str])

    def kind(self, *kinds: str) -> list[Object]:
        return [one for one in self.objects if one["kind"] in kinds]

    def find(self, kind: str, name: str) -> Object | None:
        return next((one for one in self.kind(kind) if one["metadata"]["name"] == name), None)

    def pods(self) -> list[Pod]:
        return [pod for one in self.objects for pod in _pods_of(one)]

    def selected(self, selector: Mapping[str, str]) -> list[Pod]:
        return [pod for pod in self.pods() if selector.items() <= pod.labels.items()]

    def variables(self, container: Container) -> dict[str, str]:
        """What the container is told: rendered ConfigMaps, and over them its own variables."""
        told: dict[str, str] = {}
        for source in container.value.get("envFrom", []):
            named = source.get("configMapRef", {}).get("name", "")
            found = self.find("ConfigMap", named) or {}
            told |= {source.get("prefix", "") + key: value for key, value in found.get("data", {}).items()}
        return told | {one["name"]: one["value"] for one in container.value.get("env", []) if "value" in one}


Rule: TypeAlias = Callable[[Release], Iterator[Finding]]
"""Its name says what is right, its docstring why."""


def name_of(one: Object) -> str:
    return f"{one['kind']}/{one['metadata']['name']}"


def component_of(one: Object) -> str:
    return one["metadata"].get("labels", {}).get(COMPONENT, "")


def _pods_of(one: Object) -> Iterator[Pod]:
    if one["kind"] == "Pod":
        yield Pod(one, "", one)
    elif one["kind"] == "CronJob":
        yield Pod(one, "/spec/jobTemplate/spec/template", one["spec"]["jobTemplate"]["spec"]["template"])
    elif "containers" in (template := one.get("spec", {}).get("template", {})).get("spec", {}):
        yield Pod(one, "/spec/template", template)
