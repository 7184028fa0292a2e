"""A scrape takes as long as it has lines, and neither waits for the event loop nor holds it up for long."""

import threading
import time

from app.platform.process.operations_port import serve_metrics
from app.platform.telemetry.metrics.exposition import exposition
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
