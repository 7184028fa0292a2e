"""What requests notice of scrapes: nothing, it should be, though one interpreter answers both."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from fastapi import APIRouter

from app.feature import Feature
from app.main import create_app
from app.platform.http.application import SlipwayApp
from app.platform.settings import Database, Settings
from app.registry import enabled
from tests.bench.candidates import Running, started
from tests.bench.machine import Cores
from tests.bench.report import Figure, Goal
from tests.bench.rounds import alternate, slower_than
from tests.bench.service import service
from tests.bench.sink import Sink
from tests.support.scrapes import ACCEPT

ALONE, AGAIN, SCRAPED = "not scraped", "not scraped, again", "scraped"
SCRAPE_INTERVAL_SECONDS = 15.0
"""The shortest interval that is common in practice; the chart sets 30 s."""
ROUTES = 60
"""With those of the service a scrape then has about 3,600 lines."""


def create_wide_app(settings: Settings) -> SlipwayApp:
    """All features, and one of many routes."""
    router = APIRouter(tags=["wide"])

    async def nothing() -> None: ...

    for number in range(ROUTES):
        router.add_api_route(f"/api/v1/wide/{number}", nothing, operation_id=f"wide-{number}", status_code=204)
    return create_app(settings, [*enabled(settings), Feature(name="wide", routers=(router,))])


def figures(
    database: Database, sink: Sink, cores: Cores, folder: Path, *, rounds: int, seconds: float, warm_up: float
) -> list[Figure]:
    """p99 while the service is scraped every 15 s, relative to one that is not scraped."""
    app = f"{__name__}:{create_wide_app.__name__}"
    with ExitStack() as cleanup:
        running = [
            cleanup.enter_context(started(service(name, database, sink.endpoint, app=app), cores, folder))
            for name in (ALONE, SCRAPED, AGAIN)
        ]
        lines = _scrape(running[0])
        # A round holds one scrape, as in `SCRAPE_INTERVAL_SECONDS` of a real process.
        seconds = max(seconds, SCRAPE_INTERVAL_SECONDS)
        results = alternate(running, rounds=rounds, seconds=seconds, warm_up=warm_up, during=_scrapes)
    slower = {name: slower_than((ALONE, AGAIN), name, results) for name in (SCRAPED, AGAIN)}
    return [
        Figure(f"scraped ({lines:,} lines): p99, times that without", slower[SCRAPED], "{:.2f}", Goal("at most", 1.05)),
        Figure(f"noise: {AGAIN}", slower[AGAIN], "{:.2f}"),
    ]


@contextmanager
def _scrapes(running: Running) -> Generator[None]:
    """While the block lasts, the one that is to be scraped is."""
    over = threading.Event()

    def again_and_again() -> None:
        while not over.is_set():
            _scrape(running)
            over.wait(SCRAPE_INTERVAL_SECONDS)

    scraping = threading.Thread(target=again_and_again)
    if running.candidate.name == SCRAPED:
        scraping.start()
    try:
        yield
    finally:
        over.set()
        if scraping.ident:
            scraping.join()


def _scrape(running: Running) -> int:
    """As Prometheus does it; the number of lines."""
    address = f"http://127.0.0.1:{running.candidate.environment['SLIPWAY_METRICS__PORT']}/metrics"
    with urllib.request.urlopen(urllib.request.Request(address, headers={"Accept": ACCEPT})) as answer:
        body: bytes = answer.read()
    return body.count(b"\n")
