"""Serves in a child process that is replaced when the code changes; for development."""

import multiprocessing
import os
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from pathlib import Path
from types import FrameType

from ..problems import MEDIA_TYPE, problem_body
from ..process.listen import ListenError, bind
from ..settings import Settings, SettingsError, variable
from .target import TargetError

STOP_TIMEOUT_SECONDS = 1.0
"""How long the old child may take to exit; uvicorn's own reloader waits for open streams without a limit."""
POLL_INTERVAL_SECONDS = 0.2

_spawn = multiprocessing.get_context("spawn")


def serve_with_reload(target: str, settings: Settings, folders: Sequence[Path | str]) -> int:
    """Serves until Ctrl-C, and restarts when a Python file in `folders` changes; returns the exit code.

    While the code does not start, the terminal shows its traceback and requests are answered 503.

    Raises:
        ListenError: the port is in use.
    """
    from watchfiles import Change, PythonFilter, watch

    is_python = PythonFilter()

    def is_source(change: Change, path: str) -> bool:
        # A new folder counts too: its first files can be written before it is watched.
        new_folder = change is Change.added and Path(path).is_dir()
        return is_python(change, f"{path}/any.py" if new_folder else path)

    listener = bind(settings.http.host, settings.http.port, variable=variable("http", "port"))
    listener.listen(100)
    stop = threading.Event()

    def end(sig: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    child = _Child(target, settings, listener)
    for changes in watch(*folders, watch_filter=is_source, stop_event=stop, raise_interrupt=False):
        names = sorted({Path(path).name for _, path in changes})
        print(f"{', '.join(names)} changed, restarting", file=sys.stderr)
        child.end()
        child = _Child(target, settings, listener)
    child.end()
    return 0


class _Child:
    """A process that serves on the shared listener, and a thread that answers after the process has died."""

    def __init__(self, target: str, settings: Settings, listener: socket.socket) -> None:
        self._process = _spawn.Process(target=_serve, args=(target, settings, listener))
        self._listener = listener
        self._ended = threading.Event()
        # Ctrl-C goes to every process of the terminal: it would end the child during its imports.
        resource_tracker.ensure_running()  # which would lift the mask (CPython 3.11)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        self._stand_in = threading.Thread(target=self._answer_after_exit, daemon=True)
        self._stand_in.start()

    def end(self) -> None:
        self._ended.set()
        self._process.terminate()
        self._process.join(STOP_TIMEOUT_SECONDS)
        self._process.kill()
        self._process.join()
        self._stand_in.join()

    def _answer_after_exit(self) -> None:
        while not wait([self._process.sentinel], POLL_INTERVAL_SECONDS):
            if self._ended.is_set():
                return
        detail = "The saved code does not start: the terminal shows its error."
        body = problem_body(503, detail, slug="does-not-start", instance="")
        head = (
            f"HTTP/1.1 503 Service Unavailable\r\nContent-Type: {MEDIA_TYPE}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\nRetry-After: 1\r\n\r\n"
        )
        while not self._ended.is_set():
            if select.select([self._listener], [], [], POLL_INTERVAL_SECONDS)[0]:
                with suppress(OSError):
                    client, _ = self._listener.accept()
                    with client:
                        client.settimeout(1)
                        client.recv(65536)
                        client.sendall(head.encode() + body)


def _serve(target: str, settings: Settings, listener: socket.socket) -> None:
    """The entry point of a child."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_exit_with_the_parent, daemon=True).start()
    from .uvicorn_server import run_uvicorn

    try:
        sys.exit(run_uvicorn(target, settings, listener))
    except (TargetError, ListenError, SettingsError) as error:
        sys.exit(str(error))
    except Exception:  # noqa: BLE001 - the code under work may raise anything
        traceback.print_exc()
        sys.exit(1)


def _exit_with_the_parent() -> None:
    """Ends the child of a killed parent, so that it does not keep the port."""
    parent = multiprocessing.parent_process()
    if parent:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)
