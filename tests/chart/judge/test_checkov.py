"""checkov finds nothing in what production gets: pods, hook and tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.judge.examples import release_of
from tests.chart.judge.mutation import container
from tests.support.checkov import checkov
from tests.support.rendering import manifest

SKIPPED = {
    "CKV_K8S_11": (
        {"Deployment", "Job", "Pod"},
        "it wants a CPU limit, which throttles start-up and every burst; there are requests, and memory is limited",
    ),
    "CKV_K8S_8": ({"Pod"}, "it wants a liveness probe in the pods of `helm test`, which run to an end"),
    "CKV_K8S_9": ({"Pod"}, "it wants a readiness probe in the pods of `helm test`, to which nothing is sent"),
}
"""Checks that do not fit, for the kinds that they do not fit, and why."""

PRODUCTION = ("external", "microservices", "production")
"""The others have the same pods. Those two get a digest, as they name no registry that would give them one."""


@dataclass(frozen=True)
class Failure:
    check: str
    kind: str
    file: str
    words: str


@dataclass(frozen=True)
class Report:
    failed: list[Failure]
    passed: int


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """All files in one run, since most of its time is its start."""
    folder = tmp_path_factory.mktemp("manifests")
    for name in PRODUCTION:
        text = manifest(name) if name == "production" else manifest(name, f"image.digest=sha256:{'0' * 64}")
        (folder / f"{name}.yaml").write_text(text)
    release = release_of("production")
    container(release)["image"] = "slipway:latest"
    del container(release)["readinessProbe"]
    (folder / "broken.yaml").write_text(yaml.dump_all(release.objects))
    said = checkov(*sorted(folder.glob("*.yaml")))
    return Report([_failure(one) for one in said["results"]["failed_checks"]], said["summary"]["passed"])


def _failure(one: dict[str, Any]) -> Failure:
    words = f"{one['check_id']} {one['check_name']}: {one['resource']}"
    return Failure(one["check_id"], one["resource"].partition(".")[0], Path(one["file_path"]).name, words)


def unexcused(report: Report, file: str) -> list[str]:
    nothing: set[str] = set()
    return sorted(
        one.words
        for one in report.failed
        if one.file == file and one.kind not in SKIPPED.get(one.check, (nothing, ""))[0]
    )


@pytest.mark.parametrize("name", PRODUCTION)
def test_nothing_fails_in_production(report: Report, name: str) -> None:
    assert report.passed > 400 * len(PRODUCTION)
    assert unexcused(report, f"{name}.yaml") == []


def test_what_is_skipped_is_little_and_still_fails(report: Report) -> None:
    assert len(SKIPPED) <= 3
    failed = {(one.check, one.kind) for one in report.failed if one.file == "production.yaml"}
    assert failed == {(check, kind) for check, (kinds, _) in SKIPPED.items() for kind in kinds}


def test_what_is_wrong_is_found(report: Report) -> None:
    found = {words.partition(" ")[0] for words in unexcused(report, "broken.yaml")}
    assert {"CKV_K8S_9", "CKV_K8S_14", "CKV_K8S_43"} <= found
