"""The label of a route: its whole path template, never a path chosen by a client."""

from collections.abc import Mapping

from starlette.routing import Match, Route
from starlette.types import Scope

from ..telemetry.metrics.catalogue import UNMATCHED_ROUTE


class LabelledRoute(Route):
    """A plain route that sets `scope["route"]`: FastAPI's router sets it only for its own routes."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        return match, child if match is Match.NONE else {**child, "route": self}


def route_label(scope: Scope, root_path: str, status: int) -> str:
    """The template of the matched route, once the application has handled the request.

    `root_path` is that of `scope` before: a mount adds the part that the template below it lacks. A mount that
    answers without a route, such as one of files, is `/files/{path}` if it succeeds.
    """
    route = scope.get("route")
    below: str = scope.get("root_path", "")
    if below == root_path:
        return getattr(route, "path_format", None) or UNMATCHED_ROUTE
    prefix = _without_values(below[len(root_path) :], scope.get("path_params", {}))
    # Starlette leaves the mount itself in `scope` if nothing below it matched.
    if hasattr(route, "endpoint"):
        return prefix + getattr(route, "path_format", "")
    return f"{prefix}/{{path}}" if status < 300 else UNMATCHED_ROUTE


def _without_values(prefix: str, parameters: Mapping[str, object]) -> str:
    """`/acme` becomes `/{tenant}` for a mount whose own path has a parameter."""
    names = {str(value): f"{{{name}}}" for name, value in parameters.items()}
    return "/".join(names.get(part, part) for part in prefix.split("/"))
