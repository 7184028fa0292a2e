"""A connection taken from the pool."""

import asyncio
from typing import cast

import asyncpg
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util import greenlet_spawn


class Lease:
    """A connection and its place in the pool: `driver` runs statements; `release` or `discard` ends it, once."""

    __slots__ = ("_held", "_places", "driver")

    def __init__(self, held: PoolProxiedConnection, places: asyncio.Semaphore) -> None:
        self._held = held
        self._places = places
        self.driver = cast("asyncpg.Connection[asyncpg.Record]", held.driver_connection)

    def release(self) -> None:
        """Gives the connection back; one that broke meanwhile is dropped by the next `Database.lease`."""
        # Nothing is awaited where the pool resets nothing, so this needs no greenlet.
        self._held.close()
        self._places.release()

    async def discard(self) -> None:
        """Drops the connection, which may be in an unknown state."""
        try:
            await greenlet_spawn(self._held.invalidate)
        finally:
            self._places.release()
