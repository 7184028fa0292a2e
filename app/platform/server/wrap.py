"""Adds the edge middleware, health and drain to any ASGI application, without a change to it."""

import logging
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..http.edge import EdgeMiddleware
from ..process.drain import Drain
from ..process.health import Health
from ..process.operations_http import Answer
from ..settings import Settings
from ..telemetry import Telemetry, build_telemetry

_READINESS = frozenset({"/readyz", "/ready"})

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Served:
    """An application with the parts that the server needs."""

    application: ASGIApp
    drain: Drain
    telemetry: Telemetry
    operations: Mapping[str, Callable[[], Answer]]
    """Endpoints of the metrics port beside `/metrics`, by path."""


def served(application: ASGIApp, settings: Settings) -> Served:
    """An application of the platform (with `drain` and `resources`) unchanged, any other wrapped."""
    drain: object = getattr(application, "drain", None)
    resources: Any = getattr(application, "resources", None)
    if isinstance(drain, Drain) and resources is not None:
        return Served(application, drain, resources.telemetry, resources.operations)
    wrapped = wrap(application, settings)
    return Served(wrapped, wrapped.drain, wrapped.telemetry, wrapped.health.operations())


@contextmanager
def operations_served(service: Served, settings: Settings, *, multiprocess: bool = False) -> Generator[None]:
    """Serves the metrics port of an application, unless it is switched off, and its run-time control."""
    from ..process.control import control_served

    metrics = settings.metrics
    with ExitStack() as stack:
        stack.enter_context(control_served(service.telemetry.overrides, settings))
        if metrics.enabled:
            from ..process.operations_port import serve_metrics

            stack.enter_context(
                serve_metrics(
                    service.telemetry.registry,
                    metrics.host,
                    metrics.port,
                    multiprocess=multiprocess,
                    endpoints=service.operations,
                )
            )
        yield


class WrappedApp:
    """An ASGI application inside the edge middleware; made by `wrap`."""

    def __init__(self, application: ASGIApp, settings: Settings) -> None:
        self.drain = Drain()
        self.telemetry = build_telemetry(settings)
        self._application = application
        self.health = Health(self.drain, details=settings.details_exposed)
        self._health = self.health.endpoints()
        routes = list(_routes_of(application))
        self.telemetry.metrics.prepare(routes)
        self._own = {path for _, path, _ in routes} & self._health.keys()
        self._edge = EdgeMiddleware(self._route, telemetry=self.telemetry, drain=self.drain, settings=settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._edge(scope, receive, send)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
            return
        endpoint = None
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            path = scope["path"]
            # The application's own readiness endpoint does not know that the server drains.
            if path not in self._own or (self.drain.draining and path in _READINESS):
                endpoint = self._health.get(path)
        if endpoint is None:
            await self._application(scope, receive, send)
            return
        scope["route"] = SimpleNamespace(path_format=scope["path"])
        response = await endpoint(Request(scope, receive))
        await response(scope, receive, send)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application's own lifespan; an application without one is served too."""
        received = answered = False
        self.health.watch_loop()

        async def note_received() -> Message:
            nonlocal received
            message = await receive()
            received = True
            return message

        async def note_answered(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        if self._own:
            _log.info("answered by the application's own routes: %s", ", ".join(sorted(self._own)))
        try:
            await self._application(scope, note_received, note_answered)
        except Exception as error:
            if answered:
                raise
            _log.info("the application has no lifespan (%s)", type(error).__name__)
        if not answered:
            if not received:
                await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})


def wrap(application: ASGIApp, settings: Settings) -> WrappedApp:
    """Any ASGI application inside the edge middleware.

    It gains request ids, metrics, spans, access log, limits and a drain, and `/livez`, `/readyz` and `/startupz`
    unless it has such a route. Its lifespan runs as before.
    """
    return WrappedApp(application, settings)


def _routes_of(application: ASGIApp) -> Iterator[tuple[str, str, int]]:
    """Method, path template and success status of each route, if the application lists them as Starlette does."""
    routes = getattr(application, "routes", None)
    if not isinstance(routes, list):
        return
    from fastapi.routing import iter_route_contexts

    for context in iter_route_contexts(cast("list[Any]", routes)):
        for method in sorted(context.methods or ()):
            if context.path_format:
                yield method, context.path_format, getattr(context, "status_code", None) or 200
