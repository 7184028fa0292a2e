"""What a scrape takes, and what counting a statement costs: both in process, without a socket."""

from __future__ import annotations

import time
from collections.abc import Callable

from app.platform.settings import Service
from app.platform.telemetry.metrics.exposition import exposition
from app.platform.telemetry.metrics.instruments import Metrics
from app.platform.telemetry.metrics.observers import PoolState
from tests.bench.report import Figure, Goal

LINES_A_SERIES = 17
ACCEPT = "application/openmetrics-text; version=1.0.0"
"""What Prometheus asks for; it costs the most, since exemplars come with it."""
STATEMENTS = 20_000


def filled(lines: int) -> Metrics:
    """Metrics whose scrape has about this many lines."""
    metrics = Metrics(Service(), traced=True)
    metrics.database(lambda: PoolState(1, 1, 0, 10))
    others = exposition(metrics.registry, ACCEPT)[0].count(b"\n")
    for number in range(max(0, lines - others) // LINES_A_SERIES):
        metrics.observe_request("GET", f"/api/v1/made/{number}/{{up}}", 200, 0.01, {"trace_id": "1" * 32})
    return metrics


def milliseconds(lines: int, times: int = 15) -> float:
    """The quickest of some scrapes: other load can only make one slower."""
    registry = filled(lines).registry
    return min(_elapsed(lambda: exposition(registry, ACCEPT)) for _ in range(times)) * 1e3


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


def _elapsed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
