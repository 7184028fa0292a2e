"""A role that may use one schema: the statements of docs/shipping.md, run as they are there but for the names."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from shutil import copytree

import asyncpg
import pytest

from app.platform.db.migrations import Branch, MigrationError, Outcome, migrate
from app.platform.settings import Database
from app.registry import branches, discover
from tests.support.application import Caller, running_app, settings_for
from tests.support.databases import connection

SHIPPING = (Path(__file__).parents[2] / "docs/shipping.md").read_text()
(GRANTS,) = re.findall(r"^```sql\n(.*?)^```", SHIPPING, re.MULTILINE | re.DOTALL)
PASSWORD = "a random password"
ITEM = {"name": "of a role", "price": {"amount": "1", "currency": "EUR"}}
LATER = """
from alembic import op

revision, down_revision = "9999_later", "{head}"


def upgrade() -> None:
    op.execute("CREATE TABLE items.later (n int GENERATED ALWAYS AS IDENTITY, text text)")
"""


def as_role(address: Database, user: str) -> Database:
    return Database.model_validate({**address.model_dump(), "user": user, "password": PASSWORD})


@pytest.fixture
async def owner(empty_database: Database) -> AsyncIterator[Database]:
    """A role that owns its schemas and is no superuser, in a database that it has migrated."""
    role = f"{empty_database.name}_owner"
    async with connection(empty_database) as held:
        await held.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
        await held.execute(f"GRANT CREATE ON DATABASE {empty_database.name} TO {role}")
    address = as_role(empty_database, role)
    await migrate(address, branches(list(discover().values())))
    yield address
    async with connection(empty_database) as held:
        await held.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")


@pytest.fixture
async def items(empty_database: Database, owner: Database) -> AsyncIterator[Database]:
    """The role that the documentation makes."""
    role = f"{empty_database.name}_items"
    statements = GRANTS.replace("slipway_items", role).replace("DATABASE slipway ", f"DATABASE {owner.name} ")
    async with connection(empty_database) as held:
        await held.execute(statements.replace("FOR ROLE slipway ", f"FOR ROLE {owner.user} "))
    yield as_role(empty_database, role)
    async with connection(empty_database) as held:
        await held.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")


async def test_a_process_with_items_serves_with_a_role_for_items_alone(items: Database) -> None:
    async with running_app(settings_for(items, features="items")) as app:
        caller = Caller(app)
        async with caller.http as http:
            assert (await http.get("/startupz")).status_code == 200
            assert (await http.get("/readyz")).status_code == 200
            made = await http.post("/api/v2/items", json=ITEM)
            assert made.status_code == 201
            place = made.headers["location"]
            read = await http.get(place)
            changed = await http.put(place, json=ITEM | {"name": "new"}, headers={"If-Match": read.headers["etag"]})
            assert changed.status_code == 200
            gone = await http.delete(place, headers={"If-Match": changed.headers["etag"]})
            assert gone.status_code == 204


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT password_hash FROM users.users",
        "SELECT revision FROM users.schema_history",
        "INSERT INTO items.schema_history VALUES ('9999_never')",
        "DROP TABLE items.items",
        "CREATE TABLE items.mine ()",
        "CREATE SCHEMA mine",
    ],
)
async def test_the_role_can_do_nothing_else(statement: str, items: Database, owner: Database) -> None:
    async with connection(owner) as held:
        transaction = held.transaction()
        await transaction.start()
        await held.execute(statement)  # it is the role that is refused, and not the statement
        await transaction.rollback()
    async with connection(items) as held:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await held.execute(statement)


async def test_a_process_that_also_runs_users_does_not_get_ready_with_it(items: Database) -> None:
    async with running_app(settings_for(items)) as app:
        caller = Caller(app)
        async with caller.http as http:
            answer = await http.get("/startupz")
            assert answer.status_code == 503
            assert answer.json()["checks"]["schema"]["error"] == "InsufficientPrivilegeError"


async def test_the_role_uses_the_tables_of_a_later_migration(items: Database, owner: Database, tmp_path: Path) -> None:
    (branch,) = [one for one in branches(list(discover().values())) if one.schema == "items"]
    later = Branch("items", copytree(branch.folder, tmp_path / "migrations"))
    (later.folder / "9999_later.py").write_text(LATER.format(head=branch.head))
    assert await migrate(owner, [later]) == [Outcome("items", "migrated", ("9999_later",))]
    async with connection(items) as held:
        await held.execute("INSERT INTO items.later (text) VALUES ('x')")
        assert await held.fetchval("SELECT text FROM items.later") == "x"
    async with running_app(settings_for(items, features="items")) as app:
        caller = Caller(app)
        async with caller.http as http:
            assert (await http.get("/startupz")).status_code == 200


async def test_the_role_cannot_migrate_and_is_told_so(items: Database, tmp_path: Path) -> None:
    (branch,) = [one for one in branches(list(discover().values())) if one.schema == "items"]
    assert await migrate(items, [branch]) == [Outcome("items", "current")]
    later = Branch("items", copytree(branch.folder, tmp_path / "migrations"))
    (later.folder / "9999_later.py").write_text(LATER.format(head=branch.head))
    with pytest.raises(MigrationError, match="permission denied"):
        await migrate(items, [later])
