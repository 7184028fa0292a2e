"""One transaction a use case: lazy, committed at the end of the block, rolled back by an exception."""

import asyncio
import threading
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import Column, Integer, MetaData, Table, bindparam, func, insert, literal, select

from app.platform.db import Database, Query, UnitOfWork
from app.platform.db.errors import DatabaseUnavailable
from app.platform.settings import Database as Address
from tests.support.databases import connection

rows = Table("work_rows", MetaData(), Column("n", Integer, primary_key=True, autoincrement=False))
ADD = Query(insert(rows).values(n=bindparam("n")))
ONE = Query(select(literal(1, Integer)))
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
async def test_a_connection_that_is_lost_before_the_commit_is_a_database_that_cannot_be_reached(db: Database) -> None:
    async def add_and_lose() -> None:
        async with UnitOfWork(db) as work:
            await ADD.run(work, n=1)
            (await work.lease()).driver.terminate()

    with pytest.raises(DatabaseUnavailable):
        await add_and_lose()
    assert await count(db) == 0
    assert db.pool_state().used == 0


@pytest.mark.usefixtures("table")
async def test_a_connection_that_is_lost_before_the_rollback_hides_no_error(db: Database) -> None:
    async def lose_and_fail() -> None:
        async with UnitOfWork(db) as work:
            await ADD.run(work, n=1)
            (await work.lease()).driver.terminate()
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        await lose_and_fail()
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


@pytest.mark.parametrize("turns", range(6))
async def test_a_server_that_ends_an_idle_connection_is_unavailable_at_every_moment(
    database: Address, turns: int
) -> None:
    """Between its last word and the end of the stream the driver calls the connection neither closed nor usable."""
    for work_in_transaction in (True, False):
        victim = Database(database.model_copy(update={"pool_size": 1}))
        async with victim.connection() as held:
            pid = await held.fetchval("SELECT pg_backend_pid()")
        # From a loop of another thread, while this one sees nothing.
        thread = threading.Thread(target=asyncio.run, args=(terminate(database, pid),))
        thread.start()
        thread.join()
        for _ in range(turns):
            await asyncio.sleep(0)
        try:
            async with UnitOfWork(victim) as work:
                await ONE.first(work if work_in_transaction else victim)
        except DatabaseUnavailable:
            assert await ONE.first(victim) is not None, "the next one gets a new connection"
        await victim.close()


async def terminate(database: Address, pid: int) -> None:
    """Ends a backend, and waits until it is gone."""
    async with connection(database) as killer:
        await killer.execute("SELECT pg_terminate_backend($1, 5000)", pid)
