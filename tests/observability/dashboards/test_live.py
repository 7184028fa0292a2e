"""How a dashboard is queried: variables as Grafana resolves them, and queries that need a cluster."""

from __future__ import annotations

import os

import pytest

from observability.dashboards.boards import DASHBOARDS
from observability.dashboards.grafana import Json, document
from observability.dashboards.live import Span, all_values, programs, with_variables
from observability.preview.prometheus import VARIABLE, NoPrometheusError, program

DOCUMENTS: list[Json] = [document(dashboard, DASHBOARDS) for dashboard in DASHBOARDS]


def test_what_only_the_cluster_can_answer_is_known_by_its_metrics() -> None:
    cluster = {
        dashboard["uid"]
        for dashboard in DOCUMENTS
        for panel in dashboard["panels"]
        for target in panel.get("targets", ())
        if programs(target["expr"])
    }
    assert cluster == {"slipway-kubernetes"}


def test_all_stands_for_the_values_that_there_are_or_for_what_the_variable_says() -> None:
    assert all_values({"allValue": ".+"}, ["a"]) == ".+"
    assert all_values({}, ["a.b", "c"]) == r"(a\.b|c)"
    assert all_values({}, ["a"]) == "a"


def test_a_query_is_filled_with_what_its_variables_are() -> None:
    span = Span(0, 600, step=5, scrape=15)
    assert (
        with_variables('rate(x{job=~"$job"}[$__rate_interval])', {"job": r"a\.b"}, span)
        == r'rate(x{job=~"a\\.b"}[60s])'
    )
    assert with_variables("increase(x[${__range}])", {}, span) == "increase(x[600s])"


def test_without_prometheus_the_preview_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(NoPrometheusError, match="apt-get install prometheus"):
        program()
    monkeypatch.setenv(VARIABLE, "/nowhere/prometheus")
    with pytest.raises(NoPrometheusError, match="SLIPWAY_PROMETHEUS names /nowhere/prometheus"):
        program()
