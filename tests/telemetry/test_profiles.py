"""Profiles: where the time of requests went arrives at a Pyroscope, and nowhere unless it is asked for."""

from __future__ import annotations

import gzip
import signal
import time
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from app.platform.settings import EXIT_CONFIG, Database
from tests.server.process import DRAIN, Service
from tests.support.answering import answering
from tests.support.live import live_service, variables
from tests.telemetry.collector import hanging

ENDPOINT = "SLIPWAY_TELEMETRY__PROFILES_ENDPOINT"
WITHOUT_PROFILER = (
    "import sys\n"
    "sys.modules['pyroscope'] = None\n"  # as if it were not installed
    "from app.cli import main\n"
    "sys.argv[1:] = ['serve']\n"
    "main()"
)


@contextmanager
def pyroscope() -> Generator[tuple[str, list[bytes]]]:
    """The address of a server that takes profiles, and what it was sent."""
    got: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/push.v1.PusherService/Push"
            got.append(gzip.decompress(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    with answering(Handler) as port:
        yield f"http://127.0.0.1:{port}", got


@pytest.mark.parametrize("workers", [(), ("--server", "gunicorn", "--workers", "2")], ids=["one process", "workers"])
def test_profiles_name_the_code_that_answered(workers: tuple[str, ...], tmp_path: Path, new_database: Database) -> None:
    with (
        pyroscope() as (endpoint, got),
        live_service(tmp_path, new_database, *workers, **{ENDPOINT: endpoint}) as service,
    ):
        ending = time.monotonic() + 1.5
        while time.monotonic() < ending:
            assert service.answers("/openapi.json")
        service.signal(signal.SIGTERM)
        assert service.wait() == 0
    sent = b"".join(got)
    assert b"uvicorn" in sent
    assert b"service_instance_id" in sent


def test_servers_that_hang_do_not_hold_up_the_end_one_after_the_other(tmp_path: Path, new_database: Database) -> None:
    with hanging() as endpoint:
        everything = {
            ENDPOINT: endpoint,
            "SLIPWAY_TELEMETRY__OTLP_ENDPOINT": endpoint,
            "SLIPWAY_TELEMETRY__SAMPLE_RATIO": "1",
            "SLIPWAY_TELEMETRY__PUSH_SECONDS": "3600",
        }
        with live_service(tmp_path, new_database, **everything) as service:
            assert service.answers("/nowhere")
            service.signal(signal.SIGTERM)
            begun = time.monotonic()
            assert service.wait() == 0
            assert "did not end within" not in service.log()
            assert time.monotonic() - begun < DRAIN + 6


def test_profiles_without_the_profiler_are_refused_with_what_to_install(tmp_path: Path, new_database: Database) -> None:
    asked = variables(new_database, **{ENDPOINT: "http://127.0.0.1:9"})
    service = Service(tmp_path, variables=asked, program=("-c", WITHOUT_PROFILER))
    assert service.wait() == EXIT_CONFIG, service.log()
    assert f"{ENDPOINT}: profiles need the package pyroscope-io, of the extra `profiles`" in service.log()
