"""Statements compiled at import: what they carry, and what is refused before production can meet it."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import (
    ARRAY,
    JSON,
    Column,
    DateTime,
    Enum,
    Float,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    Uuid,
    any_,
    bindparam,
    func,
    insert,
    literal,
    select,
    text,
)

from app.platform.db import Database, Query
from app.platform.db.errors import DatabaseUnavailable, outcome_of

things = Table(
    "things",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("kind", Enum("a", "b", name="kind")),
    Column("body", JSON),
    Column("count", Integer, default=7),
    Column("name", Text),
)


async def test_a_row_comes_back_with_python_types(db: Database) -> None:
    statement = select(
        bindparam("id", type_=Uuid).label("id"),
        bindparam("price", type_=Numeric(12, 2)).label("price"),
        bindparam("at", type_=DateTime(timezone=True)).label("at"),
    )
    now, key = datetime.now(UTC), uuid4()
    row = await Query(statement).first(db, id=key, price=Decimal("1.5"), at=now)
    assert row is not None
    assert (UUID(str(row["id"])), row["price"], row["at"]) == (key, Decimal("1.5"), now)


async def test_a_constant_in_the_statement_needs_no_argument(db: Database) -> None:
    query = Query(select(literal(41, Integer) + bindparam("more", type_=Integer)))
    row = await query.first(db, more=1)
    assert row is not None
    assert row[0] == 42


async def test_a_list_is_passed_as_an_array(db: Database) -> None:
    wanted = bindparam("wanted", type_=ARRAY(Integer))
    rows = await Query(select(literal(2, Integer)).where(literal(2, Integer) == any_(wanted))).all(db, wanted=[1, 2])
    assert [row[0] for row in rows] == [2]


async def test_a_missing_or_misspelt_argument_is_named(db: Database) -> None:
    query = Query(select(things).where(things.c.id == bindparam("id")))
    with pytest.raises(TypeError, match="id"):
        await query.first(db)
    with pytest.raises(TypeError, match="idd"):
        await query.first(db, id=uuid4(), idd=1)


@pytest.mark.parametrize(
    "statement",
    [
        select(things).where(things.c.id.in_(bindparam("ids", expanding=True))),
        select(things).where(things.c.kind == bindparam("kind")),
        text("SELECT :anything"),
        insert(things).values(id=bindparam("id"), body=bindparam("body"), name=bindparam("name")),
        insert(things).values(id=bindparam("id"), name=bindparam("name")),
    ],
    ids=["expanding in", "enum", "untyped", "json", "python-side default"],
)
def test_what_the_compiled_text_cannot_carry_is_refused_at_import(statement: object) -> None:
    with pytest.raises(TypeError):
        Query(statement)  # type: ignore[arg-type]  # the point is that these are statements of the wrong kind


async def test_a_statement_that_runs_out_of_time_is_unavailable_and_the_pool_lives_on(db: Database) -> None:
    hurried = Database(db.settings.model_copy(update={"pool_size": 1, "statement_timeout_seconds": 1}))
    sleep = Query(select(func.pg_sleep(bindparam("seconds", type_=Float()))))
    with pytest.raises(DatabaseUnavailable) as refusal:
        await sleep.first(hurried, seconds=30.0)
    assert outcome_of(refusal.value.__cause__ or refusal.value) == "timeout"
    assert await Query(select(literal(1, Integer))).first(hurried) is not None
    await hurried.close()


async def test_an_error_of_the_statement_itself_stays_what_it_is(db: Database) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        await Query(select(literal(1, Integer) / bindparam("by", type_=Integer))).first(db, by=0)


async def test_a_connection_that_died_in_the_pool_is_replaced(db: Database) -> None:
    async with db.connection() as victim, db.connection() as killer:
        await killer.execute("SELECT pg_terminate_backend($1)", await victim.fetchval("SELECT pg_backend_pid()"))
        while not victim.is_closed():
            await asyncio.sleep(0.01)
    for _ in range(5):
        assert await Query(select(literal(1, Integer))).first(db) is not None


async def test_a_server_that_cannot_be_reached_is_unavailable(db: Database) -> None:
    nowhere = Database(db.settings.model_copy(update={"port": 1}))
    with pytest.raises(DatabaseUnavailable):
        await Query(select(literal(1, Integer))).first(nowhere)
    await nowhere.close()


async def test_a_pool_that_is_exhausted_answers_in_its_time_limit(db: Database) -> None:
    small = Database(db.settings.model_copy(update={"pool_size": 1, "pool_timeout_seconds": 0.05}))
    async with small.connection():
        with pytest.raises(DatabaseUnavailable):
            await Query(select(literal(1, Integer))).first(small)
    await small.close()
