"""The 17 rules of Grafana's dashboard-linter (4d0844b), by the names that it gives them in `lint.py`.

One of them is more precise here: `target-instance-rule` leaves out metrics without an instance, which are recorded or
the state of an alert. The linter knows no metrics, so the dashboard would need an exclusion.
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
    sources = [source for source in dashboard["templating"]["list"] if source["type"] == "datasource"]
    if not sources:
        yield "no variable chooses the data source"
    for source in sources:
        named = {f"{source['query']}_datasource": f"{source['query'].capitalize()} data source"}
        if len(sources) == 1:
            named["datasource"] = "Data source"
        if source["name"] not in named:
            yield f"the data source {source['name']} should be called {' or '.join(named)}"
        elif source["label"] not in named.values():
            yield f"the data source {source['name']} should be labeled {' or '.join(named.values())}"


def job_is_a_variable(dashboard: Json) -> Iterator[str]:
    return _is_a_variable(dashboard, "job")


def instance_is_a_variable(dashboard: Json) -> Iterator[str]:
    return _is_a_variable(dashboard, "instance")


def _is_a_variable(dashboard: Json, name: str) -> Iterator[str]:
    variables = [variable for variable in dashboard["templating"]["list"] if variable["name"] == name]
    if not variables:
        yield f"no variable is called {name}"
    for variable in variables:
        if _source(variable) not in _variable_sources(dashboard):
            yield f"the variable {name} asks {_source(variable)}, not the chosen data source"
        if variable["type"] != "query":
            yield f"the variable {name} is no query"
        if variable["label"] != name.capitalize():
            yield f"the variable {name} is labeled {variable['label']}, not {name.capitalize()}"
        if not variable["multi"]:
            yield f"the variable {name} takes one value only"
        if variable.get("allValue") != ".+":
            yield f"all of {name} is {variable.get('allValue')}, not .+"


def variables_are_queries(dashboard: Json) -> Iterator[str]:
    for variable in _query_variables(dashboard):
        function = _QUERY_FUNCTION.fullmatch(variable["query"]["query"])
        if function is None:
            yield f"the variable {variable['name']} asks {variable['query']['query']}"
        elif function[1] in ("label_values", "query_result"):
            inner = function[2].rpartition(",")[0] if function[1] == "label_values" else function[2]
            yield from _unreadable(inner or function[2], f"the variable {variable['name']}")


def variables_follow_the_time_range(dashboard: Json) -> Iterator[str]:
    for variable in _query_variables(dashboard):
        if variable["refresh"] != 2:
            yield f"the variable {variable['name']} is not queried again when the time range changes"


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
        for part in nodes(expr):
            if isinstance(part.node, promql.MatrixSelector) and isinstance(part.parents[-1], promql.Call):
                function = part.parents[-1].func.name
                if function in ("rate", "irate") and part.node.range != RATE_INTERVAL:
                    yield f"{title}: {function} over another range than $__rate_interval"


def queries_select_the_job(dashboard: Json) -> Iterator[str]:
    return _select(dashboard, "job")


def queries_select_the_instance(dashboard: Json) -> Iterator[str]:
    return _select(dashboard, "instance", _WITHOUT_INSTANCE)


def _select(dashboard: Json, label: str, without: frozenset[str] = frozenset()) -> Iterator[str]:
    for title, expr in readable_queries(dashboard):
        for selector in selectors(expr):
            matchers = [(matcher.name, matcher.op, matcher.value) for matcher in selector.matchers.matchers]
            if selector.name not in without and (label, promql.MatchOp.Re, f"${label}") not in matchers:
                yield f'{title}: {selector.name} without {label}=~"${label}"'


def totals_are_rates(dashboard: Json) -> Iterator[str]:
    for title, expr in readable_queries(dashboard):
        for part in nodes(expr):
            if not isinstance(part.node, promql.VectorSelector) or not (part.node.name or "").endswith("_total"):
                continue
            call = part.parents[-2] if len(part.parents) > 1 else None
            if not isinstance(call, promql.Call) or call.func.name not in ("rate", "irate", "increase"):
                yield f"{title}: {part.node.name} without rate, irate or increase"


def log_queries_are_logql(dashboard: Json) -> Iterator[str]:
    """Without a parser this checks for a stream selector, and for brackets and quotes in pairs."""
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
    return (query for query in prometheus_queries(dashboard) if not list(_unreadable(query[1], "")))


def _log_queries(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            if target["datasource"]["type"] == "loki":
                yield panel["title"], target["expr"]


def _query_variables(dashboard: Json) -> list[Json]:
    return [variable for variable in dashboard["templating"]["list"] if variable["type"] == "query"]


def _variable_sources(dashboard: Json) -> set[str]:
    names = (variable["name"] for variable in dashboard["templating"]["list"] if variable["type"] == "datasource")
    return {form for name in names for form in (f"${name}", f"${{{name}}}")}


def _source(element: Json) -> str:
    return cast(str, element.get("datasource", {}).get("uid", "the default"))


def _unreadable(expr: str, where: str) -> Iterator[str]:
    try:
        selectors(expr)
    except QueryError as error:
        yield f"{where}: {error}"
