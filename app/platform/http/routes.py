"""The label of a route: its whole path template, never a path that a client made up."""

from collections.abc import Mapping

from starlette.routing import Match, Route
from starlette.types import Scope

from ..telemetry.metrics.catalogue import UNMATCHED_ROUTE


class LabelledRoute(Route):
    """A plain route that is found in `scope["route"]`: FastAPI's router puts only its own kind there."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        return match, child if match is Match.NONE else {**child, "route": self}


def route_label(scope: Scope, root_path: str, status: int) -> str:
    """The template of the route that took the request, after the application has seen it.

    `root_path` is what `scope` held before: a mount adds the part that is not in the template below it. A mount
    that answers without a route, such as one of files, is `/files/{path}` if it succeeds.
    """
    route = scope.get("route")
    below: str = scope.get("root_path", "")
    if below == root_path:
        return getattr(route, "path_format", None) or UNMATCHED_ROUTE
    prefix = _without_values(below[len(root_path) :], scope.get("path_params", {}))
    # Starlette leaves the mount itself behind where nothing below it matched.
    if hasattr(route, "endpoint"):
        return prefix + getattr(route, "path_format", "")
    return f"{prefix}/{{path}}" if status < 300 else UNMATCHED_ROUTE


def _without_values(prefix: str, parameters: Mapping[str, object]) -> str:
    """`/acme` becomes `/{tenant}` for a mount whose own path has a parameter."""
    names = {str(value): f"{{{name}}}" for name, value in parameters.items()}
    return "/".join(names.get(part, part) for part in prefix.split("/"))
