"""A plain connection to a database of a developer: to make one, to fill it, to lock a table."""

import asyncpg

from app.platform.settings import Database


async def connect(address: Database, name: str = "") -> "asyncpg.Connection[asyncpg.Record]":
    """Connects without TLS to the database of this address, or to another one of the same server."""
    return await asyncpg.connect(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password.get_secret_value(),
        database=name or address.name,
        ssl=False,
    )
