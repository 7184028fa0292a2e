"""Errors of the database, and their outcomes as metrics count them."""

import asyncpg
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ..telemetry.metrics.labels import StatementError

CONNECTION_ERRORS = (
    OSError,
    TimeoutError,
    PoolTimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
)
"""Errors of the driver and the pool that mean that no connection is usable (SQLSTATE classes 08, 57 and 53)."""


def was_lost(error: BaseException, connection: "asyncpg.Connection[asyncpg.Record]") -> bool:
    """Whether this error means that the connection is no longer usable."""
    # The driver raises InterfaceError for a connection that was closed, but also for wrong use of an open one. It
    # raises InternalClientError when the server has announced that it ends the connection.
    gone = isinstance(error, asyncpg.InterfaceError) and connection.is_closed()
    return gone or isinstance(error, (*CONNECTION_ERRORS, asyncpg.InternalClientError))


class DatabaseUnavailable(Exception):  # noqa: N818 - the name of the condition; a retry may succeed
    """No connection was available in time, the connection was lost, or a statement timed out. A retry may succeed."""

    def __init__(self) -> None:
        super().__init__("the database did not respond in time")


class PoolTimeout(DatabaseUnavailable):
    """No connection of the pool was free in time."""


def outcome_of(error: BaseException) -> StatementError:
    """The `error_type` of a statement that failed."""
    if isinstance(error, DatabaseUnavailable):
        return "pool_timeout" if isinstance(error, PoolTimeout) else "unavailable"
    if isinstance(error, (TimeoutError, asyncpg.QueryCanceledError)):
        return "timeout"
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return "integrity"
    if isinstance(error, (asyncpg.TransactionRollbackError, asyncpg.LockNotAvailableError)):
        return "conflict"
    lost = isinstance(error, (*CONNECTION_ERRORS, asyncpg.InterfaceError, asyncpg.InternalClientError))
    return "unavailable" if lost else "other"
