"""The logging of the process, which a service that runs inside of a test configures for itself."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import structlog

from app.platform.settings import Settings
from app.platform.telemetry.logging.lines import LineWriter
from app.platform.telemetry.logging.logs import OURS, configure_logging

_NAMES = (
    None,
    *OURS,
    "uvicorn",
    "uvicorn.error",
    "uvicorn.asgi",
    "uvicorn.access",
    "gunicorn.error",
    "gunicorn.access",
)


@contextmanager
def logging_restored() -> Generator[None]:
    """Afterwards it is as it was before: what one test sets must not silence the next one of the worker."""
    loggers = [logging.getLogger(name) for name in _NAMES]
    before = [(one, list(one.handlers), one.level, one.propagate, one.disabled) for one in loggers]
    ours = structlog.get_config()
    try:
        yield
    finally:
        structlog.configure(**ours)
        for one, handlers, level, propagate, disabled in before:
            one.handlers, one.propagate, one.disabled = handlers, propagate, disabled
            one.setLevel(level)


@contextmanager
def logging_to(settings: Settings, writer: LineWriter) -> Generator[None]:
    """Configures the logs of the process for a while."""
    with logging_restored():
        configure_logging(settings, writer)
        yield


class Log:
    """Configured logs, and what they wrote."""

    def __init__(self, path: Path, writer: LineWriter) -> None:
        self._path = path
        self._writer = writer

    def text(self) -> str:
        assert self._writer.flush(5)
        return self._path.read_text()

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.text().splitlines()]


@contextmanager
def log_as(path: Path, **telemetry: str) -> Generator[Log]:
    settings = Settings.model_validate({"environment": "test", "telemetry": telemetry})
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    writer = LineWriter(descriptor)
    with logging_to(settings, writer):
        yield Log(path, writer)
    writer.flush(5)
    os.close(descriptor)
