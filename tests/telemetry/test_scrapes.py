"""A scrape takes as long as it has lines, and neither waits for the event loop nor holds it up for long."""

import itertools
import threading
import time

import pytest

from app.platform.process.operations_port import serve_metrics
from app.platform.telemetry.metrics import exposition as module
from app.platform.telemetry.metrics.exposition import MOST_RESTS, exposition
from tests.support.process import scrape
from tests.support.sample import BLOCKED_SECONDS
from tests.support.scrapes import ACCEPT, filled, milliseconds
from tests.support.served import Served, eventually
from tests.support.waiting import free_port

HOST = "127.0.0.1"


def test_a_scrape_grows_with_its_lines_and_not_faster() -> None:
    """`make bench` holds the times themselves against their goals; here other load must not matter."""
    few, many = milliseconds(1800, times=5), milliseconds(7200, times=5)
    assert exposition(filled(7200).registry, ACCEPT)[0].count(b"\n") > 7000
    assert many < 8 * few, "four times the lines"
    assert many < 1000


@pytest.mark.parametrize(("busy", "lines", "rests"), [(False, 7200, 0), (True, 1800, 20), (True, 18_000, MOST_RESTS)])
def test_a_scrape_rests_only_where_requests_have_work_and_not_for_ever(
    busy: bool, lines: int, rests: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = filled(lines).registry
    ticks = itertools.count() if busy else itertools.repeat(0)
    rested = list[float]()
    monkeypatch.setattr(module, "_cpu_of_others", lambda: next(ticks))
    monkeypatch.setattr(time, "sleep", rested.append)
    made, _ = exposition(registry, ACCEPT)
    assert made.count(b"\n") > 0.9 * lines
    assert rests <= len(rested) <= MOST_RESTS if busy else not rested


def test_a_blocked_event_loop_does_not_hold_up_a_scrape(served: Served) -> None:
    with serve_metrics(served.telemetry.registry, HOST, port := free_port()):
        blocked = threading.Thread(target=served.get, args=("/api/blocks",))
        before = served.value("http_server_active_requests")
        blocked.start()
        eventually(lambda: served.value("http_server_active_requests") > before)
        begun = time.perf_counter()
        assert "http_server_active_requests" in scrape(port)
        assert time.perf_counter() - begun < BLOCKED_SECONDS / 2
        assert blocked.is_alive(), "the loop was still blocked"
        blocked.join()


def test_requests_go_on_while_a_large_scrape_is_made(served: Served) -> None:
    ended = threading.Event()
    registry = filled(7200).registry

    def scrapes() -> None:
        while not ended.is_set():
            exposition(registry, ACCEPT)

    scraping = threading.Thread(target=scrapes)
    scraping.start()
    try:
        begun = time.perf_counter()
        for _ in range(20):
            assert served.get("/api/items/1").status == 200
        assert time.perf_counter() - begun < 5
    finally:
        ended.set()
        scraping.join()
