"""PostgreSQL: one pool, compiled statements, one transaction a request, keyset pages and migrations."""

from .database import Database
from .query import Query
from .unit_of_work import UnitOfWork

__all__ = ["Database", "Query", "UnitOfWork"]
