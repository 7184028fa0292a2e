"""One namespace a run, in the cluster that SLIPWAY_TEST_CONTEXT names; without one, these tests are listed as not run.

| variable | meaning |
|---|---|
| `SLIPWAY_TEST_CONTEXT` | context of the kubeconfig; never a default, since these tests delete pods |
| `SLIPWAY_TEST_IMAGE` | image that is in the cluster already; else `SLIPWAY_TEST_LOAD` |
| `SLIPWAY_TEST_NEXT_IMAGE` | image to upgrade to; the same one unless given |
| `SLIPWAY_TEST_LOAD` | command that brings an image that was built here into the cluster, and gets its name |
| `SLIPWAY_TEST_POSTGRES_IMAGE` | instead of the chart's `dev.postgres.image` |
"""

# Pytest's stash of a list.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import os
import secrets
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster, Namespace
from tests.cluster.inside import Visitor, visitor_in
from tests.cluster.release import Release
from tests.support.helm import helm_program
from tests.support.tools import not_run_here

ROOT = Path(__file__).parents[2]
_FIGURES = pytest.StashKey[list[str]]()


@dataclass(frozen=True)
class Images:
    """Two images of the service, both in the cluster; `following` is what an upgrade brings."""

    first: str
    following: str


class Figures:
    """What the run measured: printed at its end, also when all is well."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def add(self, line: str) -> None:
        self._lines.append(line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(_FIGURES, []):
        terminalreporter.write_line(f"measured: {line}")


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> Figures:
    return Figures(pytestconfig.stash.setdefault(_FIGURES, []))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    context = os.environ.get("SLIPWAY_TEST_CONTEXT", "")
    if "PYTEST_XDIST_WORKER" in os.environ:
        not_run_here("Kubernetes", "`make cluster-test` runs these one after the other", demanded=False)
    if not context:
        not_run_here("Kubernetes", "SLIPWAY_TEST_CONTEXT names no context of a kubeconfig", demanded=False)
    cluster = Cluster(context)
    yield cluster
    cluster.close()


@pytest.fixture(scope="session")
def images(cluster: Cluster) -> Images:
    given = os.environ.get("SLIPWAY_TEST_IMAGE", "")
    if given:
        return Images(given, os.environ.get("SLIPWAY_TEST_NEXT_IMAGE", given))
    load = shlex.split(os.environ.get("SLIPWAY_TEST_LOAD", ""))
    if not load:
        not_run_here("an image", "neither SLIPWAY_TEST_IMAGE nor SLIPWAY_TEST_LOAD is set")
    made = Images("slipway:cluster-test", "slipway:cluster-test-next")
    for image in (made.first, made.following):
        subprocess.run(["make", "image", f"TAG={image.partition(':')[2]}"], cwd=ROOT, check=True)
        subprocess.run([*load, image], check=True)
    return made


@pytest.fixture(scope="session")
def namespace(cluster: Cluster) -> Iterator[Namespace]:
    namespace = Namespace(cluster, f"slipway-test-{secrets.token_hex(4)}")
    try:
        namespace.create()
        yield namespace
    finally:
        namespace.remove()


@pytest.fixture(scope="session")
def visitor(namespace: Namespace, images: Images) -> Iterator[Visitor]:
    with visitor_in(namespace, images.first) as visitor:
        yield visitor


def image_values(image: str) -> Mapping[str, object]:
    repository, _, tag = image.rpartition(":")
    return {"image": {"repository": repository, "tag": tag}}


@pytest.fixture(scope="session")
def found(visitor: Visitor, namespace: Namespace) -> set[str]:
    """What was in the namespace before the first release: the cluster's own objects and the visitor."""
    return namespace.objects()


@pytest.fixture(scope="session")
def release(namespace: Namespace, images: Images, found: set[str], figures: Figures) -> Release:
    """The chart with its own PostgreSQL and secrets, installed and ready."""
    release = Release("slipway", namespace, helm_program())
    postgres: dict[str, object] = {"enabled": True}
    if image := os.environ.get("SLIPWAY_TEST_POSTGRES_IMAGE"):
        postgres["image"] = image
    values = {
        **image_values(images.first),
        "secrets": {"mode": "generate"},
        "dev": {"postgres": postgres},
        "components": {"api": {"autoscaling": {"enabled": True, "minReplicas": 2, "maxReplicas": 3}}},
    }
    release.install(values)
    figures.add(f"helm install to ready: {release.installed_in:.1f} s")
    return release
