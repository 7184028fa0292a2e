"""Stops that are not the ordinary one: interrupted, forced, at the wrong moment, or held up by the application."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
from pathlib import Path

import pytest

from app.platform.server.config import ServerConfig
from app.platform.server.draining import DrainingServer
from app.platform.server.wrap import wrap
from app.platform.settings import Settings
from tests.server.scenario import SERVERS
from tests.server.service import app
from tests.support.client import Connection, request
from tests.support.process import Service, running
from tests.support.waiting import until


@pytest.mark.parametrize("server", SERVERS)
def test_sigint_skips_the_drain_and_answers_what_runs(server: str, tmp_path: Path) -> None:
    numbers = {
        "SLIPWAY_SHUTDOWN__DRAIN_SECONDS": "60",
        "SLIPWAY_SHUTDOWN__REQUEST_SECONDS": "60",
        "SLIPWAY_HTTP__KEEP_ALIVE_SECONDS": "60",
    }
    with running(tmp_path, *SERVERS[server], **numbers) as service:

        async def interrupt() -> bytes:
            async with Connection(service.port) as idle, Connection(service.port) as connection:
                await idle.get("/fast")
                connection.send(request("/slow?seconds=0.5"))
                await asyncio.sleep(0.2)
                service.signal(signal.SIGINT)
                answer = await connection.answer()
                assert await idle.rest() == b""
                return answer.body

        assert asyncio.run(interrupt()) == b"slow"
        assert service.wait() == 0
        assert service.lifespans_ended() == (2 if server == "gunicorn" else 1)
        assert "Traceback" not in service.log()


@pytest.mark.parametrize("server", SERVERS)
def test_a_second_sigint_forces_the_stop(server: str, tmp_path: Path) -> None:
    with running(tmp_path, *SERVERS[server], SLIPWAY_SHUTDOWN__REQUEST_SECONDS="60") as service:

        def interrupt() -> None:
            os.killpg(service.process.pid, signal.SIGINT)  # as a terminal does

        async def twice() -> int:
            async with Connection(service.port) as connection:
                connection.send(request("/slow?seconds=60"))
                await asyncio.sleep(0.2)
                interrupt()
                await asyncio.to_thread(until, lambda: not service.listens(), "the listener to close")
                interrupt()
                return (await connection.answer()).status

        assert asyncio.run(twice()) == 503
        assert service.wait() == 0
        assert service.lifespans_ended() == (2 if server == "gunicorn" else 1)


@pytest.mark.parametrize("server", SERVERS)
def test_a_handler_that_blocks_a_thread_does_not_hold_the_process(server: str, tmp_path: Path) -> None:
    numbers = {"SLIPWAY_SHUTDOWN__DRAIN_SECONDS": "0", "SLIPWAY_SHUTDOWN__REQUEST_SECONDS": "0.2"}
    with running(tmp_path, *SERVERS[server], **numbers) as service:

        async def terminate() -> int:
            async with Connection(service.port) as connection:
                connection.send(request("/blocking?seconds=60"))
                await asyncio.sleep(0.2)
                service.signal(signal.SIGTERM)
                return (await connection.answer()).status

        assert asyncio.run(terminate()) == 503
        assert service.wait() == 0
        assert "left while threads were running: AnyIO worker thread" in service.log()


async def test_who_is_in_the_queue_as_the_listener_closes_is_served() -> None:
    settings = Settings.model_validate({"environment": "test", "shutdown": {"drain_seconds": 0}})
    config = ServerConfig(application := wrap(app, settings), settings)
    config.load()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = DrainingServer(config, application.drain)
        server.lifespan = config.lifespan_class(config)
        try:
            await server.startup([listener])
        finally:
            gc.unfreeze()
        # Nothing is awaited from here to the stop, so that only the kernel knows of this client.
        with socket.create_connection(listener.getsockname()) as client:
            client.sendall(request("/fast"))
            await server.shutdown([listener])
            assert client.recv(1000).startswith(b"HTTP/1.1 200")


def test_sigterm_ends_a_start_that_hangs(tmp_path: Path) -> None:
    service = Service(tmp_path, "tests.server.service:never_starts")
    try:
        until(lambda: "starting" in service.log(), "the start to begin")
        service.signal(signal.SIGTERM)
        assert service.wait() == 0
        assert "start given up" in service.log()
        assert "Traceback" not in service.log()
    finally:
        service.kill()


def test_an_end_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    with running(tmp_path, "tests.server.service:never_ends", SLIPWAY_SHUTDOWN__DRAIN_SECONDS="0") as service:
        service.signal(signal.SIGTERM)
        assert service.wait() == 0
        assert "shutdown did not end" in service.log()


@pytest.mark.parametrize("server", SERVERS)
def test_a_start_that_fails_says_why_and_ends_with_1(server: str, tmp_path: Path) -> None:
    service = Service(tmp_path, "tests.server.service:fails_to_start", *SERVERS[server][1:])
    try:
        assert service.wait() == 1
        assert "cannot start" in service.log()
    finally:
        service.kill()
