"""The workflows of .github: what they may do, what they run, and what a release is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from tests.support.checkout import ROOT

FOLDER = ROOT / ".github/workflows"
FILES = sorted(FOLDER.glob("*.yaml"))
BIN = Path(sys.executable).parent
WORKFLOWS: dict[str, dict[Any, Any]] = {path.stem: yaml.safe_load(path.read_text()) for path in FILES}
RELEASE: dict[str, dict[str, Any]] = WORKFLOWS["release"]["jobs"]
WRITES = {
    "image": {"packages", "id-token", "attestations"},
    "chart": {"packages", "id-token", "attestations"},
    "announce": {"contents"},
}
VERSION = "9.8.7"


def steps(job: dict[str, Any]) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", job.get("steps", []))


def scripts() -> Iterator[tuple[str, str]]:
    for name, workflow in WORKFLOWS.items():
        for job, content in workflow["jobs"].items():
            yield from ((f"{name}: {job}", step["run"]) for step in steps(content) if "run" in step)


def script(job: str, name: str) -> str:
    (found,) = (step["run"] for step in steps(RELEASE[job]) if step.get("name") == name)
    return cast(str, found)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_is_what_the_schema_of_github_allows(path: Path) -> None:
    command: list[str | Path] = [BIN / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", path]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_zizmor_finds_nothing() -> None:
    checked = subprocess.run([BIN / "zizmor", "--offline", FOLDER], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_every_action_is_one_commit_and_says_of_which_version() -> None:
    used = [line for path in FILES for line in re.findall(r"uses: (.+)", path.read_text()) if not line.startswith("./")]
    pinned = [re.fullmatch(r"([\w./-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)", line) for line in used]
    assert None not in pinned, used
    assert len({found.groups() for found in pinned if found}) == len({found[1] for found in pinned if found})


def test_nobody_may_write_who_need_not() -> None:
    for workflow in WORKFLOWS.values():
        assert set(workflow["permissions"].values()) <= {"read"}
    assert WORKFLOWS["release"]["permissions"] == {}
    writes = {
        job: {scope for scope, right in content["permissions"].items() if right == "write"}
        for job, content in RELEASE.items()
    }
    assert {job: scopes for job, scopes in writes.items() if scopes} == WRITES


def test_every_script_is_shell_and_takes_values_as_variables_only() -> None:
    for name, text in scripts():
        parsed = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
        assert parsed.returncode == 0, f"{name}: {parsed.stderr}"
        assert "${{" not in text, name


def test_nothing_is_released_that_the_ci_has_not_passed() -> None:
    assert RELEASE["gate"]["uses"] == "./.github/workflows/ci.yaml"
    assert "workflow_call" in WORKFLOWS["ci"][True]  # YAML's word for `on`
    waits = {job: set(content.get("needs", [])) for job, content in RELEASE.items()}
    assert "gate" in waits["image"]
    assert "image" in waits["chart"]
    assert {"image", "chart", "verify"} <= waits["announce"]


@pytest.mark.parametrize("other", [None, "pyproject.toml", "charts/slipway/Chart.yaml", "CHANGELOG.md"])
def test_a_tag_that_is_not_the_version_everywhere_is_refused(tmp_path: Path, other: str | None) -> None:
    texts = {
        "pyproject.toml": re.sub(
            r'^version = ".*"', f'version = "{VERSION}"', read("pyproject.toml"), flags=re.MULTILINE
        ),
        "charts/slipway/Chart.yaml": re.sub(
            r'^(version: |appVersion: ")[\d.]+',
            rf"\g<1>{VERSION}",
            read("charts/slipway/Chart.yaml"),
            flags=re.MULTILINE,
        ),
        "CHANGELOG.md": f"# Changelog\n\n## [{VERSION}]\n",
    }
    for path, text in texts.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(read(path) if path == other else text)
    output = tmp_path / "output"
    told = {"GITHUB_REF_NAME": f"v{VERSION}", "GITHUB_REPOSITORY_OWNER": "Example", "GITHUB_OUTPUT": str(output)}
    command = [
        "bash",
        "-eo",
        "pipefail",
        "-c",
        script("version", "The tag, the project and the chart name one version"),
    ]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, **told}, capture_output=True, text=True, check=False
    )
    if other:
        assert done.returncode != 0
    else:
        assert done.returncode == 0, done.stderr
        assert output.read_text() == f"version={VERSION}\nowner=example\n"


SIGNING = [job for job, content in RELEASE.items() if content["permissions"].get("id-token") == "write"]


@pytest.mark.parametrize("job", SIGNING)
def test_what_signs_waits_for_an_approval_and_a_tag_on_main(job: str) -> None:
    assert RELEASE[job]["environment"] == "release"
    assert "version" in RELEASE[job]["needs"]
    assert WORKFLOWS["release"][True] == {"push": {"tags": ["v[0-9]+.[0-9]+.[0-9]+"]}}


def test_only_what_is_on_main_is_released(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
        command = ["git", *identity, *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.strip()

    def on_main(commit: str) -> bool:
        command = ["bash", "-eo", "pipefail", "-c", script("version", "The tag is on main")]
        values = {"GITHUB_SHA": commit, "GITHUB_REF_NAME": f"v{VERSION}"}
        environment = {**os.environ, **values}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False).returncode == 0

    (checkout,) = (step for step in steps(RELEASE["version"]) if "actions/checkout" in step.get("uses", ""))
    assert checkout["with"]["fetch-depth"] == 0  # or there is no origin/main to compare with
    git("init", "--quiet", "--initial-branch=main")
    git("commit", "--quiet", "--allow-empty", "--message=released")
    released = git("rev-parse", "HEAD")
    git("commit", "--quiet", "--allow-empty", "--message=head")
    head = git("rev-parse", "HEAD")
    git("update-ref", "refs/remotes/origin/main", head)
    git("checkout", "--quiet", "-b", "feature")
    git("commit", "--quiet", "--allow-empty", "--message=unreviewed")
    assert on_main(released)
    assert on_main(head)
    assert not on_main(git("rev-parse", "HEAD"))


def test_every_image_of_the_release_is_named_by_its_digest() -> None:
    """What runs beside the token that signs: the emulator, the builder, the scanner, and what the image stands on."""
    pinned = re.compile(r"docker\.io/[a-z/-]+:[\w.-]+@sha256:[0-9a-f]{64}")
    environment: dict[str, str] = WORKFLOWS["release"]["env"]
    images = {name: value for name, value in environment.items() if name.endswith("_IMAGE")}
    emulators = [
        step["with"]["image"] for job in SIGNING for step in steps(RELEASE[job]) if "qemu" in step.get("uses", "")
    ]
    assert len(emulators) == 1
    assert [image for image in (*images.values(), *emulators) if not pinned.fullmatch(image)] == []
    build = script("image", "Build for two architectures, with a bill of materials and how it was built")
    for use in (
        'docker buildx create --use --driver docker-container --driver-opt "image=$BUILDKIT_IMAGE"',
        '"--sbom=generator=$SBOM_IMAGE"',
        '--build-arg "PYTHON_IMAGE=$PYTHON_IMAGE"',
    ):
        assert use in build
    froms = set(re.findall(r"^FROM (\S+)", read("Dockerfile"), re.MULTILINE))
    assert froms == {"${PYTHON_IMAGE}", "base"}  # nothing else is fetched while it is built
    assert "# syntax=" not in read("Dockerfile")


def test_what_is_signed_is_named_by_its_digest() -> None:
    signed = [step for job in RELEASE.values() for step in steps(job) if "cosign sign" in step.get("run", "")]
    assert len(signed) == 2
    for step in signed:
        (variable,) = re.findall(r'"\$(\w+)"', step["run"])
        assert re.fullmatch(r"\$\{\{ [\w.]+\.name \}\}@\$\{\{ [\w.]+\.digest \}\}", step["env"][variable])


def test_the_notes_of_a_release_are_its_part_of_the_changelog(tmp_path: Path) -> None:
    (program,) = re.findall(r"awk -v .*? '(.*?)' CHANGELOG.md", script("announce", "What changed, and where it is"))
    changelog = tmp_path / "CHANGELOG.md"
    changelog.write_text(
        "# Changelog\n\n## [2.0.0]\n\nnot yet\n\n## [1.2.3] - 2026-01-01\n\n- this\n\n## [1.2.2]\n\nold\n"
    )
    command = ["awk", "-v", "head=## [1.2.3]", program, changelog]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "- this"


def read(path: str) -> str:
    return (ROOT / path).read_text()
