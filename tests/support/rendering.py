"""What the chart renders: the profiles in `charts/slipway/examples`, each rendered once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias, cast

import yaml

from tests.support.helm import CHART, run_helm
from tools.generate.chart_examples import EXAMPLES, MIN_KUBERNETES, NAMESPACE, PROFILES, same_spacing

Object: TypeAlias = dict[str, Any]

__all__ = ["EXAMPLES", "NAMESPACE", "PROFILES"]

OLDEST_KUBERNETES = MIN_KUBERNETES
NEWEST_KUBERNETES = "1.37"

COMPONENT = "app.kubernetes.io/component"
HOOK = "helm.sh/hook"

USERS_ELSEWHERE = ("components.users.enabled=false", "components.items.calls.users=http://accounts:80", "tests.logIn=")
"""Another release issues the tokens of the example `microservices`."""


@dataclass(frozen=True)
class Pod:
    """A pod that some object makes, or is."""

    owner: str
    labels: Mapping[str, str]
    spec: Object

    @property
    def containers(self) -> list[Object]:
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]


@dataclass(frozen=True)
class Rendered:
    """The objects of one rendering."""

    objects: Sequence[Object]

    def kind(self, kind: str) -> list[Object]:
        return [one for one in self.objects if one["kind"] == kind]

    def one(self, kind: str, name: str) -> Object:
        (found,) = [one for one in self.kind(kind) if one["metadata"]["name"] == name]
        return found

    def pods(self) -> Iterator[Pod]:
        for one in self.objects:
            if one["kind"] == "Pod":
                yield Pod(name_of(one), one["metadata"]["labels"], one["spec"])
            elif template := one.get("spec", {}).get("template"):
                yield Pod(name_of(one), template["metadata"]["labels"], template["spec"])

    def pod(self, owner: str) -> Pod:
        (found,) = [one for one in self.pods() if one.owner == owner]
        return found


@cache
def manifest(profile: str, *settings: str, release: str = "slipway", namespace: str = NAMESPACE) -> str:
    """The text of a profile with settings on top of it, as `_options` takes them."""
    text = run_helm("template", release, CHART, *_where(profile, namespace), *_options(settings)).stdout
    return same_spacing(text)


@cache
def rendered(profile: str, *settings: str, release: str = "slipway", namespace: str = NAMESPACE) -> Rendered:
    loaded = yaml.load_all(manifest(profile, *settings, release=release, namespace=namespace), yaml.CSafeLoader)
    return Rendered([cast(Object, one) for one in loaded if one])


def refusal(profile: str, *settings: str) -> str:
    """What helm says of values that it must refuse."""
    result = run_helm("template", "slipway", CHART, *_where(profile), *_options(settings), check=False)
    assert result.returncode, f"{settings} is accepted"
    return result.stderr


def name_of(one: Object) -> str:
    return f"{one['kind']}/{one['metadata']['name']}"


def walk(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Everything in a value, each with the path to it: `/spec/ports/0`."""
    yield path, value
    inner: Iterable[tuple[object, Any]] = ()
    if isinstance(value, dict):
        inner = cast(dict[str, Any], value).items()
    elif isinstance(value, list):
        inner = enumerate(cast(list[Any], value))
    for key, one in inner:
        yield from walk(one, f"{path}/{key}")


def variables(container: Object) -> dict[str, str]:
    """The variables that a container's definition spells out."""
    return {one["name"]: one.get("value", "") for one in container.get("env", [])}


def _options(settings: Iterable[str]) -> Iterator[str]:
    """`key=value` as `--set` takes it; a value that is JSON of an object as `--set-json`."""
    for one in settings:
        yield from ("--set-json" if one.partition("=")[2].startswith('{"') else "--set", one)


def _where(profile: str, namespace: str = NAMESPACE) -> list[str]:
    values = ["--values", str(EXAMPLES / profile / "values.yaml")] if profile else []
    return ["--namespace", namespace, "--kube-version", f"{OLDEST_KUBERNETES}.0", *values]
