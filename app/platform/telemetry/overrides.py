"""Log level and trace ratio changed at run time, for a bounded time: each change is told in an audit line."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock, Timer
from typing import TYPE_CHECKING, get_args

from .metrics.labels import Override

if TYPE_CHECKING:
    from ..settings import Settings
    from .metrics.instruments import Metrics
    from .tracing.spans import Tracing

MAX_OVERRIDE_SECONDS = 3600
"""Nobody forgets a change for longer than this."""
LEVELS = ("debug", "info", "warning", "error")


class OverrideError(Exception):
    """A change that cannot be made; the text is one sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Change:
    """What to change, for how long, and who asks for it."""

    setting: Override
    value: str | float
    seconds: int
    by: str


@dataclass(frozen=True, slots=True)
class _Active:
    value: str | float
    until: datetime
    by: str
    timer: Timer


class Overrides:
    """The settings that can be changed while the process runs. It forgets every change with the process.

    A change of the same setting replaces the one before; what it falls back to is always the configuration.
    """

    def __init__(
        self, settings: Settings, tracing: Tracing, metrics: Metrics, write_line: Callable[[dict[str, object]], None]
    ) -> None:
        self.logs_requests = True
        """Whether the access lines of requests that succeed are written."""
        self._configured: dict[Override, str | float] = {
            "log_level": settings.telemetry.log_level,
            "sample_ratio": settings.telemetry.sample_ratio,
        }
        self._tracing = tracing
        self._metrics = metrics
        self._write_line = write_line
        self._active: dict[Override, _Active] = {}
        self._lock = Lock()
        self._note_level(settings.telemetry.log_level)

    def apply(self, change: Change) -> dict[str, object]:
        """Makes a change, and returns the state after it. Raises `OverrideError` for one that cannot be made."""
        self._check(change)
        until = datetime.now(UTC) + timedelta(seconds=change.seconds)
        timer = Timer(change.seconds, self._revert, (change.setting, until))
        timer.daemon = True
        with self._lock:
            before = self._active.get(change.setting)
            if before is not None:
                before.timer.cancel()
            self._active[change.setting] = _Active(change.value, until, change.by, timer)
            self._set(change.setting, change.value)
            timer.start()
        self._metrics.show_override(change.setting, active=True)
        self._audit("telemetry changed", change.setting, change.value, by=change.by, until=until)
        return self.state()

    def state(self) -> dict[str, object]:
        """Each setting: what is in force, what is configured, and until when and by whom it is changed."""
        with self._lock:
            active = dict(self._active)
        settings: dict[str, object] = {
            setting: {
                "value": active[setting].value if setting in active else configured,
                "configured": configured,
                "until": active[setting].until if setting in active else None,
                "by": active[setting].by if setting in active else None,
            }
            for setting, configured in self._configured.items()
        }
        return {"process": os.getpid(), **settings}

    def close(self) -> None:
        """Ends every change, without a word: the process ends."""
        with self._lock:
            for active in self._active.values():
                active.timer.cancel()
            ended = list(self._active)
            self._active.clear()
            for setting in ended:
                self._set(setting, self._configured[setting])
        for setting in ended:
            self._metrics.show_override(setting, active=False)

    def _check(self, change: Change) -> None:
        value = change.value
        if change.setting not in get_args(Override):
            raise OverrideError("only log_level and sample_ratio can be changed at run time")
        if not 1 <= change.seconds <= MAX_OVERRIDE_SECONDS:
            raise OverrideError(f"a change lasts from 1 to {MAX_OVERRIDE_SECONDS} seconds")
        if change.setting == "log_level":
            if value not in LEVELS:
                raise OverrideError(f"the log level is one of {', '.join(LEVELS)}")
        elif isinstance(value, str) or not 0 <= value <= 1:
            raise OverrideError("the trace ratio is a number from 0 to 1")
        elif not self._tracing.enabled:
            raise OverrideError("this process has no collector: set SLIPWAY_TELEMETRY__OTLP_ENDPOINT")

    def _set(self, setting: Override, value: str | float) -> None:
        if setting == "log_level":
            from .logging.logs import set_level

            set_level(str(value))
            self._note_level(str(value))
        else:
            self._tracing.set_ratio(float(value))

    def _note_level(self, level: str) -> None:
        self.logs_requests = level in {"debug", "info"}

    def _revert(self, setting: Override, until: datetime) -> None:
        with self._lock:
            active = self._active.get(setting)
            if active is None or active.until != until:
                return  # Another change has replaced the one whose time is over.
            del self._active[setting]
            configured = self._configured[setting]
            self._set(setting, configured)
        self._metrics.show_override(setting, active=False)
        self._audit("telemetry reverted", setting, configured, by=active.by)

    def _audit(self, event: str, setting: Override, value: str | float, **more: object) -> None:
        """Straight to the log, so that no level can hide it."""
        self._write_line(
            {
                "ts": datetime.now(UTC),
                "level": "warning",
                "event": event,
                "logger": "audit",
                "setting": setting,
                "value": value,
                **more,
            }
        )
