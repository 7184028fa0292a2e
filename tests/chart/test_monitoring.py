"""Dashboards show metrics that the service has, and are loaded untouched."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.platform.telemetry.catalogue import CATALOGUE, PROCESS_METRICS, MetricSpec
from tests.chart.rendering import PROFILES, rendered
from tests.support.helm import CHART

DASHBOARDS = sorted((CHART / "files/dashboards").glob("*.json"))
FUNCTIONS = {"sum", "rate", "count", "histogram_quantile", "vector", "label_values", "by", "or"}
TARGET_LABELS = {"job", "namespace", "pod"}
"""Labels that Prometheus adds to what it scrapes."""


def series(spec: MetricSpec) -> Iterator[tuple[str, set[str]]]:
    """The names that a metric is exported under, each with its labels."""
    labels = {label.name for label in spec.labels}
    if spec.kind == "histogram":
        yield f"{spec.name}_bucket", labels | {"le"}
        yield f"{spec.name}_count", labels
        yield f"{spec.name}_sum", labels
    else:
        yield spec.name, labels


EXPORTED = dict(one for spec in (*CATALOGUE, *PROCESS_METRICS) for one in series(spec))


def queries(dashboard: dict[str, Any]) -> Iterator[str]:
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"]


def unknown_names(query: str) -> set[str]:
    """Names in a query that are no metric, label, function or variable."""
    bare = re.sub(r'"[^"]*"|\$\w+|\[[^\]]*\]', "", query)
    metrics = set(re.findall(r"[a-z_]+(?=\{)", bare)) | set(re.findall(r"label_values\((\w+),", bare))
    labels = set[str]().union(*(EXPORTED.get(name, set[str]()) for name in metrics)) | TARGET_LABELS
    return set(re.findall(r"[A-Za-z_]\w*", bare)) - EXPORTED.keys() - labels - FUNCTIONS


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_metric_and_label_of_a_dashboard_is_in_the_catalogue(path: Path) -> None:
    asked = list(queries(json.loads(path.read_text())))
    assert len(asked) > 10
    assert {name for query in asked for name in unknown_names(query)} == set()


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ('sum(rate(http_requests_total{job="$job"}[5m]))', "http_requests_total"),
        ('sum by (path) (http_server_active_requests{job="$job"})', "path"),
        ('http_server_request_duration_seconds_count{code="500"}', "code"),
        ("label_values(app_build_info, commit)", "commit"),
    ],
)
def test_a_metric_or_label_that_does_not_exist_is_seen(query: str, name: str) -> None:
    assert unknown_names(query) == {name}


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_panel_says_what_it_shows(path: Path) -> None:
    dashboard = json.loads(path.read_text())
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    for panel in dashboard["panels"]:
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_a_dashboard_is_loaded_as_it_is() -> None:
    for path in DASHBOARDS:
        configuration = rendered("production").one("ConfigMap", f"slipway-dashboard-{path.stem}")
        assert configuration["data"] == {path.name: path.read_text().rstrip()}
        assert configuration["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert configuration["metadata"]["annotations"] == {"grafana_folder": "Slipway"}


def test_requests_errors_and_durations_are_shown_by_route() -> None:
    dashboard = json.loads((CHART / "files/dashboards/requests.json").read_text())
    by_route = [query for query in queries(dashboard) if re.search(r"by \([^)]*http_route", query)]
    assert any("_count" in query and "5.." not in query for query in by_route)
    assert any('http_response_status_code=~"5.."' in query for query in by_route)
    assert any("_bucket" in query for query in by_route)


@pytest.mark.parametrize("profile", PROFILES)
def test_what_needs_custom_resources_is_made_only_when_it_is_asked_for(profile: str) -> None:
    """And never because the cluster happens to have them: a rendering without one would differ."""
    kinds = {one["kind"] for one in rendered(profile).objects}
    wanted = {
        "gateway": {"HTTPRoute"},
        "canary": {"HTTPRoute"},
        "gitops": {"ExternalSecret"},
        "keda": {"PodMonitor", "ScaledObject"},
        "production": {"PrometheusRule", "ServiceMonitor"},
    }
    custom = {"ExternalSecret", "HTTPRoute", "PodMonitor", "PrometheusRule", "ScaledObject", "ServiceMonitor"}
    assert kinds & custom == wanted.get(profile, set[str]())


def test_templates_do_not_look_at_what_a_cluster_can() -> None:
    for path in (CHART / "templates").rglob("*"):
        if path.is_file():
            assert ".Capabilities" not in path.read_text(), path.name
