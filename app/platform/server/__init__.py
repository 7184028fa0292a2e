"""Serves an application: uvicorn in one process, gunicorn with workers for a VM, reload for development."""

import signal
import sys
import threading
from types import FrameType
from typing import TYPE_CHECKING, Literal

from ..process.listen import ListenError
from ..settings import EXIT_CONFIG, Settings
from .target import TargetError

if TYPE_CHECKING:
    from .target import Target

__all__ = ["serve"]


def serve(
    target: "Target",
    settings: Settings,
    *,
    server: Literal["uvicorn", "gunicorn"] = "uvicorn",
    workers: int = 1,
) -> int:
    """Serves until a signal ends it; returns the exit code of the process.

    An application that has a `drain` and `resources` is served unchanged, any other inside `wrap`. The exit code is
    0 after a clean stop, SIGTERM and SIGINT included; 1 if the port is in use or startup fails; 78 if the target is
    not an ASGI application. The reason for 1 or 78 is printed to stderr in one sentence.

    Raises:
        SettingsError: from the application's own construction.
        Exception: whatever the target's module raises during import.
    """
    if threading.current_thread() is threading.main_thread():
        # Until the server installs its handlers: the first process of a container has no default for SIGTERM.
        for early in (signal.SIGTERM, signal.SIGINT):
            signal.signal(early, _exit)
    try:
        if server == "gunicorn":
            from .shared_metrics import shared_metrics

            with shared_metrics():
                from .gunicorn_server import serve_gunicorn

                return serve_gunicorn(target, settings, workers)
        from .uvicorn_server import serve_uvicorn

        return serve_uvicorn(target, settings)
    except ListenError as error:
        print(error, file=sys.stderr)
        return 1
    except TargetError as error:
        print(error, file=sys.stderr)
        return EXIT_CONFIG


def _exit(number: int, frame: FrameType | None) -> None:
    sys.exit(0)
