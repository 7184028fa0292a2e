"""The only connection pool of the process, and statements that run alone on a lease of it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, cast

import asyncpg
from sqlalchemy import AsyncAdaptedQueuePool, create_engine, event
from sqlalchemy.pool import PoolProxiedConnection, QueuePool
from sqlalchemy.util import greenlet_spawn

from ..settings import Database as DatabaseSettings
from ..telemetry.metrics.observers import DatabaseObserver, PoolState
from .connect import connect
from .errors import DatabaseUnavailable, PoolTimeout
from .lease import Lease
from .probe import Probe

if TYPE_CHECKING:
    from ..telemetry.metrics.instruments import Metrics

ENGINE_URL = "postgresql+asyncpg://"
"""The URL of an engine: where it leads to is in `engine_arguments`."""


class Database:
    """PostgreSQL behind one pool. The constructor opens no connection.

    As the `db` of a `Query` it runs each statement alone, outside a transaction.
    """

    def __init__(self, settings: DatabaseSettings) -> None:
        self.settings = settings
        self.observer = DatabaseObserver()
        self.probe = Probe(settings)
        # The synchronous facade of an asynchronous dialect: the same pool as `create_async_engine`, without
        # the import of the ORM, which is a tenth of a second of the start.
        self.engine = create_engine(
            ENGINE_URL,
            poolclass=AsyncAdaptedQueuePool,
            pool_size=settings.pool_size,
            max_overflow=0,
            pool_timeout=settings.pool_timeout_seconds,
            # Each user of a lease ends its own transaction, and no session state is ever set.
            pool_reset_on_return=None,
            connect_args=engine_arguments(settings),
        )
        self._pool = cast(QueuePool, self.engine.pool)
        self._places = asyncio.Semaphore(settings.pool_size)
        self._open = 0
        self._waiting = 0
        event.listen(self._pool, "connect", self._count_opened)
        event.listen(self._pool, "close", self._count_closed)

    def report_to(self, metrics: "Metrics") -> None:
        """Exports metrics of the pool and of statements."""
        self.observer = metrics.database(self.pool_state)

    async def lease(self) -> Lease:
        """A live connection.

        Raises `DatabaseUnavailable` when none can be had within the pool's and the connection's time limits.
        """
        begun = perf_counter()
        await self._take_place()
        try:
            while True:
                held = await self._check_out()
                lease = Lease(held, self._places)
                if not lease.driver.is_closed():
                    self.observer.connection_wait(perf_counter() - begun)
                    return lease
                # It died in the pool, with a restart of the server: its place goes to a new one.
                await greenlet_spawn(held.invalidate)
        except Exception as error:
            # A refused connection, a wrong password, too many clients, in the words of the driver or of SQLAlchemy's
            # adapter: for the request it is all one, and the cause is in the log.
            self._places.release()
            raise DatabaseUnavailable from error
        except BaseException:
            self._places.release()
            raise

    async def _take_place(self) -> None:
        """Waits in line for one of `pool_size` places; the pool's own waiting costs a task and has no order."""
        if not self._places.locked():
            await self._places.acquire()
            return
        self._waiting += 1
        try:
            async with asyncio.timeout(self.settings.pool_timeout_seconds):
                await self._places.acquire()
        except TimeoutError as error:
            self.observer.connection_timeout()
            raise PoolTimeout from error
        finally:
            self._waiting -= 1

    async def _check_out(self) -> PoolProxiedConnection:
        pool = self._pool
        if pool.checkedin() and self._open == pool.size() + pool.overflow():
            # Every connection that the pool knows of is open, and one is idle: nothing has to be awaited, and the
            # greenlet that costs as much as the statement is spared (`make bench`).
            return self.engine.raw_connection()
        return await greenlet_spawn(self.engine.raw_connection)

    def _count_opened(self, *_: object) -> None:
        self._open += 1

    def _count_closed(self, *_: object) -> None:
        self._open -= 1

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator["asyncpg.Connection[asyncpg.Record]"]:
        """A driver connection for what `Query` cannot say, such as COPY or LISTEN."""
        lease = await self.lease()
        try:
            yield lease.driver
        finally:
            lease.release()

    async def give_back(self, lease: Lease) -> None:
        """Returns the connection to the pool."""
        lease.release()

    def pool_state(self) -> PoolState:
        """The pool at this moment, from any thread."""
        pool = self._pool
        return PoolState(pool.checkedout(), pool.checkedin(), self._waiting, self.settings.pool_size)

    async def close(self) -> None:
        """Closes the idle connections; leases that are out are closed when they come back."""
        await self.probe.close()
        await greenlet_spawn(self.engine.dispose)


def engine_arguments(settings: DatabaseSettings, *, migrates: bool = False) -> dict[str, object]:
    """`connect_args` of an engine for `ENGINE_URL`: it connects as the settings say, and holds no password.

    What `migrates` goes around the pooler, and its statements may take as long as they need.
    """
    arguments: dict[str, object] = {
        "async_creator_fn": partial(connect, settings, direct=migrates, statement_timeout=not migrates)
    }
    if settings.pooler:
        arguments["prepared_statement_cache_size"] = 0  # SQLAlchemy's own cache; `connect` sees to the driver's
    return arguments
