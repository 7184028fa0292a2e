"""What a stranger on the network of the pods sends to the metrics port."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter

from app.platform.process.operations_http import MAX_HEAD_BYTES
from app.platform.process.operations_port import MAX_CONNECTIONS, serve_metrics
from tests.support.process import REPOSITORY, scrape
from tests.support.waiting import free_port, until

HOST = "127.0.0.1"
MIB = 1024 * 1024
SERVER = """
import sys, time
from prometheus_client import CollectorRegistry, Counter
from app.platform.process.operations_port import serve_metrics
registry = CollectorRegistry()
counter = Counter("orders", "Orders.", ["number"], registry=registry)
for number in range(10_000):
    counter.labels(str(number)).inc()
with serve_metrics(registry, "127.0.0.1", int(sys.argv[1])):
    print("listening", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def port() -> Generator[int]:
    registry = CollectorRegistry()
    Counter("orders", "Orders.", registry=registry).inc(3)
    with serve_metrics(registry, HOST, port := free_port()):
        yield port


class Process:
    """A process that serves a large registry, and its memory."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.port = port
        self.process = process

    def status(self, name: str) -> int:
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)
        assert found
        return int(found[1])

    def peak_memory(self) -> int:
        """Bytes of RAM that it had at most."""
        return self.status("VmHWM") * 1024


@pytest.fixture
def process() -> Generator[Process]:
    command = [sys.executable, "-c", SERVER, str(port := free_port())]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    child = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == b"listening\n"
        yield Process(port, child)
    finally:
        child.communicate(timeout=60)


def exchange(port: int, request: bytes) -> bytes:
    """All that is answered; nothing if the connection is closed without an answer."""
    with socket.create_connection((HOST, port), timeout=20) as client:
        with suppress(OSError):  # refused while it is still sent
            client.sendall(request)
        answer = b""
        with suppress(ConnectionResetError):
            while received := client.recv(65536):
                answer += received
        return answer


def status(answer: bytes) -> int:
    return int(answer.split()[1])


@pytest.mark.parametrize(
    "length",
    [
        "00000000000000000000999999999999",
        "0" * 20 + "5",
        "9" * 5000,
        "-1",
        "+5",
        "5 5",
        "5,5",
        "0x5",
        "\uff11",
        "",
        "1_0",
    ],
)
def test_a_length_is_read_once_and_strictly(port: int, length: str) -> None:
    for method in ("GET", "PUT"):
        head = f"{method} /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
        assert status(exchange(port, head.encode("utf-8"))) in {400, 405, 413}  # 413: it is a number, of a body


@pytest.mark.parametrize(
    "body", [b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"]
)
def test_a_body_is_refused_unread(port: int, body: bytes) -> None:
    assert status(exchange(port, b"GET /metrics HTTP/1.1\r\nHost: x\r\n" + body)) == 413


@pytest.mark.parametrize(
    ("request_bytes", "expected"),
    [
        (b"GET /metrics HTTP/2.0\r\n\r\n", 400),
        (b"GET  /metrics HTTP/1.1\r\n\r\n", 400),
        (b"GET metrics HTTP/1.1\r\n\r\n", 400),
        (b"GET /metrics\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\nA: b\nC: d\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\n" + b"A: b\r\n" * 65 + b"\r\n", 431),
        (b"GET /" + b"x" * 2000 + b" HTTP/1.1\r\n\r\n", 400),
        (b"POST /metrics HTTP/1.1\r\n\r\n", 405),
        (b"CONNECT /metrics HTTP/1.1\r\n\r\n", 405),
        (b"GET /elsewhere HTTP/1.1\r\n\r\n", 404),
        (b"\x16\x03\x01\r\n\r\n", 400),
    ],
)
def test_a_malformed_request_is_refused(port: int, request_bytes: bytes, expected: int) -> None:
    answer = exchange(port, request_bytes)
    assert status(answer) == expected
    assert b"orders" not in answer


@pytest.mark.parametrize(
    "accept",
    [
        "application/openmetrics-text; version=; escaping=",
        "application/openmetrics-text; version=x.y.z",
        "application/openmetrics-text;;;=;q",
        "text/plain; escaping=" + "x" * 4000,
        "," * 7000,
        "\xe9",
    ],
)
def test_any_accept_field_gets_metrics(port: int, accept: str) -> None:
    head = f"GET /metrics HTTP/1.1\r\nAccept: {accept}\r\n\r\n"
    answer = exchange(port, head.encode("latin-1"))
    assert status(answer) == 200
    assert b"orders_total 3.0" in answer


def test_a_head_request_gets_no_body(port: int) -> None:
    head, _, body = exchange(port, b"HEAD /metrics HTTP/1.1\r\n\r\n").partition(b"\r\n\r\n")
    assert (b"Content-Length: 0" in head, body) == (False, b"")


@pytest.mark.parametrize("head", [b"GET /metrics HTTP/1.1\r\n", b"x", b"", b"GET /metrics HTTP/1.1\r\nA: "])
def test_heads_of_megabytes_cost_no_memory(process: Process, head: bytes) -> None:
    before = process.peak_memory()
    sent = 0
    with ExitStack() as stack:
        for _ in range(20):
            client = stack.enter_context(socket.create_connection((HOST, process.port), timeout=20))
            with suppress(OSError):
                client.sendall(head)
                for _ in range(80):
                    client.sendall(b"x" * 65536)
                    sent += 65536
    assert sent > 20 * MAX_HEAD_BYTES, "the clients sent more than a head may have"
    assert process.peak_memory() - before < 10 * MIB
    assert "orders_total" in scrape(process.port)


def test_many_scrapes_at_once_are_bounded_and_somebody_else_is_answered(process: Process) -> None:
    scrape(process.port)
    before = process.peak_memory()
    clients: list[socket.socket] = []
    try:
        for _ in range(50):  # none reads its answer, which is larger than what the kernel takes
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(20)
            client.connect((HOST, process.port))
            clients.append(client)
            with suppress(OSError):
                client.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        assert process.status("Threads") < MAX_CONNECTIONS + 10

        def is_answered() -> bool:
            try:
                return "orders_total" in scrape(process.port)
            except OSError:
                return False

        until(is_answered, "a scrape beside those that hang")
    finally:
        for client in clients:
            client.close()
    assert process.peak_memory() - before < 40 * MIB


def test_connections_without_a_request_do_not_keep_a_scrape_out(port: int) -> None:
    stop = threading.Event()

    def connect() -> None:
        held: list[socket.socket] = []
        while not stop.is_set():
            with suppress(OSError):
                held.append(socket.create_connection((HOST, port), timeout=20))
            time.sleep(0.02)
        for client in held:
            client.close()

    attackers = [threading.Thread(target=connect) for _ in range(4)]
    for attacker in attackers:
        attacker.start()
    try:
        time.sleep(0.5)
        for _ in range(5):
            assert "orders_total 3.0" in scrape(port)
    finally:
        stop.set()
        for attacker in attackers:
            attacker.join()
