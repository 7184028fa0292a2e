"""The access that a route requires, declared once: `requires("items:read")` or `PUBLIC`."""

from collections.abc import Iterable, Iterator
from typing import Final, cast

from fastapi import params
from fastapi.dependencies.models import Dependant
from fastapi.openapi.models import OAuth2, OAuthFlowPassword, OAuthFlows
from fastapi.routing import APIRoute, APIWebSocketRoute, iter_route_contexts
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute

from ..auth.errors import insufficient_scope, unauthenticated, unverifiable
from ..auth.principal import InvalidToken, Principal, Unverifiable
from .openapi import Document, problems

TOKEN_URL = "/api/v1/auth/token"  # noqa: S105 (a path)
SCHEME = "OAuth2"
PUBLIC: Final[dict[str, object]] = {"security": []}
"""`openapi_extra` of a route without authentication; the OpenAPI document shows it."""

_ACCESS = {"read": "Read {}", "write": "Create and change own {}", "admin": "Change {} of everybody"}


class Requires(SecurityBase):
    """A dependency that returns the principal, or answers 401 or 403 (RFC 6750 §3).

    The edge middleware has verified the token; without the middleware every caller is refused.
    """

    def __init__(self, *scopes: str) -> None:
        self.scopes = frozenset(scopes)
        self.scheme_name = SCHEME
        # `with_scopes` lists the scopes of all routes; the document has one scheme for all of them.
        self.model = OAuth2(flows=OAuthFlows(password=OAuthFlowPassword(tokenUrl=TOKEN_URL.lstrip("/"), scopes={})))
        self._names = " ".join(scopes)

    async def __call__(self, connection: HTTPConnection) -> Principal:
        caller: object = connection.scope.get("principal")
        if isinstance(caller, InvalidToken):
            raise unauthenticated(caller.reason)
        if isinstance(caller, Unverifiable):
            raise unverifiable()
        if not isinstance(caller, Principal):
            raise unauthenticated()
        if not self.scopes <= caller.scopes:
            raise insufficient_scope(self._names)
        return caller


def requires(*scopes: str) -> params.Security:
    """For `Annotated[Principal, requires("items:write")]`: the caller, whose token has all these scopes."""
    return params.Security(Requires(*scopes), scopes=scopes)


def describe(scope: str) -> str:
    """Describes what a scope allows."""
    feature, _, access = scope.partition(":")
    return _ACCESS.get(access, "Use {}").format(feature)


def with_scopes(document: Document, routes: Iterable[BaseRoute]) -> Document:
    """Lists the scopes of all routes in the OpenAPI document, so that its pages can request them.

    An operation that demands one may answer 401 and 403.
    """
    components = cast("dict[str, Document]", document.get("components", {}))
    schemes = cast("dict[str, dict[str, dict[str, Document]]]", components.get("securitySchemes", {}))
    if SCHEME in schemes:
        needed = [demand for _, of_route in _operations(routes) for demand in of_route]
        named = sorted(frozenset[str]().union(*(demand.scopes for demand in needed)))
        schemes[SCHEME]["flows"]["password"]["scopes"] = {scope: describe(scope) for scope in named}
    for path in cast("dict[str, dict[str, Document]]", document.get("paths", {})).values():
        for operation in path.values():
            if operation.get("security"):
                responses = cast("dict[str, object]", operation["responses"])
                refusals = {str(status): response for status, response in problems(401, 403).items()}
                operation["responses"] = dict(sorted((refusals | responses).items()))
    return document


def demands(dependant: Dependant) -> Iterator[Requires]:
    """What a route and its routers require of the caller."""
    for dependency in _dependencies(dependant):
        if isinstance(dependency.call, Requires):
            yield dependency.call


def undeclared(routes: Iterable[BaseRoute]) -> list[str]:
    """The operations that declare neither a scope nor `PUBLIC`."""
    return [
        f"{' '.join(route.methods or ()) if isinstance(route, APIRoute) else 'WebSocket'} {route.path}"
        for route, needed in _operations(routes)
        if not needed and not (isinstance(route, APIRoute) and _is_public(route))
    ]


def _operations(routes: Iterable[BaseRoute]) -> Iterator[tuple[APIRoute | APIWebSocketRoute, list[Requires]]]:
    for context in iter_route_contexts(list(routes)):
        route = context.original_route
        if isinstance(route, (APIRoute, APIWebSocketRoute)):
            yield route, list(demands(route.dependant))


def _is_public(route: APIRoute) -> bool:
    extra: dict[str, object] = route.openapi_extra or {}
    return extra.get("security") == []


def _dependencies(dependant: Dependant) -> Iterator[Dependant]:
    for dependency in dependant.dependencies:
        yield dependency
        yield from _dependencies(dependency)
