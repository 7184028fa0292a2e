"""Every command of the README, run as it stands there, in a copy of the checkout."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.platform.settings import Database
from tests.support.checkout import ROOT
from tests.support.helm import CHART, run_helm
from tests.support.live import variables
from tests.support.process import scrape
from tests.support.readme import COMMANDS, HELM
from tests.support.tools import require_tool
from tests.support.waiting import free_port, until

BIN = Path(sys.executable).parent

RUNS = [command for command in COMMANDS if command.endswith("make run")]
SERVES = [command for command in COMMANDS if command.startswith("slipway serve")]
ENDS = ["make test", "slipway check-config", "slipway migrate"]
DASHBOARDS = "make dashboards"
ELSEWHERE = ["make generate", "make observe-test"]
"""What `tests/project/test_generated.py` does, and what is a run of its own in each check of the repository."""
IMAGE, LOAD = "make image TAG=dev", "kind load docker-image slipway:dev"
"""What `tests/image` runs with a builder's stand-in, and what only kind's own cluster can show (the public CI does)."""


def test_every_command_is_run_by_a_test() -> None:
    assert {"make run", "make test", "slipway serve", IMAGE} <= set(COMMANDS)
    assert set(COMMANDS) == {*RUNS, *SERVES, *ENDS, DASHBOARDS, *ELSEWHERE, IMAGE, LOAD, *HELM}
    for command in ELSEWHERE[1:]:
        assert command in (ROOT / ".github/workflows/ci.yaml").read_text()
    assert LOAD.endswith(f"slipway:{IMAGE.partition('TAG=')[2]}")


def test_what_helm_is_told_to_install_renders() -> None:
    """In a cluster these lines are run by `tests/cluster/test_readme.py`."""
    install, test = map(shlex.split, HELM)
    assert (install[:4], test[:3]) == (["helm", "install", "slipway", "charts/slipway"], ["helm", "test", "slipway"])
    flags = [word for word in install[4:] if word not in {"--wait", "--create-namespace"}]
    rendered = run_helm("template", "slipway", CHART, *flags).stdout
    assert f"image: {LOAD.rpartition(' ')[2]}\n" in rendered


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy with nothing in it that the repository does not keep, and a package of somebody else beside `app`."""
    copy = tmp_path / "checkout"
    ignored = shutil.ignore_patterns(".git", ".venv", ".slipway", "dist", "__pycache__", "*_cache", ".hypothesis")
    shutil.copytree(ROOT, copy, ignore=ignored)
    foreign = copy / "yourpackage"
    foreign.mkdir()
    (foreign / "__init__.py").touch()
    (foreign / "main.py").write_text("from starlette.applications import Starlette\n\napp = Starlette()\n")
    return copy


class Command:
    """A command of the README that goes on until it is told to stop."""

    def __init__(self, command: str, checkout: Path, environment: dict[str, str], port: int) -> None:
        self.port = port
        self.output = checkout / "output"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                prepared(command), cwd=checkout, env=environment, stdout=output, stderr=output, start_new_session=True
            )

    def answers(self, path: str) -> bool:
        assert self.process.poll() is None, self.output.read_text()
        try:
            scrape(self.port, path)
        except OSError:
            return False
        return True

    def stop(self, number: signal.Signals) -> int:
        os.killpg(self.process.pid, number)
        return self.process.wait(30)


def prepared(command: str) -> list[str]:
    """The words of a command; make is told to use this environment instead of setting one up."""
    environment: list[str] = []
    words = shlex.split(command)
    while "=" in words[0]:
        environment.append(words.pop(0))
    if words[0] == "make":
        words[1:1] = ["READY=", f"BIN={BIN}"]
    return ["env", *environment, *words]


@pytest.fixture
def environment(new_database: Database) -> dict[str, str]:
    """What a production machine has set: the secrets, and ports that are free here."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("SLIPWAY_")},
        **variables(new_database, SLIPWAY_METRICS__PORT=str(free_port()), SLIPWAY_SHUTDOWN__DRAIN_SECONDS="0.2"),
        "SLIPWAY_HTTP__PORT": str(free_port()),
        "PATH": f"{BIN}:{os.environ['PATH']}",
    }


@pytest.fixture
def started(request: pytest.FixtureRequest, checkout: Path, environment: dict[str, str]) -> Iterator[Command]:
    command = request.param
    port = int(environment["SLIPWAY_HTTP__PORT"])
    if command in RUNS or command == DASHBOARDS:
        port = free_port()
        environment |= {"PORT": str(port), "METRICS_PORT": str(free_port())}
        command = re.sub(r"\bPORT=\d+", f"PORT={port}", command)
        command = re.sub(r"\bMETRICS_PORT=\d+", f"METRICS_PORT={free_port()}", command)
    started = Command(command, checkout, environment, port)
    yield started
    if started.process.poll() is None:
        os.killpg(started.process.pid, signal.SIGKILL)
        started.process.wait()


@pytest.mark.parametrize("started", RUNS, indirect=True)
def test_make_run_serves_until_ctrl_c(started: Command) -> None:
    until(lambda: started.answers("/docs"), "the documentation page")
    started.stop(signal.SIGINT)
    assert "Traceback" not in started.output.read_text()


@pytest.mark.parametrize("started", [DASHBOARDS], indirect=True)
def test_the_dashboards_are_drawn_from_live_data_until_ctrl_c(started: Command) -> None:
    require_tool("prometheus")
    until(lambda: started.answers("/"), "the page")
    asked = "/api/v1/query?query=sum(http_server_request_duration_seconds_count)"
    until(lambda: started.answers(asked) and '"value"' in scrape(started.port, asked), "an answer of Prometheus")
    started.stop(signal.SIGINT)
    assert "Traceback" not in started.output.read_text()


@pytest.mark.parametrize("started", SERVES, indirect=True)
def test_slipway_serves_until_it_is_terminated(started: Command) -> None:
    until(lambda: started.answers("/readyz"), "readiness")
    assert started.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize("command", ENDS)
def test_a_command_that_ends_succeeds(command: str, checkout: Path, environment: dict[str, str]) -> None:
    words = prepared(command)
    if command == "make test":
        words.append("ARGS=tests/project/test_generated.py --numprocesses 0")
    done = subprocess.run(
        words, cwd=checkout, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
