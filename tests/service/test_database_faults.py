"""The service while its database is down, away, behind or ahead."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest

from app.platform.db.migrations import migrate
from app.platform.settings import Database
from app.registry import branches, discover
from tests.support.application import Caller, running_app, settings_for
from tests.support.databases import connection
from tools.postgres.server import PostgresServer, running_postgres

PATIENCE_SECONDS = 15


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[PostgresServer]:
    """A server for one test, which may be broken."""
    with running_postgres(tmp_path / "postgres", durable=False) as server:
        yield server


def address_of(server: PostgresServer) -> Database:
    return Database.model_validate(
        {
            "host": server.host,
            "port": server.port,
            "user": server.user,
            "password": server.password,
            "name": "postgres",
            "ssl": "disable",
            "pool_size": 3,
            "connect_timeout_seconds": 1,
        }
    )


@pytest.fixture
async def caller(postgres: PostgresServer) -> AsyncIterator[Caller]:
    address = address_of(postgres)
    await migrate(address, branches(list(discover().values())))
    async with running_app(settings_for(address)) as app:
        caller = Caller(app)
        async with caller.http:
            yield caller


async def test_a_restart_of_postgresql_heals(postgres: PostgresServer, caller: Caller) -> None:
    async def read() -> httpx2.Response:
        return await caller.http.get("/api/v2/items")

    # Every connection of the pool is open and used.
    assert {answer.status_code for answer in await asyncio.gather(*(read() for _ in range(6)))} == {200}
    postgres.stop(immediate=True)
    down = await asyncio.gather(*(read() for _ in range(6)))
    assert {answer.status_code for answer in down} == {503}
    assert {answer.headers["retry-after"] for answer in down} == {"1"}
    assert {answer.json()["type"] for answer in down} == {"urn:slipway:problem:database-unavailable"}
    assert (await caller.http.get("/livez")).status_code == 200
    assert (await caller.http.get("/readyz")).status_code == 503
    postgres.start()
    after = await asyncio.gather(*(read() for _ in range(12)))
    assert {answer.status_code for answer in after} == {200}
    assert (await caller.http.get("/readyz")).status_code == 200


async def test_requests_during_a_restart_are_never_answered_500(postgres: PostgresServer, caller: Caller) -> None:
    statuses: set[int] = set()
    stop = asyncio.Event()

    async def reader() -> None:
        while not stop.is_set():
            statuses.add((await caller.http.get("/api/v2/items")).status_code)

    async def writer() -> None:
        body = {"name": "x", "price": {"amount": "1", "currency": "EUR"}}
        while not stop.is_set():
            statuses.add((await caller.http.post("/api/v2/items", json=body)).status_code)

    clients = [asyncio.create_task(work()) for work in (reader, reader, writer, writer)]
    for _ in range(3):
        await asyncio.to_thread(postgres.restart)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not {200, 201} <= statuses:
            await asyncio.sleep(0.05)
    stop.set()
    await asyncio.gather(*clients)
    assert statuses <= {200, 201, 503}


async def test_a_service_that_starts_before_its_database_gets_ready_when_it_is_there(
    postgres: PostgresServer,
) -> None:
    postgres.stop()
    address = address_of(postgres)
    async with running_app(settings_for(address)) as app:
        caller = Caller(app)
        async with caller.http:
            assert (await caller.http.get("/livez")).status_code == 200
            assert (await caller.http.get("/startupz")).status_code == 503
            answer = await caller.http.get("/readyz")
            assert answer.status_code == 503
            assert answer.json()["checks"]["database"]["status"] == "failed"
            postgres.start()
            # It is there, but has no schema yet.
            assert (await caller.http.get("/startupz")).status_code == 503
            await migrate(address, branches(list(discover().values())))
            begun = time.monotonic()
            while (await caller.http.get("/readyz")).status_code != 200:
                assert time.monotonic() - begun < PATIENCE_SECONDS
            assert (await caller.http.get("/startupz")).status_code == 200


async def test_a_database_that_is_ahead_is_accepted(new_database: Database) -> None:
    async with connection(new_database) as held:
        for feature in discover():
            await held.execute(f"INSERT INTO {feature}.schema_history VALUES ('9999_of_a_newer_release')")
            await held.execute(f"UPDATE {feature}.alembic_version SET version_num = '9999_of_a_newer_release'")
    outcomes = await migrate(new_database, branches(list(discover().values())))
    assert {outcome.state for outcome in outcomes} == {"ahead"}
    async with running_app(settings_for(new_database)) as app:
        caller = Caller(app)
        async with caller.http:
            assert (await caller.http.get("/startupz")).status_code == 200
            assert (await caller.http.get("/readyz")).status_code == 200
            assert (await caller.http.get("/api/v2/items")).status_code == 200


async def test_a_database_that_is_behind_is_not_ready(empty_database: Database) -> None:
    async with running_app(settings_for(empty_database)) as app:
        caller = Caller(app)
        async with caller.http:
            answer = await caller.http.get("/startupz")
            assert answer.status_code == 503
            assert answer.json()["checks"]["schema"]["error"] == "SchemaBehindError"
            assert (await caller.http.get("/readyz")).status_code == 503
