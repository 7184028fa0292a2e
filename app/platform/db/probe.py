"""The connection of readiness: beside the pool, so that requests that use up the pool do not make a pod "not ready"."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from ..settings import Database as DatabaseSettings
from .connect import connect
from .errors import was_lost

if TYPE_CHECKING:
    from .connect import Connection


class Probe:
    """One connection, opened when it is first needed and again when it is lost; making a probe opens nothing."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        self._held: Connection | None = None
        self._turn = asyncio.Lock()
        self._running: asyncio.Task[None] | None = None

    async def ping(self) -> None:
        """Whether the server answers a statement; callers at the same time share one.

        A caller that gives up does not end the attempt, so a slow connection is there for the next one.
        Raises what `connect` raises.
        """
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._ping())
            self._running.add_done_callback(_retrieve)
        await asyncio.shield(self._running)

    async def _ping(self) -> None:
        kept = self._held
        try:
            await self._select()
        except Exception as error:
            if kept is None or not was_lost(error, kept):
                raise
            # It died since the last time, with a restart of the server: a new one decides.
            await self._select()

    async def _select(self) -> None:
        async with self.connection() as connection:
            await connection.execute("SELECT 1")

    @asynccontextmanager
    async def connection(self) -> "AsyncGenerator[Connection]":
        """The connection, for one caller at a time."""
        async with self._turn:
            if self._held is None or self._held.is_closed():
                self._held = await connect(self._settings)
            held = self._held
            try:
                yield held
            except BaseException:
                self._drop()  # in an unknown state
                raise

    def _drop(self) -> None:
        if self._held is not None:
            self._held.terminate()
            self._held = None

    async def close(self) -> None:
        """Closes the connection, at once if it is in use."""
        if self._running is not None:
            self._running.cancel()
        self._drop()


def _retrieve(task: asyncio.Task[None]) -> None:
    # Where everybody has given up, nobody else asks for the error.
    if not task.cancelled():
        task.exception()
