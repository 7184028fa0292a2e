"""One stage for all: first in health, then with every fault at once, each in a process of its own."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial

import pytest

from app.platform.settings import Database
from observability.catalogue.foreign import KUBE_STATE_METRICS, KUBELET
from observability.dashboards.live import Gap, Span, gaps
from observability.preview.prometheus import NoPrometheusError, program
from tests.observability.live.chart import ELSEWHERE, SCRAPE_SECONDS
from tests.observability.live.components import HEALTHY, Component, Part
from tests.observability.live.faults import FAULTS, Fault
from tests.observability.live.stage import Stage, last, running_stage, since
from tests.support.browser import browser, visit
from tests.support.tools import not_run_here

__all__ = ["browser", "visit"]

CLUSTER_PROGRAMS = frozenset({KUBE_STATE_METRICS.program, KUBELET.program})
MAX_WAIT_SECONDS = 180.0
"""Timeout in seconds for alerts to start or end: a limit for a machine under load, never a wait."""
HISTORY_SECONDS = 240.0
STEP_SECONDS = 5
"""Seconds between two points where it matters only that there are some: all of them take Prometheus long."""
HEALTH_SECONDS = 12.0


@dataclass(frozen=True)
class Health:
    """What was seen while nothing was wrong: queries without an answer, and a time with a known number of requests."""

    gaps: list[Gap]
    gaps_elsewhere: list[Gap]
    span: Span
    answers: dict[tuple[str, int], int]
    all: Span


@dataclass(frozen=True)
class Trouble:
    """When the faults began, when all alerts that belong to them fired, and when none of them did any more."""

    began: float
    peak: float
    over: float

    @property
    def faults(self) -> Span:
        """The time with faults."""
        return Span(self.began, self.peak, step=1, scrape=SCRAPE_SECONDS)

    @property
    def all(self) -> Span:
        """That, and the time until alerts had ended."""
        return Span(self.began, self.over, step=1, scrape=SCRAPE_SECONDS)

    @property
    def glance(self) -> Span:
        """All of it, with few points."""
        return replace(self.all, step=STEP_SECONDS)


@pytest.fixture(scope="session")
def stage(server: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    if "PYTEST_XDIST_WORKER" in os.environ:
        not_run_here("the live stage", "`make observe-test` runs these one after the other", demanded=False)
    try:
        program()
    except NoPrometheusError as error:
        not_run_here("prometheus", str(error))
    parts = (Part(HEALTHY, processes=2), *(fault.part for fault in FAULTS))
    with running_stage(tmp_path_factory.mktemp("live"), server, parts) as running:
        yield running


@pytest.fixture(scope="session")
def health(stage: Stage) -> Health:
    settle = 2 * last(0).rate_interval
    healthy = stage.components[HEALTHY]
    over = stage.background.start(_send_requests(list(stage.components.values()), MAX_WAIT_SECONDS + settle))
    time.sleep(settle)
    began = time.time()
    healthy.processes[1].kill()  # so that there is an end of a process to see
    missing: list[Gap] = []
    incomplete = list(stage.dashboards)

    def all_answered() -> bool:
        missing[:] = [
            gap
            for dashboard in incomplete
            for gap in gaps(stage.prometheus, dashboard, last(HISTORY_SECONDS, STEP_SECONDS))
        ]
        incomplete[:] = [
            dashboard for dashboard in incomplete if dashboard["uid"] in {gap.dashboard for gap in missing}
        ]
        return not missing

    _until(all_answered)
    elsewhere = [
        gap
        for namespace in ELSEWHERE
        for dashboard in stage.dashboards
        for gap in gaps(
            stage.prometheus, dashboard, last(HISTORY_SECONDS, STEP_SECONDS), CLUSTER_PROGRAMS, {"namespace": namespace}
        )
        if gap.where != "annotation Scaling"  # the process that is killed is of one release only
    ]
    over.cancel()
    time.sleep(settle)
    before, start = healthy.clients.answers.copy(), time.time()
    stage.background.start(_send_requests([healthy], HEALTH_SECONDS, number=12)).result()
    time.sleep(settle)
    return Health(missing, elsewhere, since(start), dict(healthy.clients.answers - before), since(began))


@pytest.fixture(scope="session")
def trouble(stage: Stage, health: Health) -> Trouble:
    began = time.time()
    ends = [stage.background.hold(partial(_happen, fault, stage.components[fault.part.name])) for fault in FAULTS]
    _until(lambda: all(fault.fires <= stage.fired(last(1), fault.part.name) for fault in FAULTS))
    peak = time.time()
    for future in [end() for end in ends]:
        future.result(MAX_WAIT_SECONDS)
    _until(lambda: not any(fault.fires & stage.fired(last(0), fault.part.name) for fault in FAULTS))
    time.sleep(2)  # until Alertmanager has sent it
    return Trouble(began, peak, time.time())


async def _send_requests(components: list[Component], seconds: float, number: int = 2) -> None:
    async with AsyncExitStack() as stack:
        for component in components:
            await stack.enter_async_context(component.clients.sending(number))
        await asyncio.sleep(seconds)


async def _happen(fault: Fault, component: Component, over: asyncio.Event) -> None:
    async with fault.happens(component):
        await over.wait()


def _until(condition: Callable[[], bool]) -> None:
    """Waits until the condition or the timeout; the tests report what is missing."""
    end = time.monotonic() + MAX_WAIT_SECONDS
    while not condition() and time.monotonic() < end:
        time.sleep(0.5)
