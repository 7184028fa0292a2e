"""What our dashboards are made of. `grafana.py` turns it into Grafana's model, by Grafana's own SDK."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["stat", "timeseries", "bargauge", "table", "heatmap", "text"]
WIDTH = 24
"""Columns of a dashboard in Grafana."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query of a panel.

    Args:
        legend: with labels as `{{label}}`.
        instant: query the end of the time range only.
        exemplars: query exemplars as well.
    """

    expr: str
    legend: str = ""
    instant: bool = False
    exemplars: bool = False


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where a value turns from good to doubtful and to bad; `falling` when low values are the bad ones."""

    doubtful: float
    bad: float
    falling: bool = False

    def steps(self) -> list[tuple[float | None, str]]:
        """The values that colors begin at, the lowest first, each with its color; the first one has no value."""
        colors = ["red", "yellow", "green"] if self.falling else ["green", "yellow", "red"]
        bounds = sorted({self.doubtful, self.bad})
        if len(bounds) == 1:
            colors.remove("yellow")
        return list(zip([None, *bounds], colors, strict=True))


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel; its place follows from its size and those before it.

    Args:
        description: what it shows, and after `Bad:` what is bad.
        unit: in Grafana's words; empty for text.
        text: its Markdown, for a text.
        columns: labels that a table shows, each with its title.
        details: uid of the dashboard that looks closer.
    """

    kind: Kind
    title: str
    description: str
    unit: str = ""
    queries: tuple[Query, ...] = ()
    width: int = 8
    height: int = 7
    thresholds: Thresholds | None = None
    decimals: int | None = None
    minimum: float | None = 0
    maximum: float | None = None
    stacked: bool = False
    text: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    details: str = ""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable whose values are those of a label.

    Args:
        everything: what "All" stands for; empty for the list of all values.
        pattern: takes the part in brackets of each value.
    """

    name: str
    label: str
    query: str
    everything: str = ""
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Annotation:
    """Marks the moments at which a query has a value."""

    name: str
    expr: str
    color: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard. Those with other `shared` variables are linked without the ones that they do not share."""

    uid: str
    title: str
    description: str
    panels: tuple[Panel, ...]
    variables: tuple[Variable, ...]
    annotations: tuple[Annotation, ...]
    span: str = "now-1h"
    tags: tuple[str, ...] = field(default=("slipway",))
