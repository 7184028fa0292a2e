"""All rules over a release: `judge(objects)` says what is wrong with it, each finding with its rule.

These rules hold for whatever the values are, and checkov and the schemas of Kubernetes do not know them. What one value
does is tested beside this folder.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, cast

from tests.chart.judge import containers, objects, pods, references, selectors
from tests.chart.judge.release import Finding, Object, Release
from tests.support.rendering import walk

RULES = {rule.__name__: rule for module in (objects, containers, pods, selectors, references) for rule in module.RULES}


@dataclass(frozen=True)
class Verdict:
    """A finding and the rule that found it."""

    rule: str
    finding: Finding

    def __str__(self) -> str:
        return f"{self.rule}: {self.finding}"


def judge(manifests: Iterable[Object], foreign: Collection[str] = ()) -> list[Verdict]:
    """What every rule finds in the objects of a release; `foreign` are names of what exists beside it."""
    release = Release(list(manifests), frozenset(foreign))
    return [Verdict(name, finding) for name, rule in RULES.items() for finding in rule(release)]


def names_in(values: object) -> frozenset[str]:
    """The texts in a file of values, and the keys that are switched on: what it may call foreign objects by."""
    texts = {value for _, value in walk(values) if isinstance(value, str)}
    maps = [cast(dict[str, Any], value) for _, value in walk(values) if isinstance(value, dict)]
    return frozenset(texts | {key for one in maps for key, value in one.items() if value is True})
