"""Slow, oversized and malformed requests, sent by hand to a live process with small limits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest

from tests.support.client import Connection, request
from tests.support.process import Service, running, scrape

HEAD_BYTES = 8 * 1024
OPEN = b"GET /fast HTTP/1.1\r\nHost: test\r\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    limits = {"SLIPWAY_HTTP__MAX_HEADER_BYTES": str(HEAD_BYTES), "SLIPWAY_HTTP__MAX_BODY_BYTES": "1000000"}
    with running(tmp_path_factory.mktemp("guard"), **limits) as service:
        yield service


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that waits half a second for a head, and wants 100 kB of a body in a second."""
    with running(
        tmp_path_factory.mktemp("hasty"),
        SLIPWAY_HTTP__HEADER_TIMEOUT_SECONDS="0.5",
        SLIPWAY_HTTP__KEEP_ALIVE_SECONDS="60",
        SLIPWAY_HTTP__MIN_BODY_BYTES_PER_SECOND="100000",
        SLIPWAY_HTTP__MAX_BODY_BYTES="1000000",
    ) as service:
        yield service


async def refused(service: Service, *pieces: bytes) -> int:
    """The status of the problem that answers these bytes, after which the connection is closed."""
    async with Connection(service.port) as connection:
        for piece in pieces:
            connection.send(piece)
            await connection.writer.drain()
        answer = await connection.answer()
        assert answer.closes
        assert await connection.rest() == b""
    problem = json.loads(answer.body)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == answer.status
    assert problem["instance"] == answer.headers["x-request-id"]
    return answer.status


@pytest.mark.parametrize("head", [b"GET /fa", OPEN, OPEN + b"X-Half: "])
async def test_a_head_that_stops_halfway_is_answered_408(hasty: Service, head: bytes) -> None:
    assert await refused(hasty, head) == 408


async def test_a_head_that_trickles_in_is_answered_408(hasty: Service) -> None:
    async with Connection(hasty.port) as connection:
        connection.send(OPEN + b"X-Slow: ")
        answer = asyncio.create_task(connection.answer())
        while not answer.done():
            connection.send(b"a")
            await asyncio.sleep(0.05)
        assert answer.result().status == 408


async def test_a_silent_connection_is_closed_without_a_word(hasty: Service) -> None:
    async with Connection(hasty.port) as connection:
        assert await connection.rest() == b""


async def test_blank_lines_after_an_answer_keep_no_connection_open(hasty: Service) -> None:
    async with Connection(hasty.port) as connection:
        assert (await connection.get("/fast")).status == 200
        connection.send(b"\r\n")
        assert (await connection.answer()).status == 408


async def test_an_oversized_head_is_answered_431_however_it_arrives(service: Service) -> None:
    field = b"X-Large: " + b"a" * 60_000
    assert await refused(service, OPEN + field + b"\r\n\r\n") == 431
    assert await refused(service, OPEN, field[:HEAD_BYTES], field[HEAD_BYTES:]) == 431
    assert await refused(service, OPEN + b"X-Small: a\r\n" * 5_000 + b"\r\n") == 431
    assert await refused(service, b"GET /" + b"a" * 60_000 + b" HTTP/1.1\r\nHost: test\r\n\r\n") == 431


async def test_the_answer_reaches_a_client_that_is_still_sending(service: Service) -> None:
    assert await refused(service, OPEN + b"X-Huge: " + b"a" * 8_000_000) == 431


async def test_a_large_body_is_not_taken_for_a_large_head(service: Service) -> None:
    body = b"b" * 500_000
    async with Connection(service.port) as connection:
        for _ in range(2):
            connection.send(request("/echo", "POST", f"Content-Length: {len(body)}", body=body))
            assert (await connection.answer()).body == body


@pytest.mark.parametrize(
    "message",
    [
        b"nonsense\r\n\r\n",
        b"GET /fast HTTP/1.1\r\n\r\n",
        OPEN + b"Host: other\r\n\r\n",
        OPEN + b"Bad Name: x\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=["text", "no host", "two hosts", "field name", "length and chunks", "two lengths", "bad chunk", "http/2"],
)
async def test_a_malformed_request_is_answered_400(service: Service, message: bytes) -> None:
    assert await refused(service, message) == 400


async def test_http_1_0_needs_no_host(service: Service) -> None:
    async with Connection(service.port) as connection:
        connection.send(b"GET /fast HTTP/1.0\r\n\r\n")
        assert (await connection.answer()).status == 200


async def test_a_body_slower_than_the_minimum_is_cut(hasty: Service) -> None:
    async with Connection(hasty.port) as connection:
        connection.send(request("/echo", "POST", "Content-Length: 100000", body=b"slow"))
        end = asyncio.create_task(connection.end())
        while not end.done():
            connection.send(b"a")
            await asyncio.sleep(0.05)
        assert end.result() == b""


async def test_a_body_that_stops_after_an_early_answer_is_cut(hasty: Service) -> None:
    async with Connection(hasty.port) as connection:
        connection.send(request("/early", "POST", "Content-Length: 100000", body=b"some"))
        assert (await connection.answer()).body == b"early"
        connection.send(b"more")
        assert await connection.end() == b""


async def test_a_client_that_waits_for_100_continue_is_not_hurried(hasty: Service) -> None:
    async with Connection(hasty.port) as connection:
        connection.send(request("/slow?seconds=0.8", "GET", "Content-Length: 4", "Expect: 100-continue"))
        assert (await connection.answer()).body == b"slow"


async def test_requests_sent_at_once_are_answered_in_order(service: Service) -> None:
    async with Connection(service.port) as connection:
        connection.send(request("/slow?seconds=0.1") + request("/fast") + request("/slow?seconds=0"))
        bodies = [(await connection.answer()).body for _ in range(3)]
    assert [bodies[0], bodies[2]] == [b"slow", b"slow"]


async def test_nothing_is_written_into_an_answer_that_has_begun(service: Service) -> None:
    async with Connection(service.port) as connection:
        connection.send(request("/stream"))
        assert (await connection.head()).status == 200
        connection.send(b"nonsense\r\n\r\n")
        assert b"HTTP/1.1" not in await connection.end()


async def test_trailer_fields_are_no_headers(service: Service) -> None:
    async with Connection(service.port) as connection:
        connection.send(
            request("/trailers", "POST", "Transfer-Encoding: chunked", body=b"1\r\na\r\n0\r\nX-Late: x\r\n\r\n")
        )
        assert (await connection.answer()).body == b"host,transfer-encoding"


async def test_endless_trailer_fields_are_refused(service: Service) -> None:
    head = request("/slow?seconds=5", "GET", "Transfer-Encoding: chunked", body=b"1\r\na\r\n0\r\n")
    assert await refused(service, head, b"X-Late: x\r\n" * 100_000) == 400


async def test_honest_clients_are_served_beside_slow_ones(hasty: Service) -> None:
    slow = [Connection(hasty.port) for _ in range(60)]
    for connection in slow:
        await connection.__aenter__()
        connection.send(OPEN)
    async with Connection(hasty.port) as honest:
        answers = [await honest.get("/fast") for _ in range(100)]
    assert {answer.status for answer in answers} == {200}
    assert {(await connection.answer()).status for connection in slow} == {408}
    for connection in slow:
        connection.writer.close()


def shed(service: Service) -> dict[str, int]:
    """How many requests were refused or cut, by reason."""
    prefix = "http_server_requests_shed_total{reason="
    lines = (line.removeprefix(prefix) for line in scrape(service.metrics_port).splitlines() if prefix in line)
    return {line.split('"')[1]: int(float(line.rpartition(" ")[2])) for line in lines}


async def test_what_is_refused_is_counted_by_its_reason(service: Service, hasty: Service) -> None:
    before, before_in_haste = shed(service), shed(hasty)
    await refused(service, b"nonsense\r\n\r\n")
    await refused(service, OPEN + b"X-Large: " + b"a" * 60_000)
    await refused(hasty, OPEN)
    async with Connection(hasty.port) as connection:
        connection.send(request("/echo", "POST", "Content-Length: 100000", body=b"slow"))
        await connection.end()
    async with Connection(hasty.port) as connection:
        assert (await connection.get("/fast")).status == 200
    after, after_in_haste = shed(service), shed(hasty)
    assert {reason for reason in after if after[reason] == before[reason] + 1} == {"malformed", "large_head"}
    assert after_in_haste == before_in_haste | {"slow_client": before_in_haste["slow_client"] + 2}
