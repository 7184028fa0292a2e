"""Large scrapes, made in process without a socket, and the time that each takes."""

from __future__ import annotations

import time
from collections.abc import Callable

from app.platform.settings import Service
from app.platform.telemetry.metrics.exposition import exposition
from app.platform.telemetry.metrics.instruments import Metrics
from app.platform.telemetry.metrics.observers import PoolState

LINES_PER_SERIES = 17
ACCEPT = "application/openmetrics-text; version=1.0.0"
"""Prometheus sends this. It is the most expensive format, since it carries exemplars."""


def filled(lines: int) -> Metrics:
    """Metrics whose scrape has about this many lines."""
    metrics = Metrics(Service(), traced=True)
    metrics.database(lambda: PoolState(1, 1, 0, 10))
    others = exposition(metrics.registry, ACCEPT)[0].count(b"\n")
    for number in range(max(0, lines - others) // LINES_PER_SERIES):
        metrics.observe_request("GET", f"/api/v1/made/{number}/{{up}}", 200, 0.01, {"trace_id": "1" * 32})
    return metrics


def milliseconds(lines: int, times: int = 15) -> float:
    """The quickest of some scrapes: other load can only make one slower."""
    registry = filled(lines).registry
    return min(_elapsed(lambda: exposition(registry, ACCEPT)) for _ in range(times)) * 1e3


def _elapsed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
