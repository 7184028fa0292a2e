"""Statements written in SQLAlchemy Core, compiled once at import and run on the driver connection."""

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

import asyncpg
from sqlalchemy import Enum, TypeDecorator
from sqlalchemy.dialects.postgresql.asyncpg import PGCompiler_asyncpg
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.sql import ClauseElement
from sqlalchemy.types import JSON, NullType

from ..telemetry.metrics.labels import StatementError
from ..telemetry.metrics.observers import DatabaseObserver
from ..telemetry.tracing.spans import statement_span
from .errors import DatabaseUnavailable, outcome_of, was_lost
from .lease import Lease

_DIALECT = asyncpg_dialect()
_WITHOUT_PROCESSOR = (Enum, JSON, TypeDecorator, NullType)

Result = TypeVar("Result")
Connection = asyncpg.Connection[asyncpg.Record] if TYPE_CHECKING else asyncpg.Connection


class Executor(Protocol):
    """Runs statements: a `Database` (alone, on a lease of its own) or a `UnitOfWork` (in its transaction)."""

    @property
    def observer(self) -> DatabaseObserver:
        """Receives the duration and outcome of each statement."""
        ...

    async def lease(self) -> Lease:
        """The connection to use. Raises `DatabaseUnavailable` when none can be had in time."""
        ...

    async def give_back(self, lease: Lease) -> None:
        """Ends the use of the connection for one statement."""
        ...


class Query:
    """A Core statement, compiled for asyncpg; its `bindparam` names are the keyword arguments of the calls.

    What the compiled text cannot carry is refused when it is made, which is at import (research: recipe S2).

    Raises:
        TypeError: an expanding `IN` (use `= any_(bindparam(..., type_=ARRAY(...)))`), a parameter without a type
            or with one that converts in Python (JSON, Enum), or a column default that runs in Python.
    """

    __slots__ = ("_constants", "_names", "_operation", "_required", "name", "sql")

    def __init__(self, statement: ClauseElement, name: str = "") -> None:
        compiled = cast(PGCompiler_asyncpg, statement.compile(dialect=_DIALECT))
        if compiled.post_compile_params:
            raise TypeError("IN with a list cannot be compiled once: use `= any_(bindparam(..., ARRAY(...)))`")
        if compiled.insert_prefetch or compiled.update_prefetch:
            raise TypeError("a Python-side column default does not run here: pass the value")
        names = tuple(compiled.positiontup or ())
        for parameter in names:
            if isinstance(compiled.binds[parameter].type, _WITHOUT_PROCESSOR):
                raise TypeError(f"parameter {parameter!r} has a type that asyncpg cannot bind: cast it")
        self.sql = str(compiled)
        self.name = name or self.sql.split(None, 1)[0]
        self._operation = self.sql.split(None, 1)[0].upper()
        self._names = names
        self._constants = {
            parameter: compiled.params[parameter] for parameter in names if not compiled.binds[parameter].required
        }
        self._required = len(set(names) - self._constants.keys())

    async def all(self, db: Executor, **parameters: object) -> list[asyncpg.Record]:
        """Every row."""
        return await self._run(db, parameters, Connection.fetch)

    async def first(self, db: Executor, **parameters: object) -> asyncpg.Record | None:
        """The first row, or None."""
        return await self._run(db, parameters, Connection.fetchrow)

    async def run(self, db: Executor, **parameters: object) -> int:
        """Runs it; returns how many rows it touched."""
        status = await self._run(db, parameters, Connection.execute)
        count = status.rsplit(" ", 1)[-1]
        return int(count) if count.isdigit() else 0

    async def _run(self, db: Executor, parameters: dict[str, object], call: Callable[..., Awaitable[Result]]) -> Result:
        arguments = self._arguments(parameters)
        begun = perf_counter()
        outcome: StatementError | None = None  # which it stays for one that was given up
        try:
            lease = await db.lease()
            begun = perf_counter()
            try:
                with statement_span(self.name, self.sql):
                    result = await call(lease.driver, self.sql, *arguments)
            except Exception as error:
                if was_lost(error, lease.driver):
                    outcome = outcome_of(error)
                    raise DatabaseUnavailable from error
                raise
            else:
                outcome = ""
                return result
            finally:
                await db.give_back(lease)
        except Exception as error:
            outcome = outcome or outcome_of(error)
            raise
        finally:
            if outcome is not None:
                db.observer.statement(self._operation, outcome, perf_counter() - begun)

    def _arguments(self, parameters: dict[str, object]) -> list[object]:
        if len(parameters) != self._required:
            required = sorted(set(self._names) - self._constants.keys())
            raise TypeError(f"{self.name} takes {required}, not {sorted(parameters)}")
        if self._constants:
            parameters = {**self._constants, **parameters}
        return [parameters[name] for name in self._names]
