"""Serves the page of the preview, the dashboards, responses of Prometheus, and sample metrics of a cluster."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from observability.dashboards.boards import DASHBOARDS
from observability.dashboards.grafana import document

from .cluster import kube_state_metrics, kubelet
from .configuration import SCRAPE_SECONDS

STATIC = Path(__file__).with_name("static")
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_EXPOSITION = "text/plain; version=0.0.4"
_FILES = {f"/{path.name}": path for path in STATIC.iterdir() if path.suffix in _TYPES}


@contextmanager
def serving(port: int, prometheus: str, cycle_seconds: float = 300) -> Generator[None]:
    """Serves on 127.0.0.1 until the block ends.

    Args:
        cycle_seconds: seconds between two changes of the sample autoscaler.

    Raises:
        OSError: the port is taken.
    """

    class Handler(_Handler):
        upstream = prometheus
        started = time.monotonic()
        autoscaler_cycle = cycle_seconds

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError as error:
        raise OSError(f"Port {port} is taken: choose another with PORT=…") from error
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    upstream = ""
    started = 0.0
    autoscaler_cycle = 0.0

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        path = "/page.html" if path == "/" else path
        if path in _FILES:
            self._answer(200, f"{_TYPES[_FILES[path].suffix]}; charset=utf-8", _FILES[path].read_bytes())
        elif path == "/dashboards.json":
            described = {
                "scrapeSeconds": SCRAPE_SECONDS,
                "dashboards": [document(dashboard, DASHBOARDS) for dashboard in DASHBOARDS],
            }
            self._answer(200, "application/json", json.dumps(described).encode())
        elif path == "/cluster/kube-state-metrics":
            self._answer(200, _EXPOSITION, kube_state_metrics(self._seconds(), self.autoscaler_cycle).encode())
        elif path == "/cluster/kubelet":
            self._answer(200, _EXPOSITION, kubelet(self._seconds()).encode())
        elif path.startswith("/api/v1/"):
            self._answer(*self._requested())
        else:
            self._answer(404, "text/plain", b"not here")

    def do_POST(self) -> None:
        """Spans, which only have to go somewhere."""
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._answer(200, "application/x-protobuf", b"")

    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing: the terminal shows errors only."""

    def _seconds(self) -> float:
        return time.monotonic() - self.started

    def _requested(self) -> tuple[int, str, bytes]:
        try:
            with urllib.request.urlopen(f"{self.upstream}{self.path}", timeout=30) as answer:  # noqa: S310 - ours
                return 200, "application/json", answer.read()
        except urllib.error.HTTPError as error:
            return error.code, "application/json", error.read()
        except (urllib.error.URLError, TimeoutError):
            return 502, "application/json", b'{"status":"error","error":"Prometheus does not answer"}'

    def _answer(self, status: int, media_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        with suppress(ConnectionError):  # the client disconnected
            self.wfile.write(body)
