"""A plain connection to a database of a developer: to make one, to fill it, to lock a table."""

import asyncpg

from app.platform.db.connect import connect as connect_as_configured
from app.platform.settings import Database


async def connect(address: Database, name: str = "") -> "asyncpg.Connection[asyncpg.Record]":
    """Connects to the database of this address, or to another one of the same server."""
    address = address.model_copy(update={"name": name}) if name else address
    return await connect_as_configured(address, statement_timeout=False)
