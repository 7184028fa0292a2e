"""Runs all queries of a dashboard on a real Prometheus, and reports those without a result.

Variables are resolved by their own queries, as Grafana does, with "All" chosen in each.
"""

from __future__ import annotations

import json
import math
import re
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from observability.catalogue.foreign import FOREIGN, PROMETHEUS
from observability.catalogue.queries import metrics

from .grafana import Json

_LABEL_VALUES = re.compile(r"label_values\((?:(?P<series>.+),\s*)?(?P<label>\w+)\)", re.DOTALL)
_PATTERN = re.compile(r"/(?P<regex>.*)/[a-z]*", re.DOTALL)
_CLUSTER_PROGRAMS = tuple(source for source in FOREIGN if source is not PROMETHEUS)


@dataclass(frozen=True, slots=True)
class Span:
    """A time range on a screen, in seconds; `scrape` is the time between two scrapes."""

    start: float
    end: float
    step: int
    scrape: int

    @property
    def rate_interval(self) -> int:
        """`$__rate_interval`, as Grafana computes it."""
        return max(self.step + self.scrape, 4 * self.scrape)


@dataclass(frozen=True, slots=True)
class Gap:
    """A query of a dashboard that has no answer."""

    dashboard: str
    where: str
    query: str
    problem: str


class Prometheus:
    """The query API below an address."""

    def __init__(self, address: str) -> None:
        self._address = address.rstrip("/")

    def label_values(self, label: str, series: str | None, span: Span) -> list[str]:
        """The values of a label in the range."""
        parameters = {"start": span.start, "end": span.end, **({"match[]": series} if series else {})}
        return [str(value) for value in self._get(f"label/{label}/values", parameters)]

    def range(self, query: str, span: Span) -> list[Json]:
        """The series of a range query."""
        parameters = {"query": query, "start": span.start, "end": span.end, "step": span.step}
        series: list[Json] = self._get("query_range", parameters)["result"]
        return series

    def _get(self, path: str, parameters: Mapping[str, object]) -> Any:
        request = f"{self._address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - an address of the caller's
            return json.load(answer)["data"]


def gaps(
    prometheus: Prometheus,
    dashboard: Json,
    span: Span,
    without: frozenset[str] = frozenset(),
    picked: Mapping[str, str] | None = None,
) -> Iterator[Gap]:
    """Every variable, panel and annotation whose query has no result, or only NaN.

    Args:
        without: programs that this Prometheus does not scrape (`Source.program`); their queries are left out.
        picked: values of variables; the others are set to all values.
    """
    values = dict(picked or {})
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query" and variable["name"] not in values:
            offered = resolve(prometheus, variable, values, span)
            # A Prometheus of one cluster has no label `cluster`.
            if not offered and variable["name"] != "cluster" and not (variable["regex"] and without):
                yield Gap(dashboard["uid"], f"variable {variable['name']}", variable["query"]["query"], "no value")
            values[variable["name"]] = all_values(variable, offered)
    for where, query in _queries(dashboard):
        if not programs(query) & without:
            problem = _problem(prometheus.range(with_variables(query, values, span), span))
            if problem:
                yield Gap(dashboard["uid"], where, query, problem)


def resolve(prometheus: Prometheus, variable: Json, values: Mapping[str, str], span: Span) -> list[str]:
    """The values that a variable offers, after the variables before it are set."""
    function = _LABEL_VALUES.fullmatch(with_variables(variable["query"]["query"], values, span))
    if function is None:
        raise ValueError(f"the variable {variable['name']} asks {variable['query']['query']}, which is not understood")
    offered = prometheus.label_values(function["label"], function["series"], span)
    pattern = _PATTERN.fullmatch(variable["regex"])
    if pattern is None:
        return offered
    parts = (re.search(pattern["regex"], value) for value in offered)
    return sorted({part[1] for part in parts if part})


def all_values(variable: Json, offered: list[str]) -> str:
    """What stands in a query for "All"."""
    if everything := variable.get("allValue"):
        return str(everything)
    return f"({'|'.join(map(re.escape, offered))})" if len(offered) > 1 else "".join(map(re.escape, offered))


def with_variables(query: str, values: Mapping[str, str], span: Span) -> str:
    """The query with its variables replaced."""
    known = {
        "__rate_interval": f"{span.rate_interval}s",
        "__range": f"{span.end - span.start:.0f}s",
        # In a string of PromQL a backslash is written twice.
        **{name: value.replace("\\", "\\\\") for name, value in values.items()},
    }
    return re.sub(r"\$\{?(\w+)\}?", lambda name: known.get(name[1], name[0]), query)


def programs(query: str) -> set[str]:
    """Other programs, besides Prometheus, whose metrics a query needs."""
    names = metrics(query)
    return {source.program for source in _CLUSTER_PROGRAMS if names & {spec.name for spec in source.metrics}}


def _queries(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield f"panel {panel['title']}", target["expr"]
    for annotation in dashboard["annotations"]["list"]:
        yield f"annotation {annotation['name']}", annotation["target"]["expr"]


def _problem(series: list[Json]) -> str:
    if not series:
        return "no series"
    if all(math.isnan(float(value)) for line in series for _, value in line["values"]):
        return "only NaN"
    return ""
