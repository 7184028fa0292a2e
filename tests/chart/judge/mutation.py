"""A mutation: one mistake that people make in manifests, and the rule that must find it, alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from tests.chart.judge.release import Object, Release

Change: TypeAlias = Callable[[Release], object]

OPEN = ("networkPolicy.enabled=false",)
"""For what a policy would see too: who may talk to a pod depends on its labels and ports."""


@dataclass(frozen=True)
class Mutation:
    """What is changed in which example, and the rules that find it: nearly always one."""

    change: Change
    caught_by: str
    profile: str = "production"
    settings: tuple[str, ...] = ()
    also_by: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.change.__name__


def one(release: Release, kind: str, component: str = "api") -> Object:
    """The object of a kind that belongs to a component, or the first of the kind."""
    found = release.kind(kind)
    return next((each for each in found if each["metadata"]["name"].endswith(f"-{component}")), found[0])


def pod(release: Release, kind: str = "Deployment") -> Object:
    owner = one(release, kind)
    return owner["spec"] if kind == "Pod" else owner["spec"]["template"]["spec"]


def container(release: Release, kind: str = "Deployment") -> Object:
    return pod(release, kind)["containers"][0]
