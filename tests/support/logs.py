"""The logging of the process, which a service that runs inside of a test configures for itself."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager

import structlog

from app.platform.telemetry.logging.logs import OURS

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
