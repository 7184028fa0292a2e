"""`make image`, with a program in the builder's place that writes down what it was asked for."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.support.checkout import ROOT

RELEASED = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
BUILDER = """#!/bin/sh
case $1 in
info) exit {status} ;;
build) printf '%s\\n' "$@" >"$RECORD" ;;
image) echo 250000000 ;;
images) echo "250 MB" ;;
esac
"""


class Machine:
    """A checkout of nothing but the script and the project's version, and the builders that are on PATH."""

    def __init__(self, folder: Path) -> None:
        self.record = folder / "record"
        self.programs = folder / "bin"
        self.programs.mkdir()
        for name in ("awk", "dirname", "git", "make", "sed", "sh"):
            if found := shutil.which(name):
                (self.programs / name).symlink_to(found)
        self.checkout = folder / "checkout"
        (self.checkout / "scripts").mkdir(parents=True)
        shutil.copy(ROOT / "scripts" / "image", self.checkout / "scripts")
        for name in ("Makefile", "pyproject.toml"):
            shutil.copy(ROOT / name, self.checkout)

    def add(self, name: str, *, works: bool = True) -> None:
        program = self.programs / name
        program.write_text(BUILDER.format(status=0 if works else 1))
        program.chmod(0o755)

    def git(self, *words: str) -> None:
        author = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *author, *words], cwd=self.checkout, check=True, capture_output=True)

    def make_image(self, *words: str) -> subprocess.CompletedProcess[str]:
        wanted = {"PATH": str(self.programs), "RECORD": str(self.record), "HOME": str(self.checkout)}
        return subprocess.run(
            [str(self.programs / "make"), "image", *words],
            cwd=self.checkout,
            env={**wanted, "GIT_CEILING_DIRECTORIES": str(self.checkout.parent)},
            capture_output=True,
            text=True,
            check=False,
        )

    def asked(self) -> str:
        return " ".join(self.record.read_text().split())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine.add("buildah")
    return machine


def test_its_name_and_size_are_printed(machine: Machine) -> None:
    done = machine.make_image()
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"slipway:{RELEASED}, 250 MB, built by buildah\n"


def test_the_first_builder_that_works_is_taken(machine: Machine) -> None:
    machine.add("docker", works=False)
    machine.add("podman")
    assert machine.make_image().stdout.endswith("250 MB, built by podman\n")


def test_a_machine_without_a_builder_is_told_what_to_install(machine: Machine) -> None:
    machine.add("buildah", works=False)
    done = machine.make_image()
    assert "make image needs docker (with its daemon), podman or buildah" in done.stderr
    assert done.returncode != 0


def test_what_is_asked_for_reaches_the_builder(machine: Machine) -> None:
    machine.make_image(
        "TAG=one", "VERSION=9.8.7", "EXTRAS=files brokers", "TARGET=dev", "PYTHON_IMAGE=base:1", "ARGS=--quiet"
    )
    asked = machine.asked()
    assert asked.startswith("build --target dev --tag slipway:one ")
    for argument in ("VERSION=9.8.7", "EXTRAS=files brokers", "PYTHON_IMAGE=base:1"):
        assert f"--build-arg {argument}" in asked
    assert asked.endswith("--quiet .")


def test_a_checkout_with_a_tag_is_that_version(machine: Machine) -> None:
    machine.git("init", "--quiet")
    machine.git("add", "pyproject.toml")
    machine.git("commit", "--quiet", "--message", "one", "--date", "2026-01-02T03:04:05Z")
    machine.git("tag", "v1.2.3")
    machine.make_image()
    asked = machine.asked()
    assert "--tag slipway:1.2.3" in asked
    assert "--build-arg VERSION=1.2.3" in asked
    head = subprocess.run(
        ["git", "log", "-1", "--format=%H %cI"], cwd=machine.checkout, capture_output=True, text=True, check=True
    )
    revision, created = head.stdout.split()
    assert f"--build-arg REVISION={revision}" in asked
    assert f"--build-arg CREATED={created}" in asked
