"""A served process of these tests: started by the command line, ended by its own process group."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.tools import not_run_here
from tests.support.waiting import TIMEOUT_SECONDS, free_port, until

REPOSITORY = Path(__file__).parents[2]
DRAIN_SECONDS = 1.0
REQUEST_SECONDS = 1.5


def scrape(port: int, path: str = "/metrics") -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return str(answer.read().decode())


class Service:
    """A running service."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        variables: Mapping[str, str] | None = None,
        program: tuple[str, ...] = ("-m", "app.platform.cli", "serve"),
    ) -> None:
        self.port = int((variables or {}).get("SLIPWAY_HTTP__PORT", 0)) or free_port()
        self.metrics_port = int((variables or {}).get("SLIPWAY_METRICS__PORT", 0)) or free_port()
        self.output = folder / f"output-{self.port}"
        self.trace = folder / f"trace-{self.port}"
        settings = {
            "SLIPWAY_ENVIRONMENT": "test",
            "SLIPWAY_HTTP__PORT": str(self.port),
            "SLIPWAY_METRICS__PORT": str(self.metrics_port),
            "SLIPWAY_SHUTDOWN__DRAIN_SECONDS": str(DRAIN_SECONDS),
            "SLIPWAY_SHUTDOWN__REQUEST_SECONDS": str(REQUEST_SECONDS),
            "SERVICE_TRACE": str(self.trace),
            "PYTHONPATH": str(REPOSITORY),
            "TMPDIR": str(folder),
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SLIPWAY_")}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, *program, *arguments],
                env=kept | settings | dict(variables or {}),
                cwd=folder,  # where there is no .env
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def log(self) -> str:
        return self.output.read_text(errors="replace")

    def lifespans_ended(self) -> int:
        return self.trace.read_text().count("lifespan ended") if self.trace.exists() else 0

    def websockets_closed(self) -> list[float]:
        """When the service closed each, by the clock of this machine."""
        return [float(moment) for moment in re.findall(r"websocket closed (.+)", self.trace.read_text())]

    def answers(self, path: str = "/livez") -> bool:
        try:
            scrape(self.port, path)
        except urllib.error.HTTPError:
            return True
        except OSError:
            assert self.process.poll() is None, self.log()
            return False
        return True

    def listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        return self.process.wait(TIMEOUT_SECONDS)

    def children(self) -> set[int]:
        if not Path("/proc").exists():
            not_run_here("/proc", "the children of a process are read there")
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return {int(child) for child in children.read_text().split()}

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def running(folder: Path, *arguments: str, **variables: str) -> Generator[Service]:
    """A service that answers."""
    processes = int(arguments[arguments.index("--workers") + 1]) if "--workers" in arguments else 1
    service = Service(folder, *(arguments or ("tests.server.service:app",)), variables=variables)
    try:
        until(service.answers, "the service to answer")
        until(lambda: service.log().count('"listening on') == processes, "every process to listen")
        yield service
    finally:
        service.kill()
