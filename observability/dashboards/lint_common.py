"""The 17 rules of Grafana's dashboard-linter (4d0844b), by the names that it gives them in `lint.py`.

One of them knows more here: `target-instance-rule` leaves out a metric that has no instance, since it was recorded or
is an alert's state. The linter, which knows no metrics, would have the dashboard excluded for that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import cast

import promql_parser as promql

from observability.catalogue.queries import QueryError, selectors
from observability.catalogue.recorded import RECORDED

from .grafana import Json
from .trees import RATE_INTERVAL, nodes

UNITS = frozenset(
    {"none", "string", "short", "percent", "percentunit", "bool", "bool_yes_no", "bool_on_off"}
    | {"bytes", "decbytes", "bits", "Bps", "binBps", "bps", "cps", "ops", "reqps", "rps", "wps", "iops"}
    | {"ns", "µs", "ms", "s", "m", "h", "d", "hertz", "dtdurations", "dateTimeAsIso", "dateTimeFromNow"}
)
"""Those of Grafana that a service may need."""
_QUERYING = ("stat", "singlestat", "graph", "table", "timeseries", "gauge")
_QUERY_FUNCTION = re.compile(r"(label_names|label_values|metrics|query_result)\((.+)\)", re.DOTALL)
_WITHOUT_INSTANCE = frozenset({"ALERTS", *(spec.name for spec in RECORDED)})


def data_source_is_a_variable(dashboard: Json) -> Iterator[str]:
    sources = [one for one in dashboard["templating"]["list"] if one["type"] == "datasource"]
    if not sources:
        yield "no variable chooses the data source"
    for one in sources:
        named = {f"{one['query']}_datasource": f"{one['query'].capitalize()} data source"}
        if len(sources) == 1:
            named["datasource"] = "Data source"
        if one["name"] not in named:
            yield f"the data source {one['name']} should be called {' or '.join(named)}"
        elif one["label"] not in named.values():
            yield f"the data source {one['name']} should be labeled {' or '.join(named.values())}"


def job_is_a_variable(dashboard: Json) -> Iterator[str]:
    return _is_a_variable(dashboard, "job")


def instance_is_a_variable(dashboard: Json) -> Iterator[str]:
    return _is_a_variable(dashboard, "instance")


def _is_a_variable(dashboard: Json, name: str) -> Iterator[str]:
    found = [one for one in dashboard["templating"]["list"] if one["name"] == name]
    if not found:
        yield f"no variable is called {name}"
    for one in found:
        if _source(one) not in _variable_sources(dashboard):
            yield f"the variable {name} asks {_source(one)}, not the chosen data source"
        if one["type"] != "query":
            yield f"the variable {name} is no query"
        if one["label"] != name.capitalize():
            yield f"the variable {name} is labeled {one['label']}, not {name.capitalize()}"
        if not one["multi"]:
            yield f"the variable {name} takes one value only"
        if one.get("allValue") != ".+":
            yield f"all of {name} is {one.get('allValue')}, not .+"


def variables_are_queries(dashboard: Json) -> Iterator[str]:
    for one in _query_variables(dashboard):
        asked = _QUERY_FUNCTION.fullmatch(one["query"]["query"])
        if asked is None:
            yield f"the variable {one['name']} asks {one['query']['query']}"
        elif asked[1] in ("label_values", "query_result"):
            inner = asked[2].rpartition(",")[0] if asked[1] == "label_values" else asked[2]
            yield from _unreadable(inner or asked[2], f"the variable {one['name']}")


def variables_follow_the_time_range(dashboard: Json) -> Iterator[str]:
    for one in _query_variables(dashboard):
        if one["refresh"] != 2:
            yield f"the variable {one['name']} is not asked again when the time range changes"


def panels_use_the_variable_data_source(dashboard: Json) -> Iterator[str]:
    for panel in dashboard["panels"]:
        if panel["type"] != "text" and _source(panel) not in _variable_sources(dashboard):
            yield f"{panel['title']}: asks {_source(panel)}, not the chosen data source"


def panels_have_title_and_description(dashboard: Json) -> Iterator[str]:
    for panel in dashboard["panels"]:
        if not panel.get("title") or not panel.get("description"):
            yield f"panel {panel['id']} ({panel.get('title')}) lacks a title or a description"


def panels_have_a_unit(dashboard: Json) -> Iterator[str]:
    for panel in dashboard["panels"]:
        unit = panel.get("fieldConfig", {}).get("defaults", {}).get("unit", "")
        if panel["type"] in _QUERYING and unit not in UNITS:
            yield f"{panel['title']}: {unit or 'nothing'} is no unit"


def panels_have_queries(dashboard: Json) -> Iterator[str]:
    for panel in dashboard["panels"]:
        if panel["type"] in _QUERYING and not panel.get("targets"):
            yield f"{panel['title']}: asks nothing"


def queries_are_promql(dashboard: Json) -> Iterator[str]:
    for title, expr in prometheus_queries(dashboard):
        yield from _unreadable(expr, title)


def rates_use_the_rate_interval(dashboard: Json) -> Iterator[str]:
    for title, expr in readable_queries(dashboard):
        for one in nodes(expr):
            if isinstance(one.node, promql.MatrixSelector) and isinstance(one.parents[-1], promql.Call):
                function = one.parents[-1].func.name
                if function in ("rate", "irate") and one.node.range != RATE_INTERVAL:
                    yield f"{title}: {function} over another range than $__rate_interval"


def queries_select_the_job(dashboard: Json) -> Iterator[str]:
    return _select(dashboard, "job")


def queries_select_the_instance(dashboard: Json) -> Iterator[str]:
    return _select(dashboard, "instance", _WITHOUT_INSTANCE)


def _select(dashboard: Json, label: str, without: frozenset[str] = frozenset()) -> Iterator[str]:
    for title, expr in readable_queries(dashboard):
        for selector in selectors(expr):
            matchers = [(one.name, one.op, one.value) for one in selector.matchers.matchers]
            if selector.name not in without and (label, promql.MatchOp.Re, f"${label}") not in matchers:
                yield f'{title}: {selector.name} without {label}=~"${label}"'


def totals_are_rates(dashboard: Json) -> Iterator[str]:
    for title, expr in readable_queries(dashboard):
        for one in nodes(expr):
            if not isinstance(one.node, promql.VectorSelector) or not (one.node.name or "").endswith("_total"):
                continue
            call = one.parents[-2] if len(one.parents) > 1 else None
            if not isinstance(call, promql.Call) or call.func.name not in ("rate", "irate", "increase"):
                yield f"{title}: {one.node.name} without rate, irate or increase"


def log_queries_are_logql(dashboard: Json) -> Iterator[str]:
    """As far as it can be said without its parser: a stream selector, and brackets and quotes in pairs."""
    for title, expr in _log_queries(dashboard):
        bare = re.sub(r'"(?:[^"\\]|\\.)*"|`[^`]*`', "", expr)
        pairs = all(bare.count(left) == bare.count(right) for left, right in ("()", "{}", "[]"))
        if '"' in bare or not pairs or not re.search(r"\{[^{}]+\}", bare):
            yield f"{title}: {expr} is no LogQL"


def log_queries_use_auto(dashboard: Json) -> Iterator[str]:
    for title, expr in _log_queries(dashboard):
        if re.search(r"\[(?!\$__auto\])", expr):
            yield f"{title}: a range of log lines that is not $__auto"


def it_cannot_be_edited(dashboard: Json) -> Iterator[str]:
    if dashboard.get("editable", True):
        yield "it can be edited, and the next release would undo that"


def prometheus_queries(dashboard: Json) -> Iterator[tuple[str, str]]:
    """Title of the panel and query, for each query that goes to Prometheus."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            if target["datasource"]["type"] == "prometheus":
                yield panel["title"], target["expr"]


def readable_queries(dashboard: Json) -> Iterator[tuple[str, str]]:
    """Those that are PromQL; another rule names the rest."""
    return (one for one in prometheus_queries(dashboard) if not list(_unreadable(one[1], "")))


def _log_queries(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            if target["datasource"]["type"] == "loki":
                yield panel["title"], target["expr"]


def _query_variables(dashboard: Json) -> list[Json]:
    return [one for one in dashboard["templating"]["list"] if one["type"] == "query"]


def _variable_sources(dashboard: Json) -> set[str]:
    names = (one["name"] for one in dashboard["templating"]["list"] if one["type"] == "datasource")
    return {form for name in names for form in (f"${name}", f"${{{name}}}")}


def _source(one: Json) -> str:
    return cast(str, one.get("datasource", {}).get("uid", "the default"))


def _unreadable(expr: str, where: str) -> Iterator[str]:
    try:
        selectors(expr)
    except QueryError as error:
        yield f"{where}: {error}"
