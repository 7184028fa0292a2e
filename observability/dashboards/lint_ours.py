"""Our rules for dashboards: each panel shows what is bad, and every query can be answered."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import combinations

import promql_parser as promql

from app.platform.telemetry.metrics.catalogue import MetricSpec
from observability.catalogue.queries import QueryError, exported, query_problems, selectors

from .grafana import Json
from .lint_common import UNITS, readable_queries
from .model import WIDTH
from .trees import function_of, is_variable, nodes

MIN_DESCRIPTION_LENGTH = 40
_COUNTING = ("rate", "irate", "increase")
_GRAFANA_VARIABLE = re.compile(r"\$\{?(\w+)")


def every_panel_has_a_known_unit(dashboard: Json) -> Iterator[str]:
    """Also of the kinds that the common rule does not look at, such as heat maps."""
    for panel in dashboard["panels"]:
        if panel["type"] != "text" and panel["fieldConfig"]["defaults"].get("unit") not in UNITS:
            yield f"{panel['title']}: no unit"


def descriptions_say_what_bad_looks_like(dashboard: Json) -> Iterator[str]:
    for panel in dashboard["panels"]:
        description = panel.get("description", "")
        if len(description) < MIN_DESCRIPTION_LENGTH or not description.endswith("."):
            yield f"{panel['title']}: the description is no sentence of {MIN_DESCRIPTION_LENGTH} characters"
        if "Bad: " not in description:
            yield f"{panel['title']}: the description does not say what is bad"


def stats_have_thresholds(dashboard: Json) -> Iterator[str]:
    for panel in dashboard["panels"]:
        is_number = panel["type"] in ("stat", "gauge", "bargauge")
        if is_number and len(panel["fieldConfig"]["defaults"]["thresholds"]["steps"]) < 2:
            yield f"{panel['title']}: a number without a threshold is neither good nor bad"


def ids_are_unique(dashboard: Json) -> Iterator[str]:
    for number, times in Counter(panel["id"] for panel in dashboard["panels"]).items():
        if times > 1:
            yield f"{times} panels have the id {number}"
    for panel in dashboard["panels"]:
        letters = [target["refId"] for target in panel.get("targets", ())]
        if len(set(letters)) < len(letters) or not all(letters):
            yield f"{panel['title']}: its queries are called {letters}"


def panels_do_not_overlap(dashboard: Json) -> Iterator[str]:
    places = [(panel["title"], panel["gridPos"]) for panel in dashboard["panels"]]
    for title, place in places:
        if place["x"] + place["w"] > WIDTH:
            yield f"{title}: stands out on the right"
    for (title, place), (other_title, other) in combinations(places, 2):
        beside = place["x"] + place["w"] <= other["x"] or other["x"] + other["w"] <= place["x"]
        below = place["y"] + place["h"] <= other["y"] or other["y"] + other["h"] <= place["y"]
        if not beside and not below:
            yield f"{title} and {other_title} overlap"


def variables_are_used(dashboard: Json) -> Iterator[str]:
    """By a panel or an annotation: one that only other variables use changes nothing that is seen."""
    used = set(_GRAFANA_VARIABLE.findall(f"{dashboard['panels']} {dashboard['annotations']}"))
    for variable in dashboard["templating"]["list"]:
        if variable["name"] not in used:
            yield f"nothing uses the variable {variable['name']}"


def variables_are_defined(dashboard: Json) -> Iterator[str]:
    defined = {variable["name"] for variable in dashboard["templating"]["list"]}
    for title, expr in all_queries(dashboard):
        for name in _GRAFANA_VARIABLE.findall(expr):
            if name not in defined and not name.startswith("__"):
                yield f"{title}: there is no variable {name}"


def metrics_and_labels_exist(dashboard: Json) -> Iterator[str]:
    for title, expr in all_queries(dashboard):
        try:
            yield from (f"{title}: {sentence}" for sentence in query_problems(expr))
        except QueryError as error:
            yield f"{title}: {error}"


def thresholds_are_buckets(dashboard: Json) -> Iterator[str]:
    """A quantile is only sure of the bounds of its buckets: one that is no bound is passed too early or too late."""
    for panel in dashboard["panels"]:
        bounds = set[float]()
        for target in panel.get("targets", ()):
            bounds |= _bounds(target["expr"])
        if bounds:
            for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]:
                if step["value"] is not None and step["value"] not in bounds:
                    yield f"{panel['title']}: the threshold {step['value']} is no bucket"


def counters_are_rates(dashboard: Json) -> Iterator[str]:
    """All counters of the catalogue and the parts of a histogram, whatever they are called."""
    for title, expr in readable_queries(dashboard):
        for part in nodes(expr):
            if isinstance(part.node, promql.VectorSelector) and part.node.name:
                spec = exported().get(part.node.name)
                if spec and spec.kind in ("counter", "histogram") and function_of(part) not in _COUNTING:
                    yield f"{title}: {part.node.name} counts since the process started; take its rate"


def ranges_follow_the_screen(dashboard: Json) -> Iterator[str]:
    """A fixed range skips points when zoomed out; what was recorded has the range of its objective."""
    for title, expr in readable_queries(dashboard):
        for part in nodes(expr):
            if isinstance(part.node, (promql.MatrixSelector, promql.SubqueryExpr)) and not is_variable(part.node.range):
                yield f"{title}: a fixed range of {part.node.range}"


def all_queries(dashboard: Json) -> Iterator[tuple[str, str]]:
    """Where and what: of panels, variables and annotations."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield f"variable {variable['name']}", variable["query"]["query"]
    for annotation in dashboard["annotations"]["list"]:
        yield f"annotation {annotation['name']}", annotation["target"]["expr"]


def _bounds(expr: str) -> set[float]:
    """The buckets of the histograms whose quantiles a query computes."""
    try:
        selected = selectors(expr) if "histogram_quantile" in expr else []
    except QueryError:
        return set()
    specs: list[MetricSpec | None] = [exported().get(selector.name or "") for selector in selected]
    return {bound for spec in specs if spec for bound in spec.buckets}
