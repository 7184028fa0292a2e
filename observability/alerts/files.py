"""The files of rules in the chart."""

from pathlib import Path

from observability.rules import Alert, Group, text
from observability.slo.objectives import OBJECTIVES, ROUTE_OBJECTIVES
from observability.slo.recording import groups

from . import burn, dependencies, kubernetes, service, telemetry

FOLDER = Path(__file__).parents[2] / "charts/slipway/files/rules"

FILES: dict[str, tuple[Group, ...]] = {
    "slo": groups("slipway-slo", OBJECTIVES),
    "route": groups("slipway-slo-%{name}", ROUTE_OBJECTIVES),
    "component": (Group("slipway-down-%{component}", (service.SERVICE_DOWN,)),),
    "alerts": (
        Group("slipway-burn", burn.ALERTS),
        Group("slipway-service", service.ALERTS),
        Group("slipway-dependencies", dependencies.ALERTS),
        Group("slipway-kubernetes", (kubernetes.PODS_MISSING, *kubernetes.ALERTS)),
        Group("slipway-telemetry", telemetry.ALERTS),
    ),
}
"""By name; the chart fills `route` for each objective of a route, and `component` for each component."""


def alerts() -> list[Alert]:
    """Every alert; one with two severities is there twice."""
    return [rule for file in FILES.values() for group in file for rule in group.rules if isinstance(rule, Alert)]


def pages() -> dict[Path, str]:
    """Each file and what belongs into it."""
    return {FOLDER / f"{name}.yaml": text(file) for name, file in FILES.items()}
