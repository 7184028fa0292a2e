"""Run-time control: takes changes of log level and trace ratio from a Unix socket, for commands of the same user."""

from __future__ import annotations

import math
import socket
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING, cast, get_args

import orjson
import structlog

from ..telemetry.metrics.labels import Override
from ..telemetry.overrides import Change, OverrideError
from .control_socket import TIMEOUT_SECONDS, close_listener, is_ours, listen_for_changes, read_line

if TYPE_CHECKING:
    from ..settings import Settings
    from ..telemetry.overrides import Overrides

MAX_NAME_LENGTH = 128
_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


@contextmanager
def control_served(overrides: Overrides, settings: Settings) -> Generator[None]:
    """Takes changes until the context ends, in a thread of its own: a blocked event loop can be looked into as well.

    A process whose socket cannot be had says so and serves.
    """
    try:
        listener = listen_for_changes(settings.metrics.port)
    except OSError as error:
        _log.warning("no run-time control: %s", error.strerror or error)
        yield
        return
    thread = Thread(target=_serve, args=(listener, overrides), name="control", daemon=True)
    thread.start()
    try:
        yield
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)  # wakes `accept`; where it does not, the thread ends with the process
        close_listener(listener)
        thread.join(1)


def _serve(listener: socket.socket, overrides: Overrides) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, suppress(OSError):
            if is_ours(connection):
                connection.settimeout(TIMEOUT_SECONDS)
                connection.sendall(orjson.dumps(_answer(connection, overrides), option=orjson.OPT_UTC_Z) + b"\n")


def _answer(connection: socket.socket, overrides: Overrides) -> Mapping[str, object]:
    """The state after the change, or an `error`; an empty object changes nothing."""
    try:
        document = orjson.loads(read_line(connection))
        return overrides.apply(_change(document)) if document != {} else overrides.state()
    except (ValueError, OverrideError) as error:
        return {"error": str(error)}


def _change(document: object) -> Change:
    """Raises `ValueError` for a document of another shape."""
    fields = cast("dict[str, object]", document) if isinstance(document, dict) else {}
    setting, value, seconds, by = (fields.get(name) for name in ("setting", "value", "seconds", "by"))
    if setting not in get_args(Override):
        raise ValueError("setting must be log_level or sample_ratio")
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not isinstance(value, str) and not number:
        raise ValueError("value must be a log level or a number")
    if type(seconds) is not int:
        raise ValueError("seconds must be a whole number")
    return Change(cast(Override, setting), cast("str | float", value), seconds, str(by)[:MAX_NAME_LENGTH])
