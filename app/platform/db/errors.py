"""What a failure of PostgreSQL means to a client: by SQLSTATE, without a word of its internals."""

from http import HTTPStatus

import asyncpg
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ..problems import Problem
from ..telemetry.metrics.labels import StatementError

RETRY_AFTER_SECONDS = 1

CONNECTION_ERRORS = (
    OSError,
    TimeoutError,
    PoolTimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
)
"""Errors of the driver and the pool that say: no usable connection now (the server's: SQLSTATE classes 08, 57, 53)."""


def was_lost(error: BaseException, connection: "asyncpg.Connection[asyncpg.Record]") -> bool:
    """Whether an error of this connection says that it cannot be used any more."""
    # Two of the driver's words: for a connection that was closed under it, and for wrong use of it; and for one whose
    # server has said that it ends it, and has not yet.
    gone = isinstance(error, asyncpg.InterfaceError) and connection.is_closed()
    return gone or isinstance(error, (*CONNECTION_ERRORS, asyncpg.InternalClientError))


class DatabaseUnavailable(Problem):
    """503: no connection could be had, it was lost, or the statement ran out of time; a retry may succeed."""

    def __init__(self) -> None:
        super().__init__(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The database cannot be reached in time; try again.",
            slug="database-unavailable",
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )


class PoolTimeout(DatabaseUnavailable):
    """503: no connection of the pool was free in time."""


def outcome_of(error: BaseException) -> StatementError:
    """What a statement that failed is counted as."""
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


def problem_of(error: asyncpg.PostgresError) -> Problem | None:
    """The problem for an error that PostgreSQL itself reported (SQLSTATE, appendix A), or None for a fault of ours."""
    state = error.sqlstate or ""
    if state == "23505":
        return Problem(409, "Something with this value exists already.", slug="already-exists")
    if state in {"23503", "23P01"}:
        return Problem(409, "The change conflicts with something that refers to it.", slug="conflict")
    if state in {"40001", "40P01", "55P03"}:
        return Problem(
            409, "Another change to the same thing ran at the same time; try again.", slug="concurrent-change"
        )
    return None
