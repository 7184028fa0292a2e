"""Migrations: once, under a lock, one schema a feature; a database that is ahead is fine."""

import asyncio
from pathlib import Path

import pytest

from app.platform.db.migrations import Branch, MigrationError, Outcome, behind, migrate
from app.platform.settings import Database
from tests.support.databases import connection

FIRST = """
import sqlalchemy as sa
from alembic import op

revision = "0001_one"
down_revision = None

def upgrade():
    op.create_table("things", sa.Column("id", sa.Integer), schema="shop")
"""
SECOND = """
import sqlalchemy as sa
from alembic import op

revision = "0002_two"
down_revision = "0001_one"

def upgrade():
    op.add_column("things", sa.Column("name", sa.Text), schema="shop")
"""


def release(folder: Path, *, second: bool) -> Branch:
    """The migrations as an older or a newer release has them."""
    folder.mkdir()
    (folder / "0001_one.py").write_text(FIRST)
    if second:
        (folder / "0002_two.py").write_text(SECOND)
    return Branch("shop", folder)


async def test_an_empty_database_is_brought_to_the_head(empty_database: Database, tmp_path: Path) -> None:
    branch = release(tmp_path / "new", second=True)
    assert await migrate(empty_database, [branch]) == [Outcome("shop", "migrated", ("0001_one", "0002_two"))]
    assert await migrate(empty_database, [branch]) == [Outcome("shop", "current")]


async def test_a_database_that_is_ahead_is_accepted_by_an_older_release(
    empty_database: Database, tmp_path: Path
) -> None:
    old, new = release(tmp_path / "old", second=False), release(tmp_path / "new", second=True)
    await migrate(empty_database, [new])
    assert await migrate(empty_database, [old]) == [Outcome("shop", "ahead")]
    async with connection(empty_database) as held:
        assert await behind(held, [old]) == []


async def test_a_database_that_is_behind_is_seen(empty_database: Database, tmp_path: Path) -> None:
    old, new = release(tmp_path / "old", second=False), release(tmp_path / "new", second=True)
    async with connection(empty_database) as held:
        assert await behind(held, [new]) == [new]
        await migrate(empty_database, [old])
        assert await behind(held, [new]) == [new]
        assert await migrate(empty_database, [new]) == [Outcome("shop", "migrated", ("0002_two",))]
        assert await behind(held, [new]) == []


async def test_migrators_at_the_same_time_wait_for_each_other(empty_database: Database, tmp_path: Path) -> None:
    branch = release(tmp_path / "new", second=True)
    outcomes = await asyncio.gather(*(migrate(empty_database, [branch]) for _ in range(4)))
    assert sorted(one[0].state for one in outcomes) == ["current", "current", "current", "migrated"]


async def test_a_migration_that_fails_leaves_nothing_behind(empty_database: Database, tmp_path: Path) -> None:
    branch = release(tmp_path / "new", second=True)
    (branch.folder / "0002_two.py").write_text(SECOND.replace('"things"', '"nothing"'))
    with pytest.raises(MigrationError, match="nothing"):
        await migrate(empty_database, [branch])
    async with connection(empty_database) as held:
        assert await held.fetchval("SELECT to_regnamespace('shop')") is None


async def test_a_statement_waits_for_a_lock_only_as_long_as_it_may(empty_database: Database, tmp_path: Path) -> None:
    old, new = release(tmp_path / "old", second=False), release(tmp_path / "new", second=True)
    await migrate(empty_database, [old])
    hasty = empty_database.model_copy(update={"lock_timeout_seconds": 0.1})
    async with connection(empty_database) as held, held.transaction():
        await held.execute("LOCK TABLE shop.things IN ACCESS SHARE MODE")
        with pytest.raises(MigrationError, match="lock timeout"):
            await migrate(hasty, [new])


async def test_a_server_that_cannot_be_reached_is_named(empty_database: Database, tmp_path: Path) -> None:
    nowhere = empty_database.model_copy(update={"port": 1})
    with pytest.raises(MigrationError, match=f"{nowhere.host}:1"):
        await migrate(nowhere, [release(tmp_path / "new", second=True)])
