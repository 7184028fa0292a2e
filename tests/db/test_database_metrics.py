"""What a scrape shows of the database: the pool and the statements, each under its fault."""

import asyncio
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest
from sqlalchemy import Column, Float, Integer, MetaData, Table, bindparam, delete, func, insert, literal, select, update

from app.platform.db import Database, Query, UnitOfWork
from app.platform.db.errors import DatabaseUnavailable
from app.platform.settings import Database as Address
from app.platform.settings import Service
from app.platform.telemetry.metrics.instruments import Metrics

rows = Table("measured_rows", MetaData(), Column("n", Integer, primary_key=True, autoincrement=False))
ADD = Query(insert(rows).values(n=bindparam("n")))
ONE = Query(select(literal(1, Integer)))
SLEEP = Query(select(func.pg_sleep(bindparam("seconds", type_=Float))))
DIVIDE = Query(select(literal(1, Integer) / bindparam("by", type_=Integer)))
SUICIDE = Query(select(func.pg_terminate_backend(func.pg_backend_pid())))
CONNECTIONS = "db_client_connection"
DURATION = "db_client_operation_duration_seconds"

Value = Callable[..., float]


@pytest.fixture
async def small(database: Address) -> AsyncIterator[Database]:
    """A pool of one, whose waiters give up soon, as do its statements."""
    limits = {"pool_size": 1, "pool_timeout_seconds": 0.3, "statement_timeout_seconds": 0.5}
    pool = Database(database.model_copy(update=limits))
    yield pool
    await pool.close()


@pytest.fixture
def value(small: Database) -> Value:
    """Reads a sample; 0 if there is none."""
    metrics = Metrics(Service(), traced=False)
    small.report_to(metrics)

    def read(name: str, **labels: str) -> float:
        return metrics.registry.get_sample_value(name, labels) or 0

    return read


def ran(value: Value, operation: str, error: str = "", sample: str = "count") -> float:
    return value(f"{DURATION}_{sample}", db_operation_name=operation, error_type=error)


@pytest.fixture
async def table(db: Database) -> AsyncIterator[None]:
    async with db.connection() as connection:
        await connection.execute("CREATE TABLE measured_rows (n int PRIMARY KEY)")
    yield
    async with db.connection() as connection:
        await connection.execute("DROP TABLE measured_rows")


async def test_a_pool_that_is_held_shows_who_waits_and_who_gave_up(small: Database, value: Value) -> None:
    state = f"{CONNECTIONS}_count"
    assert value(f"{CONNECTIONS}_max") == 1
    async with small.connection():
        assert value(state, db_client_connection_state="used") == 1
        waiting = [asyncio.create_task(ONE.first(small)) for _ in range(3)]
        await asyncio.sleep(0.1)
        assert value(f"{CONNECTIONS}_pending_requests") == 3
        assert value(f"{CONNECTIONS}_timeouts_total") == 0
        failures = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(failure, DatabaseUnavailable) for failure in failures)
    assert value(f"{CONNECTIONS}_timeouts_total") == 3
    assert ran(value, "SELECT", "pool_timeout") == 3
    assert value(f"{CONNECTIONS}_pending_requests") == 0
    assert (value(state, db_client_connection_state="used"), value(state, db_client_connection_state="idle")) == (0, 1)


async def test_the_wait_for_a_connection_is_no_time_of_the_statement(small: Database, value: Value) -> None:
    async with small.connection():
        waiting = asyncio.create_task(ONE.first(small))
        await asyncio.sleep(0.2)
    await waiting
    assert value(f"{CONNECTIONS}_wait_time_seconds_count") == 2
    assert value(f"{CONNECTIONS}_wait_time_seconds_sum") > 0.15
    assert ran(value, "SELECT", sample="sum") < 0.15


async def test_a_slow_statement_is_seen_by_its_operation(small: Database, value: Value) -> None:
    await SLEEP.first(small, seconds=0.2)
    assert 0.2 <= ran(value, "SELECT", sample="sum") < 0.5
    with pytest.raises(DatabaseUnavailable):
        await SLEEP.first(small, seconds=5)
    assert (ran(value, "SELECT"), ran(value, "SELECT", "timeout")) == (1, 1)


@pytest.mark.usefixtures("table")
async def test_operations_are_told_apart_and_an_integrity_error_is_the_callers(small: Database, value: Value) -> None:
    async with UnitOfWork(small) as work:
        await ADD.run(work, n=1)
        await Query(update(rows).values(n=bindparam("into"))).run(work, into=2)
        await Query(delete(rows).where(rows.c.n == bindparam("n"))).run(work, n=3)
    assert [ran(value, word) for word in ("INSERT", "UPDATE", "DELETE", "COMMIT", "OTHER")] == [1, 1, 1, 1, 1]
    with pytest.raises(asyncpg.UniqueViolationError):
        async with UnitOfWork(small) as work:
            await ADD.run(work, n=2)
    assert (ran(value, "INSERT"), ran(value, "INSERT", "integrity")) == (1, 1)
    assert (ran(value, "COMMIT"), ran(value, "OTHER")) == (1, 3), "BEGIN twice, and ROLLBACK"


async def test_a_terminated_backend_is_an_unavailable_database(small: Database, value: Value) -> None:
    with pytest.raises(DatabaseUnavailable):
        await SUICIDE.first(small)
    assert (ran(value, "SELECT"), ran(value, "SELECT", "unavailable")) == (0, 1)
    assert await ONE.first(small) is not None
    assert ran(value, "SELECT") == 1


async def test_a_server_that_cannot_be_reached_fails_each_statement(small: Database) -> None:
    metrics, nowhere = Metrics(Service(), traced=False), Database(small.settings.model_copy(update={"port": 1}))
    nowhere.report_to(metrics)
    for run in (ONE.first(nowhere), ADD.run(UnitOfWork(nowhere), n=1)):
        with pytest.raises(DatabaseUnavailable):
            await run
    sample = f"{DURATION}_count"
    for word in ("SELECT", "INSERT"):
        labels = {"db_operation_name": word, "error_type": "unavailable"}
        assert metrics.registry.get_sample_value(sample, labels) == 1
    await nowhere.close()


async def test_a_fault_of_the_statement_is_neither(small: Database, value: Value) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        await DIVIDE.first(small, by=0)
    assert ran(value, "SELECT", "other") == 1


async def test_a_statement_that_was_given_up_counts_for_nothing(small: Database, value: Value) -> None:
    running = asyncio.create_task(SLEEP.first(small, seconds=5))
    await asyncio.sleep(0.1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ran(value, "SELECT") + ran(value, "SELECT", "other") + ran(value, "SELECT", "unavailable") == 0
