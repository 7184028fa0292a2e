"""Finds the application that a target such as `package.module:app` names."""

import importlib
import inspect
from collections.abc import Callable
from typing import TypeAlias, cast

from starlette.types import ASGIApp

from ..settings import Settings

Target: TypeAlias = str | ASGIApp | Callable[..., ASGIApp]
"""`module:attribute`, or the object itself: an ASGI application or a function that makes one.

A function that has a parameter `settings` is given them.
"""

_ASGI_ARGUMENTS = 3


class TargetError(Exception):
    """The target names no ASGI application; the text is one sentence for the operator."""


def load_application(target: Target, settings: Settings) -> ASGIApp:
    """The application that a target names.

    Raises:
        TargetError: there is no such module or attribute, or it is no ASGI application.
        Exception: whatever the module raises while it is imported.
    """
    name = target if isinstance(target, str) else getattr(target, "__qualname__", repr(target))
    found = _imported(target) if isinstance(target, str) else target
    required = _required_parameters(found)
    if required == _ASGI_ARGUMENTS:
        return cast(ASGIApp, found)
    if required is None or not callable(found):
        kind = type(found).__name__
        raise TargetError(f"{name} is no ASGI application but {kind}: name one, or a function that makes one")
    make = cast("Callable[..., object]", found)
    parameters = inspect.signature(make).parameters
    given = {"settings": settings} if "settings" in parameters else {}
    if required > len(given):
        raise TargetError(
            f"{name} takes {required} arguments: an ASGI application takes scope, receive and send, "
            "and a function that makes one takes nothing, or settings"
        )
    made = make(**given)
    if _required_parameters(made) != _ASGI_ARGUMENTS:
        raise TargetError(f"{name} made {type(made).__name__}, which is no ASGI application")
    return cast(ASGIApp, made)


def _imported(target: str) -> object:
    module, separator, attribute = target.partition(":")
    if not module or not separator or not attribute:
        raise TargetError(f"the target {target!r} is not of the form package.module:attribute")
    try:
        found: object = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and f"{module}.".startswith(f"{error.name}."):
            raise TargetError(
                f"there is no module {error.name}: start in the folder that holds it, or install it"
            ) from None
        raise
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise TargetError(f"the module {module} has no attribute {attribute}") from None
    return found


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
