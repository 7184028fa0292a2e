"""The processes that are watched: how a component is run, and one that runs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from app.platform.settings import Database
from observability.preview.cluster import PODS
from tests.observability.live.chart import Process, job
from tests.observability.live.clients import Clients
from tests.observability.live.outlets import Outlet
from tests.support.live import variables
from tests.support.process import Service
from tests.support.waiting import free_port, until

HEALTHY = "api"
START_SECONDS = 180
"""Eighteen processes start at once: 30 seconds on two good cores."""
Result = TypeVar("Result")


@dataclass(frozen=True)
class Part:
    """How a component is started.

    Args:
        app: argument of `slipway serve`; empty for the service itself.
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
        """Starts it; call the result to end it."""
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
        """Stops its processes and its outlet."""
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
