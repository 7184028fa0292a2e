"""The parts of the bench that could lie without being noticed: what it counts, and what it calls a goal."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.bench.generator import Load, apply
from tests.bench.machine import cpu_seconds
from tests.bench.report import Figure, Goal, goals

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the bench reads /proc")

BODY = b"x" * 200_000
"""More than one read, so that an answer arrives in parts."""


class _Answers(BaseHTTPRequestHandler):
    """Answers 404 to a client that says so, and counts."""

    protocol_version = "HTTP/1.1"
    count = 0
    lock = threading.Lock()

    def do_GET(self) -> None:
        with self.lock:
            type(self).count += 1
        self.send_response(int(self.headers["X-Status"]))
        self.send_header("content-length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "refused"), [("200", False), ("404", True)])
def test_the_load_counts_every_answer_once_and_every_refusal(port: int, status: str, *, refused: bool) -> None:
    _Answers.count = 0
    answers = apply(Load(port, "/{number}", {"X-Status": status}, seconds=0.2, rows=10, connections=3))
    assert answers.count == _Answers.count > 3
    assert answers.refused == (answers.count if refused else 0)


def test_the_cpu_of_a_child_of_the_server_counts() -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"
    parent = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}])"
    with subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert 0.25 <= cpu_seconds(process.pid) < 5  # the kernel rounds down


@pytest.mark.parametrize(
    ("goal", "value", "word"),
    [
        (Goal("at most", 3), 3.0, "met"),
        (Goal("at most", 3), 3.1, "missed"),
        (Goal("at least", 3), 3.0, "met"),
        (Goal("at least", 3), 2.9, "missed"),
    ],
)
def test_a_goal_is_met_up_to_its_bound(goal: Goal, value: float, word: str) -> None:
    assert goals([Figure("start", value, "{:.1f}", goal)]).endswith(word)
