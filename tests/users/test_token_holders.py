"""Who may hold tokens: what a log-in and a change of the password do to each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import pytest

from app.features.users import repository, token_holders
from app.platform.auth.revocations import RETENTION_SECONDS, digest_of
from app.platform.db import Database, UnitOfWork
from app.platform.ids import new_id
from app.platform.settings import Database as DatabaseSettings
from tests.support.databases import connection

NOW = 1_800_000_000


@pytest.fixture
async def db(new_database: DatabaseSettings) -> AsyncIterator[Database]:
    database = Database(new_database)
    yield database
    await database.close()


async def added(db: Database) -> UUID:
    user_id = new_id()
    row: dict[str, object] = {
        "id": user_id,
        "username": user_id.hex,
        "email": f"{user_id.hex}@example.org",
        "full_name": None,
        "age": None,
        "password_hash": "old",
        "role": "user",
        "extra_scopes": [],
        "scopes": [],
        "disabled": False,
        "created_at": datetime.now(UTC),
    }
    assert await repository.add(db, row)
    return user_id


async def test_a_revocation_is_after_every_token_that_was_given_whatever_the_clocks_say(db: Database) -> None:
    user_id = await added(db)
    assert await token_holders.admit(db, user_id, 0, NOW + 5) == NOW + 5
    not_before = await token_holders.revoke(db, user_id, NOW)  # by a clock that is five seconds behind
    assert not_before == NOW + 6
    assert await token_holders.admit(db, user_id, not_before, NOW) == NOW + 6
    assert await token_holders.revoke(db, user_id, NOW) == NOW + 7
    assert (await token_holders.revocations(db, NOW)).before == {digest_of(user_id): NOW + 7}


async def test_a_log_in_that_began_before_the_new_password_gets_no_token(db: Database) -> None:
    user_id = await added(db)
    user = await repository.find(db, user_id.hex)
    assert user is not None
    async with UnitOfWork(db) as work:
        assert await repository.set_password(work, user_id, "old", "new")
        await token_holders.revoke(work, user_id, NOW)
        late = asyncio.create_task(token_holders.admit(db, user_id, user["tokens_not_before"], NOW + 9))
        await asyncio.sleep(0.3)
        assert not late.done()  # it waits for the change
    assert await late is None
    user = await repository.find(db, user_id.hex)
    assert user is not None
    assert await token_holders.admit(db, user_id, user["tokens_not_before"], NOW) == NOW + 1


async def test_nobody_who_is_disabled_or_gone_is_admitted(db: Database, new_database: DatabaseSettings) -> None:
    user_id = await added(db)
    async with connection(new_database) as held:
        await held.execute("UPDATE users.users SET disabled = true WHERE id = $1", user_id)
    assert await token_holders.admit(db, user_id, 0, NOW) is None
    assert await token_holders.admit(db, new_id(), 0, NOW) is None
    assert (await token_holders.revocations(db, NOW)).before == {}


async def test_those_who_are_disabled_or_gone_are_noticed_once(db: Database, new_database: DatabaseSettings) -> None:
    disabled, deleted, kept = [await added(db) for _ in range(3)]
    for user_id in (disabled, deleted, kept):
        await token_holders.admit(db, user_id, 0, NOW)
    async with connection(new_database) as held:
        await held.execute("UPDATE users.users SET disabled = true WHERE id = $1", disabled)
        await held.execute("DELETE FROM users.users WHERE id = $1", deleted)
    expected = {digest_of(user_id): NOW + 1 for user_id in (disabled, deleted)}
    several = await asyncio.gather(*(token_holders.revocations(db, NOW + 1) for _ in range(8)))
    assert (await token_holders.revocations(db, NOW + 2)).before == expected
    assert all(found.before.items() <= expected.items() for found in several)


async def test_rows_go_when_no_token_can_be_alive(db: Database, new_database: DatabaseSettings) -> None:
    user_id = await added(db)
    await token_holders.admit(db, user_id, 0, NOW)
    await token_holders.revoke(db, user_id, NOW)
    assert (await token_holders.revocations(db, NOW + RETENTION_SECONDS)).before
    assert (await token_holders.revocations(db, NOW + RETENTION_SECONDS + 2)).before == {}
    async with connection(new_database) as held:
        assert await held.fetchval("SELECT count(*) FROM users.token_holders") == 0
