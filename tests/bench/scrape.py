"""What a scrape takes, and what counting a statement costs: both in process, without a socket."""

from __future__ import annotations

import time

from app.platform.settings import Service
from app.platform.telemetry.metrics.instruments import Metrics
from app.platform.telemetry.metrics.observers import PoolState
from tests.bench.report import Figure, Goal
from tests.support.scrapes import milliseconds

STATEMENTS = 20_000


def statement_microseconds() -> float:
    """CPU of what is counted for one statement that works: the wait for its connection, and its own time."""
    observer = Metrics(Service(), traced=False).database(lambda: PoolState(1, 1, 0, 10))
    best = float("inf")
    for _ in range(5):
        begun = time.process_time()
        for _ in range(STATEMENTS):
            waiting = time.perf_counter()
            observer.connection_wait(time.perf_counter() - waiting)
            running = time.perf_counter()
            observer.statement("SELECT", "", time.perf_counter() - running)
        best = min(best, (time.process_time() - begun) / STATEMENTS)
    return best * 1e6


def figures() -> list[Figure]:
    """Both, with their goals."""
    return [
        Figure("scrape of 3,600 lines, ms", milliseconds(3600), "{:.0f}", Goal("at most", 50)),
        Figure("scrape of 7,200 lines, ms", milliseconds(7200), "{:.0f}", Goal("at most", 120)),
        Figure("counting a statement, CPU us", statement_microseconds(), "{:.1f}", Goal("at most", 9)),
    ]
