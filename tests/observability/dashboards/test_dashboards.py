"""The files in the chart match the code, and the dashboards match each other."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from observability.dashboards.boards import DASHBOARDS
from observability.dashboards.files import FOLDER, pages
from observability.dashboards.grafana import Json, document
from observability.dashboards.lint_ours import all_queries
from observability.dashboards.model import Dashboard

DOCUMENTS: list[Json] = [document(dashboard, DASHBOARDS) for dashboard in DASHBOARDS]
PER_DASHBOARD = pytest.mark.parametrize("dashboard", DOCUMENTS, ids=lambda dashboard: dashboard["uid"])


@pytest.mark.parametrize("path", pages(), ids=lambda path: Path(path).name)
def test_a_dashboard_in_the_chart_is_not_stale(path: Path) -> None:
    assert path.read_text() == pages()[path], "run `make generate`"


def test_the_chart_has_no_dashboard_that_nothing_makes() -> None:
    assert set(FOLDER.glob("*.json")) == pages().keys()


def test_a_file_says_that_it_is_generated() -> None:
    for content in pages().values():
        assert "make generate" in content.splitlines()[1]


@PER_DASHBOARD
def test_each_dashboard_links_to_all_others_and_keeps_the_time(dashboard: Json) -> None:
    others = {board["uid"] for board in DOCUMENTS} - {dashboard["uid"]}
    assert {re.split(r"[/?]", link["url"])[2] for link in dashboard["links"]} == others
    assert all(link["keepTime"] for link in dashboard["links"])


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.uid)
def test_a_link_carries_the_variables_that_mean_the_same_on_both_sides(dashboard: Dashboard) -> None:
    for link in document(dashboard, DASHBOARDS)["links"]:
        other = next(candidate for candidate in DASHBOARDS if candidate.uid == re.split(r"[/?]", link["url"])[2])
        same = {variable.name for variable in dashboard.variables if variable in other.variables}
        if link["includeVars"]:
            assert same == {variable.name for variable in dashboard.variables}
        else:
            assert set(re.findall(r"\{(\w+):queryparam\}", link["url"])) == same | {"datasource"}


@PER_DASHBOARD
def test_a_link_of_a_panel_leads_to_a_dashboard_with_the_same_variables(dashboard: Json) -> None:
    variables = {board["uid"]: board["templating"] for board in DOCUMENTS}
    for panel in dashboard["panels"]:
        for link in panel.get("links", ()):
            assert variables[re.split(r"[/?]", link["url"])[2]] == dashboard["templating"]


def test_the_dashboards_that_somebody_opens_first_fit_on_a_screen() -> None:
    for dashboard in DOCUMENTS[:3]:
        assert max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"]) <= 26


@PER_DASHBOARD
def test_releases_settings_and_scaling_are_marked_on_every_dashboard(dashboard: Json) -> None:
    marks = {annotation["name"]: annotation["target"]["expr"] for annotation in dashboard["annotations"]["list"]}
    assert "app_build_info" in marks["Deployments"]
    assert "app_config_info" in marks["Configuration"]
    assert marks.keys() & {"Scaling", "Autoscaler"}


@PER_DASHBOARD
def test_no_query_names_a_job_a_namespace_or_a_cluster(dashboard: Json) -> None:
    for title, expr in all_queries(dashboard):
        for label, value in re.findall(r'\b(job|namespace|cluster|instance|pod)=~?"([^"]*)"', expr):
            assert value.startswith("$"), (title, label, value)


def test_latency_of_requests_is_shown_with_traces() -> None:
    latencies = [
        panel
        for dashboard in DOCUMENTS
        for panel in dashboard["panels"]
        if panel["type"] in ("timeseries", "heatmap")
        and any("http_server_request_duration_seconds_bucket" in target["expr"] for target in panel["targets"])
    ]
    assert len(latencies) >= 2
    for panel in latencies:
        assert any(target["exemplar"] for target in panel["targets"]), panel["title"]


@PER_DASHBOARD
def test_what_counts_failures_over_everything_shows_zero_in_health(dashboard: Json) -> None:
    """A sum over series that only a failure makes is nothing at all until then."""
    failing = re.compile(
        r'"(5\.\.|dropped\|failed|429|499)"|timeouts_total|alertstate="firing"|dropped_total|error_type'
    )
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            if failing.search(target["expr"]) and "by (" not in target["expr"]:
                assert "vector(0)" in target["expr"], panel["title"]


def test_a_dashboard_is_the_same_each_time_it_is_written() -> None:
    assert json.dumps(DOCUMENTS) == json.dumps([document(dashboard, DASHBOARDS) for dashboard in DASHBOARDS])
