"""Clients that hold connections: too many, too slow, with handshakes of nothing, or deaf to their answers."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, suppress

import pytest

from tests.support.client import Connection, request
from tests.support.edge import HANDSHAKE, resident_bytes, shed, target, value_of
from tests.support.process import Service

MAX_CONNECTIONS = 40
WINDOW = "1"
LARGE = 8_000_000


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that waits a second for what others give ten or thirty, and takes 40 connections."""
    with target(
        tmp_path_factory.mktemp("connections"),
        SLIPWAY_HTTP__MAX_CONNECTIONS=str(MAX_CONNECTIONS),
        SLIPWAY_HTTP__HEADER_TIMEOUT_SECONDS=WINDOW,
        SLIPWAY_HTTP__WRITE_TIMEOUT_SECONDS=WINDOW,
        SLIPWAY_HTTP__KEEP_ALIVE_SECONDS="60",
        SLIPWAY_HTTP__MIN_BODY_BYTES_PER_SECOND="1000",
        SLIPWAY_HTTP__MAX_BODY_BYTES="1000000",
    ) as service:
        yield service


@pytest.fixture(scope="module")
def roomy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service as it is by default."""
    with target(tmp_path_factory.mktemp("roomy"), SLIPWAY_HTTP__MAX_CONNECTIONS="3000") as service:
        yield service


@asynccontextmanager
async def opened(port: int, number: int, first: bytes = b"") -> AsyncGenerator[list[Connection]]:
    """This many connections that have sent this."""
    connections = [Connection(port) for _ in range(number)]
    for connection in connections:
        await connection.__aenter__()
        connection.send(first)
    try:
        yield connections
    finally:
        for connection in connections:
            connection.writer.transport.abort()
        await asyncio.sleep(0)


@asynccontextmanager
async def deaf(port: int, message: bytes, buffer: int = 4096) -> AsyncGenerator[socket.socket]:
    """A client that sends this and reads nothing."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, ("127.0.0.1", port))
        await loop.sock_sendall(client, message)
        yield client


async def until_seen(service: Service, series: str, value: float) -> None:
    end = time.monotonic() + 20
    while value_of(service, series) != value:
        assert time.monotonic() < end, f"{series} is {value_of(service, series)}, not {value}"
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("first", [b"", b"GET /tell HTTP/1.1\r\nX: "], ids=["silent", "half a head"])
async def test_a_full_house_lets_new_clients_in(service: Service, first: bytes) -> None:
    counted = shed(service, "connections")
    async with opened(service.port, MAX_CONNECTIONS, first), Connection(service.port) as newcomer:
        assert (await newcomer.get("/tell")).status == 200
        assert shed(service, "connections") > counted


async def test_a_house_full_of_running_requests_answers_503(service: Service) -> None:
    async with opened(service.port, MAX_CONNECTIONS, request("/slow?seconds=2")) as running:
        await asyncio.sleep(0.5)
        async with Connection(service.port) as newcomer:
            answer = await newcomer.answer()
            assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert {(await connection.answer()).body for connection in running} == {b"slow"}


async def test_open_connections_are_shown(service: Service) -> None:
    async with opened(service.port, 7) as connections:
        for connection in connections:
            await connection.get("/tell")
        await until_seen(service, "http_server_open_connections", 7)


async def test_heads_take_little_memory(roomy: Service) -> None:
    """1,500 clients that send what a head may hold, but for its end."""
    before = resident_bytes(roomy)
    many_fields = request("/tell", "GET", *["a:b"] * 6000)[:31_000]
    one_field = request("/tell")[:-2] + b"X: " + b"a" * 31_000
    async with opened(roomy.port, 750, many_fields), opened(roomy.port, 750, one_field):
        await until_seen(roomy, "http_server_open_connections", 1500)
        assert resident_bytes(roomy) - before < 120 * 1024 * 1024


async def test_bytes_sent_early_buy_no_silence(service: Service) -> None:
    counted = shed(service, "slow_client")
    async with Connection(service.port) as connection:
        connection.send(request("/echo", "POST", "Content-Length: 1000000", body=b"b" * 900_000))
        begin = time.monotonic()
        assert await connection.end() == b""
    assert time.monotonic() - begin < 10
    assert shed(service, "slow_client") == counted + 1


async def test_a_body_at_the_minimum_rate_is_read(service: Service) -> None:
    async with Connection(service.port) as connection:
        connection.send(request("/tell", "POST", "Content-Length: 12000"))
        for _ in range(30):
            await asyncio.sleep(0.1)
            connection.send(b"b" * 400)
        assert (await connection.answer()).body == b"POST /tell None 12000"


@pytest.mark.parametrize("last", [b"", request("/tell")], ids=["one answer", "another request"])
async def test_who_reads_no_answer_is_counted_and_cut(service: Service, last: bytes) -> None:
    counted = shed(service, "slow_client")
    async with deaf(service.port, request(f"/large?bytes={LARGE}") + last):
        await until_seen(service, "http_server_active_requests", 1)
        await until_seen(service, "http_server_active_requests", 0)
        await until_seen(service, "http_server_open_connections", 0)
    assert shed(service, "slow_client") == counted + 1


async def test_who_reads_a_little_at_a_time_is_cut(service: Service) -> None:
    counted = shed(service, "slow_client")
    async with deaf(service.port, request(f"/large?bytes={LARGE}")) as client:
        loop, end = asyncio.get_running_loop(), time.monotonic() + 20
        while shed(service, "slow_client") == counted:
            assert time.monotonic() < end
            await loop.sock_recv(client, 10)
            await asyncio.sleep(0.1)


async def test_who_reads_steadily_gets_all(service: Service) -> None:
    message = request(f"/large?bytes={LARGE}", "GET", "Connection: close")
    async with deaf(service.port, message, buffer=100_000) as client:
        loop, received = asyncio.get_running_loop(), 0
        while piece := await loop.sock_recv(client, 100_000):
            received += len(piece)
            await asyncio.sleep(0.03)
    assert received > LARGE


KEY = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
HANDSHAKES = {
    "nothing": (("Connection: Upgrade", "Upgrade: websocket"), 426),
    "no key": ((*HANDSHAKE[:3],), 400),
    "two keys": ((*HANDSHAKE, KEY), 400),
    "short key": ((*HANDSHAKE[:3], "Sec-WebSocket-Key: AAAA"), 400),
    "key of no base64": ((*HANDSHAKE[:3], "Sec-WebSocket-Key: !!!!"), 400),
    "version 8": ((*HANDSHAKE[:2], "Sec-WebSocket-Version: 8", KEY), 426),
    "two versions": ((*HANDSHAKE, "Sec-WebSocket-Version: 13"), 426),
    "extension": ((*HANDSHAKE, "Sec-WebSocket-Extensions: ;;"), 400),
    "101 fields": ((*HANDSHAKE, *(f"X-{number}: y" for number in range(96))), 431),
    "200 fields": ((*HANDSHAKE, *(f"X-{number}: y" for number in range(200))), 431),
    "large head": ((*HANDSHAKE, "Cookie: " + "c" * 40_000), 431),
}


@pytest.mark.parametrize(("fields", "status"), HANDSHAKES.values(), ids=HANDSHAKES)
async def test_a_handshake_of_nothing_is_answered(service: Service, fields: tuple[str, ...], status: int) -> None:
    reason = "large_head" if status == 431 else "malformed"
    counted = shed(service, reason)
    async with Connection(service.port) as connection:
        connection.send(request("/ws", "GET", *fields))
        answer = await connection.answer()
        assert await connection.end() == b""
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert status != 426 or answer.headers["sec-websocket-version"] == "13"
    assert shed(service, reason) == counted + 1


async def test_frames_before_the_handshake_is_answered_are_refused(service: Service) -> None:
    async with Connection(service.port) as connection:
        connection.send(request("/ws", "GET", *HANDSHAKE) + b"\x81\x85\x00\x00\x00\x00hello")
        assert (await connection.answer()).status == 400


@pytest.mark.parametrize(
    "more",
    [["Cookie: " + "c" * 20_000], [f"X-{number}: y" for number in range(95)], ["X: \xe9"]],
    ids=["large cookie", "100 fields", "not ascii"],
)
async def test_the_limits_of_requests_hold_for_handshakes(service: Service, more: list[str]) -> None:
    async with Connection(service.port) as connection:
        connection.send(request("/ws?a=b", "GET", *HANDSHAKE, *more))
        assert (await connection.head()).status == 101
        connection.send(b"\x81\x85\x00\x00\x00\x00hello")
        assert await asyncio.wait_for(connection.reader.readexactly(7), 10) == b"\x81\x05hello"


async def test_a_websocket_that_is_never_accepted_ends(service: Service) -> None:
    async with Connection(service.port) as connection:
        connection.send(request("/hesitate", "GET", *HANDSHAKE))
        assert (await connection.head()).status == 500
        await connection.end()


async def test_a_websocket_client_that_reads_nothing_is_cut(service: Service) -> None:
    counted = shed(service, "slow_client")
    frame = b"\x81\xff" + (60_000).to_bytes(8, "big") + bytes(60_004)
    async with deaf(service.port, request("/ws", "GET", *HANDSHAKE)) as client:
        loop = asyncio.get_running_loop()
        await loop.sock_recv(client, 1000)
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(10):
                while True:
                    await loop.sock_sendall(client, frame)
        await until_seen(service, "http_server_open_connections", 0)
    assert shed(service, "slow_client") == counted + 1


@pytest.mark.parametrize("framing", ["Transfer-Encoding: chunked", "Content-Length: 100000000000"])
async def test_a_body_without_end_after_the_answer_is_cut(service: Service, framing: str) -> None:
    """The application answers 413 or without reading; what still comes is bounded."""
    chunk = b"4000\r\n" + bytes(0x4000) + b"\r\n"
    async with Connection(service.port) as connection:
        connection.send(request("/slow?seconds=0", "POST", framing))
        assert (await connection.answer()).status in {405, 413}
        sent = 0
        with suppress(ConnectionError):
            async with asyncio.timeout(10):
                while not connection.reader.at_eof() or sent < 1_000_000:
                    connection.send(chunk)
                    sent += len(chunk)
                    await connection.writer.drain()
                    await asyncio.sleep(0)
    await until_seen(service, "http_server_open_connections", 0)
    assert sent < 1_000_000_000


async def test_a_body_that_drips_after_the_answer_is_cut(service: Service) -> None:
    async with Connection(service.port) as connection:
        connection.send(request("/slow?seconds=0", "POST", "Content-Length: 200000"))
        assert (await connection.answer()).status == 405
        begin = time.monotonic()
        with suppress(ConnectionError):
            async with asyncio.timeout(10):
                while not connection.reader.at_eof():
                    connection.send(b"b" * 400)  # faster than a body must be
                    await asyncio.sleep(0.1)
    assert time.monotonic() - begin < 10


async def test_an_answer_that_closes_reaches_who_still_sends(service: Service) -> None:
    """To close at once would have the kernel reset the connection, and the client might not see the answer."""
    body = b"b" * 4_000_000
    async with Connection(service.port) as connection:
        connection.send(request("/echo", "POST", "Connection: close", f"Content-Length: {len(body)}"))
        connection.send(body)
        await connection.writer.drain()
        await asyncio.sleep(0.2)
        answer = await connection.answer()
        assert (answer.status, await connection.rest()) == (413, b"")


async def test_websockets_leave_room_for_requests(service: Service) -> None:
    counted = shed(service, "connections")
    async with opened(service.port, MAX_CONNECTIONS, request("/ws", "GET", *HANDSHAKE)) as connections:
        statuses = [(await connection.head()).status for connection in connections]
        assert statuses.count(101) == MAX_CONNECTIONS * 4 // 5
        assert statuses.count(503) == shed(service, "connections") - counted == MAX_CONNECTIONS // 5
        async with opened(service.port, MAX_CONNECTIONS), Connection(service.port) as newcomer:
            assert (await newcomer.get("/tell")).status == 200
    async with Connection(service.port) as connection:
        connection.send(request("/ws", "GET", *HANDSHAKE))
        assert (await connection.head()).status == 101


async def test_refused_clients_that_stay_keep_nobody_out(service: Service) -> None:
    async with opened(service.port, MAX_CONNECTIONS, b"NONSENSE\r\n\r\n") as refused:
        assert {(await connection.answer()).status for connection in refused} == {400}
        async with Connection(service.port) as newcomer:
            assert (await newcomer.get("/tell")).status == 200


async def test_a_malformed_rest_of_a_body_gets_no_second_answer(service: Service) -> None:
    async with Connection(service.port) as connection:
        connection.send(request("/slow?seconds=0", "POST", "Transfer-Encoding: chunked") + b"5\r\nhello\r\n")
        assert (await connection.answer()).status == 405
        connection.send(b"no chunk\r\n\r\n")
        assert await connection.rest() == b""
