"""The table that all candidates read: our schema in a PostgreSQL of its own, with many items."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from app.platform.db.migrations import migrate
from app.platform.settings import Database
from app.registry import branches, discover
from tools.postgres.connect import connect
from tools.postgres.server import running_postgres

ROWS = 100_000
ID = "00000000-0000-7000-8000-{number}"
"""The id of an item; `number` counts from one, in twelve hexadecimal digits."""

_FILL = """INSERT INTO items.items
SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, '00000000-0000-7000-8000-000000000000',
       'Item ' || n, 'What there is to say about item ' || n || ' in a sentence.',
       n % 10000 / 100.0, 0.19, 1, now(), now()
FROM generate_series(1, $1) AS n"""


@contextmanager
def filled_database(folder: Path) -> Generator[Database]:
    """The address of a migrated database with `ROWS` items, for as long as the block runs.

    Raises:
        EmbeddedPostgresError: it does not run on this machine.
    """
    with running_postgres(folder, durable=False, max_connections=100) as server:
        address = Database.model_validate(
            {
                "host": server.host,
                "port": server.port,
                "user": server.user,
                "password": server.password,
                "name": "postgres",
                "ssl": "disable",
            }
        )
        asyncio.run(_prepare(address))
        yield address


def driver_variables(address: Database) -> dict[str, str]:
    """The address as the variables that asyncpg reads."""
    return {
        "PGHOST": address.host,
        "PGPORT": str(address.port),
        "PGUSER": address.user,
        "PGPASSWORD": address.password.get_secret_value(),
        "PGDATABASE": address.name,
        "PGSSLMODE": address.ssl,
    }


async def _prepare(address: Database) -> None:
    await migrate(address, branches(list(discover().values())))
    connection = await connect(address)
    try:
        await connection.execute(_FILL, ROWS)
        await connection.execute("VACUUM ANALYZE items.items")
    finally:
        await connection.close()
