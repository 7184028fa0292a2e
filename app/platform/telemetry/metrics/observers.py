"""Callbacks through which a database, a cache and a client report events; each does nothing unless metrics set it."""

from collections.abc import Callable
from dataclasses import dataclass

from .labels import CallError, StatementError


@dataclass(frozen=True, slots=True)
class DatabaseObserver:
    """Callbacks for events of a database; the defaults do nothing."""

    connection_wait: Callable[[float], object] = lambda _: None
    """Receives the seconds that a caller waited for a connection."""
    connection_timeout: Callable[[], object] = lambda: None
    """No connection of the pool was free in time."""
    statement: Callable[[str, StatementError, float], object] = lambda operation, outcome, seconds: None
    """Receives the first word of a statement, its outcome, and its duration in seconds."""


@dataclass(frozen=True, slots=True)
class CacheObserver:
    """Callbacks for events of a cache; the defaults do nothing."""

    hit: Callable[[], object] = lambda: None
    miss: Callable[[], object] = lambda: None


@dataclass(frozen=True, slots=True)
class ClientObserver:
    """Callbacks for calls to another process; the defaults do nothing."""

    call: Callable[[int, CallError, float], object] = lambda status, error, seconds: None
    """Receives the status of the response (0 without one), the kind of error, and the duration in seconds."""


@dataclass(frozen=True, slots=True)
class PoolState:
    """A snapshot of a pool."""

    used: int
    idle: int
    waiting: int
    limit: int
