"""Requests hidden in the bodies of others: each request gets one answer, and a body is never a request."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.client import Answer, Connection, request
from tests.support.edge import HANDSHAKE, target
from tests.support.process import Service
from tests.support.tools import require_tool
from tests.support.waiting import free_port, until

HIDDEN = b"DELETE /admin HTTP/1.1\r\nHost: test\r\nX-Token: hidden\r\n\r\n"
LAST = request("/tell", "GET", "X-Token: last", "Connection: close")
LAST_ANSWER = (200, b"GET /tell last 0")
VICTIMS = 100
UPGRADES = {
    "foo": ("Connection: Upgrade", "Upgrade: foo"),
    "h2c": ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"),
    "tls": ("Connection: upgrade", "Upgrade: TLS/1.0, HTTP/1.1"),
    "in a list": ("Connection: keep-alive, x, UPGRADE", "Upgrade: foo"),
    "in two fields": ("Connection: keep-alive", "Connection: upgrade", "Upgrade: foo", "Upgrade: bar"),
    "websocket": HANDSHAKE,
    "websocket in a list": ("Connection: upgrade", "Upgrade: websocket, h2c"),
    "odd case": ("CONNECTION: upgrade", "uPGRADE: foo"),
    "empty": ("Connection: upgrade", "Upgrade:"),
}
CHUNKED = b"%x\r\n%b\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with target(tmp_path_factory.mktemp("smuggling")) as service:
        yield service


async def answered(port: int, *segments: bytes) -> list[Answer]:
    """All answers to these segments, each sent when the one before has been read; the last asks for the end."""
    answers: list[Answer] = []
    async with Connection(port) as connection:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            for segment in segments:
                connection.send(segment)
                await connection.writer.drain()
                await asyncio.sleep(0.01)
            while True:
                answers.append(await connection.answer())
        with suppress(ConnectionError):
            connection.writer.close()
            await connection.writer.wait_closed()
    return answers


async def outcomes(port: int, message: bytes, splits: Iterable[int]) -> set[tuple[tuple[int, bytes], ...]]:
    """What is answered to a message in two segments, for each of these splits, and in segments of 29 bytes."""
    pieces = [message[begin:end] for begin, end in pairwise([*range(0, len(message), 29), len(message)])]
    attempts = [(message[:at], message[at:]) for at in splits]
    found = await asyncio.gather(*(answered(port, *segments) for segments in [*attempts, (message,), pieces]))
    return {tuple((answer.status, answer.body) for answer in answers) for answers in found}


@pytest.mark.parametrize("fields", UPGRADES.values(), ids=UPGRADES)
async def test_the_body_of_an_ignored_upgrade_is_read(service: Service, fields: tuple[str, ...]) -> None:
    framings = {f"Content-Length: {len(HIDDEN)}": HIDDEN, "Transfer-Encoding: chunked": CHUNKED}
    for framing, body in framings.items():
        head = request("/echo", "POST", *fields, framing)
        splits = (len(head) - 2, len(head), len(head) + 1, len(head) + 20, len(head) + len(body), len(head + body) - 3)
        assert await outcomes(service.port, head + body + LAST, splits) == {((200, HIDDEN), LAST_ANSWER)}


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
async def test_the_body_is_read_in_every_split(service: Service, chunked: bool) -> None:
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(HIDDEN)}"
    head = request("/echo", "POST", "Connection: Upgrade", "Upgrade: foo", framing)
    message = head + (CHUNKED if chunked else HIDDEN) + LAST
    for begin in range(1, len(message), 64):
        splits = range(begin, min(begin + 64, len(message)))
        assert await outcomes(service.port, message, splits) == {((200, HIDDEN), LAST_ANSWER)}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/echo", "http://test/echo"])
async def test_every_method_and_form_has_its_body_read(service: Service, method: str, path: str) -> None:
    message = request(path, method, "Connection: Upgrade", "Upgrade: foo", f"Content-Length: {len(HIDDEN)}")
    answers = await answered(service.port, message, HIDDEN, LAST)
    assert [answer.body for answer in answers] == [HIDDEN, LAST_ANSWER[1]]


@pytest.mark.parametrize(
    "head",
    [
        b"CONNECT test:443 HTTP/1.1\r\nHost: test\r\n\r\n",
        b"CONNECT /tell HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN),
        request("/ws", "GET", *HANDSHAKE, f"Content-Length: {len(HIDDEN)}"),
        request("/ws", "GET", *HANDSHAKE, "Transfer-Encoding: chunked"),
    ],
    ids=["connect", "connect with a body", "handshake with a body", "handshake with chunks"],
)
async def test_what_cannot_be_ignored_is_refused(service: Service, head: bytes) -> None:
    found = await outcomes(service.port, head + HIDDEN, (1, 20, len(head) - 1, len(head), len(head) + 30))
    assert {tuple(status for status, _ in answers) for answers in found} == {(400,)}


async def test_an_old_request_cannot_open_a_websocket(service: Service) -> None:
    head = request("/tell", "GET", *HANDSHAKE).replace(b"HTTP/1.1", b"HTTP/1.0")
    assert [answer.body for answer in await answered(service.port, head)] == [b"GET /tell None 0"]


async def test_a_websocket_begins_only_after_earlier_answers(service: Service) -> None:
    async with Connection(service.port) as connection:
        connection.send(request("/slow?seconds=0.3") + request("/tell") + request("/ws", "GET", *HANDSHAKE))
        assert (await connection.answer()).body == b"slow"
        assert (await connection.answer()).body == b"GET /tell None 0"
        assert (await connection.head()).status == 101


NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
    upstream service {{ server 127.0.0.1:{upstream}; keepalive 1; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://service;
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_set_header Host $host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
        }}
    }}
}}
"""


@contextmanager
def nginx(folder: Path, upstream: int) -> Generator[int]:
    """The port of a real nginx that keeps one connection to the service, with the usual lines for WebSockets."""
    program, port = require_tool("nginx", "/usr/sbin/nginx"), free_port()
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, upstream=upstream))
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen([program, "-p", folder, "-c", config], stdout=output, stderr=output)
    try:
        until(lambda: _listens(port), "nginx to listen")
        yield port
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("fields", [UPGRADES["foo"], UPGRADES["h2c"], HANDSHAKE], ids=["foo", "h2c", "websocket"])
async def test_no_client_behind_a_proxy_is_affected(service: Service, tmp_path: Path, fields: tuple[str, ...]) -> None:
    hidden = b"DELETE /admin HTTP/1.1\r\nHost: test\r\nX-Rest: "  # the next client's first line goes on from here
    attack = request("/echo", "POST", *fields, f"Content-Length: {len(hidden)}")
    affected = 0
    with nginx(tmp_path, service.port) as port:
        for number in range(VICTIMS):
            async with Connection(port) as attacker, Connection(port) as victim:
                attacker.send(attack)
                await attacker.writer.drain()
                await asyncio.sleep(0.003)  # nginx sends the head on
                attacker.send(hidden)
                assert (await attacker.answer()).body == hidden
                victim.send(request("/tell", "GET", f"X-Token: {number}"))
                affected += (await victim.answer()).body != b"GET /tell %d 0" % number
    assert affected == 0
