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
        return self.name.removeprefix("test_").replace("_", " ")


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
                + "".join(map(_row, (test for test in ran if test.story == story)))
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
    return f"Kubernetes {kubernetes} with {len(cores)} node(s) of {' + '.join(cores)} cores, Helm {helm}"


def write(results: Results, path: Path, cluster: Cluster) -> None:
    path.write_text(results.page(where(cluster)), encoding="utf-8")


def _row(test: Case) -> str:
    figures = "; ".join(test.figures).replace("|", "\\|").replace("\n", " ")
    return f"| {test.sentence} | {WAYS[test.result]} | {test.seconds:.0f} s | {figures} |\n"
