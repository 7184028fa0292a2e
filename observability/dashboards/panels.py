"""Panels that most dashboards are made of."""

from .model import Panel, Query, Thresholds

PROCESS = "{{pod}} {{instance}}"
"""The legend of a series of each process."""


def stat(
    title: str, description: str, unit: str, expr: str, thresholds: Thresholds, decimals: int | None = None
) -> Panel:
    """One number."""
    query = Query(expr)
    return Panel("stat", title, description, unit, (query,), 4, 4, thresholds=thresholds, decimals=decimals)


def lines(title: str, description: str, unit: str, *queries: Query, thresholds: Thresholds | None = None) -> Panel:
    """How numbers went."""
    return Panel("timeseries", title, description, unit, queries, thresholds=thresholds)
