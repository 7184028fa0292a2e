"""Development: an edit is served at once, whatever is connected and however broken the code was."""

from __future__ import annotations

import json
import os
import signal
import socket
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.client import request
from tests.support.process import Service, scrape
from tests.support.waiting import until

CODE = """
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from tests.server.service import stream

async def value(request):
    return PlainTextResponse("VALUE")

app = Starlette(routes=[Route("/value", value), Route("/stream", stream)])
"""


class Edited:
    """A service and its one file of code."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "edited.py"
        self.write("first")
        development = {"SLIPWAY_ENVIRONMENT": "development"}
        self.service = Service(folder, "edited:app", "--reload", variables=development)

    def write(self, value: str) -> None:
        self.file.write_text(CODE.replace("VALUE", value))

    def shows(self, value: str) -> bool:
        try:
            return scrape(self.service.port, "/value") == value
        except OSError:
            assert self.service.process.poll() is None, self.service.log()
            return False

    def children(self) -> list[int]:
        """The process that serves, if there is one."""
        commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in self.service.children()}
        return [pid for pid, command in commands.items() if b"spawn_main" in command]

    def wait_for(self, value: str) -> None:
        until(lambda: self.shows(value), f"{value} to be served")


@pytest.fixture
def edited(tmp_path: Path) -> Iterator[Edited]:
    edited = Edited(tmp_path)
    try:
        edited.wait_for("first")
        yield edited
    finally:
        edited.service.kill()


def test_an_edit_is_served_even_while_a_stream_is_open(edited: Edited) -> None:
    with socket.create_connection(("127.0.0.1", edited.service.port)) as client:
        client.sendall(request("/stream"))
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
        edited.write("second")
        edited.wait_for("second")
    assert "edited.py changed, restarting" in edited.service.log()


def test_an_old_process_that_does_not_end_is_killed(edited: Edited) -> None:
    (child,) = edited.children()
    os.kill(child, signal.SIGSTOP)
    edited.write("second")
    edited.wait_for("second")


def test_broken_code_is_answered_503_until_the_next_save(edited: Edited) -> None:
    def answers_503() -> bool:
        try:
            scrape(edited.service.port, "/value")
        except urllib.error.HTTPError as error:
            return (error.code, json.load(error)["type"]) == (503, "urn:slipway:problem:does-not-start")
        except OSError:
            return False
        return False

    edited.file.write_text("this is no Python")
    until(answers_503, "a 503")
    assert "SyntaxError" in edited.service.log()
    edited.write("third")
    edited.wait_for("third")


def test_ctrl_c_ends_everything_at_once(edited: Edited) -> None:
    os.killpg(edited.service.process.pid, signal.SIGINT)  # as a terminal does
    assert edited.service.wait() == 0
    assert not edited.service.listens()
    assert "Traceback" not in edited.service.log()


def test_ctrl_c_during_a_start_leaves_no_traceback(tmp_path: Path) -> None:
    edited = Edited(tmp_path)
    try:
        until(lambda: bool(edited.children()), "the child to start")
        os.killpg(edited.service.process.pid, signal.SIGINT)
        assert edited.service.wait() == 0
        assert "Traceback" not in edited.service.log()
    finally:
        edited.service.kill()


def test_a_killed_parent_leaves_no_child_behind(edited: Edited) -> None:
    edited.service.signal(signal.SIGKILL)
    edited.service.wait()
    until(lambda: not edited.service.listens(), "the child to end")


def test_reload_with_gunicorn_is_refused(tmp_path: Path) -> None:
    service = Service(tmp_path, "edited:app", "--reload", "--server", "gunicorn")
    assert service.wait() == 2
    assert "gunicorn does not reload" in service.log()


def test_reload_on_a_port_in_use_says_which_variable_moves_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        service = Service(tmp_path, "edited:app", "--reload", variables={"SLIPWAY_HTTP__PORT": port})
        assert service.wait() == 1
    assert "SLIPWAY_HTTP__PORT" in service.log()
    assert service.log().count("\n") == 1
