"""Memory that bodies take: what is refused is freed at once, and many clients at a time do not add up."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeAlias

import pytest

from app.platform.settings import Database
from tests.support.client import Connection, request
from tests.support.live import live_service
from tests.support.process import Service
from tests.support.tools import not_run_here

MIB = 1024 * 1024
JSON = "Content-Type: application/json"
FORM = "Content-Type: application/x-www-form-urlencoded"
USERS = "/api/v1/users"
Attack: TypeAlias = Callable[[Service, int, bytes, str, str], Awaitable[None]]


@pytest.fixture(scope="module")
def roomy(tmp_path_factory: pytest.TempPathFactory, database: Database) -> Iterator[Service]:
    """A service that takes bodies of 1 MiB, so that keeping a few dozen shows."""
    folder = tmp_path_factory.mktemp("roomy")
    with live_service(folder, database, SLIPWAY_HTTP__MAX_BODY_BYTES=str(MIB)) as service:
        yield service


def resident(service: Service) -> int:
    """MiB of the process that are in memory."""
    status = Path(f"/proc/{service.process.pid}/status")
    if not status.exists():
        not_run_here("/proc", "the memory of a process is read there")
    found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text())
    assert found is not None
    return int(found[1]) // 1024


async def attack(service: Service, times: int, body: bytes, field: str = JSON, path: str = USERS) -> None:
    """Sends the body so often; of a large one that is refused at its head not all is read, and the connection ends."""
    for _ in range(times):
        async with Connection(service.port) as connection:
            connection.send(request(path, "POST", field, f"Content-Length: {len(body)}", body=body))
            assert (await connection.answer()).status in (400, 413, 415, 422)


async def cut_short(service: Service, times: int, body: bytes, field: str, path: str) -> None:
    """Sends most of the body and leaves, so often."""
    for _ in range(times):
        async with Connection(service.port) as connection:
            connection.send(request(path, "POST", field, f"Content-Length: {len(body) + 9}", body=body))
            await connection.writer.drain()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"a":' + b" " * (MIB - 16), JSON),
        (b'{"a":"' + b"\xff" * (MIB - 16), JSON),
        (b"{}" + b" " * (MIB - 16), JSON),
        (b"{}" + b" " * (MIB - 16), "Content-Type: text/plain"),
        (b" " * (MIB + 1), JSON),
        (b"a=" + b"b" * (MIB - 16), FORM),
        (b"--x\r\nX" + b"b" * (MIB - 16), "Content-Type: multipart/form-data; boundary=x"),
    ],
    ids=["json", "utf-8", "fields", "media type", "size", "form", "multipart"],
)
@pytest.mark.parametrize("send", [attack, cut_short])
async def test_what_is_refused_is_freed(roomy: Service, send: Attack, body: bytes, field: str) -> None:
    path = USERS if "json" in field or "plain" in field else "/api/v1/auth/token"
    await send(roomy, 10, body, field, path)
    before = resident(roomy)
    await send(roomy, 40, body, field, path)
    assert abs(resident(roomy) - before) < 20


async def test_a_thousand_refused_bodies_leave_nothing(tmp_path: Path, database: Database) -> None:
    with live_service(tmp_path, database) as service:
        await attack(service, 50, b'{"a":' + b" " * 65_000)
        before = resident(service)
        await attack(service, 1000, b'{"a":' + b" " * 65_000)
        assert abs(resident(service) - before) < 20


async def test_many_clients_that_send_nearly_the_limit_do_not_add_up(tmp_path: Path, database: Database) -> None:
    async with AsyncExitStack() as stack:
        with live_service(tmp_path, database) as service:
            before = resident(service)
            for size in (MIB, 65_536):
                for _ in range(250):
                    connection = await stack.enter_async_context(Connection(service.port))
                    body = b" " * (size - 1)
                    connection.send(request(USERS, "POST", JSON, f"Content-Length: {size}", body=body))
                    await connection.writer.drain()
            async with Connection(service.port) as connection:
                assert (await connection.get("/livez")).status == 200
            assert resident(service) - before < 100, "a pod of 256 MiB has room for it"
