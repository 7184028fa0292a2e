"""One transaction of a use case: begun by its first statement, committed before the answer's first byte."""

from collections.abc import Generator
from contextlib import contextmanager
from time import perf_counter
from types import TracebackType
from typing import Self

from asyncpg.transaction import Transaction

from ..telemetry.metrics.observers import DatabaseObserver
from ..telemetry.tracing.spans import statement_span
from .database import Database
from .errors import DatabaseUnavailable, outcome_of, was_lost
from .lease import Lease


class UnitOfWork:
    """A connection leased at the first statement, and the transaction on it.

    As a context manager it commits when the block ends and rolls back when the block raises. Without a statement
    it costs no connection, so a request that fails its validation never waits for the pool.
    """

    __slots__ = ("_database", "_lease", "_transaction", "observer")

    def __init__(self, database: Database) -> None:
        self._database = database
        self.observer = database.observer
        self._lease: Lease | None = None
        self._transaction: Transaction | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        lease, transaction = self._lease, self._transaction
        self._lease = self._transaction = None
        if lease is None or transaction is None:
            return
        try:
            with _observed(self.observer, "ROLLBACK" if error else "COMMIT") as word, statement_span(word):
                await (transaction.rollback() if error else transaction.commit())
        except BaseException as failure:
            if was_lost(failure, lease.driver):
                await lease.discard()
                if error is None:
                    raise DatabaseUnavailable from failure
                return  # the error that ended the block goes on
            if lease.driver.is_in_transaction():
                await lease.discard()
            else:
                lease.release()
            raise
        else:
            lease.release()

    async def lease(self) -> Lease:
        """The connection, in the transaction; the first call takes and begins it."""
        if self._lease is not None:
            return self._lease
        lease = await self._database.lease()
        transaction = lease.driver.transaction()
        try:
            with _observed(self.observer, "BEGIN"):
                await transaction.start()
        except BaseException as error:
            lost = was_lost(error, lease.driver)
            await lease.discard()
            if lost:
                raise DatabaseUnavailable from error
            raise
        self._lease, self._transaction = lease, transaction
        return lease

    async def give_back(self, lease: Lease) -> None:
        """Keeps the connection: the transaction goes on until the unit of work ends."""


@contextmanager
def _observed(observer: DatabaseObserver, word: str) -> Generator[str]:
    begun = perf_counter()
    try:
        yield word
    except Exception as error:
        observer.statement(word, outcome_of(error), perf_counter() - begun)
        raise
    observer.statement(word, "", perf_counter() - begun)
