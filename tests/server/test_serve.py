"""What `slipway serve` says and how it ends when it cannot serve."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from app.platform.server.target import TargetError, load_application
from app.platform.settings import Settings
from tests.server import service
from tests.server.scenario import SERVERS
from tests.support.client import request
from tests.support.process import Service
from tests.support.waiting import free_port, until

SETTINGS = Settings(environment="test")


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def ended(folder: Path, *arguments: str, **variables: str) -> tuple[int, str]:
    """Exit code and output of a service that ends by itself."""
    process = Service(folder, *arguments, variables=variables)
    try:
        return process.wait(), process.log()
    finally:
        process.kill()


def in_use(port: int, variable: str) -> str:
    sentence = "another process uses this port; stop it, or choose another with"
    return f"cannot listen on 127.0.0.1 port {port}: {sentence} {variable}\n"


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("tests.server.service", "must have the form package.module:attribute"),
        ("tests.server.nowhere:app", "module tests.server.nowhere not found"),
        ("nowhere.at.all:app", "module nowhere not found"),
        ("tests.server.service:missing", "module tests.server.service has no attribute missing"),
        ("tests.server.service:lifespan", "lifespan takes 1 arguments"),
        ("tests.server.service:wsgi", "wsgi takes 2 arguments"),
        ("tests.server.service:__doc__", "__doc__ is of type str"),
        ("tests.server.service:asyncio.sleep.__doc__", "is of type str: the target must be an ASGI application"),
        ("tests.server.service:os.getpid", "returned int, which is not an ASGI application"),
    ],
)
def test_a_target_without_an_application_is_refused(target: str, sentence: str) -> None:
    with pytest.raises(TargetError, match=sentence):
        load_application(target, SETTINGS)


def test_applications_and_their_factories_are_targets() -> None:
    assert load_application("tests.server.service:app", SETTINGS) is service.app
    assert load_application("tests.server.service:factory", SETTINGS) is service.app
    assert load_application(service.app, SETTINGS) is service.app


def test_a_factory_receives_the_settings() -> None:
    received: list[Settings] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None: ...

    def factory(settings: Settings | None = None) -> ASGIApp:
        received.extend([settings] if settings else [])
        return application

    assert load_application(factory, SETTINGS) is application
    assert received == [SETTINGS]


@pytest.mark.parametrize("server", SERVERS)
def test_a_bad_target_exits_with_78_and_one_sentence(server: str, tmp_path: Path) -> None:
    code, output = ended(tmp_path, "tests.server.service:missing", *SERVERS[server][1:])
    assert code == 78
    assert output.count("module tests.server.service has no attribute missing\n") == 1
    assert "Traceback" not in output


@pytest.mark.parametrize("server", SERVERS)
def test_an_error_in_the_module_shows_its_traceback(server: str, tmp_path: Path) -> None:
    code, output = ended(tmp_path, "tests.server.broken:app", *SERVERS[server][1:])
    assert code == 1
    assert output.count('json.loads("this is not JSON")') == 1
    assert output.count("json.decoder.JSONDecodeError: Expecting value") == 1


@pytest.mark.parametrize("server", SERVERS)
def test_a_port_in_use_is_reported_with_its_variable(server: str, tmp_path: Path, taken: int) -> None:
    assert ended(tmp_path, *SERVERS[server], SLIPWAY_HTTP__PORT=str(taken)) == (
        1,
        in_use(taken, "SLIPWAY_HTTP__PORT"),
    )


@pytest.mark.parametrize("server", SERVERS)
def test_a_metrics_port_in_use_is_reported_with_its_variable(server: str, tmp_path: Path, taken: int) -> None:
    assert ended(tmp_path, *SERVERS[server], SLIPWAY_METRICS__PORT=str(taken)) == (
        1,
        in_use(taken, "SLIPWAY_METRICS__PORT"),
    )


def test_an_address_of_another_machine_is_reported(tmp_path: Path) -> None:
    code, output = ended(tmp_path, *SERVERS["uvicorn"], SLIPWAY_HTTP__HOST="192.0.2.1")
    assert code == 1
    assert "cannot listen on 192.0.2.1 port" in output
    assert "this machine has no such address" in output


def test_the_address_is_taken_from_the_command_line(tmp_path: Path) -> None:
    process = Service(tmp_path, "tests.server.service:app", "--host", "localhost", "--port", str(port := free_port()))
    try:
        until(lambda: "listening on http://localhost" in process.log(), "the service to listen")
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(request("/fast"))
            assert client.recv(100).startswith(b"HTTP/1.1 200")
    finally:
        process.kill()


def test_an_invalid_setting_exits_with_78_and_its_name(tmp_path: Path) -> None:
    code, output = ended(tmp_path, *SERVERS["uvicorn"], SLIPWAY_HTTP__KEEP_ALIVE_SECONDS="-1")
    assert code == 78
    assert output.startswith("SLIPWAY_HTTP__KEEP_ALIVE_SECONDS: ")
    assert output.count("\n") == 1


def test_workers_without_gunicorn_are_refused(tmp_path: Path) -> None:
    code, output = ended(tmp_path, "tests.server.service:app", "--workers", "2")
    assert code == 2
    assert "--server gunicorn" in output


def test_help_imports_no_server() -> None:
    program = (
        "import sys; from app.platform.cli import main; sys.argv = ['slipway', 'serve', '--help']\n"
        "try: main()\n"
        "except SystemExit: print(sorted({'uvicorn', 'gunicorn', 'starlette', 'rich'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "package.module:attribute" in shown.stdout
    assert shown.stdout.endswith("[]\n")
