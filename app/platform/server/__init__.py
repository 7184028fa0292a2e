"""Serving an application: uvicorn in one process, gunicorn with workers for a VM, reload for development."""

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

    An application that has a `drain` and `resources` is served as it is, any other inside `wrap`. 0 is a clean
    stop, after SIGTERM and SIGINT too; 1 a port in use or a start-up that failed; 78 a target that names no
    application. Those reasons are printed to stderr, one sentence each.

    Raises:
        SettingsError: from the application's own construction.
        Exception: whatever the target's module raises while it is imported.
    """
    if threading.current_thread() is threading.main_thread():
        # Until the server listens to signals: the first process of a container has no default for SIGTERM.
        for early in (signal.SIGTERM, signal.SIGINT):
            signal.signal(early, _leave)
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


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(0)
