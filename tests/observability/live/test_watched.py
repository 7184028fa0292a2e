"""What the dashboards show of the real service is there, and true; a fault moves its panels and fires its alerts.

The tests share what they watch and follow each other, from health to an outage. What kube-state-metrics and the kubelet
would say comes from samples (`observability/preview/cluster.py`): that proves the queries, not the cluster.
"""

from __future__ import annotations

import asyncio
import json
import math
import threading
import time
from collections.abc import Callable

from app.platform.settings import Database
from observability.dashboards.grafana import Json
from observability.dashboards.live import Gap, gaps
from tests.docs.browser import Visit
from tests.observability.live.conftest import Watched, last
from tests.support.databases import connection

LONGEST = 90.0
HISTORY = 240.0
WITHIN = 0.02
LOCKED = 12.0
SLOW_DATABASE = {
    "SlipwayAvailabilityBurnFast",
    "SlipwayAvailabilityBurnSlow",
    "SlipwayLatencyBurnFast",
    "SlipwayLatencyBurnSlow",
    "SlipwayDbPoolExhausted",
    "SlipwayDependencyErrors",
}
"""What may fire when the database hangs."""


def until(condition: Callable[[], bool]) -> bool:
    """Whether it came true before `LONGEST` was over."""
    end = time.monotonic() + LONGEST
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.5)
    return True


def test_every_query_of_every_dashboard_has_an_answer(watched: Watched) -> None:
    found: list[Gap] = []

    def all_answered() -> bool:
        found[:] = [gap for one in watched.dashboards for gap in gaps(watched.prometheus, one, last(HISTORY))]
        return not found

    with watched.people.asking():
        time.sleep(2 * last(HISTORY).rate_interval)  # or the end of a process is over before it can be seen
        watched.passing.kill()
        until(all_answered)
    assert [(gap.dashboard, gap.where, gap.problem) for gap in found] == []


def test_a_query_without_an_answer_is_found(watched: Watched) -> None:
    wrong: Json = json.loads(json.dumps(watched.dashboards[0]))
    wrong["panels"][0]["targets"][0]["expr"] = 'up{job="nobody"}'
    wrong["panels"][1]["targets"][0]["expr"] = "0 * up / 0"
    problems = {(gap.where, gap.problem) for gap in gaps(watched.prometheus, wrong, last(HISTORY))}
    titles = [panel["title"] for panel in wrong["panels"]]
    assert problems == {(f"panel {titles[0]}", "no series"), (f"panel {titles[1]}", "only NaN")}


def test_the_preview_draws_every_panel_and_asks_nobody_else(watched: Watched, visit: Visit) -> None:
    page = visit.open(watched.page, "/?range=5 minutes")
    for dashboard in watched.dashboards:
        page.goto(f"{watched.page}/?range=5 minutes#{dashboard['uid']}")
        page.reload()
        page.wait_for_selector(f"body[data-drawn={dashboard['uid']}]")
        assert page.locator("section").count() == len(dashboard["panels"])
        assert page.locator("section:has(.none) h2").all_text_contents() == []
    assert visit.was_quiet(), (visit.outside, visit.complaints)


def test_the_panels_count_what_the_clients_counted(watched: Watched) -> None:
    settle = 2 * last(0).rate_interval
    time.sleep(settle)
    before, start = watched.people.answers.copy(), time.time()
    with watched.people.asking():
        time.sleep(8)
    time.sleep(settle)
    answered = watched.people.answers - before
    shown = sum(watched.values("Requests", last(time.time() - start)))  # a second between two points
    assert answered.total() > 100
    assert math.isclose(shown, answered.total(), rel_tol=WITHIN), (shown, answered)


def test_in_health_nothing_failed_and_no_alert_fires(watched: Watched) -> None:
    for title in ("Failed", "Failed requests by route", "Failed statements", "Shed", "Log lines lost", "Spans lost"):
        values = watched.values(title, last(30))
        assert values, title
        assert max(values) == 0, title
    assert watched.firing() == set()


async def hang(database: Database) -> None:
    """For a while every statement on items waits until it is given up."""
    async with connection(database) as locking, locking.transaction():
        await locking.execute("LOCK TABLE items.items IN ACCESS EXCLUSIVE MODE")
        await asyncio.sleep(LOCKED)


def test_a_database_that_hangs_moves_its_panels_and_fires_its_alerts_alone(watched: Watched) -> None:
    with watched.people.asking():
        hanging = threading.Thread(target=lambda: asyncio.run(hang(watched.database)))
        hanging.start()  # in a thread, since the browser has an event loop in this one
        hanging.join()
        assert until(lambda: "SlipwayAvailabilityBurnFast" in watched.firing())
        assert watched.firing() <= SLOW_DATABASE
        assert max(watched.values("Failed", last(20))) > 0.01
        assert max(watched.values("Statement time (p99)", last(20))) > 1
        assert max(watched.values("Failed statements by reason", last(20))) > 0
        assert max(watched.values("Waiting and timed out", last(20))) > 0
        assert max(watched.values("Alerts firing", last(5))) >= 1
        assert until(lambda: "SlipwayAvailabilityBurnFast" not in watched.firing()), "it does not resolve"


def test_an_outage_fires_its_alert_and_the_dashboard_shows_no_process(watched: Watched) -> None:
    watched.lasting.kill()
    assert until(lambda: "SlipwayServiceDown" in watched.firing())
    assert watched.values("Processes up", last(0)) == [0]
