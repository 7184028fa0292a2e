"""One transaction a use case: lazy, committed at the end of the block, rolled back by an exception."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import Column, Integer, MetaData, Table, bindparam, func, insert, select

from app.platform.db import Database, Query, UnitOfWork

rows = Table("work_rows", MetaData(), Column("n", Integer, primary_key=True, autoincrement=False))
ADD = Query(insert(rows).values(n=bindparam("n")))
COUNT = Query(select(func.count()).select_from(rows))


@pytest.fixture
async def table(db: Database) -> AsyncIterator[None]:
    async with db.connection() as connection:
        await connection.execute(
            "CREATE TABLE work_rows (n int, CONSTRAINT once UNIQUE (n) DEFERRABLE INITIALLY DEFERRED)"
        )
    yield
    async with db.connection() as connection:
        await connection.execute("DROP TABLE work_rows")


async def count(db: Database) -> int:
    row = await COUNT.first(db)
    assert row is not None
    return row[0]


async def test_without_a_statement_no_connection_is_taken(db: Database) -> None:
    before = db.pool_state()
    async with UnitOfWork(db):
        assert db.pool_state() == before


@pytest.mark.usefixtures("table")
async def test_it_is_committed_when_the_block_ends(db: Database) -> None:
    async with UnitOfWork(db) as work:
        await ADD.run(work, n=1)
        assert await count(db) == 0
    assert await count(db) == 1


@pytest.mark.usefixtures("table")
async def test_an_exception_rolls_everything_back(db: Database) -> None:
    async def add_and_fail() -> None:
        async with UnitOfWork(db) as work:
            await ADD.run(work, n=1)
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        await add_and_fail()
    assert await count(db) == 0
    assert db.pool_state().used == 0


@pytest.mark.usefixtures("table")
async def test_a_commit_that_fails_raises_and_gives_the_connection_back(db: Database) -> None:
    async def add_twice() -> None:
        async with UnitOfWork(db) as work:
            await ADD.run(work, n=1)
            await ADD.run(work, n=1)

    with pytest.raises(asyncpg.UniqueViolationError):
        await add_twice()
    assert await count(db) == 0
    assert db.pool_state().used == 0


@pytest.mark.usefixtures("table")
async def test_a_cancelled_unit_of_work_leaves_the_pool_whole(db: Database) -> None:
    async def never_ends() -> None:
        async with UnitOfWork(db) as work:
            await ADD.run(work, n=1)
            await (await work.lease()).driver.execute("SELECT pg_sleep(30)")

    task = asyncio.create_task(never_ends())
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await count(db) == 0
    assert db.pool_state().used == 0
