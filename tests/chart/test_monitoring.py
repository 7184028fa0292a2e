"""Dashboards are loaded untouched; what they show is judged in tests/observability/dashboards."""

from __future__ import annotations

import pytest

from tests.support.helm import CHART
from tests.support.rendering import PROFILES, rendered

DASHBOARDS = sorted((CHART / "files/dashboards").glob("*.json"))


def test_a_dashboard_is_loaded_as_it_is() -> None:
    assert DASHBOARDS
    for path in DASHBOARDS:
        configuration = rendered("production").one("ConfigMap", f"slipway-dashboard-{path.stem}")
        assert configuration["data"] == {path.name: path.read_text().rstrip()}
        assert configuration["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert configuration["metadata"]["annotations"] == {"grafana_folder": "Slipway"}


def test_the_grafana_operator_gets_each_dashboard_as_it_is() -> None:
    made = rendered("minimal", "monitoring.dashboards.operator.enabled=true")
    assert {one["metadata"]["name"] for one in made.kind("GrafanaDashboard")} == {
        f"slipway-{path.stem}" for path in DASHBOARDS
    }
    for path in DASHBOARDS:
        dashboard = made.one("GrafanaDashboard", f"slipway-{path.stem}")
        assert dashboard["spec"]["json"] == path.read_text().rstrip()
        assert dashboard["spec"]["instanceSelector"] == {"matchLabels": {"dashboards": "grafana"}}


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
    assert not rendered(profile).kind("GrafanaDashboard")


def test_templates_do_not_look_at_what_a_cluster_can() -> None:
    for path in (CHART / "templates").rglob("*"):
        if path.is_file():
            assert ".Capabilities" not in path.read_text(), path.name
