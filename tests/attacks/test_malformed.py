"""Requests that readers of HTTP understand differently: all are refused, so that no proxy reads one differently."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.support.client import Connection, request
from tests.support.edge import shed, target
from tests.support.process import Service

HOST = b"Host: test\r\n"
POST = b"POST /echo HTTP/1.1\r\n" + HOST
CHUNKED = b"Transfer-Encoding: chunked\r\n"
BODY = b"\r\n1\r\na\r\n0\r\n\r\n"
MALFORMED = {
    "http 2.0": b"GET /tell HTTP/2.0\r\n" + HOST + b"\r\n",
    "http 0.9": b"GET /tell HTTP/0.9\r\n" + HOST + b"\r\n",
    "http 1.2": b"GET /tell HTTP/1.2\r\n" + HOST + b"\r\n",
    "no version": b"GET /tell\r\n" + HOST + b"\r\n",
    "rtsp": b"GET /tell RTSP/1.0\r\n" + HOST + b"\r\n",
    "rtsp 1.1": b"OPTIONS /tell RTSP/1.1\r\n" + HOST + b"\r\n",
    "rtsp method": b"DESCRIBE /tell RTSP/1.0\r\n" + HOST + b"\r\n",
    "ice": b"SOURCE /tell ICE/1.0\r\n" + HOST + b"\r\n",
    "two spaces before the target": b"GET  /tell HTTP/1.1\r\n" + HOST + b"\r\n",
    "two spaces after the target": b"GET /tell  HTTP/1.1\r\n" + HOST + b"\r\n",
    "space after the version": b"GET /tell HTTP/1.1 \r\n" + HOST + b"\r\n",
    "space before the method": b" GET /tell HTTP/1.1\r\n" + HOST + b"\r\n",
    "tab": b"GET\t/tell\tHTTP/1.1\r\n" + HOST + b"\r\n",
    "lower case method": b"get /tell HTTP/1.1\r\n" + HOST + b"\r\n",
    "not ascii": b"GET /t\xc3\xa9ll HTTP/1.1\r\n" + HOST + b"\r\n",
    "bare lf": b"GET /tell HTTP/1.1\nHost: test\n\n",
    "bare lf in the head": b"GET /tell HTTP/1.1\r\nHost: test\nX: y\r\n\r\n",
    "bare cr": b"GET /tell HTTP/1.1\r\nHost: test\rX: y\r\n\r\n",
    "bare cr in the request line": b"GET /tell HTTP/1.1\rX: y\r\n" + HOST + b"\r\n",
    "nul": b"GET /tell HTTP/1.1\r\nHost: test\r\nX: \x00\r\n\r\n",
    "folded field": b"GET /tell HTTP/1.1\r\nHost: test\r\nX: y\r\n z\r\n\r\n",
    "space before the colon": b"GET /tell HTTP/1.1\r\nHost: test\r\nX : y\r\n\r\n",
    "no colon": b"GET /tell HTTP/1.1\r\nHost: test\r\nX\r\n\r\n",
    "no name": b"GET /tell HTTP/1.1\r\nHost: test\r\n: y\r\n\r\n",
    "two hosts": b"GET /tell HTTP/1.1\r\nHost: test\r\nHost: test\r\n\r\n",
    "gzip": POST + b"Transfer-Encoding: gzip, chunked\r\n" + BODY,
    "gzip alone": POST + b"Transfer-Encoding: gzip\r\n" + BODY,
    "identity": POST + b"Transfer-Encoding: identity\r\n" + BODY,
    "chunked twice": POST + CHUNKED + CHUNKED + BODY,
    "chunked in a list": POST + b"Transfer-Encoding: chunked, chunked\r\n" + BODY,
    "chunked with a tab": POST + b"Transfer-Encoding: \x0bchunked\r\n" + BODY,
    "chunked in 1.0": POST.replace(b"1.1", b"1.0") + CHUNKED + BODY,
    "length and chunks": POST + b"Content-Length: 6\r\n" + CHUNKED + BODY,
    "chunks and length": POST + CHUNKED + b"Content-Length: 6\r\n" + BODY,
    "two lengths": POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
    "length list": POST + b"Content-Length: 1, 1\r\n\r\na",
    "signed length": POST + b"Content-Length: +1\r\n\r\na",
    "hexadecimal length": POST + b"Content-Length: 0x1\r\n\r\na",
    "negative length": POST + b"Content-Length: -1\r\n\r\na",
    "huge length": POST + b"Content-Length: " + b"9" * 30 + b"\r\n\r\na",
    "zeros before the length": POST + b"Content-Length: " + b"0" * 5000 + b"1\r\n\r\na",
    "chunk size": POST + CHUNKED + b"\r\n0x1\r\na\r\n0\r\n\r\n",
    "huge chunk size": POST + CHUNKED + b"\r\nfffffffffffffffff\r\na\r\n0\r\n\r\n",
    "bare lf after a chunk": POST + CHUNKED + b"\r\n1\na\n0\n\n",
    "chunk longer than said": POST + CHUNKED + b"\r\n1\r\nab\r\n0\r\n\r\n",
    "chunk extension": POST + CHUNKED + b"\r\n1;" + b"x" * 100_000 + b"\r\na\r\n0\r\n\r\n",
    "chunk extensions": POST + CHUNKED + b"\r\n" + (b"1;" + b"x" * 1000 + b"\r\na\r\n") * 100 + b"0\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)),
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with target(tmp_path_factory.mktemp("malformed")) as service:
        yield service


async def status_of(port: int, *segments: bytes) -> int:
    """The status of the only answer, after which the connection is closed."""
    async with Connection(port) as connection:
        for segment in segments:
            connection.send(segment)
            await asyncio.sleep(0.005)
        answer = await connection.answer()
        assert answer.closes
        assert await connection.end() == b""
    return answer.status


@pytest.mark.parametrize("message", MALFORMED.values(), ids=MALFORMED)
async def test_what_is_no_request_is_answered_400(service: Service, message: bytes) -> None:
    counted = shed(service, "malformed")
    assert await status_of(service.port, message) == 400
    assert await status_of(service.port, message[:12], message[12:]) == 400
    assert shed(service, "malformed") == counted + 2


async def test_a_request_behind_another_is_no_better(service: Service) -> None:
    async with Connection(service.port) as connection:
        connection.send(request("/tell") + MALFORMED["rtsp"] + request("/tell"))
        assert b"RTSP" not in await connection.end()


async def test_one_hundred_fields_are_enough(service: Service) -> None:
    fields = [f"X-{number}: y" for number in range(99)]
    async with Connection(service.port) as connection:
        connection.send(request("/tell", "GET", *fields))
        assert (await connection.answer()).status == 200
    counted = shed(service, "large_head")
    assert await status_of(service.port, request("/tell", "GET", *fields, "X-More: y")) == 431
    assert shed(service, "large_head") == counted + 1


async def test_usual_requests_are_understood(service: Service) -> None:
    messages = {
        b"\r\n\r\nGET /tell HTTP/1.1\r\nhost:test\r\n\r\n": b"GET /tell None 0",
        b"GET http://test/tell HTTP/1.1\r\nHost: test \r\n\r\n": b"GET /tell None 0",
        b"GET /tell?a=b%20c&d='[] HTTP/1.1\r\nHost: test\r\nX-Token:\ty\r\n\r\n": b"GET /tell y 0",
        POST + b"transfer-encoding: Chunked \r\n\r\n2;name=value\r\nab\r\n0\r\nX-Late: y\r\n\r\n": b"ab",
        POST + CHUNKED + b"\r\n1\r\na\r\n4\r\n\r\n\r\n\r\n0\r\n\r\n": b"a\r\n\r\n",
        POST + CHUNKED + b"\r\n" + b"1\r\na\r\n" * 5000 + b"0\r\n\r\n": b"a" * 5000,
        POST + b"Content-Length: 0005\r\n\r\nhello": b"hello",
        POST + b"Content-Length: 4\r\n\r\n\r\n\r\n": b"\r\n\r\n",
    }
    async with Connection(service.port) as connection:
        for message, body in messages.items():
            connection.send(message)
            answer = await connection.answer()
            assert (answer.status, answer.body) == (200, body)
            for at in range(0, min(len(message), 200), 9):
                connection.send(message[:at])
                await asyncio.sleep(0)
                connection.send(message[at:])
            for _ in range(0, min(len(message), 200), 9):
                assert (await connection.answer()).body == body
