"""Releases the memory of a failed request as soon as its error is answered."""

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias, cast

from starlette.requests import Request
from starlette.responses import Response

Handler: TypeAlias = Callable[[Any, Any], Any]
"""An exception handler of Starlette: a function or a coroutine function."""


def release(error: BaseException) -> None:
    """Removes the tracebacks of an answered error, and of all that led to it.

    A traceback refers to frames, and a frame that has raised an exception often refers to it by a variable. Such a
    cycle keeps the variables of every frame, the body of the request among them, until the garbage collector runs.
    """
    pending: list[BaseException | None] = [error]
    seen: set[int] = set()
    while pending:
        current = pending.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        current.__traceback__ = None
        pending += [current.__cause__, current.__context__]
        if isinstance(current, BaseExceptionGroup):
            pending += cast("BaseExceptionGroup[BaseException]", current).exceptions


def releasing(handler: Handler) -> Handler:
    """The exception handler, followed by `release`. An error that it raises itself is not released."""
    # A function, or an object whose class is called.
    if any(map(inspect.iscoroutinefunction, (handler, vars(type(handler)).get("__call__")))):

        async def answer(request: Request, error: Exception) -> Response:
            response: Response = await handler(request, error)
            release(error)
            return response

        return answer

    def answer_in_thread(request: Request, error: Exception) -> Response:
        response: Response = handler(request, error)
        release(error)
        return response

    return answer_in_thread
