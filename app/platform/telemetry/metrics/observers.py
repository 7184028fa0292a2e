"""What a database and a cache tell of themselves, to whoever counts it: nobody, unless metrics are given."""

from collections.abc import Callable
from dataclasses import dataclass

from .labels import CallError, StatementError


@dataclass(frozen=True, slots=True)
class DatabaseCounts:
    """What a database tells of itself; by default nobody listens."""

    waited: Callable[[float], object] = lambda _: None
    """Seconds until a connection was had."""
    timed_out: Callable[[], object] = lambda: None
    """No connection was free in time."""
    ran: Callable[[str, StatementError, float], object] = lambda word, outcome, seconds: None
    """A statement: its first word, what became of it, and its seconds."""


@dataclass(frozen=True, slots=True)
class CacheCounts:
    """What a cache tells of itself; by default nobody listens."""

    hit: Callable[[], object] = lambda: None
    miss: Callable[[], object] = lambda: None


@dataclass(frozen=True, slots=True)
class ClientCounts:
    """What calls to another process tell of themselves; by default nobody listens."""

    called: Callable[[int, CallError, float], object] = lambda status, error, seconds: None
    """A call: the status of its answer or 0, what became of it, and its seconds."""


@dataclass(frozen=True, slots=True)
class PoolState:
    """A pool at one moment."""

    used: int
    idle: int
    waiting: int
    limit: int
