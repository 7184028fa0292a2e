"""A plain connection to a database of a developer: to make one, to fill it, to lock a table."""

import asyncpg

from app.platform.db.connect import connect as connect_as_configured
from app.platform.settings import Database

CONNECT_TIMEOUT_SECONDS = 60.0
"""A busy machine takes longer than the two seconds that a request may wait."""


async def connect(address: Database, name: str = "") -> "asyncpg.Connection[asyncpg.Record]":
    """Connects to the database of this address, or to another one of the same server."""
    changes = {"name": name or address.name, "connect_timeout_seconds": CONNECT_TIMEOUT_SECONDS}
    address = address.model_copy(update=changes)
    return await connect_as_configured(address, statement_timeout=False)
