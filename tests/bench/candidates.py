"""The servers that are measured: each a process on the server's core, which answers the same question."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.machine import Cores
from tests.support.waiting import free_port

ROOT = Path(__file__).parents[2]
READY_SECONDS = 30.0


class BenchError(Exception):
    """Nothing can be measured; one sentence that says why."""


@dataclass(frozen=True)
class Candidate:
    """How a server is started and asked.

    Args:
        name: in the table.
        command: arguments of Python; `{port}` in them and in the values of `environment` is the chosen port.
        path: of an item; `{number}` in it becomes twelve hexadecimal digits.
        ready_path: answers 200 once the server is ready.
        environment: variables on top of this process's.
        headers: makes the headers of every request, given the port of the server that is ready.
    """

    name: str
    command: tuple[str, ...]
    path: str
    ready_path: str
    environment: Mapping[str, str]
    headers: Callable[[int], dict[str, str]] = lambda _: {}


@dataclass(frozen=True)
class Running:
    """A server that is ready; `seconds` from its start until then, `log` is what it wrote."""

    candidate: Candidate
    pid: int
    port: int
    seconds: float
    log: Path


@contextmanager
def started(candidate: Candidate, cores: Cores, folder: Path) -> Generator[Running]:
    """The server, from ready to the end of the block.

    Raises:
        BenchError: it ended, or is not ready within half a minute.
    """
    port = free_port()
    log = folder / f"{port}.log"
    with log.open("wb") as output:
        begun = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *(part.format(port=port) for part in candidate.command)],
            cwd=folder,  # where no .env is
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                **{name: value.format(port=port) for name, value in candidate.environment.items()},
            },
            stdout=output,
            stderr=output,
        )
    try:
        if cores.server:
            os.sched_setaffinity(process.pid, cores.server)  # threads that it starts later inherit it
        while get(port, candidate.ready_path) != 200:
            if process.poll() is not None or time.perf_counter() - begun > READY_SECONDS:
                raise BenchError(f"{candidate.name} does not start: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.005)
        yield Running(candidate, process.pid, port, time.perf_counter() - begun, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def get(port: int, path: str, headers: Mapping[str, str] | None = None) -> int:
    """The status of a GET; 0 without an answer."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=dict(headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=2) as answer:  # noqa: S310 - http
            status: int = answer.status
            return status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
