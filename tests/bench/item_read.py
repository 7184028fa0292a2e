"""The main question: what does reading an item by its id cost, with everything on, beside doing only that?"""

from __future__ import annotations

from collections.abc import Sequence

from app.platform.settings import Database
from tests.bench.candidates import Candidate
from tests.bench.database import ID, driver_variables
from tests.bench.report import Figure, Goal
from tests.bench.rounds import Measured
from tests.bench.service import WITHOUT_FREEZE, service

RAW = "raw ASGI + asyncpg"
BARE = "bare FastAPI + asyncpg"
SERVICE = "Slipway, everything on"
UNFROZEN = "Slipway, without gc.freeze"
AGAIN = "raw ASGI + asyncpg, again"


def candidates(database: Database, otlp_endpoint: str, *, controls: bool) -> list[Candidate]:
    """What is measured; `controls` adds the first again (the noise), and the service without `gc.freeze`."""
    chosen = [
        _reference(RAW, "raw", database),
        _reference(BARE, "bare", database),
        service(SERVICE, database, otlp_endpoint),
    ]
    if controls:
        chosen.append(service(UNFROZEN, database, otlp_endpoint, WITHOUT_FREEZE))
        chosen.append(_reference(AGAIN, "raw", database))
    return chosen


def figures(results: Sequence[Measured]) -> list[Figure]:
    """The ratios."""
    by_name = {result.name: result for result in results}
    raw, bare, everything = by_name[RAW], by_name[BARE], by_name[SERVICE]
    ratios = [
        Figure("share of raw ASGI + asyncpg, per CPU", raw.times(everything), "{:.0%}", Goal("at least", 0.55)),
        Figure("CPU, times bare FastAPI + asyncpg", everything.times(bare), "{:.2f}", Goal("at most", 1.15)),
    ]
    if unfrozen := by_name.get(UNFROZEN):
        ratios.append(Figure("CPU without gc.freeze, times with it", unfrozen.times(everything), "{:.2f}"))
    if again := by_name.get(AGAIN):
        ratios.append(Figure("noise: CPU of the same server, times itself", again.times(raw), "{:.2f}"))
    return ratios


def _reference(name: str, variable: str, database: Database) -> Candidate:
    options = "--loop uvloop --http httptools --no-access-log --log-level warning"
    return Candidate(
        name,
        command=("-m", "uvicorn", f"tests.bench.references:{variable}", "--port", "{port}", *options.split()),
        path=f"/items/{ID}",
        ready_path=f"/items/{ID.format(number=f'{1:012x}')}",
        environment=driver_variables(database),
    )
