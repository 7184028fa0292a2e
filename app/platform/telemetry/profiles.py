"""Continuous profiling, for those who ask for it: where CPU time goes, sampled all the time and sent to Pyroscope."""

import logging
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from threading import Thread
from typing import Protocol, cast

from ..settings import Settings, SettingsError, variable
from .identity import attributes

SAMPLES_A_SECOND = 50
"""Of the thread that has the interpreter, from a thread without it: `make bench` prints what that costs."""
SHUTDOWN_SECONDS = 1.0
_WHENCE = "of the extra `profiles`; an image has it that was built with EXTRAS=profiles"
_log = logging.getLogger(__name__)


class _Profiler(Protocol):
    """What is used of pyroscope, which has no types."""

    def configure(
        self, *, application_name: str, server_address: str, sample_rate: int, tags: Mapping[str, str]
    ) -> bool: ...
    def shutdown(self) -> bool: ...


class Profiles:
    """The profiler of this process; there can be one.

    Raises:
        SettingsError: profiles are asked for, and the package that makes them is not installed.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._running = False
        if settings.telemetry.profiles_endpoint and find_spec("pyroscope") is None:
            raise SettingsError(
                [f"{variable('telemetry', 'profiles_endpoint')}: profiles need the package pyroscope-io, {_WHENCE}"]
            )

    def start(self) -> None:
        """Begins, after any fork; does nothing without an endpoint, or a second time."""
        endpoint = self._settings.telemetry.profiles_endpoint
        if not endpoint or self._running:
            return
        tags = {name.replace(".", "_"): value for name, value in attributes(self._settings).items()}
        self._running = _profiler().configure(
            application_name=tags.pop("service_name"),
            server_address=endpoint,
            sample_rate=SAMPLES_A_SECOND,
            tags=tags,
        )
        if not self._running:
            _log.warning("the profiler did not start: another one runs in this process")

    def close(self) -> None:
        """Sends what is left, for at most `SHUTDOWN_SECONDS`; a second call does nothing."""
        if self._running:
            self._running = False
            # It waits ten seconds for a server that hangs; its thread and this one die with the process.
            sender = Thread(target=_profiler().shutdown, name="profiles-shutdown", daemon=True)
            sender.start()
            sender.join(SHUTDOWN_SECONDS)


def _profiler() -> _Profiler:
    return cast(_Profiler, import_module("pyroscope"))
