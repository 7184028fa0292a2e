"""Every query of every dashboard has an answer in a Prometheus that scrapes the real service.

What kube-state-metrics and the kubelet would say comes from samples (`observability/preview/cluster.py`): that proves
the queries, not the cluster.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from app.features.users.tokens import TokenIssuer
from app.platform.ids import new_id
from app.platform.settings import Database
from observability.dashboards.boards import DASHBOARDS
from observability.dashboards.grafana import Json, document
from observability.dashboards.live import Gap, Prometheus, Span, chosen, filled, gaps, programs
from observability.preview.cluster import PODS
from observability.preview.page import serving
from observability.preview.prometheus import VARIABLE, NoPrometheusError, Target, program, running_prometheus
from observability.preview.run import free_port
from tests.server.process import Service, until
from tests.support.application import ALL_SCOPES, settings_for
from tests.support.live import live_service
from tests.support.tools import not_run_here

SCRAPE = 1
LONGEST = 60.0
DOCUMENTS: list[Json] = [document(one, DASHBOARDS) for one in DASHBOARDS]


@pytest.fixture
def prometheus(new_database: Database, tmp_path: Path) -> Iterator[Prometheus]:
    """It has seen a start, requests of all kinds and the end of one of two processes."""
    try:
        program()
    except NoPrometheusError as error:
        not_run_here("prometheus", str(error))
    port, page = free_port(), free_port()
    traced = {
        "SLIPWAY_TELEMETRY__OTLP_ENDPOINT": f"http://127.0.0.1:{page}",
        "SLIPWAY_TELEMETRY__SAMPLE_RATIO": "1",
    }
    with (
        serving(page, f"http://127.0.0.1:{port}", breath=10),
        live_service(tmp_path, new_database, **traced) as lasting,
        live_service(tmp_path, new_database, **traced) as passing,
    ):
        targets = [Target(one.metrics_port, pod) for one, pod in zip((lasting, passing), PODS, strict=True)]
        folder = tmp_path / "prometheus"
        with running_prometheus(folder, port, targets, page, scrape_seconds=SCRAPE, hurried=True) as address:
            prometheus = Prometheus(address)
            until(lambda: len(prometheus.label_values("instance", "app_build_info", last(240))) == 2, "two scrapes")
            with asked(lasting, new_database):
                time.sleep(2 * last(240).rate_interval)  # or the change is over before it can be seen
                passing.kill()
                yield prometheus


@contextmanager
def asked(service: Service, database: Database) -> Generator[None]:
    """While the block lasts the service is asked what people ask, and what they get wrong."""
    over = threading.Event()
    thread = threading.Thread(target=ask, args=(service, database, over))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def ask(service: Service, database: Database, over: threading.Event) -> None:
    token = TokenIssuer(settings_for(database).auth).issue(new_id(), ALL_SCOPES)
    headers = {"Authorization": f"Bearer {token}"}
    with httpx2.Client(base_url=f"http://127.0.0.1:{service.port}", headers=headers) as client:
        while not over.wait(0.03):
            made = client.post("/api/v2/items", json={"name": "x", "price": {"amount": "1", "currency": "EUR"}})
            assert made.status_code == 201
            client.get(f"/api/v2/items/{made.json()['id']}")
            client.get("/api/v2/items")
            client.post("/api/v2/items", json={})
            client.get("/nowhere")


def last(seconds: float) -> Span:
    now = time.time()
    return Span(now - seconds, now, step=1, scrape=SCRAPE)


def test_every_query_of_every_dashboard_has_an_answer(prometheus: Prometheus) -> None:
    found: list[Gap] = []
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        found = [gap for one in DOCUMENTS for gap in gaps(prometheus, one, last(240))]
        if not found:
            break
        time.sleep(1)
    assert [(gap.dashboard, gap.where, gap.problem) for gap in found] == []

    wrong: Json = json.loads(json.dumps(DOCUMENTS[0]))
    wrong["panels"][0]["targets"][0]["expr"] = 'up{job="nobody"}'
    wrong["panels"][1]["targets"][0]["expr"] = "0 * up / 0"
    problems = [(gap.where, gap.problem) for gap in gaps(prometheus, wrong, last(240))]
    titles = [panel["title"] for panel in wrong["panels"]]
    assert problems == [(f"panel {titles[0]}", "no series"), (f"panel {titles[1]}", "only NaN")]


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
    assert chosen({"allValue": ".+"}, ["a"]) == ".+"
    assert chosen({}, ["a.b", "c"]) == r"(a\.b|c)"
    assert chosen({}, ["a"]) == "a"


def test_a_query_is_filled_with_what_its_variables_are() -> None:
    span = Span(0, 600, step=5, scrape=15)
    assert filled('rate(x{job=~"$job"}[$__rate_interval])', {"job": r"a\.b"}, span) == r'rate(x{job=~"a\\.b"}[60s])'
    assert filled("increase(x[${__range}])", {}, span) == "increase(x[600s])"


def test_without_prometheus_the_preview_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(NoPrometheusError, match="apt-get install prometheus"):
        program()
    monkeypatch.setenv(VARIABLE, "/nowhere/prometheus")
    with pytest.raises(NoPrometheusError, match="SLIPWAY_PROMETHEUS names /nowhere/prometheus"):
        program()
