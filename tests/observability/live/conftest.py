"""The real service, watched: two processes of it, PostgreSQL, Prometheus with the chart's rules, and the preview."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from app.platform.settings import Database
from observability.dashboards.boards import DASHBOARDS
from observability.dashboards.grafana import Json, document
from observability.dashboards.live import Prometheus, Span, chosen, filled, resolve
from observability.preview.cluster import PODS
from observability.preview.page import serving
from observability.preview.prometheus import NoPrometheusError, Target, program, running_prometheus
from observability.preview.run import free_port
from tests.docs.conftest import browser, visit
from tests.observability.live.people import People
from tests.server.process import Service, until
from tests.support.databases import create_database, drop_database
from tests.support.live import live_service
from tests.support.tools import not_run_here

__all__ = ["browser", "visit"]

SCRAPE = 1
FASTER = 60
"""An hour of the rules takes a minute; what they count in 5 minutes they then count in 5 seconds."""


@dataclass(frozen=True)
class Watched:
    """What runs. `passing` is a second process, for a test to end."""

    prometheus: Prometheus
    page: str
    database: Database
    lasting: Service
    passing: Service
    people: People
    dashboards: tuple[Json, ...] = tuple(document(one, DASHBOARDS) for one in DASHBOARDS)

    def values(self, title: str, span: Span) -> list[float]:
        """What the panels of this title show in a range, of all their series."""
        found: list[float] = []
        for dashboard in self.dashboards:
            variables: dict[str, str] = {}
            for one in dashboard["templating"]["list"][1:]:
                variables[one["name"]] = chosen(one, resolve(self.prometheus, one, variables, span))
            for panel in dashboard["panels"]:
                if panel["title"] == title:
                    for target in panel["targets"]:
                        series = self.prometheus.range(filled(target["expr"], variables, span), span)
                        found += [float(value) for one in series for _, value in one["values"]]
        return found

    def firing(self) -> set[str]:
        """Names of the alerts that fire now."""
        series = self.prometheus.range('ALERTS{alertstate="firing"}', last(0))
        return {one["metric"]["alertname"] for one in series}


def last(seconds: float) -> Span:
    """The time until now."""
    now = time.time()
    return Span(now - seconds, now, step=1, scrape=SCRAPE)


@pytest.fixture(scope="module")
def watched(server: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    try:
        program()
    except NoPrometheusError as error:
        not_run_here("prometheus", str(error))
    folder = tmp_path_factory.mktemp("watched")
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    database = asyncio.run(create_database(server.model_copy(update={"name": f"slipway_test_watched_{worker}"})))
    port, page = free_port(), free_port()
    traced = {
        "SLIPWAY_TELEMETRY__OTLP_ENDPOINT": f"http://127.0.0.1:{page}",
        "SLIPWAY_TELEMETRY__SAMPLE_RATIO": "1",
    }
    with (
        serving(page, f"http://127.0.0.1:{port}", breath=10),
        live_service(folder, database, **traced) as lasting,
        live_service(folder, database, **traced) as passing,
    ):
        targets = [Target(one.metrics_port, pod) for one, pod in zip((lasting, passing), PODS, strict=True)]
        where = folder / "prometheus"
        with running_prometheus(where, port, targets, page, scrape_seconds=SCRAPE, faster=FASTER) as address:
            prometheus = Prometheus(address)
            until(lambda: len(prometheus.label_values("instance", "app_build_info", last(60))) == 2, "two scrapes")
            people = People(lasting.port, database)
            yield Watched(prometheus, f"http://127.0.0.1:{page}", database, lasting, passing, people)
    asyncio.run(drop_database(database))
