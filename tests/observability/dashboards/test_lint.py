"""All dashboards pass every rule without an exclusion, and each rule detects its fault."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from observability.dashboards.boards import DASHBOARDS
from observability.dashboards.grafana import document
from observability.dashboards.lint import RULES, faults
from observability.dashboards.model import Annotation, Dashboard, Panel, Query, Thresholds, Variable
from observability.dashboards.promql import PROCESS, VARIABLES, own, quantile, rate, total

Json = dict[str, Any]
Change = Callable[[Json], object]

GOOD = document(
    Dashboard(
        "sample",
        "Sample",
        "A dashboard that every rule accepts.",
        (
            Panel(
                "timeseries",
                "Latency",
                "How long requests take, of all processes. Bad: above a quarter of a second.",
                "s",
                (Query(quantile(0.99, "http_server_request_duration_seconds")),),
                thresholds=Thresholds(0.25, 1),
            ),
            Panel(
                "stat",
                "Requests",
                "Requests a second, of all processes. Bad: none at all.",
                "reqps",
                (Query(total(rate("http_server_request_duration_seconds_count"))),),
                thresholds=Thresholds(0, 0, falling=True),
            ),
        ),
        VARIABLES,
        (Annotation("Builds", own("app_build_info"), "blue", "{{version}}", ""),),
    ),
    (),
)


def changed(change: Change) -> Json:
    copy: Json = json.loads(json.dumps(GOOD))
    change(copy)
    return copy


def setting(*path: str | int, to: object) -> Change:
    def change(dashboard: Json) -> None:
        place: Any = dashboard
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to

    return change


def query(expr: str) -> Change:
    return setting("panels", 0, "targets", 0, "expr", to=expr)


def log_query(expr: str) -> Change:
    return setting("panels", 0, "targets", 0, to={"refId": "A", "datasource": {"type": "loki"}, "expr": expr})


def without(name: str) -> Change:
    def change(dashboard: Json) -> None:
        variables = dashboard["templating"]["list"]
        dashboard["templating"]["list"] = [variable for variable in variables if variable["name"] != name]

    return change


CPU = f"process_cpu_seconds_total{{{PROCESS}}}"
JOB = 3
"""The place of the variable `job`; the data source is the first."""

BAD: list[tuple[str, Change]] = [
    ("template-datasource-rule", without("datasource")),
    ("template-datasource-rule", setting("templating", "list", 0, "name", to="source")),
    ("template-datasource-rule", setting("templating", "list", 0, "label", to="Source")),
    ("template-job-rule", without("job")),
    ("template-job-rule", setting("templating", "list", JOB, "allValue", to=".*")),
    ("template-job-rule", setting("templating", "list", JOB, "multi", to=False)),
    ("template-job-rule", setting("templating", "list", JOB, "label", to="Workload")),
    ("template-job-rule", setting("templating", "list", JOB, "datasource", to={"uid": "prometheus"})),
    ("template-instance-rule", without("instance")),
    ("template-instance-rule", setting("templating", "list", JOB + 1, "type", to="custom")),
    ("template-label-promql-rule", setting("templating", "list", JOB, "query", "query", to="values(up, job)")),
    ("template-label-promql-rule", setting("templating", "list", JOB, "query", "query", to="label_values(up{, job)")),
    ("template-on-time-change-reload-rule", setting("templating", "list", JOB, "refresh", to=1)),
    ("panel-datasource-rule", setting("panels", 0, "datasource", "uid", to="prometheus")),
    ("panel-title-description-rule", setting("panels", 0, "title", to="")),
    ("panel-title-description-rule", setting("panels", 0, "description", to="")),
    ("panel-units-rule", setting("panels", 0, "fieldConfig", "defaults", "unit", to="requests")),
    ("panel-no-targets-rule", setting("panels", 0, "targets", to=[])),
    ("target-promql-rule", query("sum(rate(")),
    ("target-rate-interval-rule", query(f"rate({CPU}[5m])")),
    ("target-job-rule", query('up{instance=~"$instance"}')),
    ("target-job-rule", query('up{instance=~"$instance",job="$job"}')),
    ("target-job-rule", query('up{instance=~"$instance",job="slipway"}')),
    ("target-instance-rule", query('up{job=~"$job"}')),
    ("target-counter-agg-rule", query(CPU)),
    ("target-counter-agg-rule", query(f"max_over_time({CPU}[$__range])")),
    ("target-logql-rule", log_query('rate({job="slipway"[$__auto])')),
    ("target-logql-rule", log_query("trace_id")),
    ("target-logql-auto-rule", log_query('rate({job="slipway"}[5m])')),
    ("uneditable-dashboard-rule", setting("editable", to=True)),
    ("unit", setting("panels", 0, "fieldConfig", "defaults", "unit", to="")),
    ("description", setting("panels", 0, "description", to="Bad: late.")),
    ("description", setting("panels", 0, "description", to="How long requests take, over all of the processes.")),
    ("stat-thresholds", setting("panels", 1, "fieldConfig", "defaults", "thresholds", to={"steps": [{"value": None}]})),
    ("unique-ids", setting("panels", 0, "id", to=2)),
    ("unique-ids", setting("panels", 0, "targets", 0, "refId", to="")),
    ("no-overlap", setting("panels", 0, "gridPos", "w", to=9)),
    ("no-overlap", setting("panels", 1, "gridPos", "x", to=20)),
    ("variables-used", setting("templating", "list", 1, "name", to="region")),
    ("variables-defined", without("cluster")),
    ("catalogue", query(own("http_requests_total"))),
    ("catalogue", query(f"sum by (path) ({own('up')})")),
    ("catalogue", setting("templating", "list", JOB, "query", "query", to="label_values(app_build_info, commit)")),
    ("catalogue", setting("annotations", "list", 0, "target", "expr", to="build_info")),
    ("catalogue", query(own("http_server_request_duration_seconds_bucket", 'le="0.3"'))),
    ("buckets", setting("panels", 0, "fieldConfig", "defaults", "thresholds", to={"steps": [{"value": 0.3}]})),
    ("counters", query(own("http_server_request_duration_seconds_count"))),
    ("counters", query(f"deriv({CPU}[$__rate_interval])")),
    ("ranges", query(f"increase({CPU}[1h])")),
    ("ranges", query(f"max_over_time({own('up')}[1h:$__rate_interval])")),
]


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.uid)
def test_no_rule_finds_a_fault_in_a_dashboard(dashboard: Dashboard) -> None:
    assert faults(document(dashboard, DASHBOARDS)) == []


def test_the_sample_that_the_faults_are_put_into_has_none() -> None:
    assert faults(GOOD) == []


@pytest.mark.parametrize(("rule", "change"), BAD, ids=[f"{rule}-{number}" for number, (rule, _) in enumerate(BAD)])
def test_a_rule_sees_its_fault(rule: str, change: Change) -> None:
    assert rule in {fault.rule for fault in faults(changed(change))}


def test_every_rule_has_a_fault_that_it_is_tried_on() -> None:
    assert {rule for rule, _ in BAD} == RULES.keys()
    assert len([rule for rule in RULES if rule.endswith(("-rule", "-reload-rule"))]) == 17


def test_a_variable_that_only_takes_a_part_of_each_value_is_written() -> None:
    part = Variable("deployment", "Deployment", "label_values(app_build_info, pod)", pattern="/^(.+)-x$/")
    written = document(Dashboard("a", "A", "", (), (part,), ()), ())["templating"]["list"][1]
    assert written["regex"] == "/^(.+)-x$/"
    assert "allValue" not in written
