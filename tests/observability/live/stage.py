"""What is watched: a process for each fault and two without one, PostgreSQL, Prometheus and Alertmanager."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Coroutine, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from app.platform.settings import Database
from observability.dashboards.boards import DASHBOARDS
from observability.dashboards.grafana import Json, document
from observability.dashboards.live import Prometheus, Span, all_values, resolve, with_variables
from observability.preview.cluster import PODS
from observability.preview.configuration import cluster_jobs
from observability.preview.page import serving
from observability.preview.prometheus import running_prometheus
from tests.chart.rendering import Object
from tests.observability.alertmanager import Inbox, receiving, running_alertmanager
from tests.observability.live.chart import (
    ELSEWHERE,
    SCRAPE_SECONDS,
    Process,
    job,
    labels_of,
    release,
    rules,
    scrape_jobs,
)
from tests.observability.live.clients import Clients
from tests.observability.live.outlets import Outlet
from tests.server.process import Service
from tests.support.databases import create_database, drop_database
from tests.support.live import variables
from tests.support.waiting import free_port, until

HEALTHY = "api"
START_SECONDS = 180
"""Eighteen processes start at once: 30 seconds on two good cores."""
Result = TypeVar("Result")


@dataclass(frozen=True)
class Part:
    """How a component is run.

    Args:
        app: what `slipway serve` gets; the service itself unless said.
        processes: of which each stands for a pod.
        settings: variables of its own.
        alone: whether its database is its own, since its fault is there.
        outlet: through which its spans, log lines or metrics go.
    """

    name: str
    app: str = ""
    processes: int = 1
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    alone: bool = False
    outlet: type[Outlet] | None = None

    def pods(self) -> tuple[str, ...]:
        """Names as a Deployment gives them."""
        return (
            PODS[: self.processes]
            if self.name == HEALTHY
            else tuple(f"{job(self.name)}-6d9c8f7b54-k2x4{number}" for number in range(self.processes))
        )


class Background:
    """An event loop in a thread of its own: the browser has one in the thread of the tests."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def start(self, work: Coroutine[None, None, Result]) -> Future[Result]:
        """Begins it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def hold(self, work: Callable[[asyncio.Event], Coroutine[None, None, None]]) -> Callable[[], Future[None]]:
        """Begins it; the result tells it to end."""
        over = asyncio.Event()
        future = self.start(work(over))

        def end() -> Future[None]:
            self._loop.call_soon_threadsafe(over.set)
            return future

        return end

    def close(self) -> None:
        """Ends the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Component:
    """A component that runs."""

    def __init__(
        self, part: Part, folder: Path, database: Database, page: int, background: Background, healthy: int
    ) -> None:
        self.part = part
        self.database = database
        self._folder = folder
        ports = [(free_port(), free_port()) for _ in range(part.processes)]
        self._settings = {
            "SLIPWAY_TELEMETRY__OTLP_ENDPOINT": f"http://127.0.0.1:{page}",
            "SLIPWAY_TELEMETRY__SAMPLE_RATIO": "1",
            "SLIPWAY_HTTP__DOCS": "false",  # whose series would be a third of each scrape
        }
        self._background = background
        self.outlet = background.start(self._open(healthy, page, *ports[0])).result() if part.outlet else None
        if self.outlet:
            self._settings |= self.outlet.settings
        self.processes = [self._start(*pair) for pair in ports]
        self.clients = Clients(self.processes[0].port, database)

    def restart(self, number: int = 0, **settings: str) -> None:
        """Starts a process again, where it was."""
        ended = self.processes[number]
        ended.kill()
        self.processes[number] = self._start(ended.port, ended.metrics_port, **settings)
        self.started()

    def started(self) -> None:
        """Waits for each of its processes."""
        for process in self.processes:
            until(partial(process.answers, "/startupz"), f"{self.part.name} to start", START_SECONDS)

    def kill(self) -> None:
        """Ends its processes, and what is around them."""
        for process in self.processes:
            process.kill()
        if self.outlet:
            self._background.start(self._close()).result()

    def targets(self) -> list[Process]:
        """What Prometheus scrapes."""
        scraped = self.outlet.metrics_port if self.outlet else None
        pods = zip(self.processes, self.part.pods(), strict=True)
        return [Process(scraped or process.metrics_port, pod) for process, pod in pods]

    async def _open(self, healthy: int, page: int, port: int, metrics_port: int) -> Outlet:
        assert self.part.outlet
        made = self.part.outlet(healthy)
        await made.open(self._folder, self.part.pods()[0], page, port, metrics_port)
        return made

    async def _close(self) -> None:
        assert self.outlet
        self.outlet.close()

    def _start(self, port: int, metrics_port: int, **settings: str) -> Service:
        ports = {"SLIPWAY_HTTP__PORT": str(port), "SLIPWAY_METRICS__PORT": str(metrics_port)}
        program = ("-m", "app.cli", "serve", *filter(None, [self.part.app]))
        known = {**self._settings, **self.part.settings, **ports, **settings}
        return Service(self._folder, variables=variables(self.database, **known), program=program)


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
        """While the block lasts the well process has clients."""

        async def send_requests(over: asyncio.Event) -> None:
            async with self.components[HEALTHY].clients.sending():
                await over.wait()

        end = self.background.hold(send_requests)
        try:
            yield
        finally:
            end().result()

    def values(self, title: str, span: Span, component: str = "", legend: str = "") -> list[float]:
        """What the panels of this title show in a range, of all their series or of those with this label's value."""
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
        """Labels of what the annotation of this name marks in a range, of a component."""
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
