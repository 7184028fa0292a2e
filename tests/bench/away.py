"""What requests notice of a collector that is dead, or that accepts spans and never answers: nothing, it should be."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from app.platform.settings import Database
from tests.bench.candidates import started
from tests.bench.machine import Cores, resident_mebibytes
from tests.bench.report import Figure, Goal
from tests.bench.rounds import Measured, alternate
from tests.bench.service import service
from tests.bench.sink import Sink

ANSWERS, DEAD, HANGS = "collector answers", "collector is dead", "collector hangs"
DISCARD = "http://127.0.0.1:9"
MEBIBYTES = 10
"""More than 2,560 spans take; what waits for a collector must not grow with the requests."""


def figures(
    database: Database, sink: Sink, cores: Cores, folder: Path, *, rounds: int, seconds: float, warm_up: float
) -> list[Figure]:
    """p99 and memory with a collector that is away, beside one that is there; 10 % of traces are recorded."""
    with ExitStack() as cleanup:
        silent = cleanup.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64))
        endpoints = {
            ANSWERS: sink.endpoint,
            DEAD: DISCARD,
            HANGS: f"http://127.0.0.1:{silent.getsockname()[1]}",
        }
        running = [
            cleanup.enter_context(started(service(name, database, endpoint), cores, folder))
            for name, endpoint in endpoints.items()
        ]
        results = alternate(running, rounds=rounds, seconds=seconds, warm_up=warm_up)
        memory = {server.candidate.name: resident_mebibytes(server.pid) for server in running}
    return [figure for name in (DEAD, HANGS) for figure in _beside(name, results, memory)]


def _beside(name: str, results: Sequence[Measured], memory: dict[str, float]) -> list[Figure]:
    by_name = {result.name: result for result in results}
    ratio = median(
        away.slowest_percent / there.slowest_percent
        for away, there in zip(by_name[name].answers, by_name[ANSWERS].answers, strict=True)
    )
    more = memory[name] - memory[ANSWERS]
    return [
        Figure(f"{name}: p99, times that of one that answers", ratio, "{:.2f}", Goal("at most", 1.05)),
        Figure(f"{name}: more memory, MiB", more, "{:.0f}", Goal("at most", MEBIBYTES)),
    ]
