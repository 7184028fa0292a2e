"""What requests notice of a collector that is dead, or that accepts spans and never answers: nothing, it should be."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path

from app.platform.settings import Database
from tests.bench.candidates import started
from tests.bench.machine import Cores, resident_mebibytes
from tests.bench.report import Figure, Goal
from tests.bench.rounds import alternate, slower_than
from tests.bench.service import service
from tests.bench.sink import Sink

ANSWERS, DEAD, HANGS = "collector answers", "collector is dead", "collector hangs"
AGAIN = "collector answers, again"
"""Shows the noise of the machine."""
DISCARD = "http://127.0.0.1:9"
MEBIBYTES = 24
"""What 2,560 spans and a batch under way take at most; it must not grow with the requests."""


def figures(
    database: Database, sink: Sink, cores: Cores, folder: Path, *, rounds: int, seconds: float, warm_up: float
) -> list[Figure]:
    """p99 and memory with a collector that is away, beside one that is there; 10 % of traces are recorded."""
    with ExitStack() as cleanup:
        silent = cleanup.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64))
        endpoints = {
            ANSWERS: sink.endpoint,
            DEAD: DISCARD,
            AGAIN: sink.endpoint,
            HANGS: f"http://127.0.0.1:{silent.getsockname()[1]}",
        }
        running = [
            cleanup.enter_context(started(service(name, database, endpoint), cores, folder))
            for name, endpoint in endpoints.items()
        ]
        results = alternate(running, rounds=rounds, seconds=seconds, warm_up=warm_up)
        memory = {server.candidate.name: resident_mebibytes(server.pid) for server in running}
    slower = {name: slower_than((ANSWERS, AGAIN), name, results) for name in (DEAD, HANGS, AGAIN)}
    return [
        *(
            Figure(f"{name}: p99, times that of one that answers", slower[name], "{:.2f}", Goal("at most", 1.05))
            for name in (DEAD, HANGS)
        ),
        Figure(f"noise: {AGAIN}", slower[AGAIN], "{:.2f}"),
        *(
            Figure(f"{name}: more memory, MiB", memory[name] - memory[ANSWERS], "{:.0f}", Goal("at most", MEBIBYTES))
            for name in (DEAD, HANGS)
        ),
    ]
