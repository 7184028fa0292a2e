"""Databases on the one server of the test run; any other database is refused by its name."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg

from app.platform.db.migrations import migrate
from app.platform.settings import Database
from tools.postgres.connect import connect

TEMPLATE = "slipway_test_template"
_OURS = re.compile("slipway_test[a-z0-9_]*")


class ForeignDatabaseError(Exception):
    """A test reached for a database that is not one of the test run."""


def refuse_foreign(name: str) -> str:
    """`name`, if the test run made it.

    Raises:
        ForeignDatabaseError: somebody may care for that database.
    """
    if not _OURS.fullmatch(name):
        raise ForeignDatabaseError(f"Tests use databases named slipway_test… only, and never {name!r}.")
    return name


async def prepare_template(address: Database) -> None:
    """Bring the empty database at `address` into the state that every worker's database starts from: migrated."""
    from app.registry import branches, discover  # all of the service, which the workers do not need for this

    refuse_foreign(address.name)
    await migrate(address, branches(list(discover().values())))


@asynccontextmanager
async def connection(address: Database) -> AsyncGenerator[asyncpg.Connection[asyncpg.Record]]:
    """A plain connection to a database of the test run."""
    refuse_foreign(address.name)
    held = await connect(address, address.name)
    try:
        yield held
    finally:
        await held.close()


async def create_database(address: Database, *, template: str = TEMPLATE) -> Database:
    """Make the database `address.name`: like the migrated template, or empty with `template="template1"`."""
    refuse_foreign(address.name)
    maintenance = await connect(address, "postgres")
    try:
        await maintenance.execute(f"CREATE DATABASE {address.name} TEMPLATE {template}")
    finally:
        await maintenance.close()
    return address


async def drop_database(address: Database) -> None:
    """Remove the database `address.name` and cut its connections."""
    refuse_foreign(address.name)
    maintenance = await connect(address, "postgres")
    try:
        await maintenance.execute(f"DROP DATABASE IF EXISTS {address.name} WITH (FORCE)")
    finally:
        await maintenance.close()
