"""What a run found, as a page in `docs`: each test with its result and what it measured."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cluster.cluster import Cluster
from tests.support.helm import helm_program

HEAD = """\
<!-- Written by `make cluster-test FULL=1`; not to be edited. -->

# What the cluster showed

"""
WAYS = {"passed": "passed", "failed": "**failed**", "skipped": "not run"}


@dataclass
class Case:
    """One test of a story, which is its module."""

    story: str
    name: str
    result: str = ""
    seconds: float = 0
    figures: list[str] = field(default_factory=list[str])

    @property
    def sentence(self) -> str:
        return self.function.removeprefix("test_").replace("_", " ")

    @property
    def function(self) -> str:
        return self.name.partition("[")[0]


class Results:
    """Of the tests in this folder, in the order in which they ran, by the names that pytest gives them."""

    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}

    def expect(self, node: str, story: str) -> None:
        self.cases[node] = Case(story, node.rpartition("::")[2])

    def note(self, node: str, outcome: str, seconds: float, why: str = "") -> None:
        """What a phase of a test came to; the worst phase counts."""
        if (test := self.cases.get(node)) is None:
            return
        test.seconds += seconds
        if test.result in {"", "passed"} and outcome in WAYS:
            test.result = outcome
            test.figures += [why] if why else []

    def page(self, place: str) -> str:
        ran = [test for test in self.cases.values() if test.result]
        count = {way: sum(test.result == way for test in ran) for way in WAYS}
        said = ", ".join(f"{number} {way}" for way, number in count.items() if number)
        stories = dict.fromkeys(test.story for test in ran)
        return (
            HEAD
            + f"{place}: {said.replace('skipped', 'not run')}.\n"
            + "".join(
                f"\n## {story}\n\n| it was seen that | | took | measured |\n|---|---|---|---|\n"
                + "".join(map(_row, _by_function(test for test in ran if test.story == story)))
                for story in stories
            )
        )


def where(cluster: Cluster) -> str:
    """The cluster and the program that the figures come from."""
    kubernetes = cluster.ask("GET", "/version")["gitVersion"]
    nodes: Iterable[Mapping[str, Any]] = cluster.ask("GET", "/api/v1/nodes")["items"]
    cores = [str(node["status"]["capacity"]["cpu"]) for node in nodes]
    helm = subprocess.run(
        [helm_program(), "version", "--template={{.Version}}"], capture_output=True, text=True, check=True
    ).stdout
    count = "1 node of" if len(cores) == 1 else f"{len(cores)} nodes of"
    return f"Kubernetes {kubernetes} with {count} {' + '.join(cores)} cores, Helm {helm}"


def write(results: Results, path: Path, cluster: Cluster) -> None:
    path.write_text(results.page(where(cluster)), encoding="utf-8")


def _by_function(cases: Iterable[Case]) -> list[list[Case]]:
    """Those that differ by their parameters alone, together."""
    found: dict[str, list[Case]] = {}
    for case in cases:
        found.setdefault(case.function, []).append(case)
    return list(found.values())


def _row(cases: list[Case]) -> str:
    results = ", ".join(WAYS[result] for result in WAYS if any(case.result == result for case in cases))
    count = [f"{len(cases)} cases"] if len(cases) > 1 else []
    figures = "; ".join([*count, *(figure for case in cases for figure in case.figures)])
    seconds = f"{sum(case.seconds for case in cases):.0f} s"
    return "| " + " | ".join(map(_cell, (cases[0].sentence, results, seconds, figures))) + " |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
