"""Routes whose dependencies are called directly, without the cost of the framework's dependency solver."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, cast
from weakref import WeakKeyDictionary

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

Dependency = Callable[[Request], Awaitable[object]]


class DirectRoute(APIRoute):
    """The `route_class` of a router with hot reads.

    A route that takes nothing but the request, path parameters and dependencies that are coroutine functions of the
    request, and that returns a `Response`, is called without FastAPI's dependency solver and exit stacks, which cost
    as much as the database's answer (`make bench`). Every other route, and every invalid request, takes the usual way,
    so that documentation and answers are the same.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._plans: WeakKeyDictionary[FastAPI, Plan | None] = WeakKeyDictionary()

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        app: FastAPI = scope["app"]
        try:
            plan = self._plans[app]
        except KeyError:
            plan = self._plans[app] = plan_of(self, app)
        if plan is None or scope["method"] not in (self.methods or ()) or app.dependency_overrides:
            await super().handle(scope, receive, send)
            return
        request = Request(scope, receive, send)
        values: dict[str, object] = {}
        for name, dependency in plan.dependencies:
            values[name] = await dependency(request)
        path_params = scope["path_params"]
        try:
            for name, alias, validate in plan.parameters:
                values[name] = validate(path_params[alias])
        except ValidationError:
            await super().handle(scope, receive, send)
            return
        if plan.request_name:
            values[plan.request_name] = request
        response = await plan.call(**values)
        await response(scope, receive, send)


@dataclass(frozen=True, slots=True)
class Plan:
    """A call without the solver."""

    call: Callable[..., Awaitable[Response]]
    request_name: str | None
    dependencies: tuple[tuple[str, Dependency], ...]
    parameters: tuple[tuple[str, str, Callable[[object], object]], ...]


def plan_of(route: APIRoute, app: FastAPI) -> Plan | None:
    """How to call a route of this application directly, or None if the result could differ from the usual way."""
    contexts = [context for context in iter_route_contexts(app.routes) if context.original_route is route]
    if len(contexts) != 1:
        return None
    # The included route: an application or a router may have added dependencies.
    dependant = cast(Dependant, contexts[0].dependant)
    call = cast("Callable[..., Awaitable[Response]]", dependant.call)
    returns = inspect.signature(call).return_annotation
    if not (inspect.iscoroutinefunction(call) and isinstance(returns, type) and issubclass(returns, Response)):
        return None
    if route.body_field or _takes_more_than_paths(dependant):
        return None
    calls = [dependency.call for dependency in dependant.dependencies]
    if not all(map(_is_plain, dependant.dependencies)) or len(set(calls)) < len(calls):
        return None
    return Plan(
        call,
        dependant.request_param_name,
        tuple((cast(str, dependency.name), cast(Dependency, dependency.call)) for dependency in dependant.dependencies),
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
