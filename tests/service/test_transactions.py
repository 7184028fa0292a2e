"""A transaction ends before the first byte of the answer, and what PostgreSQL refuses is told as a problem."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from fastapi import APIRouter, HTTPException
from fastapi.responses import StreamingResponse
from sqlalchemy import Column, Integer, MetaData, Table, bindparam, func, insert, literal, select

from app.feature import Feature
from app.main import create_app
from app.platform.db import Query
from app.platform.db.migrations import migrate
from app.platform.http.dependencies import DatabaseDep, UnitOfWorkDep
from app.platform.settings import Database
from app.registry import branches
from tests.support.application import settings_for

MIGRATION = """
from alembic import op

revision = "0001_rows"
down_revision = None

def upgrade():
    op.execute("CREATE TABLE probe.rows (n int, CONSTRAINT once UNIQUE (n) DEFERRABLE INITIALLY DEFERRED)")
"""
rows = Table("rows", MetaData(schema="probe"), Column("n", Integer))
ADD = Query(insert(rows).values(n=bindparam("n")))
COUNT = Query(select(func.count()).select_from(rows))
router = APIRouter(prefix="/probe")


@router.post("/{n}", status_code=201)
async def add(n: int, work: UnitOfWorkDep) -> None:
    await ADD.run(work, n=n)


@router.post("/{n}/stream", status_code=201)
async def add_and_stream(n: int, work: UnitOfWorkDep) -> StreamingResponse:
    await ADD.run(work, n=n)

    async def body() -> AsyncIterator[bytes]:
        yield b"done"

    return StreamingResponse(body(), 201)


@router.post("/{n}/refuse")
async def add_and_refuse(n: int, work: UnitOfWorkDep) -> None:
    await ADD.run(work, n=n)
    raise HTTPException(418, "no")


@router.get("")
async def count(database: DatabaseDep) -> int:
    row = await COUNT.first(database)
    assert row is not None
    return row[0]


@router.get("/broken")
async def broken(database: DatabaseDep) -> None:
    await Query(select(literal(1, Integer) / bindparam("by", type_=Integer))).first(database, by=0)


@pytest.fixture
async def probe(empty_database: Database, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """An application with one feature, on a database of its own."""
    (tmp_path / "0001_rows.py").write_text(MIGRATION)
    feature = Feature(name="probe", routers=(router,), migrations=tmp_path)
    await migrate(empty_database, branches([feature]))
    app = create_app(settings_for(empty_database), [feature])
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            yield client


@pytest.mark.parametrize("path", ["/probe/1", "/probe/1/stream"])
async def test_a_commit_that_fails_is_told_and_never_a_success(path: str, probe: httpx2.AsyncClient) -> None:
    assert (await probe.post(path)).status_code == 201
    # The constraint is deferred: the statement succeeds, and only the commit finds the second row.
    answer = await probe.post(path)
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:slipway:problem:already-exists"
    assert (await probe.get("/probe")).json() == 1


async def test_a_handler_that_raises_changes_nothing(probe: httpx2.AsyncClient) -> None:
    assert (await probe.post("/probe/1/refuse")).status_code == 418
    assert (await probe.get("/probe")).json() == 0


async def test_a_fault_in_a_statement_is_a_500_without_its_words(probe: httpx2.AsyncClient) -> None:
    answer = await probe.get("/probe/broken")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "division" not in answer.text
    assert "SELECT" not in answer.text
