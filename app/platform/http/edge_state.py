"""The state that the edge middleware shares with each request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from prometheus_client import Gauge
    from starlette.types import ASGIApp

    from ..process.drain import Drain
    from ..telemetry.metrics.instruments import Metrics
    from ..telemetry.overrides import Overrides
    from ..telemetry.tracing.spans import Tracing
    from .body import Bodies

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]


@dataclass(slots=True)
class EdgeState:
    """One per application; every request reads every attribute."""

    app: ASGIApp
    drain: Drain
    tracing: Tracing
    metrics: Metrics
    active_requests: Gauge
    observe_request: Callable[[str, str, int, float, dict[str, str] | None], None]
    write_line: Callable[[dict[str, object]], None]
    overrides: Overrides
    bodies: Bodies
    headers: tuple[tuple[bytes, bytes], ...]
    """Added to each answer."""
    header_names: frozenset[bytes]
    route_headers: Mapping[str, Headers]
    """Added to each answer of a route, by its path template."""
    route_features: Mapping[str, str]
    """The feature of a route, by its path template."""
