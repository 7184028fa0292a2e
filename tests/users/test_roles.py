"""Scopes by role: resolved at log-in, never copied into rows."""

from pathlib import Path
from shutil import copy
from uuid import UUID

import httpx2
import pytest

from app.features import users
from app.features.users.roles import scopes_of
from app.platform.db.migrations import Branch, migrate
from app.platform.ids import new_id
from app.platform.settings import Database
from app.registry import names
from tests.support.databases import connection
from tests.support.people import bearer, log_in, registered

MIGRATIONS = Path(users.__file__).parent / "migrations"
DEFAULT = [f"{feature}:{access}" for feature in names() for access in ("read", "write")]


def test_every_user_may_read_and_write_with_a_feature_that_is_new() -> None:
    assert scopes_of("user", (), ["items", "orders"]) == ["items:read", "items:write", "orders:read", "orders:write"]


def test_an_admin_has_the_scope_of_every_feature() -> None:
    assert scopes_of("admin", (), ["items"]) == ["items:read", "items:write", "items:admin"]


def test_an_extra_scope_is_granted_once() -> None:
    assert scopes_of("user", ["items:admin", "items:read"], ["items"]) == ["items:read", "items:write", "items:admin"]


async def _set(database: Database, user_id: object, assignment: str) -> None:
    async with connection(database) as postgres:
        await postgres.execute(f"UPDATE users.users SET {assignment} WHERE id = $1", UUID(str(user_id)))


@pytest.mark.parametrize(
    ("assignment", "extra"),
    [
        ("scopes = '{users:read}'", []),  # registered when there was no other feature
        ("extra_scopes = '{items:admin}'", ["items:admin"]),
        ("role = 'admin'", [f"{feature}:admin" for feature in names()]),
    ],
)
async def test_a_log_in_resolves_role_and_extra_scopes(
    assignment: str, extra: list[str], client: httpx2.AsyncClient, database: Database
) -> None:
    user = await registered(client)
    assert user["scopes"] == DEFAULT
    await _set(database, user["id"], assignment)
    token = (await log_in(client, user["username"])).json()
    assert set(token["scope"].split()) == {*DEFAULT, *extra}
    me = await client.get("/api/v1/users/me", headers=await bearer(client, user["username"]))
    assert set(me.json()["scopes"]) == {*DEFAULT, *extra}


async def test_the_migration_keeps_what_a_user_had_beyond_the_default(empty_database: Database, tmp_path: Path) -> None:
    for file in sorted(MIGRATIONS.glob("000[123]_*.py")):
        copy(file, tmp_path)
    await migrate(empty_database, [Branch("users", tmp_path)])
    scopes = {"plain": ["users:read", "users:write"], "trusted": ["users:read", "items:admin", "a:export"], "none": []}
    async with connection(empty_database) as postgres:
        for name, held in scopes.items():
            await postgres.execute(
                "INSERT INTO users.users (id, username, email, password_hash, scopes, disabled, created_at)"
                " VALUES ($1, $2, $2, '', $3, false, now())",
                new_id(),
                name,
                held,
            )
    await migrate(empty_database, [Branch("users", MIGRATIONS)])
    async with connection(empty_database) as postgres:
        rows = await postgres.fetch("SELECT username, role, extra_scopes, scopes FROM users.users")
    assert {row["username"]: row["extra_scopes"] for row in rows} == {
        "plain": [],
        "trusted": ["items:admin", "a:export"],
        "none": [],
    }
    assert {row["role"] for row in rows} == {"user"}
    assert {row["username"]: row["scopes"] for row in rows} == scopes, "the release before goes on with them"
