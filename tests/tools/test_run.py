"""`make run` in a copy of the checkout: what it prints works, edits are served, and nothing is left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import pytest

from tests.support.tools import require_tool
from tests.support.waiting import free_port, until
from tools.postgres.processes import command_lines

REPOSITORY = Path(__file__).parents[2]
LONGEST = 40.0
"""Seconds until a condition that must come is given up."""
FEATURE = '''
"""A feature that a developer adds while the service runs."""

from fastapi import APIRouter

from app.feature import Feature

router = APIRouter(prefix="/api/v1/hello")


@router.get("")
async def hello() -> str:
    """Say hello."""
    return "hello"


feature = Feature(name="hello", routers=(router,))
'''


def get(url: str, token: str = "") -> tuple[int, str]:
    """Status and body; status 0 while nothing answers."""
    try:
        answer = httpx2.get(url, headers={"Authorization": f"Bearer {token}"} if token else {}, timeout=10)
    except httpx2.TransportError:
        return 0, ""
    return answer.status_code, answer.text


class Run:
    """A `make run` in its own process group, as a terminal starts it."""

    def __init__(self, checkout: Path, **variables: str) -> None:
        self.checkout = checkout
        self.port, self.metrics_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.output = checkout / f"output-{self.port}"
        ports = {"PORT": str(self.port), "METRICS_PORT": str(self.metrics_port)}
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tools.run"],
                cwd=checkout,
                env=kept | ports | variables,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def printed(self) -> str:
        return self.output.read_text()

    def is_greeted(self) -> bool:
        assert self.process.poll() is None, self.printed()
        return "Ctrl-C stops everything" in self.printed()

    def server(self) -> int:
        """The process of PostgreSQL."""
        lock = self.checkout / ".slipway" / "postgres" / "cluster" / "data" / "postmaster.pid"
        return int(lock.read_text().partition("\n")[0])

    def has_processes(self) -> bool:
        """Whether any process of the group is left; PostgreSQL has a group of its own."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, 0)
            return any(os.getpgid(pid) == self.process.pid for pid in _living())
        return False


def _living() -> Iterator[int]:
    for pid, command in command_lines().items():
        with suppress(ProcessLookupError):
            if command and os.getpgid(pid):
                yield pid


@contextmanager
def running(checkout: Path, **variables: str) -> Generator[Run]:
    run = Run(checkout, **variables)
    try:
        until(run.is_greeted, "the greeting", LONGEST)
        yield run
    finally:
        with suppress(ProcessLookupError):
            os.killpg(run.process.pid, signal.SIGKILL)
        run.process.wait()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    checkout = tmp_path_factory.mktemp("checkout")
    for folder in ("app", "tools"):
        shutil.copytree(REPOSITORY / folder, checkout / folder)
    return checkout


@pytest.fixture(scope="module")
def run(checkout: Path) -> Iterator[Run]:
    with running(checkout, SLIPWAY_DATABASE__HOST="db.example") as run:
        yield run


def paste(run: Run) -> list[str]:
    """The output of the printed commands, one line each, and the token."""
    require_tool("curl")
    commands = run.printed().partition("another terminal:\n")[2].partition("\nSaving")[0].strip()
    assert len(commands.splitlines()) == 3
    script = commands.replace("\n", "\necho\n") + "\necho; echo $TOKEN"
    output = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return [line for line in output.stdout.splitlines() if line]


def test_the_printed_commands_work_when_pasted(run: Run) -> None:
    listed, created, token = paste(run)
    assert len(json.loads(listed)["items"]) == 2
    assert json.loads(created)["price"]["amount"] == "12.50"
    assert json.loads(created)["id"] in get(f"{run.url}/api/v1/items", token)[1]


def test_documentation_and_metrics_are_where_it_says(run: Run) -> None:
    for line in (
        f"Documentation  {run.url}/docs",
        f"http://127.0.0.1:{run.metrics_port}/metrics",
        f"{run.url}/metrics",
    ):
        assert line in run.printed()
    assert get(f"{run.url}/docs")[0] == 200
    for url in (run.url, f"http://127.0.0.1:{run.metrics_port}"):
        status, body = get(f"{url}/metrics")
        assert status == 200
        assert "http_server_request_duration_seconds" in body


def test_a_feature_is_served_once_its_files_are_saved(run: Run) -> None:
    folder = run.checkout / "app" / "features" / "hello"
    folder.mkdir()
    (folder / "__init__.py").write_text(FEATURE)
    try:
        until(lambda: get(f"{run.url}/api/v1/hello") == (200, '"hello"'), "the new feature")
    finally:
        shutil.rmtree(folder)
    until(lambda: get(f"{run.url}/api/v1/hello")[0] == 404, "the feature to be gone")


def test_a_kill_loses_neither_data_nor_tokens_and_ctrl_c_leaves_nothing(run: Run) -> None:
    until(lambda: get(f"{run.url}/readyz")[0] == 200, "the service after a reload")
    *_, created, token = paste(run)
    server = run.server()
    run.process.kill()
    run.process.wait()
    with running(run.checkout) as again:
        assert not command_lines().get(server)
        assert json.loads(created)["id"] in get(f"{again.url}/api/v1/items", token)[1]
        server = again.server()
        os.killpg(again.process.pid, signal.SIGINT)
        assert again.process.wait(10) == 0
        assert "Traceback" not in again.printed()
        until(lambda: not again.has_processes(), "the end of every process")
        assert not command_lines().get(server)


@pytest.mark.parametrize("variable", ["PORT", "METRICS_PORT"])
def test_a_port_in_use_is_one_sentence(checkout: Path, variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = Run(checkout, **{variable: port})
        assert refused.process.wait(LONGEST) == 1
    sentence = refused.printed().strip()
    assert port in sentence
    assert f"choose another with {variable}" in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("given", "named"), [("http", "PORT must be a number"), ("65536", "PORT must be a number"), ("²", "PORT")]
)
def test_a_port_that_is_none_is_one_sentence(checkout: Path, given: str, named: str) -> None:
    refused = Run(checkout, PORT=given)
    assert refused.process.wait(LONGEST) == 78
    assert named in refused.printed()
    assert refused.printed().count("\n") == 1


def test_a_broken_database_folder_is_one_sentence(tmp_path: Path, checkout: Path) -> None:
    for folder in ("app", "tools"):
        (tmp_path / folder).symlink_to(checkout / folder)
    (tmp_path / ".slipway" / "postgres" / "cluster").mkdir(parents=True)
    refused = Run(tmp_path)
    assert refused.process.wait(LONGEST) == 1
    assert "make clean-data" in refused.printed()
    assert refused.printed().count("\n") == 1
