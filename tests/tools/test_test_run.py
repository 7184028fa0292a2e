"""A test run uses a server of its own, whatever is configured, and says what it could not run."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.platform.settings import Database, Settings
from tests.support.databases import (
    ForeignDatabaseError,
    connection,
    create_database,
    drop_database,
    refuse_foreign,
)
from tests.support.server import NO_FILES, forget_configuration
from tests.support.tools import require_tool

INNER_OPTIONS = ("-ptests.conftest", "-pxdist.plugin", "-panyio.pytest_plugin", "-pno:cacheprovider", "-n1")
REPOSITORY = Path(__file__).parents[2]
INNER = """
import os, pytest
from tests.support.databases import connection
from tests.support.tools import require_tool
from app.platform.settings import Settings

@pytest.mark.parametrize("number", range(2))
def test_here(number, database, empty_database, new_database):
    names = {one.name for one in (database, empty_database, new_database)}
    assert len(names) == 3
    assert os.environ["PYTEST_XDIST_WORKER"] in database.name
    assert Settings().database.host == "127.0.0.1"

def test_there():
    require_tool("a-program-nobody-has", "nor-this-one")
"""


@pytest.mark.parametrize("name", ["slipway", "postgres", "slipway_tes", "my_slipway_test", 'slipway_test"; x', ""])
def test_a_foreign_database_is_refused_by_name(name: str, server: Database) -> None:
    foreign = server.model_copy(update={"name": name})
    with pytest.raises(ForeignDatabaseError, match="slipway_test"):
        refuse_foreign(name)
    for use in (create_database, drop_database, _visit):
        with pytest.raises(ForeignDatabaseError):
            asyncio.run(use(foreign))


async def _visit(address: Database) -> None:
    async with connection(address):
        pass


def test_a_database_is_a_copy_of_the_template_or_empty(
    database: Database, new_database: Database, empty_database: Database
) -> None:
    async def schemas(address: Database) -> set[str]:
        async with connection(address) as held:
            return {row["nspname"] for row in await held.fetch("SELECT nspname FROM pg_namespace")}

    async def compare() -> None:
        assert await schemas(new_database) == await schemas(database)
        assert await schemas(empty_database) <= await schemas(database)

    asyncio.run(compare())


def test_what_is_configured_here_is_forgotten(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment = {"SLIPWAY_DATABASE__HOST": "db.example", "SLIPWAY_FEATURES": "items", "HOME": "/"}
    assert forget_configuration(environment) == ["SLIPWAY_DATABASE__HOST", "SLIPWAY_FEATURES"]
    assert environment == {"HOME": "/", "SLIPWAY_SECRETS_DIR": str(NO_FILES)}
    assert not NO_FILES.exists()
    (tmp_path / ".env").write_text("SLIPWAY_DATABASE__HOST=db.example\n")
    monkeypatch.chdir(tmp_path)
    assert Settings().database.host == "127.0.0.1"


def test_a_run_with_workers_has_databases_and_names_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "test_inner.py").write_text(INNER)
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "CI"))}
    output = subprocess.run(
        [sys.executable, "-m", "pytest", *INNER_OPTIONS, f"--rootdir={tmp_path}", tmp_path],
        cwd=REPOSITORY,
        env={**outer, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "SLIPWAY_DATABASE__HOST": "db.example"},
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    assert "2 passed, 1 skipped" in output
    assert "ignored, since tests use a server of their own: SLIPWAY_DATABASE__HOST" in output
    assert "not run here, for want of a-program-nobody-has: 1 test\n" in output
    assert "test_inner.py::test_there" in output


def test_a_missing_tool_skips_its_test_and_fails_it_in_continuous_integration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="not run here: a-program-nobody-has"):
        require_tool("a-program-nobody-has")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="a-program-nobody-has is missing where CI=true demands it"):
        require_tool("a-program-nobody-has")


def test_a_tool_is_found_by_any_of_its_names() -> None:
    assert require_tool("a-program-nobody-has", "sh").name == "sh"
