"""Log level and trace ratio of a running process, changed by the command line for a while."""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from app.platform.process import control_socket
from app.platform.process.control import control_served
from app.platform.process.control_socket import connect_to, process_numbers, read_line
from app.platform.settings import Database, Settings
from app.platform.settings import Telemetry as TelemetrySettings
from app.platform.telemetry import build_telemetry
from app.platform.telemetry.overrides import Change, OverrideError
from tests.support.collector import collecting
from tests.support.live import live_service
from tests.support.process import REPOSITORY, Service, running, scrape
from tests.support.tools import not_run_here
from tests.support.waiting import free_port, until


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, server: Database) -> Iterator[Service]:
    """Logs warnings only, and has a collector."""
    with collecting() as collector:
        more = {
            "SLIPWAY_FEATURES": "",
            "SLIPWAY_TELEMETRY__LOG_LEVEL": "warning",
            "SLIPWAY_TELEMETRY__OTLP_ENDPOINT": collector.endpoint,
            "SLIPWAY_TELEMETRY__SAMPLE_RATIO": "0",
        }
        with live_service(tmp_path_factory.mktemp("controlled"), server, **more) as running:
            yield running


def slipway(service: Service, *arguments: str, user: int | None = None) -> tuple[int, str]:
    """The exit code and the output of a command that runs beside the process."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "SLIPWAY_METRICS__PORT": str(service.metrics_port),
    }
    command = [sys.executable, "-m", "app.platform.cli", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False, user=user)
    return done.returncode, done.stdout + done.stderr


def send(port: int, process: int, line: bytes) -> dict[str, Any]:
    """The answer to a line."""
    with connect_to(port, process) as connection:
        connection.sendall(line)
        answer: dict[str, Any] = json.loads(read_line(connection))
        return answer


def lines(service: Service, event: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, service.log().splitlines()) if line["event"] == event]


def overridden(service: Service, setting: str) -> float:
    prefix = f'telemetry_override_active{{setting="{setting}"}} '
    (line,) = (line for line in scrape(service.metrics_port).splitlines() if line.startswith(prefix))
    return float(line.removeprefix(prefix))


def test_the_log_level_is_changed_for_a_while_and_told_to_the_log(service: Service) -> None:
    assert service.answers("/info")
    code, said = slipway(service, "log-level", "debug", "--for", "8s", "--by", "alice")
    assert (code, "log level is debug until" in said, "then warning again; by alice" in said) == (0, True, True), said
    assert overridden(service, "log_level") == 1
    assert slipway(service, "log-level")[1].count("debug until") == 1, "without a level it only tells"
    before = len(lines(service, "request"))
    scrape(service.port, "/info")
    until(lambda: len(lines(service, "request")) > before, "the access line of a request")
    until(lambda: overridden(service, "log_level") == 0, "the end of the change")
    until(lambda: len(lines(service, "telemetry reverted")) == 1, "the line that tells of the end")
    scrape(service.port, "/info")
    time.sleep(0.1)
    assert len(lines(service, "request")) == before + 1, "access lines have ended"
    (changed,) = lines(service, "telemetry changed")
    assert {name: changed[name] for name in ("level", "logger", "setting", "value", "by")} == {
        "level": "warning",
        "logger": "audit",
        "setting": "log_level",
        "value": "debug",
        "by": "alice",
    }
    assert changed["until"] > changed["ts"]


def test_the_trace_ratio_is_changed_for_a_while(service: Service) -> None:
    def recorded() -> float:
        (line,) = (one for one in scrape(service.metrics_port).splitlines() if 'outcome="ended"' in one)
        return float(line.rpartition(" ")[2])

    scrape(service.port, "/info")
    assert recorded() == 0
    code, said = slipway(service, "trace-ratio", "1", "--for", "10m")
    assert (code, "sample ratio is 1" in said) == (0, True), said
    scrape(service.port, "/info")
    until(lambda: recorded() == 1, "a span")
    assert slipway(service, "trace-ratio", "0", "--for", "1s")[0] == 0
    until(lambda: overridden(service, "sample_ratio") == 0, "the end of the shorter change, which replaced the other")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"value": "loud"}, "debug, info, warning, error"),
        ({"value": True}, "a log level or a number"),
        ({"value": None}, "a log level or a number"),
        ({"value": [1]}, "a log level or a number"),
        ({"seconds": 3601}, "3600 seconds"),
        ({"seconds": 0}, "3600 seconds"),
        ({"seconds": 1.5}, "a whole number"),
        ({"seconds": "60"}, "a whole number"),
        ({"setting": "password"}, "log_level or sample_ratio"),
        ({"setting": "sample_ratio", "value": 1.5}, "from 0 to 1"),
        ({"setting": "sample_ratio", "value": "all"}, "from 0 to 1"),
    ],
    ids=str,
)
def test_a_change_that_makes_no_sense_is_refused_in_words(
    service: Service, change: Mapping[str, object], words: str
) -> None:
    line = json.dumps({"setting": "log_level", "value": "debug", "seconds": 60, "by": "alice", **change}).encode()
    assert words in send(service.metrics_port, service.process.pid, line + b"\n")["error"]
    assert overridden(service, "log_level") == 0


@pytest.mark.parametrize(
    "line", [b"\n", b"x\n", b"[]\n", b"null\n", b"{" * 4000 + b"\n", b"x" * 5000 + b"\n", b"\xff\n"]
)
def test_a_line_of_another_shape_is_refused_and_the_next_is_read(service: Service, line: bytes) -> None:
    assert "error" in send(service.metrics_port, service.process.pid, line)
    assert send(service.metrics_port, service.process.pid, b"{}\n")["process"] == service.process.pid


def test_another_user_changes_nothing(service: Service) -> None:
    if os.geteuid() != 0:
        not_run_here("root", "only root can become another user")
    address = f"slipway-control/{os.geteuid()}/{service.metrics_port}/{service.process.pid}"
    program = f"""
import os, socket
os.setuid(65534)
connection = socket.socket(socket.AF_UNIX)
connection.connect("\\0{address}")
try:
    connection.sendall(b'{{"setting": "log_level", "value": "debug", "seconds": 60, "by": "nobody"}}\\n')
    print("answer", connection.recv(1000))
except OSError as error:
    print("closed", error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(("answer b''", "closed")), done.stdout
    assert overridden(service, "log_level") == 0


def test_a_socket_of_another_user_is_not_believed(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        not_run_here("root", "only root can become another user")
    port = free_port()
    program = f"""
import os, socket, sys
os.setuid(65534)
listener = socket.socket(socket.AF_UNIX)
listener.bind("\\0slipway-control/0/{port}/1")
listener.listen()
print("listening", flush=True)
sys.stdin.read()
"""
    fake = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert fake.stdout is not None
    try:
        fake.stdout.readline()
        with pytest.raises(PermissionError):
            connect_to(port, 1)
    finally:
        fake.communicate()


def test_where_addresses_are_not_abstract_the_socket_is_a_file_of_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_socket, "ABSTRACT", False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    telemetry = build_telemetry(settings := Settings(environment="test"))
    with control_served(telemetry.overrides, settings):
        assert process_numbers(settings.metrics.port) == [os.getpid()]
        (file,) = (tmp_path / f"slipway-{os.geteuid()}").iterdir()
        assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        assert send(settings.metrics.port, os.getpid(), b"{}\n")["process"] == os.getpid()
    assert process_numbers(settings.metrics.port) == []
    file.parent.chmod(0o755)
    with pytest.raises(PermissionError):
        process_numbers(settings.metrics.port)


def test_every_worker_of_an_application_without_keys_is_changed(tmp_path: Path) -> None:
    arguments = ("tests.server.service:app", "--server", "gunicorn", "--workers", "2")
    with running(tmp_path, *arguments) as workers:
        code, output = slipway(workers, "log-level", "error", "--for", "10m")
        assert (code, output.count("log level is error until")) == (0, 2), output
        children = sorted(workers.children())
        assert [line.split()[1] for line in output.splitlines()] == [f"{child}:" for child in children]
        assert slipway(workers, "log-level", "info", "--pid", str(children[0]))[1].count("is info until") == 1


def test_the_public_and_the_metrics_port_know_nothing_of_it(service: Service) -> None:
    for port in (service.port, service.metrics_port):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            scrape(port, "/admin/telemetry")


@pytest.mark.parametrize("option", [("--print",), ("--signed",), ("--url", "http://127.0.0.1:9464")])
def test_options_that_were_removed_are_refused_with_what_to_do(service: Service, option: tuple[str, ...]) -> None:
    code, output = slipway(service, "log-level", "debug", *option)
    assert (code, "were removed" in output) == (2, True), output


def test_a_process_that_is_not_there_is_named(service: Service) -> None:
    code, output = slipway(service, "log-level", "debug", "--pid", "1")
    assert (code, f"has metrics port {service.metrics_port} and the number 1" in output) == (1, True), output
    assert slipway(service, "log-level", "debug", "--for", "2h")[0] == 2


def test_a_process_without_a_collector_says_that_it_records_nothing() -> None:
    telemetry = build_telemetry(Settings(environment="test", telemetry=TelemetrySettings(sample_ratio=0.5)))
    with pytest.raises(OverrideError, match="SLIPWAY_TELEMETRY__OTLP_ENDPOINT"):
        telemetry.overrides.apply(Change("sample_ratio", 1, 60, "alice"))
