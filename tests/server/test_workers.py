"""gunicorn's workers: metrics that are those of all, and a worker that dies."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.server.scenario import SERVERS
from tests.support.client import Connection, request
from tests.support.process import Service, running, scrape
from tests.support.waiting import until


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path, *SERVERS["gunicorn"]) as service:
        until(lambda: len(service.children()) == 2, "both workers")
        yield service


def sample(service: Service, name: str, **labels: str) -> float:
    """The sum of the samples that have these labels."""
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    lines = [
        line
        for line in scrape(service.metrics_port).splitlines()
        if re.match(rf"{name}[ {{]", line) and all(label in line for label in wanted)
    ]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


def booked(service: Service) -> float:
    return sample(service, "http_server_request_duration_seconds_count", http_route="/fast")


def test_any_worker_shows_the_metrics_of_all(service: Service) -> None:
    processes: set[str] = set()
    sent = 0

    def both_have_answered() -> bool:
        nonlocal sent
        processes.add(scrape(service.port, "/fast"))
        sent += 1
        return len(processes) == 2

    until(both_have_answered, "an answer of each worker")
    assert {int(process) for process in processes} == service.children()
    assert [booked(service) for _ in range(10)] == [sent] * 10


def test_the_metrics_are_right_after_workers_were_killed(service: Service) -> None:
    for _ in range(20):
        scrape(service.port, "/fast")
    killed = service.children()

    async def kill_while_requests_run() -> None:
        async with AsyncExitStack() as stack:
            for _ in range(8):
                connection = await stack.enter_async_context(Connection(service.port))
                connection.send(request("/slow?seconds=60"))
            await asyncio.to_thread(
                until, lambda: sample(service, "http_server_active_requests") == 8, "8 requests to run"
            )
            for worker in killed:
                os.kill(worker, signal.SIGKILL)

    asyncio.run(kill_while_requests_run())
    until(lambda: len(service.children() - killed) == 2, "two new workers")
    until(service.answers, "the new workers to answer")
    assert sample(service, "http_server_active_requests") == 0
    assert booked(service) == 20
    scrape(service.port, "/fast")
    assert booked(service) == 21


def test_the_folder_of_the_metrics_is_private_and_goes_with_the_service(service: Service, tmp_path: Path) -> None:
    (folder,) = tmp_path.glob("slipway-metrics-*")
    assert folder.stat().st_mode & 0o777 == 0o700
    service.signal(signal.SIGINT)
    assert service.wait() == 0
    assert not folder.exists()


def test_workers_stop_when_their_arbiter_was_killed(service: Service) -> None:
    service.signal(signal.SIGKILL)
    service.wait()
    until(lambda: not service.listens(), "the workers to stop")
    until(lambda: service.lifespans_ended() == 2, "both lifespans to end")
