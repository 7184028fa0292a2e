"""The metrics port, with real sockets."""

from __future__ import annotations

import gzip
import socket
import urllib.error
import urllib.request
from http.client import HTTPResponse

import pytest
from prometheus_client import CollectorRegistry, Counter

from app.platform.process import operations_port as module
from app.platform.process.listen import ListenError
from app.platform.process.operations_port import serve_metrics
from app.platform.telemetry.metrics.exposition import exposition
from tests.support.process import scrape
from tests.support.waiting import free_port

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
HOST = "127.0.0.1"


@pytest.fixture
def registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    counter = Counter("orders", "Orders.", registry=registry)
    counter.inc(3, {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"})
    return registry


def fetch(port: int, **headers: str) -> HTTPResponse:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = urllib.request.urlopen(urllib.request.Request(f"http://{HOST}:{port}/metrics", headers=fields))
    assert isinstance(answer, HTTPResponse)
    return answer


def test_metrics_are_text_unless_openmetrics_is_asked_for(registry: CollectorRegistry) -> None:
    with serve_metrics(registry, HOST, port := free_port()):
        with fetch(port) as text:
            assert text.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            assert b"orders_total 3.0\n" in text.read()
        with fetch(port, Accept=OPENMETRICS) as answer:
            assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
            body = answer.read()
    assert b'orders_total 3.0 # {trace_id="4bf92f3577b34da6a3ce929d0e0e4736"} 3.0' in body
    assert body.endswith(b"# EOF\n")


def test_the_function_answers_like_the_port(registry: CollectorRegistry) -> None:
    body, media_type = exposition(registry, OPENMETRICS)
    with serve_metrics(registry, HOST, port := free_port()), fetch(port, Accept=OPENMETRICS) as answer:
        assert (answer.read(), answer.headers["Content-Type"]) == (body, media_type)


def test_metrics_are_compressed_for_who_takes_it(registry: CollectorRegistry) -> None:
    with serve_metrics(registry, HOST, port := free_port()), fetch(port, Accept_Encoding="gzip") as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert b"orders_total 3.0\n" in gzip.decompress(answer.read())


def test_other_paths_hold_no_metrics(registry: CollectorRegistry) -> None:
    with serve_metrics(registry, HOST, port := free_port()), pytest.raises(urllib.error.HTTPError, match="404"):
        scrape(port, "/")


def test_a_scraper_that_hangs_holds_up_nobody_and_is_cut(
    registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CONNECTION_TIMEOUT_SECONDS", 0.5)
    with serve_metrics(registry, HOST, port := free_port()):
        hanging = [socket.create_connection((HOST, port), timeout=20) for _ in range(20)]
        for client in hanging:
            client.sendall(b"GET /metrics HTTP/1.1\r\n")
        assert "orders_total 3.0" in scrape(port)
        for client in hanging:
            assert client.recv(1000) == b""
            client.close()


def test_a_port_in_use_is_named_with_the_variable_that_moves_it(registry: CollectorRegistry) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(ListenError, match=f"port {port}: another process .* SLIPWAY_METRICS__PORT"),
            serve_metrics(registry, HOST, port),
        ):
            pass


def test_workers_share_the_port_and_one_process_alone_does_not(registry: CollectorRegistry) -> None:
    with serve_metrics(registry, HOST, port := free_port(), multiprocess=True):
        with serve_metrics(registry, HOST, port, multiprocess=True):
            assert "orders_total 3.0" in scrape(port)
        with pytest.raises(ListenError), serve_metrics(registry, HOST, port):
            pass


def test_the_port_is_free_again_afterwards(registry: CollectorRegistry) -> None:
    port = free_port()
    for _ in range(2):
        with serve_metrics(registry, HOST, port):
            assert "orders_total 3.0" in scrape(port)
