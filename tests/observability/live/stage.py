"""The environment of the live test: healthy and faulty processes, PostgreSQL, Prometheus and Alertmanager."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.platform.settings import Database
from observability.dashboards.boards import DASHBOARDS
from observability.dashboards.grafana import Json, document
from observability.dashboards.live import Prometheus, Span, all_values, resolve, with_variables
from observability.preview.configuration import cluster_jobs
from observability.preview.page import serving
from observability.preview.prometheus import running_prometheus
from tests.observability.alertmanager import Inbox, receiving, running_alertmanager
from tests.observability.live.chart import (
    ELSEWHERE,
    SCRAPE_SECONDS,
    job,
    labels_of,
    release,
    rules,
    scrape_jobs,
)
from tests.observability.live.components import HEALTHY, START_SECONDS, Background, Component, Part
from tests.support.databases import create_database, drop_database
from tests.support.rendering import Object
from tests.support.waiting import free_port, until


@dataclass(frozen=True)
class Stage:
    """What runs."""

    prometheus: Prometheus
    page: str
    inbox: Inbox
    components: Mapping[str, Component]
    background: Background
    dashboards: tuple[Json, ...] = tuple(document(dashboard, DASHBOARDS) for dashboard in DASHBOARDS)

    @contextmanager
    def under_load(self) -> Generator[None]:
        """The healthy process has clients while the block lasts."""

        async def send_requests(over: asyncio.Event) -> None:
            async with self.components[HEALTHY].clients.sending():
                await over.wait()

        end = self.background.hold(send_requests)
        try:
            yield
        finally:
            end().result()

    def values(self, title: str, span: Span, component: str = "", legend: str = "") -> list[float]:
        """The values that the panels of this title show, of all series or of those with this label value."""
        shown = [(board, panel) for board in self.dashboards for panel in board["panels"] if panel["title"] == title]
        return [
            float(value)
            for dashboard, panel in shown
            for known in [self._variables(dashboard, span, component)]
            for target in panel["targets"]
            for series in self.prometheus.range(with_variables(target["expr"], known, span), span)
            if not legend or legend in series["metric"].values()
            for _, value in series["values"]
            if not math.isnan(float(value))
        ]

    def marked(self, name: str, span: Span, component: str) -> list[dict[str, str]]:
        """Labels of the marks of an annotation in a range, for a component."""
        dashboard = self.dashboards[0]
        (query,) = [
            annotation["target"]["expr"]
            for annotation in dashboard["annotations"]["list"]
            if annotation["name"] == name
        ]
        known = self._variables(dashboard, span, component)
        return [series["metric"] for series in self.prometheus.range(with_variables(query, known, span), span)]

    def fired(self, span: Span, component: str = "") -> set[str]:
        """Names of the alerts that fired in a range, of a component or of all."""
        ours = f',job="{job(component)}"' if component else ""
        series = self.prometheus.range(f'ALERTS{{alertstate="firing"{ours}}}', span)
        return {alert["metric"]["alertname"] for alert in series}

    def _variables(self, dashboard: Json, span: Span, component: str) -> dict[str, str]:
        known: dict[str, str] = {}
        for variable in dashboard["templating"]["list"][1:]:
            ours = labels_of(component).get(variable["name"]) if component else None
            known[variable["name"]] = ours or all_values(variable, resolve(self.prometheus, variable, known, span))
        return known


def since(start: float, step: int = 1) -> Span:
    """The time from then until now."""
    return Span(start, time.time(), step, SCRAPE_SECONDS)


def last(seconds: float, step: int = 1) -> Span:
    """The time until now."""
    return since(time.time() - seconds, step)


@contextmanager
def running_stage(folder: Path, server: Database, parts: tuple[Part, ...]) -> Generator[Stage]:
    """Everything, once Prometheus has scraped each process."""
    chart = release(tuple(part.name for part in parts))
    others = [release((HEALTHY,), name, namespace) for namespace, name in ELSEWHERE.items()]
    port, page = free_port(), free_port()
    with ExitStack() as stack:
        stack.enter_context(serving(page, f"http://127.0.0.1:{port}", cycle_seconds=10))
        shared = stack.enter_context(_database(server, "all"))
        background = Background()
        stack.callback(background.close)
        components: dict[str, Component] = {}
        for part in parts:
            database = stack.enter_context(_database(server, part.name)) if part.alone else shared
            healthy = components[HEALTHY].clients.port if components else 0
            components[part.name] = component = Component(part, folder, database, page, background, healthy)
            stack.callback(component.kill)
            if part.name == HEALTHY:
                component.started()  # and has compiled what all others will import
        for component in components.values():
            component.started()
        inbox = stack.enter_context(receiving())
        alertmanager = stack.enter_context(running_alertmanager(folder, inbox))
        configuration: dict[str, object] = {
            "global": dict.fromkeys(_TIMES, f"{SCRAPE_SECONDS}s"),
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager.removeprefix("http://")]}]}]},
            "scrape_configs": [
                *scrape_jobs(chart, {name: component.targets() for name, component in components.items()}),
                *(job for other in others for job in scrape_jobs(other, {HEALTHY: components[HEALTHY].targets()[:1]})),
                *cluster_jobs(page),
                *_samples(components.values()),
            ],
        }
        address = stack.enter_context(
            running_prometheus(folder / "prometheus", port, configuration, rules(chart, *others))
        )
        prometheus = Prometheus(address)
        pods = sum(part.processes for part in parts)
        until(
            lambda: len(prometheus.label_values("pod", "app_build_info", last(60))) == pods,
            "a scrape of each",
            START_SECONDS,
        )
        yield Stage(prometheus, f"http://127.0.0.1:{page}", inbox, components, background)


def _samples(components: Iterable[Component]) -> Iterator[Object]:
    for component in components:
        if component.outlet and component.outlet.samples_port:
            target = {"targets": [f"127.0.0.1:{component.outlet.samples_port}"]}
            yield {"job_name": f"kubernetes of {component.part.name}", "honor_labels": True, "static_configs": [target]}


_TIMES = ("scrape_interval", "scrape_timeout", "evaluation_interval")


@contextmanager
def _database(server: Database, name: str) -> Generator[Database]:
    address = server.model_copy(update={"name": f"slipway_test_live_{name.replace('-', '_')}"})
    made = asyncio.run(create_database(address))
    try:
        yield made
    finally:
        asyncio.run(drop_database(made))
