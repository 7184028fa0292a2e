"""What continuous profiling costs, and pushing the metrics every second: both are off unless somebody asks."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from app.platform.settings import Database
from tests.bench.candidates import started
from tests.bench.machine import Cores
from tests.bench.report import Figure, Goal
from tests.bench.rounds import alternate
from tests.bench.service import service
from tests.bench.sink import Sink

USUAL, PROFILED, PUSHING = "as usual", "profiled", "metrics pushed every second"


def figures(
    database: Database, sink: Sink, cores: Cores, folder: Path, *, rounds: int, seconds: float, warm_up: float
) -> list[Figure]:
    """CPU with each of them as a multiple of that without."""
    more = {
        USUAL: {},
        PROFILED: {"TELEMETRY__PROFILES_ENDPOINT": sink.endpoint},
        PUSHING: {"TELEMETRY__PUSH_SECONDS": "1"},
    }
    with ExitStack() as cleanup:
        running = [
            cleanup.enter_context(started(service(name, database, sink.endpoint, **settings), cores, folder))
            for name, settings in more.items()
        ]
        usual, *others = alternate(running, rounds=rounds, seconds=seconds, warm_up=warm_up)
    return [
        Figure(f"{one.name}: CPU, times that without", one.times(usual), "{:.2f}", Goal("at most", 1.05))
        for one in others
    ]
