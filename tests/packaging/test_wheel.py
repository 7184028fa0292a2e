"""The platform as a wheel in a new environment, around somebody else's application in a package `app`."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import tomllib
import venv
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import httpx2
import pytest

ROOT = Path(__file__).parents[2]
LIBRARY = "packaging/slipway"
PATIENCE = 20.0
COUNT = re.compile(r'http_server_request_duration_seconds_count\{.*http_response_status_code="203"')

FOREIGN_APP = """
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            event = (await receive())["type"]
            await send({"type": f"{event}.complete"})
            if event == "lifespan.shutdown":
                print("foreign shutdown ran", flush=True)
                return
    headers = [(b"x-foreign", scope["path"].encode())]
    await send({"type": "http.response.start", "status": 203, "headers": headers})
    await send({"type": "http.response.body", "body": b"unchanged"})
"""


@dataclass(frozen=True)
class Served:
    """A running `slipway serve`."""

    process: subprocess.Popen[str]
    url: str
    metrics_url: str


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run_uv(
        "build",
        "--wheel",
        "--no-build-isolation",
        "--python",
        sys.executable,
        "--out-dir",
        folder,
        LIBRARY,
    )
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def command(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`slipway` of an environment that holds the wheel and what it asks for, and nothing else."""
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment, symlinks=True)
    install = (
        "pip",
        "install",
        "--python",
        environment / "bin/python",
        "--constraint",
        "requirements/core.txt",
        wheel,
    )
    try:
        run_uv(*install, "--offline")  # setting up this project has filled the cache
    except subprocess.CalledProcessError:
        run_uv(*install)
    return environment / "bin" / "slipway"


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A folder with a package called `app` that has nothing to do with ours."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__init__.py").touch()
    (tmp_path / "app" / "main.py").write_text(FOREIGN_APP)
    return tmp_path


def test_the_wheel_holds_the_platform_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names} == {
        "slipway",
        next(n for n in names if "dist-info" in n).split("/")[0],
    }
    sources = (ROOT / "app" / "platform").rglob("*.py")
    assert {name for name in names if name.endswith(".py")} == {
        f"slipway/{source.relative_to(ROOT / 'app' / 'platform')}" for source in sources
    }
    assert "slipway/py.typed" in names


def test_the_library_asks_for_what_the_service_asks_for() -> None:
    service, library = (tomllib.loads((ROOT / folder / "pyproject.toml").read_text()) for folder in (".", LIBRARY))
    extras: dict[str, list[str]] = library["project"]["optional-dependencies"]
    wanted: set[str] = {*library["project"]["dependencies"], *chain(*extras.values())}
    assert wanted <= {*service["project"]["dependencies"], *map(str, service["dependency-groups"]["dev"])}


def test_an_application_in_a_package_called_app_answers_unchanged(command: Path, foreign: Path) -> None:
    with serving(command, foreign) as served:
        answer = httpx2.get(f"{served.url}/somewhere")
        assert (answer.status_code, answer.text, answer.headers["x-foreign"]) == (
            203,
            "unchanged",
            "/somewhere",
        )


def test_it_gets_a_request_id_metrics_and_health(command: Path, foreign: Path) -> None:
    with serving(command, foreign) as served:
        answer = httpx2.get(served.url, headers={"X-Request-ID": "mine-1"})
        assert answer.headers["x-request-id"] == "mine-1"
        assert httpx2.get(served.url).headers["x-request-id"]
        for path in ("/livez", "/readyz"):
            assert httpx2.get(f"{served.url}{path}").json()["status"] == "ok"
        metrics = httpx2.get(f"{served.metrics_url}/metrics").text
        count = next(line for line in metrics.splitlines() if COUNT.match(line))
        assert count.endswith(" 2.0")


def test_it_stops_cleanly_at_sigterm(command: Path, foreign: Path) -> None:
    with serving(command, foreign) as served:
        served.process.send_signal(signal.SIGTERM)
        output, _ = served.process.communicate(timeout=PATIENCE)
    assert served.process.returncode == 0
    assert "foreign shutdown ran" in output


@contextmanager
def serving(command: Path, folder: Path) -> Generator[Served]:
    """`slipway serve app.main:app` in that folder, from its first answer on."""
    port, metrics_port = free_ports(2)
    environment = {
        "PATH": os.defpath,
        "SLIPWAY_HTTP__PORT": str(port),
        "SLIPWAY_METRICS__PORT": str(metrics_port),
        "SLIPWAY_SHUTDOWN__DRAIN_SECONDS": "0",
    }
    process = subprocess.Popen(
        [command, "serve", "app.main:app"], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        served = Served(process, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{metrics_port}")
        wait_until_it_answers(served)
        yield served
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=PATIENCE)


def wait_until_it_answers(served: Served) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and served.process.poll() is None:
        try:
            httpx2.get(f"{served.url}/livez")
        except httpx2.TransportError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"slipway serve does not answer (exit code {served.process.poll()})")


def free_ports(number: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def run_uv(*arguments: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "uv", *arguments], cwd=ROOT, check=True, capture_output=True)
