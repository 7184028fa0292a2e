"""The Dockerfile and what is sent to the builder with it, without building anything."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from platform import libc_ver

import pytest

from app.platform.settings import Settings, load_settings, variable
from tests.support.checkout import ROOT
from tests.support.dockerfile import TEXT, Stage, stages

STAGES = {stage.name: stage for stage in stages()}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
STARTED = [pytest.param(STAGES[name], id=name) for name in ("dev", "runtime")]
IGNORED = (ROOT / ".dockerignore").read_text().splitlines()


def test_hadolint_has_nothing_to_say() -> None:
    program = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([program, "--no-color", ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("stage", STARTED)
def test_the_image_runs_as_a_number_that_is_no_user_of_a_host(stage: Stage) -> None:
    user, _, group = stage.user.partition(":")
    assert int(user) == int(group) == 10001


def test_the_variables_of_the_image_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = STAGES["runtime"]
    set_here = {name: value for name, value in stage.variables.items() if name.startswith("SLIPWAY_")}
    for name, value in set_here.items():
        monkeypatch.setenv(name, value)
    settings: Settings = load_settings()
    assert (settings.http.host, settings.metrics.host) == ("0.0.0.0", "0.0.0.0")  # noqa: S104 - as a container must
    assert settings.service.version == "${VERSION}"
    assert settings.service.revision == "${REVISION}"
    groups = {variable(name) for name in Settings.model_fields}
    assert {name.split("__")[0] for name in set_here} <= groups
    exposed = stages()[0].arguments("EXPOSE")
    assert exposed == [f"{settings.http.port} {settings.metrics.port}"]


def test_the_code_that_runs_is_on_the_path_and_nothing_else_of_the_image_is_writable_code() -> None:
    for stage in (STAGES["dev"], STAGES["runtime"]):
        assert stage.variables["PYTHONPATH"].split(":")[0] == stage.workdir
    owned = [copy for stage in stages() for copy in stage.arguments("COPY") if "--chown" in copy]
    assert owned == ["--chown=10001:10001 app/ app/"]


def test_the_extras_of_an_image_are_those_of_the_project_but_for_the_release_tool() -> None:
    extras = set(PROJECT["project"]["optional-dependencies"]) - {"release"}
    (pattern,) = re.findall(r"^ +([a-z |]+)\) set -- ", TEXT, re.MULTILINE)
    assert set(pattern.split(" | ")) == extras
    assert all((ROOT / "requirements" / f"{extra}.txt").exists() for extra in extras)


def test_nothing_is_installed_that_the_lock_does_not_name() -> None:
    commands = [part for stage in stages() for run in stage.arguments("RUN") for part in re.split(r"&&|;", run)]
    installs = [command.strip() for command in commands if "pip install" in command]
    assert len(installs) == 4
    for install in installs:
        own = install.split()[-1] == "."
        assert "--no-deps" in install
        assert own or "--require-hashes" in install


def sent(path: str) -> bool:
    """Whether a file is sent to the builder: the last line that matches it or a folder of it decides."""
    parts = path.split("/")
    places = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
    kept = True
    for line in IGNORED:
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!")
            anywhere = pattern.removeprefix("**/")
            candidates = [place.rpartition("/")[2] for place in places] if anywhere != pattern else places
            if any(fnmatchcase(place, anywhere) and place.count("/") == anywhere.count("/") for place in candidates):
                kept = line.startswith("!")
    return kept


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".git/config",
        ".slipway/signing-key.pem",
        ".venv/bin/python",
        "app/__pycache__/main.cpython-313.pyc",
        "app/features/items/__pycache__/api.cpython-313.pyc",
        "charts/slipway/values.yaml",
        "dist/slipway.whl",
        "docs/settings.md",
        "tests/conftest.py",
    ],
)
def test_what_no_image_needs_is_not_sent_to_the_builder(path: str) -> None:
    assert not sent(path)


HASHES = """
from argon2.low_level import Type, hash_secret_raw

for _ in range(2):
    hash_secret_raw(b"password1234", b"salt" * 4, 1, 19456, 1, 32, Type.ID)
print(int(open("/proc/self/statm").read().split()[1]) // 256)
"""


@pytest.mark.skipif(libc_ver()[0] != "glibc", reason="the variable is one of glibc")
def test_the_memory_of_a_password_hash_is_returned_to_the_system() -> None:
    def mebibytes_after_hashing(environment: dict[str, str]) -> int:
        return int(subprocess.run([sys.executable, "-c", HASHES], env=environment, stdout=-1, check=True).stdout)

    limit = {"MALLOC_MMAP_THRESHOLD_": STAGES["runtime"].variables["MALLOC_MMAP_THRESHOLD_"]}
    assert mebibytes_after_hashing(limit) + 10 < mebibytes_after_hashing({})
