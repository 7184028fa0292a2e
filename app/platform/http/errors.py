"""Turns what handlers raise into problem details; input is never echoed (ASVS 16.2.5)."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import cast

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ..problems import MEDIA_TYPE, Overloaded, Problem, problem_body

_log = structlog.get_logger(__name__)
_MAX_ERRORS = 50
_DETAILS = {
    404: "Not found: check the path and the id.",
    405: "This path does not support this method; Allow lists the supported ones.",
    413: "The body is larger than this service takes.",
}
_MEDIA_TYPE_DETAIL = "The body is read as JSON: send Content-Type: application/json."


def install_error_handlers(application: FastAPI) -> None:
    """Registers a handler for every kind of exception, the unexpected ones included."""
    application.add_exception_handler(Problem, _problem)
    application.add_exception_handler(HTTPException, _http_exception)
    application.add_exception_handler(RequestValidationError, _validation_error)
    application.add_exception_handler(Exception, _unexpected)


def answer(problem: Problem) -> Response:
    """The response for a problem."""
    body = problem_body(
        problem.status,
        problem.detail,
        slug=problem.slug,
        title=problem.title,
        extensions=problem.extensions,
    )
    return Response(body, problem.status, problem.headers, MEDIA_TYPE)


async def _problem(request: Request, error: Exception) -> Response:
    problem = cast(Problem, error)
    if isinstance(problem, Overloaded):
        request.app.resources.telemetry.metrics.count_shed(problem.reason)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR and (cause := problem.__cause__):
        _log.warning(problem.slug, cause=f"{type(cause).__name__}: {cause}")
    return answer(problem)


async def _http_exception(request: Request, error: Exception) -> Response:
    raised = cast(HTTPException, error)
    headers = dict(raised.headers or {})
    status = raised.status_code
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["allow"] = ", ".join(request.app.allowed_methods(request.scope)) or headers.get("allow", "")
    return answer(Problem(status, _DETAILS.get(status) or str(raised.detail), headers=headers))


async def _validation_error(request: Request, error: Exception) -> Response:
    failures = cast(RequestValidationError, error).errors()
    if _is_wrong_media_type(request, failures):
        return answer(Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, _MEDIA_TYPE_DETAIL))
    if any(failure.get("type") == "json_invalid" for failure in failures):
        return answer(Problem(HTTPStatus.BAD_REQUEST, "The body is not valid JSON.", slug="malformed-json"))
    errors = [
        {"field": _field(failure.get("loc", ())), "message": _message(failure)} for failure in failures[:_MAX_ERRORS]
    ]
    return answer(
        Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "Some fields were refused; errors names each of them.",
            slug="validation-failed",
            extensions={"errors": errors},
        )
    )


async def _unexpected(request: Request, error: Exception) -> Response:
    # The framework raises the exception again after this answer, and the edge middleware logs it.
    return answer(Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal error, logged under this request id."))


def _is_wrong_media_type(request: Request, errors: Sequence[Mapping[str, object]]) -> bool:
    """FastAPI reports a body of another media type as a body of a wrong shape (fastapi 0.165)."""
    if not any(error.get("loc") == ("body",) for error in errors):
        return False
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return not (media_type == "application/json" or media_type.endswith("+json"))


def _field(location: object) -> str:
    parts = [str(part) for part in cast("tuple[object, ...]", location)]
    # The client chooses the key: it is reported, but bounded and printable.
    name = ".".join(parts)[:200]
    return name.encode("ascii", "backslashreplace").decode("ascii")


def _message(error: Mapping[str, object]) -> str:
    message = str(error.get("msg", "is not valid"))
    return message.removeprefix("Value error, ").encode("utf-8", "replace").decode("utf-8")
