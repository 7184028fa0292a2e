"""A pool on the worker's database."""

from collections.abc import AsyncIterator

import pytest

from app.platform.db import Database
from app.platform.settings import Database as Address


@pytest.fixture
async def db(database: Address) -> AsyncIterator[Database]:
    pool = Database(database)
    yield pool
    await pool.close()
