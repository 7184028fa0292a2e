"""The image that SLIPWAY_TEST_IMAGE names, as its files and its configuration are.

make image TAG=test && SLIPWAY_TEST_IMAGE=slipway:test make test ARGS=tests/image
"""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import tarfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, cast

import pytest

from tests.support.dockerfile import TEXT
from tests.support.tools import not_run_here

MIB = 1024 * 1024
USER = 10001
INSTALLERS = re.compile(r"(pip[\d.]*|uvx?|gcc.*|g\+\+.*|cc|c\+\+|clang.*|ld|make)")
LEFT_BEHIND = re.compile(r"(build|root/\.cache|.*/\.\w+_history|(.*/)?\.(git|env)|.*/site-packages/pip)(/.*)?")
FOR_ANYBODY = {"tmp", "var/tmp", "run/lock"}
"""Debian's own folders for temporary files; a read-only root closes them."""


@dataclass(frozen=True)
class Entry:
    """A file of an image."""

    mode: int
    owner: int
    size: int
    modified: float
    is_link: bool
    is_folder: bool

    @property
    def writable(self) -> bool:
        """Whether the user that the image runs as may change it."""
        return not self.is_link and bool(self.mode & stat.S_IWOTH or self.owner == USER)


class Store:
    """The builder whose store holds the image: docker, podman or buildah."""

    def __init__(self, program: str) -> None:
        self.program = program

    def configuration(self, image: str) -> dict[str, Any]:
        if self.program == "buildah":
            return cast("dict[str, Any]", json.loads(self._say("inspect", "--type", "image", image))["OCIv1"]["config"])
        return cast("dict[str, Any]", json.loads(self._say("image", "inspect", image))[0]["Config"])

    def holds(self, image: str) -> bool:
        try:
            self.configuration(image)
        except (OSError, subprocess.CalledProcessError):
            return False
        return True

    def files(self, image: str) -> dict[str, Entry]:
        """Every file by its path, after all layers."""
        if self.program == "buildah":
            container = self._say("from", "--pull-never", image)
            try:
                root = self._say("mount", container)
                return _read(["tar", "--create", "--directory", root, "."])
            finally:
                self._say("rm", container)
        container = self._say("create", image)
        try:
            return _read([self.program, "export", container])
        finally:
            self._say("rm", container)

    def _say(self, *words: str) -> str:
        return subprocess.run([self.program, *words], capture_output=True, text=True, check=True).stdout.strip()


def _read(command: list[str]) -> dict[str, Entry]:
    with _output(command) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        return {
            one.name.removeprefix("./"): Entry(
                one.mode, one.uid, one.size, one.mtime, one.islnk() or one.issym(), one.isdir()
            )
            for one in archive
        }


@contextmanager
def _output(command: list[str]) -> Generator[IO[bytes]]:
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        yield process.stdout
    assert process.returncode == 0


@pytest.fixture(scope="module")
def image() -> str:
    given = os.environ.get("SLIPWAY_TEST_IMAGE")
    if not given:
        not_run_here("an image", "SLIPWAY_TEST_IMAGE names none", demanded=False)
    return given


@pytest.fixture(scope="module")
def store(image: str) -> Store:
    stores = map(Store, ("docker", "podman", "buildah"))
    found = next((store for store in stores if store.holds(image)), None)
    assert found, f"neither docker nor podman nor buildah holds {image}"
    return found


@pytest.fixture(scope="module")
def files(store: Store, image: str) -> dict[str, Entry]:
    found = store.files(image)
    assert "srv/slipway/app/main.py" in found
    return found


def test_it_runs_as_a_number_and_stops_at_sigterm(store: Store, image: str) -> None:
    found = store.configuration(image)
    assert found["User"] == "10001:10001"
    assert found["StopSignal"] == "SIGTERM"
    assert (found["Entrypoint"], found["Cmd"]) == (["slipway"], ["serve"])
    assert found["Labels"]["org.opencontainers.image.title"] == "slipway"


def test_no_program_gives_more_rights_than_its_caller_has(files: dict[str, Entry]) -> None:
    assert [path for path, one in files.items() if not one.is_folder and one.mode & (stat.S_ISUID | stat.S_ISGID)] == []


def test_its_user_can_change_nothing_in_it(files: dict[str, Entry]) -> None:
    writable = {path for path, one in files.items() if one.writable and not path.startswith(("dev/", "proc/", "sys/"))}
    assert writable <= FOR_ANYBODY
    assert all(files[path].mode & stat.S_ISVTX for path in writable)


def test_nothing_of_the_build_is_left_behind(files: dict[str, Entry]) -> None:
    programs = {path: path.rpartition("/")[2] for path, one in files.items() if not one.is_folder and "bin/" in path}
    assert {"python", "slipway"} <= set(programs.values())
    assert [path for path, name in programs.items() if INSTALLERS.fullmatch(name)] == []
    assert [path for path in files if LEFT_BEHIND.fullmatch(path)] == []


def test_every_module_is_there_as_bytecode(files: dict[str, Entry]) -> None:
    sources = {path for path in files if path.endswith(".py") and path.startswith(("opt/slipway/lib/", "srv/slipway/"))}
    compiled = {re.sub(r"__pycache__/([^/]+)\.cpython-\d+\.pyc$", r"\1.py", path) for path in files}
    assert len(sources) > 1000
    assert sources - compiled == set()


def test_it_adds_at_most_160_mib_to_the_base(store: Store, image: str, files: dict[str, Entry]) -> None:
    (default,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", TEXT, re.MULTILINE)
    base = store.files(os.environ.get("SLIPWAY_TEST_PYTHON_IMAGE", str(default)))
    added = sum(one.size for path, one in files.items() if base.get(path) != one)
    assert 50 * MIB < added <= 160 * MIB, f"{added / MIB:.1f} MiB"
