"""Dependencies of handlers: `Reads` for statements on their own, `Work` for a transaction."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from ..db.database import Database
from ..db.unit_of_work import UnitOfWork
from .application import resources_of


async def _reads(request: Request) -> Database:
    database = resources_of(request).database
    if database is None:
        raise RuntimeError("this process has no database: give create_app a feature with migrations")
    return database


async def _work(request: Request) -> AsyncIterator[UnitOfWork]:
    async with UnitOfWork(await _reads(request)) as work:
        yield work


Reads = Annotated[Database, Depends(_reads)]
"""Each statement runs alone, outside a transaction."""

Work = Annotated[UnitOfWork, Depends(_work, scope="function")]
"""One transaction, committed before the first byte of the answer, streams included; rolled back on an exception."""
