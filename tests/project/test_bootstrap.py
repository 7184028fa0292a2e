"""A machine that cannot make the environment is told so in one sentence."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.checkout import ROOT


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A checkout with nothing but the script, and a folder of programs in which no Python is."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/bootstrap", tmp_path / "scripts")
    (tmp_path / "bin").mkdir()
    for program in ("cat", "dirname", "sh"):
        found = shutil.which(program)
        assert found
        (tmp_path / "bin" / program).symlink_to(found)
    return tmp_path


def add_python(machine: Path, *, version: str, enough: bool, venv: bool) -> None:
    """A `python3` that answers the three questions of the script as such a Python would."""
    script = machine / "bin" / "python3"
    script.write_text(
        "#!/bin/sh\n"
        'case "$2" in\n'
        f"*print*) echo {version} ;;\n"
        f"*exit*) exit {int(not enough)} ;;\n"
        f"*ensurepip*) exit {int(not venv)} ;;\n"
        "*) exit 99 ;;\n"
        "esac\n"
    )
    script.chmod(0o755)


def complaint(machine: Path, **variables: str) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHON"}
    result = subprocess.run(
        [machine / "scripts/bootstrap"],
        env={**environment, **variables, "PATH": str(machine / "bin")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert not (machine / ".venv").exists()
    return result.stderr


def test_a_python_that_is_too_old_is_named(machine: Path) -> None:
    add_python(machine, version="3.8.18", enough=False, venv=True)
    assert "needs Python 3.11 or newer, and python3 is 3.8.18" in complaint(machine)


def test_a_machine_without_python_is_told_to_install_one(machine: Path) -> None:
    assert "there is no python3 here: install one" in complaint(machine)


def test_a_python_without_venv_names_the_package_to_install(machine: Path) -> None:
    add_python(machine, version="3.11.2", enough=True, venv=False)
    assert "run 'apt install python3-venv'" in complaint(machine)


def test_the_interpreter_that_was_asked_for_is_the_only_one_tried(machine: Path) -> None:
    add_python(machine, version="3.12.0", enough=True, venv=True)
    assert "there is no /opt/python here" in complaint(machine, PYTHON="/opt/python")
