"""Waiting for what other threads and processes do, and the ports on which they do it."""

from __future__ import annotations

import time
from collections.abc import Callable

from tools.postgres.server import free_port

__all__ = ["TIMEOUT_SECONDS", "free_port", "until"]

TIMEOUT_SECONDS = 60.0
"""Seconds until a condition that must come is given up: a limit for a machine under load, never a wait."""


def until(condition: Callable[[], object], what: str, seconds: float = TIMEOUT_SECONDS) -> None:
    """Waits for a condition, and fails with its name when it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)
