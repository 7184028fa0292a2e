"""A namespace for each module, in the cluster that SLIPWAY_TEST_CONTEXT names; without it, the tests are not run.

Tests marked `full` take their time: they run with `--full` alone, and `--report FILE` writes what a run found.

| variable | meaning |
|---|---|
| `SLIPWAY_TEST_CONTEXT` | context of the kubeconfig; never a default, since these tests delete pods |
| `SLIPWAY_TEST_IMAGE` | image that is in the cluster already; else `SLIPWAY_TEST_LOAD` |
| `SLIPWAY_TEST_NEXT_IMAGE` | image to upgrade to; the same one unless given |
| `SLIPWAY_TEST_LOAD` | command that brings an image that was built here into the cluster, and gets its name |
| `SLIPWAY_TEST_POSTGRES_IMAGE` | instead of `docker.io/library/postgres:17` |
| `SLIPWAY_TEST_CRDS` | folder of custom resource definitions, which are put into the cluster and stay there |
| `SLIPWAY_TEST_PREVIOUS_CHART` | folder of the chart to upgrade from; else it is taken from the history in git |
"""

# Pytest's stash of a list.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster, Namespace, new_namespace
from tests.cluster.inside import VISITORS, Visitor, visitor_in
from tests.cluster.judge import DEFINITIONS, install_definitions
from tests.cluster.postgres import Postgres
from tests.cluster.release import Release
from tests.cluster.results import Results, write
from tests.support.tools import not_run_here

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
_RESULTS = pytest.StashKey[Results]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="run the cluster tests that take long, too")
    parser.addoption("--report", metavar="FILE", type=Path, help="write what the cluster tests found")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "full: takes minutes, so that only --full runs it")
    config.stash[_RESULTS] = Results()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    long = pytest.mark.skip(
        reason="not run here: FULL=1: takes minutes, so that only `make cluster-test FULL=1` runs it"
    )
    for item in items:
        if not isinstance(item, pytest.Function) or HERE not in item.path.parents:
            continue
        if item.get_closest_marker("full") and not config.getoption("--full", default=False):
            item.add_marker(long)
        config.stash[_RESULTS].expect(item.nodeid, (item.module.__doc__ or "").partition("\n")[0].rstrip("."))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    why = report.longrepr[2].rpartition("not run here: ")[2] if isinstance(report.longrepr, tuple) else ""
    item.config.stash[_RESULTS].note(item.nodeid, report.outcome, report.duration, why)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for case in config.stash[_RESULTS].cases.values():
        for figure in case.figures if case.result in {"passed", "failed"} else ():
            terminalreporter.write_line(f"measured: {case.sentence}: {figure}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    path: Path | None = session.config.getoption("--report", default=None)
    context = os.environ.get("SLIPWAY_TEST_CONTEXT", "")
    if path and context and not session.config.option.collectonly:
        with closing(Cluster(context)) as cluster:
            write(session.config.stash[_RESULTS], path, cluster)


@dataclass(frozen=True)
class Images:
    """Two images of the service, both in the cluster; `following` is what an upgrade brings."""

    first: str
    following: str


class Figures:
    """What a test measured: printed at the end of the run, also when all is well."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def add(self, line: str) -> None:
        self._lines.append(line)


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    return Figures(request.config.stash[_RESULTS].cases[request.node.nodeid].figures)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    context = os.environ.get("SLIPWAY_TEST_CONTEXT", "")
    if "PYTEST_XDIST_WORKER" in os.environ:
        not_run_here("Kubernetes", "`make cluster-test` runs these one after the other", demanded=False)
    if not context:
        not_run_here("Kubernetes", "SLIPWAY_TEST_CONTEXT names no context of a kubeconfig", demanded=False)
    with closing(Cluster(context)) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def images(cluster: Cluster) -> Images:
    given = os.environ.get("SLIPWAY_TEST_IMAGE", "")
    if given:
        return Images(given, os.environ.get("SLIPWAY_TEST_NEXT_IMAGE", given))
    if not os.environ.get("SLIPWAY_TEST_LOAD"):
        not_run_here("an image", "neither SLIPWAY_TEST_IMAGE nor SLIPWAY_TEST_LOAD is set")
    return Images(build_and_load("cluster-test"), build_and_load("cluster-test-next"))


def build_and_load(tag: str, target: str = "runtime") -> str:
    """The name of an image that is built here and brought into the cluster as `SLIPWAY_TEST_LOAD` says."""
    image = f"slipway:{tag}"
    # Not by make: what this run's own was told, such as ARGS, would go to the builder.
    subprocess.run([ROOT / "scripts/image"], env={**os.environ, "TAG": tag, "TARGET": target}, check=True)
    subprocess.run([*shlex.split(os.environ["SLIPWAY_TEST_LOAD"]), image], check=True)
    return image


@pytest.fixture(scope="session")
def definitions(cluster: Cluster) -> frozenset[str]:
    """The kinds that others have defined in this cluster; those that a folder names are put there first."""
    if folder := os.environ.get("SLIPWAY_TEST_CRDS"):
        install_definitions(cluster, Path(folder))
    found = cluster.ask("GET", DEFINITIONS)["items"]
    return frozenset(one["spec"]["names"]["kind"] for one in found)


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[Namespace]:
    with new_namespace(cluster, "slipway-test") as namespace:
        yield namespace


@pytest.fixture(scope="module")
def visitor(namespace: Namespace, images: Images) -> Iterator[Visitor]:
    with visitor_in(namespace, images.first) as visitor:
        yield visitor


@pytest.fixture(scope="module")
def postgres(namespace: Namespace) -> Postgres:
    """A server that stands beside the releases of the module."""
    postgres = Postgres(namespace)
    postgres.start()
    return postgres


def image_values(image: str) -> Mapping[str, Mapping[str, object]]:
    repository, _, tag = image.rpartition(":")
    return {"image": {"repository": repository, "tag": tag}}


def postgres_values() -> Mapping[str, object]:
    """The chart's own PostgreSQL, of the image that this cluster has."""
    image = os.environ.get("SLIPWAY_TEST_POSTGRES_IMAGE")
    return {"dev": {"postgres": {"enabled": True} | ({"image": image} if image else {})}}


@pytest.fixture(scope="module")
def found(visitor: Visitor, namespace: Namespace) -> set[str]:
    """What was in the namespace before the first release: the cluster's own objects and the visitor."""
    return namespace.objects()


@pytest.fixture(scope="module")
def release(namespace: Namespace, images: Images, found: set[str]) -> Release:
    """The chart with its own PostgreSQL and secrets, installed and ready."""
    release = Release("slipway", namespace)
    release.install(
        {
            **image_values(images.first),
            **postgres_values(),
            "secrets": {"mode": "generate"},
            "components": {"api": {"autoscaling": {"enabled": True, "minReplicas": 2, "maxReplicas": 3}}},
            "networkPolicy": {"scrapers": {"visitor": VISITORS}},
        }
    )
    return release
