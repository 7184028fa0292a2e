"""Finds the application that a target such as `package.module:app` names."""

import importlib
import inspect
from collections.abc import Callable
from typing import TypeAlias, cast

from starlette.types import ASGIApp

from ..settings import Settings

Target: TypeAlias = str | ASGIApp | Callable[..., ASGIApp]
"""`module:attribute`, or the object itself: an ASGI application or a function that returns one.

A function with a parameter `settings` receives them.
"""

_ASGI_ARGUMENTS = 3


class TargetError(Exception):
    """The target is not an ASGI application; the text is one sentence for the operator."""


def load_application(target: Target, settings: Settings) -> ASGIApp:
    """The application that a target names.

    Raises:
        TargetError: the module or attribute does not exist, or is not an ASGI application.
        Exception: whatever the module raises during import.
    """
    name = target if isinstance(target, str) else getattr(target, "__qualname__", repr(target))
    candidate = _imported(target) if isinstance(target, str) else target
    required = _required_parameters(candidate)
    if required == _ASGI_ARGUMENTS:
        return cast(ASGIApp, candidate)
    if required is None or not callable(candidate):
        kind = type(candidate).__name__
        raise TargetError(
            f"{name} is of type {kind}: the target must be an ASGI application or a function that returns one"
        )
    factory = cast("Callable[..., object]", candidate)
    parameters = inspect.signature(factory).parameters
    arguments = {"settings": settings} if "settings" in parameters else {}
    if required > len(arguments):
        raise TargetError(
            f"{name} takes {required} arguments: an ASGI application takes scope, receive and send, "
            "and a function that returns one takes nothing, or settings"
        )
    application = factory(**arguments)
    if _required_parameters(application) != _ASGI_ARGUMENTS:
        raise TargetError(f"{name} returned {type(application).__name__}, which is not an ASGI application")
    return cast(ASGIApp, application)


def _imported(target: str) -> object:
    module, separator, attribute = target.partition(":")
    if not module or not separator or not attribute:
        raise TargetError(f"target {target!r} must have the form package.module:attribute")
    try:
        value: object = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and f"{module}.".startswith(f"{error.name}."):
            raise TargetError(
                f"module {error.name} not found: start in the folder that contains it, or install it"
            ) from None
        raise
    for part in attribute.split("."):
        try:
            value = getattr(value, part)
        except AttributeError:
            raise TargetError(f"module {module} has no attribute {attribute}") from None
    return value


def _required_parameters(candidate: object) -> int | None:
    """How many arguments a call needs; None if it cannot be called."""
    if not callable(candidate):
        return None
    try:
        parameters = inspect.signature(candidate).parameters.values()
    except ValueError:
        return None
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters):
        return _ASGI_ARGUMENTS
    return sum(
        parameter.default is inspect.Parameter.empty and parameter.kind in positional for parameter in parameters
    )
