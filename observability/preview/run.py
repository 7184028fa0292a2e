"""Starts PostgreSQL, two processes of the service, Prometheus, a load and the page; Ctrl-C ends all of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType

from app.platform.settings import load_settings
from tools.postgres.errors import EmbeddedPostgresError
from tools.postgres.server import PostgresServer, free_port, running_postgres
from tools.run.run import INTERRUPTED, ROOT, STATE, with_server

from . import load
from .cluster import PODS
from .configuration import Target, configuration, rules
from .page import serving
from .prometheus import NoPrometheusError, program, running_prometheus

FOLDER = STATE / "preview"
DEFAULT_PORT = 8300
VERSION = "1.4.2"


def main() -> int:
    """Run until Ctrl-C; what prevents it is printed as one sentence."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _leave)
    try:
        port = int(os.environ.get("PORT", "") or DEFAULT_PORT)
        program()  # before minutes are spent on anything else
        with ExitStack() as stack:
            _start(stack, port)
            while True:
                time.sleep(3600)
    except (EmbeddedPostgresError, NoPrometheusError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


def _start(stack: ExitStack, port: int) -> None:
    prometheus_port = free_port()
    page = f"http://127.0.0.1:{port}"
    stack.enter_context(serving(port, f"http://127.0.0.1:{prometheus_port}"))
    server = stack.enter_context(running_postgres(FOLDER / "postgres", durable=False))
    targets, addresses = list[Target](), list[str]()
    for pod in PODS:
        target, address = stack.enter_context(_service(server, pod, collector=page))
        targets.append(target)
        addresses.append(address)
    scraped = configuration(targets, port)
    stack.enter_context(running_prometheus(FOLDER / "prometheus", prometheus_port, scraped, rules()))
    database = with_server(load_settings(), server).database
    threading.Thread(target=load.run, args=(addresses, database), daemon=True).start()
    print(
        f"\nThe dashboards, on live data: {page}\nA preview, not Grafana. Panels fill within a minute; Kubernetes "
        f"shows samples.\nPrometheus answers at http://127.0.0.1:{prometheus_port}. Ctrl-C ends all.\n",
        flush=True,
    )


@contextmanager
def _service(server: PostgresServer, pod: str, collector: str) -> Generator[tuple[Target, str]]:
    """A process of the service, ready; every fifth trace is recorded, so that panels have exemplars."""
    port, metrics_port = free_port(), free_port()
    variables = {
        "SLIPWAY_ENVIRONMENT": "development",
        "SLIPWAY_HTTP__PORT": str(port),
        "SLIPWAY_METRICS__PORT": str(metrics_port),
        "SLIPWAY_DATABASE__HOST": server.host,
        "SLIPWAY_DATABASE__PORT": str(server.port),
        "SLIPWAY_DATABASE__USER": server.user,
        "SLIPWAY_DATABASE__PASSWORD": server.password,
        "SLIPWAY_DATABASE__SSL": "disable",
        "SLIPWAY_SERVICE__VERSION": VERSION,
        "SLIPWAY_SERVICE__REVISION": "preview",
        "SLIPWAY_SHUTDOWN__DRAIN_SECONDS": "0",
        "SLIPWAY_SHUTDOWN__REQUEST_SECONDS": "1",
        "SLIPWAY_TELEMETRY__OTLP_ENDPOINT": collector,
        "SLIPWAY_TELEMETRY__SAMPLE_RATIO": "0.2",
    }
    log = FOLDER / f"{pod}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "serve", "tools.run.service:create_app"],
            env=os.environ | variables,
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(process, f"http://127.0.0.1:{port}/readyz", log)
        yield Target(metrics_port, pod), f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        with suppress(urllib.error.URLError, TimeoutError), urllib.request.urlopen(url, timeout=1):  # noqa: S310 - ours
            return
        time.sleep(0.1)
    raise OSError(f"The service does not get ready. Its last words:\n{log.read_text()[-2000:]}")


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(0)
