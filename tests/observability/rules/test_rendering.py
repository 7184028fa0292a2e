"""The chart makes the same rules for any release, namespace and objective, and changes single alerts by its values."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.platform.http.exchange import PROBES as SILENT_ROUTES
from app.platform.telemetry.metrics.catalogue import DURATION_BUCKETS
from observability.alerts.files import pages
from observability.catalogue.queries import query_problems
from observability.slo.objectives import PROBES
from tests.observability.rules.cases import JOB, Case
from tests.observability.rules.chart import ENABLED, METHODS, ROUTE, every_rule, groups
from tests.observability.rules.promtool import Trial, check_rules, failures
from tests.observability.rules.test_alerts import by_rule
from tests.support.helm import CHART
from tests.support.rendering import NAMESPACE, Object, refusal, rendered

RULES = "monitoring.rules"
VALUE_SETS = {
    "as it comes": ("minimal", (ROUTE, METHODS), "slipway", "slipway-api"),
    "another release": ("production", (), "checkout", "checkout-slipway-api"),
    "several components": ("microservices", (ROUTE, "fullnameOverride=store"), "anything", "store-items"),
}


@pytest.mark.parametrize("path", pages(), ids=lambda path: Path(path).name)
def test_a_generated_file_of_rules_is_not_stale(path: Path) -> None:
    assert path.read_text() == pages()[path], "run `make generate`"


def test_there_are_no_other_files_of_rules() -> None:
    assert set((CHART / "files/rules").iterdir()) == set(pages())


@pytest.mark.parametrize("name", VALUE_SETS)
def test_promtool_finds_nothing_wrong_with_the_rules_of_any_release(name: str, tmp_path: Path) -> None:
    profile, settings, release, _ = VALUE_SETS[name]
    files: list[Path] = []
    for rule, content in groups(profile, *settings, release=release).items():
        file = tmp_path / f"{rule}.yaml"
        file.write_text(yaml.safe_dump({"groups": content}))
        files.append(file)
    assert check_rules(files) == ""


@pytest.mark.parametrize("name", VALUE_SETS)
def test_every_alert_fires_for_any_release(name: str, tmp_path: Path) -> None:
    profile, settings, release, job = VALUE_SETS[name]
    rules = [
        {**rule, "expr": rule["expr"].replace("offset 1w", "offset 2h")} for rule in _alerts(profile, settings, release)
    ]
    trials = [
        Trial([rule for rule in rules if rule["alert"] == case.rule and job in rule["expr"]], [_of(case, job)])
        for (alert, _), cases in by_rule().items()
        if alert.startswith("Slipway")
        for case in [next(case for case in cases if case.fires and case.series)]
    ]
    assert failures(trials, tmp_path) == [""] * len(trials)


@pytest.mark.parametrize("name", VALUE_SETS)
def test_every_rule_asks_only_for_what_is_exported(name: str) -> None:
    profile, settings, release, _ = VALUE_SETS[name]
    for rule in every_rule(profile, *settings, release=release):
        assert query_problems(rule["expr"]) == [], rule.get("alert", rule.get("record"))
        assert "%{" not in json.dumps(rule)


def test_every_component_is_missed_by_itself() -> None:
    down = [rule for rule in every_rule("microservices") if rule.get("alert") == "SlipwayServiceDown"]
    assert {re.search(r'job="([^"]+)"', rule["expr"])[1] for rule in down} == {"slipway-items", "slipway-users"}  # type: ignore[index]  # each has one


def test_a_pod_monitor_calls_the_job_as_the_rules_do() -> None:
    (monitor,) = rendered("keda").kind("PodMonitor")
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert {"targetLabel": "job", "replacement": "slipway-api"} in endpoint["relabelings"]
    assert 'job=~"slipway-api"' in rendered_text("keda")


def test_objectives_are_values() -> None:
    objectives = f"{RULES}.objectives"
    settings = (
        f"{objectives}.availability=0.995",
        f"{objectives}.latency=0.95",
        f"{objectives}.latencySeconds=1.0",
        f"{objectives}.slowRoutes./api/v1/feed=true",
        f"{objectives}.slowRoutes./api/v1/export=true",
        f"{objectives}.slowRoutes./api/v1/items=false",
    )
    text = rendered_text("minimal", *settings)
    assert "* 0.995" in text
    assert "* 0.95" in text
    assert 'le="1.0"' in text
    assert 'http_route!~"/api/v1/export|/api/v1/feed"' in text


def test_an_objective_of_a_route_takes_the_others_numbers_where_it_says_none() -> None:
    routes = f"{RULES}.objectives.routes.orders"
    rules = groups("minimal", f"{routes}.route=/api/v1/orders", f"{routes}.latency=0.97")["slipway-slo-orders"]
    goals = {
        rule["labels"]["slo"]: rule["expr"].rpartition("* ")[2]
        for group in rules
        for rule in group["rules"]
        if rule["record"] == "slipway:slo_objective"
    }
    assert goals == {"availability-orders": "0.999", "latency-orders": "0.97"}


def test_single_alerts_can_be_changed_or_left_out() -> None:
    alerts = f"{RULES}.alerts"
    settings = (
        f"{alerts}.SlipwayTrafficDropped.enabled=false",
        f"{alerts}.SlipwayServiceDown.enabled=false",
        f"{alerts}.SlipwayVersionSkew.for=2h",
        f"{alerts}.SlipwayVersionSkew.severity=page",
        f"{alerts}.SlipwayVersionSkew.labels.team=shop",
    )
    rules = {rule["alert"]: rule for rule in _alerts("minimal", settings, "slipway")}
    before = {rule["alert"]: rule for rule in _alerts("minimal", (), "slipway")}
    assert before.keys() - rules.keys() == {"SlipwayTrafficDropped", "SlipwayServiceDown"}
    assert rules["SlipwayVersionSkew"] == {
        **before["SlipwayVersionSkew"],
        "for": "2h",
        "labels": {"severity": "page", "team": "shop"},
    }
    assert rules["SlipwayScrapeSlow"] == before["SlipwayScrapeSlow"]


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("alerts.SlipwayNothing.enabled=false", "SlipwayNothing changes an alert that there is not"),
        ("alerts.SlipwayScrapeSlow.for=soon", "for"),
        ("alerts.SlipwayScrapeSlow.severity=critical", "severity"),
        ("objectives.availability=99.9", "availability"),
        ("objectives.availability=0.9", "availability"),
        ("objectives.latencySeconds=0.3", "latencySeconds"),
        ("objectives.routes.Orders.route=/x", "Orders"),
        ("objectives.routes.orders.methods=GET", "route"),
        ("runbooks=ftp://x", "runbooks"),
        ("grafana=https://x/", "grafana"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(setting: str, complaint: str) -> None:
    assert complaint in refusal("minimal", ENABLED, f"{RULES}.{setting}")


def test_braces_of_prometheus_reach_it_as_they_were() -> None:
    (skew,) = [rule for rule in _alerts("minimal", (), "slipway") if rule["alert"] == "SlipwayVersionSkew"]
    assert skew["annotations"]["summary"] == "{{ $labels.job }} runs in several versions"


def test_a_threshold_can_only_be_a_bucket() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    objectives: Any = schema["properties"]["monitoring"]["properties"]["rules"]["properties"]["objectives"]
    bounds = [str(bound) for bound in DURATION_BUCKETS]
    assert objectives["properties"]["latencySeconds"]["enum"] == bounds
    assert objectives["properties"]["routes"]["additionalProperties"]["properties"]["latencySeconds"]["enum"] == bounds


def test_probes_are_those_that_the_service_answers() -> None:
    assert set(PROBES) == SILENT_ROUTES


def test_rules_are_labelled_for_the_prometheus_that_is_to_find_them() -> None:
    objects = rendered("minimal", ENABLED, f"{RULES}.labels.release=stack").kind("PrometheusRule")
    assert {resource["metadata"]["labels"]["release"] for resource in objects} == {"stack"}
    assert {resource["metadata"]["namespace"] for resource in objects} == {NAMESPACE}


def rendered_text(profile: str, *settings: str) -> str:
    return json.dumps(every_rule(profile, *settings)).replace('\\"', '"')


def _alerts(profile: str, settings: tuple[str, ...], release: str) -> list[Object]:
    return [rule for rule in every_rule(profile, *settings, release=release) if "alert" in rule]


def _of(case: Case, job: str) -> Case:
    """The case for another release."""
    series = {name.replace(JOB, job): values for name, values in case.series.items()}
    labels = {name: value.replace(JOB, job) for name, value in case.labels.items()}
    return replace(case, series=series, labels=labels, summary="", description="")
