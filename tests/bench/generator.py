"""The load: connections that are never idle; takes a `Load` on its input and prints `Answers`, both as JSON.

A process of its own, with nothing but the standard library: it needs about 15 µs a request, so that it and
PostgreSQL fit on the other core while the server is what is saturated.
"""

from __future__ import annotations

import json
import random
import re
import select
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from statistics import quantiles

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_ANSWER_TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class Load:
    """GET requests to 127.0.0.1; `{number}` in the path becomes a random number up to `rows`, as in an id."""

    port: int
    path: str
    headers: dict[str, str]
    seconds: float
    rows: int
    connections: int = 32

    def requests(self) -> list[bytes]:
        """Some thousand whole requests, formatted before the clock runs."""
        numbers = random.Random(1)  # noqa: S311 - the same requests in each round
        head = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "127.0.0.1", **self.headers}.items())
        paths = (self.path.format(number=f"{numbers.randint(1, self.rows):012x}") for _ in range(4096))
        return [f"GET {path} HTTP/1.1\r\n{head}\r\n".encode() for path in paths]


@dataclass(frozen=True)
class Answers:
    """What came back: how many, how many other than 200, in how many seconds, and the latencies in ms."""

    count: int
    refused: int
    seconds: float
    median: float
    slowest_percent: float


@dataclass
class _Peer:
    socket: socket.socket
    since: float = 0
    received: bytes = b""


def apply(load: Load) -> Answers:
    """Send the load from another process."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__))],
        input=json.dumps(asdict(load)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Answers(**json.loads(done.stdout))


def drive(load: Load) -> Answers:
    """Send on each connection once its last request is answered; at the end, wait for what is under way.

    Raises:
        RuntimeError: the server closed a connection or gave no answer.
    """
    requests, refused, latencies = cycle(load.requests()), 0, list[float]()
    poll, peers = select.epoll(), dict[int, _Peer]()
    for _ in range(load.connections):
        peer = _Peer(socket.create_connection(("127.0.0.1", load.port)))
        peers[peer.socket.fileno()] = peer
        poll.register(peer.socket, select.EPOLLIN)
    begun = time.perf_counter()
    for peer in peers.values():
        peer.since = time.perf_counter()
        peer.socket.sendall(next(requests))
    under_way = load.connections
    while under_way:
        ready = poll.poll(_ANSWER_TIMEOUT_SECONDS)
        if not ready:
            raise RuntimeError(f"no answer within {_ANSWER_TIMEOUT_SECONDS} s")
        for descriptor, _ in ready:
            peer = peers[descriptor]
            some = peer.socket.recv(65536)
            if not some:
                raise RuntimeError("the server closed a connection")
            peer.received += some
            if not _whole(peer.received):
                continue
            now = time.perf_counter()
            latencies.append(now - peer.since)
            refused += not peer.received.startswith(b"HTTP/1.1 200 ")
            peer.received, peer.since = b"", now
            if now - begun < load.seconds:
                peer.socket.sendall(next(requests))
            else:
                under_way -= 1
    cuts = quantiles(latencies, n=100)
    seconds = time.perf_counter() - begun
    return Answers(len(latencies), refused, seconds, cuts[49] * 1000, cuts[98] * 1000)


def _whole(received: bytes) -> bool:
    end = received.find(b"\r\n\r\n")
    length = _LENGTH.search(received, 0, end) if end > 0 else None
    return length is not None and len(received) - end - 4 >= int(length[1])


if __name__ == "__main__":
    print(json.dumps(asdict(drive(Load(**json.loads(sys.stdin.read()))))))
