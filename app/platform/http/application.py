"""The application object: FastAPI with the edge middleware around its whole stack, and the resources of a process."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Lifespan, Scope

from ..auth.revocations import Revocations
from ..process.drain import Drain
from ..settings import Group, Settings
from ..telemetry import Telemetry
from .body import MAX_FORM_FIELDS, MAX_FORM_FILES
from .body_rules import body_rules
from .edge import EdgeMiddleware
from .edge_state import Headers
from .errors import install_error_handlers
from .openapi import EVERYWHERE, Document, with_problems
from .release import Handler, releasing
from .routes import LabelledRoute
from .scopes import with_scopes

if TYPE_CHECKING:
    from ..auth.jwks import JwksClient
    from ..auth.tokens import TokenVerifier
    from ..db import Database
    from ..process.health import Health
    from ..process.operations_http import Answer


State = TypeVar("State")
AnyGroup = TypeVar("AnyGroup", bound=Group)


@dataclass
class Resources:
    """The resources of a process, made by `create_app` and available to every request; nothing else is global.

    Args:
        features: the names of all features of this installation, in whichever process each of them runs.
        operations: endpoints of the metrics port beside `/metrics`, by path.
    """

    settings: Settings
    drain: Drain
    telemetry: Telemetry
    database: "Database | None" = None
    verifier: "TokenVerifier | None" = None
    jwks: "JwksClient | None" = None
    features: tuple[str, ...] = ()
    revocations: Revocations = field(default_factory=Revocations)
    health: "Health | None" = None
    operations: "dict[str, Callable[[], Answer]]" = field(default_factory=dict[str, "Callable[[], Answer]"])
    _groups: dict[type[Group], Group] = field(default_factory=dict[type[Group], Group])
    _states: dict[type, object] = field(default_factory=dict[type, object])

    def add_group(self, group: Group) -> None:
        """Adds the settings of a feature."""
        self._groups[type(group)] = group

    def group(self, kind: type[AnyGroup]) -> AnyGroup:
        """The settings of a feature, by their class. Raises `KeyError` if no enabled feature declares them."""
        return cast(AnyGroup, self._groups[kind])

    def add_state(self, state: object) -> None:
        """Adds what the lifespan of a feature has opened."""
        self._states[type(state)] = state

    def state(self, kind: type[State]) -> State:
        """What the lifespan of a feature has opened, by its class. Raises `KeyError` before it has."""
        return cast(State, self._states[kind])

    def require_database(self) -> "Database":
        """The database of a process that has one. Raises `RuntimeError` in one that has none."""
        if self.database is None:
            raise RuntimeError("this process has no database: give create_app a feature with migrations")
        return self.database


class SlipwayApp(FastAPI):
    """The ASGI application; servers and tests use the same object.

    The edge middleware wraps the framework's whole stack, so that it also sees the answers of its error handlers;
    inside the stack it would miss a 500 and a 413. It receives `route_headers` and `route_features`.
    """

    def __init__(
        self,
        resources: Resources,
        *,
        lifespan: "Lifespan[SlipwayApp] | None" = None,
        route_headers: Mapping[str, Headers] | None = None,
        route_features: Mapping[str, str] | None = None,
    ) -> None:
        service = resources.settings.service
        super().__init__(
            title=service.name,
            version=service.version,
            openapi_url="/openapi.json" if resources.settings.docs_enabled else None,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            responses=cast("dict[int | str, dict[str, Any]]", EVERYWHERE),
            lifespan=lifespan,
            form_limits={"max_fields": MAX_FORM_FIELDS, "max_files": MAX_FORM_FILES},
            # The edge middleware measures: the framework adds no spans and no metrics of its own.
            telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        )
        self.resources = resources
        self.drain = resources.drain
        self._route_headers = route_headers
        self._route_features = route_features
        self._allowed: dict[str, list[str]] | None = None
        install_error_handlers(self)

    def build_middleware_stack(self) -> ASGIApp:
        """The framework's stack in the edge middleware."""
        resources = self.resources
        resources.telemetry.metrics.prepare(self.served_routes())
        stack = super().build_middleware_stack()
        if resources.verifier and resources.jwks:
            from .unknown_keys import UnknownKeyMiddleware

            stack = UnknownKeyMiddleware(stack, resources.verifier, resources.jwks)
        return EdgeMiddleware(
            stack,
            telemetry=resources.telemetry,
            drain=resources.drain,
            settings=resources.settings,
            authenticate=resources.verifier.authenticate if resources.verifier else None,
            route_headers=self._route_headers,
            route_features=self._route_features,
            body_rules=body_rules(self.routes, resources.settings.http.max_body_bytes),
        )

    def add_exception_handler(self, exc_class_or_status_code: int | type[Exception], handler: Handler) -> None:
        """Registers a handler that releases the memory of the failed request."""
        # After the handler for `Exception` the edge middleware logs the traceback.
        last = exc_class_or_status_code in (500, Exception)
        super().add_exception_handler(exc_class_or_status_code, handler if last else releasing(handler))

    def add_route(
        self,
        path: str,
        route: Callable[[Request], Awaitable[Response] | Response],
        methods: list[str] | None = None,
        name: str | None = None,
        include_in_schema: bool = True,
    ) -> None:
        """Adds a plain route, as FastAPI does for its OpenAPI document, so that metrics know its path."""
        self.router.routes.append(
            LabelledRoute(path, route, methods=methods, name=name, include_in_schema=include_in_schema)
        )

    def served_routes(self) -> list[tuple[str, str, int]]:
        """Method, path template and declared success status of every route."""
        return [
            (method, context.path_format, getattr(context, "status_code", None) or 200)
            for context in iter_route_contexts(self.routes)
            if context.path_format
            for method in sorted(context.methods or ())
        ]

    def allowed_methods(self, scope: Scope) -> list[str]:
        """All methods of the path that `scope` was routed to (RFC 9110 §15.5.6), sorted."""
        if self._allowed is None:
            self._allowed = {}
            for method, path, _ in self.served_routes():
                self._allowed.setdefault(path, []).append(method)
        return sorted(self._allowed.get(getattr(scope.get("route"), "path_format", ""), []))

    def openapi(self) -> Document:
        """The OpenAPI document, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = with_scopes(with_problems(super().openapi()), self.routes)
        return self.openapi_schema


def resources_of(connection: HTTPConnection) -> Resources:
    """The resources of the application that serves a request or a WebSocket."""
    return cast(SlipwayApp, connection.app).resources
