"""Measures what a request costs, and prints it beside the figures that it may cost.

The server has one core, the load and PostgreSQL another; all servers are up at once and are measured in turn.
The figure is CPU a request (user and system of the server's processes), since requests a second depend on
what else the machine does; ratios are taken within a round, and of several rounds the median counts.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from app.platform.settings import Database
from tests.bench import away, item_read, layer, scrape, scraped
from tests.bench.candidates import BenchError, started
from tests.bench.database import ROWS, filled_database
from tests.bench.machine import Cores, choose_cores, resident_mebibytes
from tests.bench.report import Figure, Goal, costs, goals
from tests.bench.rounds import Measured, alternate
from tests.bench.service import require_telemetry, service
from tests.bench.sink import Sink, running_sink
from tests.support.server import forget_configuration
from tools.postgres.errors import EmbeddedPostgresError


@dataclass(frozen=True)
class Plan:
    """How long the run is; `controls` as in `item_read.candidates`."""

    rounds: int = 5
    seconds: float = 4
    warm_up: float = 2
    starts: int = 5
    blocks: int = layer.BLOCKS
    controls: bool = True


QUICK = Plan(rounds=3, seconds=1.5, warm_up=1, starts=3, blocks=15, controls=False)


def main() -> int:
    """The exit code: 1 where nothing could be measured, or with `--strict` where a goal is missed."""
    arguments = argparse.ArgumentParser(prog="make bench", description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="less than a minute, and less exact")
    arguments.add_argument("--strict", action="store_true", help="exit with 1 when a goal is missed")
    options = arguments.parse_args()
    if not sys.platform.startswith("linux"):
        print("make bench: it reads /proc, so it runs on Linux only", file=sys.stderr)
        return 1
    forget_configuration()  # what is set here for other runs would change the figures
    try:
        figures = run(QUICK if options.quick else Plan(), choose_cores())
    except (BenchError, EmbeddedPostgresError, OSError) as error:
        print(f"make bench: {error}", file=sys.stderr)
        return 1
    return 1 if options.strict and any(figure.missed for figure in figures) else 0


def run(plan: Plan, cores: Cores) -> list[Figure]:
    """Measure and print everything."""
    with ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="slipway-bench-")))
        database = cleanup.enter_context(filled_database(folder / "postgres"))
        sink = cleanup.enter_context(running_sink())
        print(
            f"Item read by id: {ROWS:,} rows, pool of 10, 32 connections; {cores};\n"
            f"{plan.rounds} rounds of {plan.seconds:g} s each. "
            "Everything on: metrics, 10 % traces, access log, verified token, security headers.\n",
            flush=True,
        )
        results, memory = _item_read(plan, database, sink, cores, folder)
        print(costs(results), end="\n\n", flush=True)
        start = _start(plan, database, sink, cores, folder)
        noticed = [
            figure
            for part in ((scraped, away) if plan.controls else ())
            for figure in part.figures(
                database, sink, cores, folder, rounds=plan.rounds, seconds=plan.seconds, warm_up=plan.warm_up
            )
        ]
    figures = [
        *item_read.figures(results),
        memory,
        start,
        *_layer(plan),
        *scrape.figures(),
        *noticed,
    ]
    print(goals(figures))
    return figures


def _item_read(plan: Plan, database: Database, sink: Sink, cores: Cores, folder: Path) -> tuple[list[Measured], Figure]:
    """The rounds of all candidates, and the memory of the service in them."""
    with ExitStack() as servers:
        running = [
            servers.enter_context(started(candidate, cores, folder))
            for candidate in item_read.candidates(database, sink.endpoint, controls=plan.controls)
        ]
        results = alternate(running, rounds=plan.rounds, seconds=plan.seconds, warm_up=plan.warm_up)
        index = next(i for i, result in enumerate(results) if result.name == item_read.SERVICE)
        require_telemetry(running[index], sink, results[index].count)
        memory = resident_mebibytes(running[index].pid)
    return results, Figure("memory after the load (RSS), MiB", memory, "{:.0f}", Goal("at most", 120))


def _start(plan: Plan, database: Database, sink: Sink, cores: Cores, folder: Path) -> Figure:
    """From the start of the process to the first 200 of `/readyz`."""
    candidate, seconds = service("Slipway", database, sink.endpoint), list[float]()
    for _ in range(plan.starts):
        with started(candidate, cores, folder) as running:
            seconds.append(running.seconds)
    return Figure("start to ready, s", median(seconds), "{:.1f}", Goal("at most", 3))


def _layer(plan: Plan) -> list[Figure]:
    """What the edge middleware adds in process, without a socket."""
    added = layer.added_microseconds(blocks=plan.blocks)
    many = layer.added_microseconds(routes=layer.MANY_ROUTES, blocks=plan.blocks // 3)
    growth = max(many[variant.name] - added[variant.name] for variant in layer.VARIANTS)
    return [
        *(
            Figure(
                f"layer, CPU us: {variant.name}",
                added[variant.name],
                "{:.0f}",
                Goal("at most", variant.budget) if variant.budget else None,
            )
            for variant in layer.VARIANTS
        ),
        Figure(f"layer, CPU us: more with {layer.MANY_ROUTES} routes", growth, "{:.0f}", Goal("at most", 15)),
    ]


if __name__ == "__main__":
    sys.exit(main())
