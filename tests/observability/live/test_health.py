"""Without a fault every query of every dashboard has a correct result, and no alert fires.

Metrics of kube-state-metrics and the kubelet are sample data (`observability/preview/cluster.py`): that proves
the queries, not the cluster.
"""

from __future__ import annotations

import json
import math
import time
from collections import Counter

from observability.dashboards.grafana import Json
from observability.dashboards.live import gaps
from tests.observability.live.clients import ITEMS, NOWHERE, ONE_ITEM
from tests.observability.live.components import HEALTHY
from tests.observability.live.conftest import HISTORY_SECONDS, STEP_SECONDS, Health
from tests.observability.live.stage import Stage, last
from tests.support.browser import Visit

RELATIVE_TOLERANCE = 0.02
QUIET = (
    "Error rate",
    "Failed requests by route",
    "Failing routes",
    "Failed statements",
    "Failed statements by reason",
    "Failed calls by peer",
    "Pool timeouts",
    "Shed requests",
    "Shed requests by reason",
    "Series overflow",
    "Dropped log lines",
    "Dropped spans",
    "Missed requests (5 minutes)",
)
"""Panels that show zero, rather than nothing, when all is well."""


def test_every_query_of_every_dashboard_has_an_answer(health: Health) -> None:
    assert [(gap.dashboard, gap.where, gap.problem) for gap in health.gaps] == []


def test_a_release_of_another_name_in_another_namespace_fills_the_dashboards_too(health: Health) -> None:
    assert [(gap.dashboard, gap.where, gap.problem) for gap in health.gaps_elsewhere] == []


def test_a_query_without_an_answer_is_found(stage: Stage, health: Health) -> None:
    wrong: Json = json.loads(json.dumps(stage.dashboards[0]))
    wrong["panels"][0]["targets"][0]["expr"] = 'up{job="nobody"}'
    wrong["panels"][1]["targets"][0]["expr"] = "0 * up / 0"
    problems = {(gap.where, gap.problem) for gap in gaps(stage.prometheus, wrong, last(HISTORY_SECONDS, STEP_SECONDS))}
    titles = [panel["title"] for panel in wrong["panels"]]
    assert problems == {(f"panel {titles[0]}", "no series"), (f"panel {titles[1]}", "only NaN")}


def test_the_panels_count_what_the_clients_counted(stage: Stage, health: Health) -> None:
    answered = sum(health.answers.values())
    assert answered > 300
    shown = sum(stage.values("Requests", health.span, HEALTHY))  # a second between two points
    assert math.isclose(shown, answered, rel_tol=RELATIVE_TOLERANCE), (shown, answered)
    by_route = Counter[str]()
    for (route, _), number in health.answers.items():
        by_route[route] += number
    for route in (ITEMS, ONE_ITEM, NOWHERE):
        shown = sum(stage.values("Requests by route", health.span, HEALTHY, route))
        assert math.isclose(shown, by_route[route], rel_tol=RELATIVE_TOLERANCE), (route, shown, by_route)


def test_in_health_nothing_failed_and_no_alert_fired(stage: Stage, health: Health) -> None:
    for title in QUIET:
        values = stage.values(title, health.span)
        assert values, title
        assert max(values) == 0, title
    assert stage.fired(health.all) == set()


def test_the_preview_draws_every_panel_and_asks_nobody_else(stage: Stage, health: Health, visit: Visit) -> None:
    with stage.under_load():  # tables show the last moment
        time.sleep(2 * last(0).rate_interval)
        page = visit.open(stage.page, "/?range=5 minutes")
        for dashboard in stage.dashboards:
            page.goto(f"{stage.page}/?range=5 minutes#{dashboard['uid']}")
            page.reload()
            page.wait_for_selector(f"body[data-drawn={dashboard['uid']}]")
            assert page.locator("section").count() == len(dashboard["panels"])
            assert page.locator("section:has(.none) h2").all_text_contents() == []
    assert visit.was_quiet(), (visit.outside, visit.complaints)
