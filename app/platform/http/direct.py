"""Routes whose dependencies are called directly: a plain read need not pay for the framework's solver."""

import inspect
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, cast

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
Dependency = Callable[[Request], Awaitable[object]]


class DirectRoute(APIRoute):
    """The `route_class` of a router with hot reads.

    A route that takes nothing but the request, path parameters and dependencies that are coroutine functions of the
    request, and that returns a `Response`, is called without FastAPI's dependency solver, which costs as much as the
    database's answer (`make bench`). Every other route, and every request that is not valid, takes the usual way, so
    that documentation and answers are the same.
    """

    def get_route_handler(self) -> Handler:
        usual = super().get_route_handler()
        plan = _plan(self)
        if plan is None:
            return usual

        async def handle(request: Request) -> Response:
            if request.app.dependency_overrides:
                return await usual(request)
            values: dict[str, object] = {}
            for name, dependency in plan.dependencies:
                values[name] = await dependency(request)
            given = request.path_params
            try:
                for name, alias, validate in plan.parameters:
                    values[name] = validate(given[alias])
            except ValidationError:
                return await usual(request)
            if plan.request_name:
                values[plan.request_name] = request
            return await plan.call(**values)

        return handle


@dataclass(frozen=True, slots=True)
class _Plan:
    call: Callable[..., Awaitable[Response]]
    request_name: str | None
    dependencies: tuple[tuple[str, Dependency], ...]
    parameters: tuple[tuple[str, str, Callable[[object], object]], ...]


def _plan(route: APIRoute) -> _Plan | None:
    """How to call a route directly, or None if that is not the same as the usual way."""
    dependant = route.dependant
    call = cast("Callable[..., Awaitable[Response]]", dependant.call)
    returns = inspect.signature(call).return_annotation
    if not (inspect.iscoroutinefunction(call) and isinstance(returns, type) and issubclass(returns, Response)):
        return None
    if route.body_field or _takes_more_than_paths(dependant):
        return None
    calls = [one.call for one in dependant.dependencies]
    if not all(_is_plain(one) for one in dependant.dependencies) or len(set(calls)) < len(calls):
        return None
    return _Plan(
        call,
        dependant.request_param_name,
        tuple((cast(str, one.name), cast(Dependency, one.call)) for one in dependant.dependencies),
        tuple(
            (field.name, field.alias, TypeAdapter(_annotation(field.field_info)).validate_python)
            for field in dependant.path_params
        ),
    )


def _is_plain(dependant: Dependant) -> bool:
    """A coroutine function of the request alone."""
    takes_request = dependant.request_param_name or dependant.http_connection_param_name
    call = dependant.call
    # A function, or an object like `Requires` whose class is called.
    asynchronous = any(map(inspect.iscoroutinefunction, (call, vars(type(call)).get("__call__"))))
    nothing_else = not (
        dependant.dependencies or dependant.path_params or dependant.concurrency or _takes_more_than_paths(dependant)
    )
    return bool(dependant.name and takes_request and asynchronous and nothing_else)


def _takes_more_than_paths(dependant: Dependant) -> bool:
    parameters = (dependant.query_params, dependant.header_params, dependant.cookie_params, dependant.body_params)
    others = (
        dependant.websocket_param_name,
        dependant.response_param_name,
        dependant.background_tasks_param_name,
        dependant.security_scopes_param_name,
    )
    return any(parameters) or any(others)


def _annotation(field: Any) -> Any:
    return Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
