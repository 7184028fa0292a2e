"""Thousands of requests on one connection, none of which waits in memory for long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from tests.support.client import Connection, request
from tests.support.edge import resident_bytes, shed, target
from tests.support.process import Service

FLOOD = 8800
SHORT = b"GET /pid HTTP/1.1\r\nHost:t\r\n\r\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with target(tmp_path_factory.mktemp("pipelining"), SLIPWAY_HTTP__MAX_BODY_BYTES="1000000") as service:
        yield service


async def test_a_flood_of_requests_costs_neither_memory_nor_others_time(service: Service) -> None:
    async with Connection(service.port) as other:
        await other.get("/tell")
        before = resident_bytes(service)
        flooding = [Connection(service.port) for _ in range(10)]
        for connection in flooding:
            await connection.__aenter__()
            connection.send(request("/slow?seconds=3") + SHORT * FLOOD)
        slowest = 0.0
        end = time.monotonic() + 2
        while time.monotonic() < end:
            begin = time.monotonic()
            await other.get("/tell")
            slowest = max(slowest, time.monotonic() - begin)
        assert resident_bytes(service) - before < 32 * 1024 * 1024  # 88,000 waiting requests take 180 MB
        assert slowest < 1
        for connection in flooding:
            connection.writer.transport.abort()


async def test_every_pipelined_request_is_answered_in_order(service: Service) -> None:
    bodies = [b"%d" % number for number in range(600)]
    posts = [request("/echo", "POST", f"Content-Length: {len(body)}", body=body) for body in bodies]
    async with Connection(service.port) as connection:
        connection.send(b"".join(posts))
        assert [(await connection.answer()).body for _ in bodies] == bodies


async def test_bodies_wait_outside_of_the_process(service: Service) -> None:
    """A body behind a running request is not read, beyond what came with the segment of its head."""
    before = resident_bytes(service)
    async with Connection(service.port) as connection:
        connection.send(request("/slow?seconds=1"))
        await asyncio.sleep(0.1)
        connection.send(request("/echo", "POST", f"Content-Length: {900_000}", body=b"b" * 900_000))
        assert (await connection.answer()).body == b"slow"
        assert (await connection.answer()).body == b"b" * 900_000
        assert (await connection.get("/tell")).status == 200
    assert resident_bytes(service) - before < 16 * 1024 * 1024


async def test_waiting_bytes_have_a_budget(service: Service) -> None:
    flooding = [Connection(service.port) for _ in range(250)]
    for connection in flooding:
        await connection.__aenter__()
        connection.send(request("/slow?seconds=20") + SHORT * FLOOD)
    async with Connection(service.port) as other:
        for _ in range(100):
            assert (await other.get("/tell")).status == 200
            await asyncio.sleep(0.01)
    assert shed(service, "pipelined") > 0
    for connection in flooding:
        connection.writer.transport.abort()


async def test_nothing_is_answered_behind_a_close(service: Service) -> None:
    async with Connection(service.port) as connection:
        connection.send(request("/tell", "GET", "Connection: close") + request("/tell") * 3)
        assert (await connection.end()).count(b"HTTP/1.1 200") == 1
