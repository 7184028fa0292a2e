"""Migrations of each feature in its own schema, under one advisory lock; a database that is ahead is fine.

Each applied revision is kept in `<schema>.schema_history`. A process needs its own head to be in that history, not
to equal the current head, so an old image can start, scale and be rolled back to after a newer one has migrated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import asyncpg
from sqlalchemy.exc import DBAPIError

from ..settings import Database as DatabaseSettings
from .connect import connect
from .database import ENGINE_URL, engine_arguments
from .errors import CONNECTION_ERRORS

if TYPE_CHECKING:
    from sqlalchemy import Connection

LOCK_ID = 0x736C6970  # "slip": any number that all versions of the service agree on
LOCK_TIMEOUT_SECONDS = 120
_DATABASE_ERRORS = (*CONNECTION_ERRORS, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
_ENVIRONMENT = Path(__file__).with_name("alembic")


class MigrationError(Exception):
    """The schema could not be brought up to date; the message says why, and nothing was applied half."""


class SchemaBehindError(Exception):
    """The database lacks a revision that this code needs: run `slipway migrate`."""


@dataclass(frozen=True)
class Branch:
    """The migrations of one feature: files `NNNN_what.py` in `folder`, whose stem is the revision id."""

    schema: str
    folder: Path

    @property
    def head(self) -> str:
        """The newest revision that this code knows, read from the file names: importing Alembic takes a second."""
        return max(file.stem for file in self.folder.glob("[0-9][0-9][0-9][0-9]_*.py"))


@dataclass(frozen=True)
class Outcome:
    """What `migrate` did to a schema: `ahead` means that a newer release has been here, and nothing was done."""

    schema: str
    state: Literal["current", "migrated", "ahead"]
    revisions: tuple[str, ...] = ()


async def outcome(connection: "asyncpg.Connection[asyncpg.Record]", branch: Branch) -> Outcome | None:
    """`current` or `ahead`, or None for a schema that is behind this code."""
    history = f"{branch.schema}.schema_history"
    if await connection.fetchval("SELECT to_regclass($1)", history) is None:
        return None
    # The names in these statements are those of features, which are Python packages.
    if not await connection.fetchval(f"SELECT 1 FROM {history} WHERE revision = $1", branch.head):  # noqa: S608
        return None
    now = await connection.fetchval(f"SELECT version_num FROM {branch.schema}.alembic_version")  # noqa: S608
    return Outcome(branch.schema, "current" if now == branch.head else "ahead")


async def behind(connection: "asyncpg.Connection[asyncpg.Record]", branches: Sequence[Branch]) -> list[Branch]:
    """The branches whose schema lacks something that this code needs."""
    return [branch for branch in branches if await outcome(connection, branch) is None]


async def migrate(settings: DatabaseSettings, branches: Sequence[Branch]) -> list[Outcome]:
    """Brings every schema up to this code's head; several callers at once wait for each other.

    Goes around the pooler, since the lock belongs to the session.

    Raises:
        MigrationError: no connection, no lock within two minutes, or a statement that failed or waited longer
            than `lock_timeout_seconds`.
    """
    address = settings.direct or settings
    try:
        connection = await connect(settings, direct=True, statement_timeout=False)
    except _DATABASE_ERRORS as error:
        raise MigrationError(f"cannot connect to {address.host}:{address.port}: {str(error) or 'timed out'}") from error
    try:
        await _lock(connection)
        return [await outcome(connection, branch) or await _upgrade(settings, branch) for branch in branches]
    finally:
        await connection.close()


async def _lock(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK_ID, timeout=LOCK_TIMEOUT_SECONDS)
    except TimeoutError as error:
        raise MigrationError(f"another migration held the lock for {LOCK_TIMEOUT_SECONDS} s") from error


async def _upgrade(settings: DatabaseSettings, branch: Branch) -> Outcome:
    from alembic.util import CommandError
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    engine = create_async_engine(
        ENGINE_URL,
        poolclass=NullPool,
        connect_args=engine_arguments(settings, migrates=True),
    )
    try:
        async with engine.begin() as connection:
            applied = await connection.run_sync(_upgrade_in_transaction, branch, settings.lock_timeout_seconds)
    except DBAPIError as error:
        # SQLAlchemy's text holds the statement and its values; the server's own words are enough.
        raise MigrationError(f"schema {branch.schema}: {error.orig}") from error
    except _DATABASE_ERRORS as error:
        raise MigrationError(f"schema {branch.schema}: {str(error) or 'timed out'}") from error
    except CommandError as error:
        raise MigrationError(f"schema {branch.schema} belongs to another line of releases: {error}") from error
    finally:
        await engine.dispose()
    return Outcome(branch.schema, "migrated", applied)


def _upgrade_in_transaction(connection: "Connection", branch: Branch, lock_timeout_seconds: float) -> tuple[str, ...]:
    from alembic import command
    from alembic.config import Config

    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{int(lock_timeout_seconds * 1000)}ms'")
    connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {branch.schema}")
    connection.exec_driver_sql(
        f"CREATE TABLE IF NOT EXISTS {branch.schema}.schema_history "
        "(revision text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
    )
    applied: list[str] = []
    config = Config()
    config.set_main_option("path_separator", "newline")
    config.set_main_option("script_location", str(_ENVIRONMENT))
    config.set_main_option("version_locations", str(branch.folder))
    config.attributes |= {"connection": connection, "schema": branch.schema, "applied": applied}
    command.upgrade(config, "head")
    return tuple(applied)
