"""The page "Add a feature", followed to the letter in a copy of the checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.checkout import GENERATED, ROOT
from tests.support.helm import helm_program

BIN = Path(sys.executable).parent
PAGE = (ROOT / "docs/add-a-feature.md").read_text()
FILES: dict[str, str] = dict(re.findall(r"^`(\S+)`:\n\n```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
COMMANDS = "".join(re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)).splitlines()
SUBSET = (
    "tests/notes",
    "tests/users/test_users.py",
    "tests/users/test_log_in.py::test_a_token_says_who_for_how_long_and_what_for",
    "tests/users/test_log_in.py::test_the_document_lets_the_docs_page_log_in",
    "tests/db/test_models.py",
    "tests/service/test_contract.py",
    "tests/service/test_features.py",
    "tests/service/test_split.py::test_a_migration_brings_up_the_features_that_it_is_told_or_all",
    "tests/attacks/test_details.py::test_the_metrics_port_tells_the_operator",
    "tests/project/test_input_types.py",
    "tests/project/test_laws.py",
    "tests/chart/test_components.py",
)
"""What reads all features, and would notice one more."""
SUITES = ("tests/notes", "tests/items", "tests/users", "tests/db", "tests/service", "tests/project", "tests/chart")
LONG = os.environ.get("SLIPWAY_TEST_FEATURE") == "all"
"""Then every test of the features, the service and the chart is run with the new feature, and all of `make lint`."""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in which the steps of the page have been done."""
    helm_program()  # the tests end here without it: `make generate` renders the chart
    copy = tmp_path_factory.mktemp("feature") / "checkout"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*GENERATED, "*_cache"))
    (copy / ".venv").symlink_to(BIN.parent)
    before = contents(copy)
    for name, text in FILES.items():
        path = copy / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    run("make generate", copy)
    after = contents(copy)
    edited = {name for name in before | after if before.get(name) != after.get(name)}
    generated = re.compile(r"docs/(openapi\.json|settings\.md|metrics\.md)|charts/slipway/|k8s/")
    assert FILES.keys() <= edited
    assert not {name for name in edited - FILES.keys() if not generated.match(name)}
    return copy


def contents(folder: Path) -> dict[str, bytes]:
    """Every file that is kept, by its path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not GENERATED & set(path.relative_to(folder).parts) and "_cache" not in str(path)
    }


def run(command: str, checkout: Path) -> str:
    """The output of a command of the page, with this environment instead of one that make sets up."""
    make, *words = command.split()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SLIPWAY_", "PYTEST_"))}
    done = subprocess.run(
        [make, "READY=", f"BIN={BIN}", *words],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    return done.stdout


def test_the_page_has_the_files_and_commands_of_a_feature() -> None:
    names = {name.removeprefix("app/features/notes/") for name in FILES}
    assert names >= {"__init__.py", "api.py", "schemas.py", "service.py", "repository.py", "models.py"}
    assert names >= {"migrations/0001_create_notes.py", "tests/notes/test_notes.py"}
    assert COMMANDS == ["make generate", "make test ARGS=tests/notes", "make lint", "make test"]


def test_the_feature_keeps_the_style_and_the_laws_of_imports(checkout: Path) -> None:
    for target in ("lint",) if LONG else ("lint-style", "lint-imports"):
        run(f"make {target}", checkout)


def test_the_feature_passes_its_tests_and_breaks_no_other(checkout: Path) -> None:
    arguments = (*(SUITES if LONG else SUBSET), "--numprocesses", "2" if LONG else "0")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--dist", "loadfile", *arguments],
        cwd=checkout,
        env={name: value for name, value in os.environ.items() if not name.startswith(("SLIPWAY_", "PYTEST_"))},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
