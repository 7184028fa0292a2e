"""Maps database errors to problem details; no text of the driver or of PostgreSQL reaches a client."""

from http import HTTPStatus
from typing import cast

import asyncpg
import structlog
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from ..db.errors import DatabaseUnavailable
from ..problems import Problem
from .errors import answer

RETRY_AFTER_SECONDS = 1

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


def install_database_errors(application: FastAPI) -> None:
    """Registers handlers for `DatabaseUnavailable` and for errors that PostgreSQL reports."""
    application.add_exception_handler(DatabaseUnavailable, _unavailable)
    application.add_exception_handler(asyncpg.PostgresError, _postgres_error)


def problem_of(error: asyncpg.PostgresError) -> Problem | None:
    """The problem for an SQLSTATE (PostgreSQL, appendix A) that a client caused; None for an error of the service."""
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


async def _unavailable(request: Request, error: Exception) -> Response:
    problem = Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The database cannot be reached in time; try again.",
        slug="database-unavailable",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )
    if cause := error.__cause__:
        _log.warning(problem.slug, cause=f"{type(cause).__name__}: {cause}")
    return answer(problem)


async def _postgres_error(request: Request, error: Exception) -> Response:
    problem = problem_of(cast(asyncpg.PostgresError, error))
    if problem is None:
        raise error
    return answer(problem)
