"""An upgrade from the previous version of the chart, with the same values and the same image."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from tests.cluster.cluster import Namespace, until
from tests.cluster.conftest import ROOT, Figures, Images, image_values
from tests.cluster.existing import SMALL
from tests.cluster.inside import Visitor, described, lost_nothing
from tests.cluster.people import Person
from tests.cluster.postgres import Postgres
from tests.cluster.release import Release
from tests.support.helm import CHART
from tests.support.tools import not_run_here


def version(chart: str) -> str:
    """That of the text of a Chart.yaml."""
    return str(cast("dict[str, Any]", yaml.safe_load(chart))["version"])


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True).stdout


def commit_before(present: str, where: Path) -> str:
    """The last commit whose chart has another version; empty where there is none, or no history."""
    try:
        commits = git("log", "--first-parent", "--format=%H", "--", str(where)).decode().split()
    except (OSError, subprocess.CalledProcessError):
        return ""
    charts = ((commit, git("show", f"{commit}:{where}/Chart.yaml").decode()) for commit in commits)
    return next((commit for commit, chart in charts if version(chart) != present), "")


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart as it was last before it got its present version."""
    if given := os.environ.get("SLIPWAY_TEST_PREVIOUS_CHART"):
        return Path(given)
    present = version((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    where = CHART.relative_to(ROOT)
    commit = commit_before(present, where)
    if not commit:
        why = f"no commit here has a version before {present}, and SLIPWAY_TEST_PREVIOUS_CHART names no folder"
        not_run_here("the previous chart", why, demanded=False)
    folder = tmp_path_factory.mktemp("previous")
    with tarfile.open(fileobj=io.BytesIO(git("archive", commit, str(where)))) as archive:
        archive.extractall(folder, filter="data")
    return folder / where


def test_an_upgrade_of_the_chart_keeps_the_deployment_and_loses_no_request(
    previous: Path, namespace: Namespace, visitor: Visitor, postgres: Postgres, images: Images, figures: Figures
) -> None:
    postgres.create_database("shop")
    postgres.create_secret("given")
    shop = Release("shop", namespace, chart=previous)
    shop.install(
        {
            **image_values(images.first),
            "database": {"host": postgres.host, "name": "shop", "user": "shop", "ssl": "disable"},
            "secrets": {"existingSecret": "given"},
            "components": {"api": {"resources": SMALL}},
        }
    )
    deployment = f"{shop.full_name}-api"
    made = namespace.get("deployments", deployment, "apps/v1")["metadata"]
    person = Person(visitor, shop.url)
    person.can_work()
    with person.visitor.load(person.load("chart"), at_least=1500) as outcome:
        until(lambda: postgres.items("shop", "chart") > 100, "the load to run")
        shop.upgrade({})
    now = namespace.get("deployments", deployment, "apps/v1")["metadata"]
    assert now["uid"] == made["uid"]
    assert now["labels"]["helm.sh/chart"] != made["labels"]["helm.sh/chart"]
    figures.add(f"{made['labels']['helm.sh/chart']} → {now['labels']['helm.sh/chart']}: {described(outcome)}")
    assert lost_nothing(outcome), outcome
    assert postgres.items("shop", "chart") == outcome.posts
