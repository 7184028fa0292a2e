"""Dependencies of handlers: `DatabaseDep` for single statements, `UnitOfWorkDep` for a transaction."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from ..db.database import Database
from ..db.unit_of_work import UnitOfWork
from .application import resources_of


async def _database(request: Request) -> Database:
    return resources_of(request).require_database()


async def _unit_of_work(request: Request) -> AsyncIterator[UnitOfWork]:
    async with UnitOfWork(await _database(request)) as work:
        yield work


DatabaseDep = Annotated[Database, Depends(_database)]
"""The database; each statement runs alone, outside a transaction."""

UnitOfWorkDep = Annotated[UnitOfWork, Depends(_unit_of_work, scope="function")]
"""One transaction, committed before the first byte of the answer, streams included; rolled back on an exception."""
