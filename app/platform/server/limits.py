"""The limits of a process for its clients, and the count and log of what it refuses."""

import logging
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import uvicorn

from ..settings import Http
from ..telemetry.metrics.labels import ShedReason

MAX_FIELDS = 100
"""Header fields of a request; browsers send about twenty."""
MAX_PIPELINED = 16
"""Requests of a connection that wait for the answer to an earlier one."""
MAX_WAITING_BYTES = 8 * 1024 * 1024
"""Bytes of waiting requests, on all connections together."""
REQUEST_BYTES = 2048
"""Memory of a waiting request beside its own bytes."""
WEBSOCKET_SHARE = 0.8
"""Of all connections; WebSockets are not closed to make room, so requests and probes need a part of their own."""
MAX_PIECES = 64
"""Pieces that one turn of the event loop parses; one segment can hold thousands."""
MAX_PIECE_BYTES = 16 * 1024
"""Of a chunked body, whose every byte can be a chunk."""
MAX_UNWANTED_BYTES = 256 * 1024
"""Of a body that is answered already: so much is read for the sake of the next request on the connection."""
CHUNK_OVERHEAD = 16
"""Bytes of framing that a chunk may have without counting as overhead; extensions are longer."""
RESERVED_FILES = 64
"""Open files that are reserved for the database, the log and the metrics port."""
LOG_INTERVAL_SECONDS = 10.0
"""The refusals of one reason are logged at most once in this time."""

_log = logging.getLogger(__name__)


class Gauge(Protocol):
    """A gauge, such as that of prometheus_client."""

    def set(self, value: float, /) -> None: ...
    def inc(self, amount: float = 1, /) -> None: ...
    def dec(self, amount: float = 1, /) -> None: ...


class NoGauge:
    """A gauge that records nothing."""

    def set(self, value: float, /) -> None: ...
    def inc(self, amount: float = 1, /) -> None: ...
    def dec(self, amount: float = 1, /) -> None: ...


@dataclass
class Limits:
    """The limits of a process and the state that its connections share."""

    http: Http
    count_shed: Callable[[ShedReason], None] = lambda _: None
    connections: Gauge = field(default_factory=NoGauge)
    active_requests: Gauge = field(default_factory=NoGauge)
    waiting_bytes: int = 0
    websockets: int = 0
    _logged: dict[ShedReason, float] = field(default_factory=dict[ShedReason, float], init=False)
    _unlogged: dict[ShedReason, int] = field(default_factory=dict[ShedReason, int], init=False)

    def __post_init__(self) -> None:
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        usable = self.http.max_connections if files == resource.RLIM_INFINITY else max(1, files - RESERVED_FILES)
        self.max_connections = min(self.http.max_connections, usable)
        self.max_websockets = int(self.max_connections * WEBSOCKET_SHARE)

    def refuse(self, reason: ShedReason) -> None:
        """Counts a refused request or connection, and logs it at most every `LOG_INTERVAL_SECONDS`."""
        self.count_shed(reason)
        now = time.monotonic()
        unlogged = self._unlogged.get(reason, 0) + 1
        if now - self._logged.get(reason, -LOG_INTERVAL_SECONDS) < LOG_INTERVAL_SECONDS:
            self._unlogged[reason] = unlogged
            return
        self._logged[reason] = now
        self._unlogged[reason] = 0
        _log.warning("refused %d requests or connections: %s", unlogged, reason)


class Waiting:
    """What one connection has in memory behind the request that is answered."""

    __slots__ = ("_bytes", "_limits")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._bytes = 0

    def book(self, number: int) -> bool:
        """Whether so many bytes may wait, with those of all other connections; a refusal is counted."""
        limits = self._limits
        limits.waiting_bytes += number - self._bytes
        self._bytes = number
        if limits.waiting_bytes <= MAX_WAITING_BYTES:
            return True
        limits.refuse("pipelined")
        return False

    def release(self) -> None:
        """Nothing waits any more."""
        self._limits.waiting_bytes -= self._bytes
        self._bytes = 0


class RateWindow:
    """Measures the rate of a transfer over a recent window, so that early bytes do not allow a stall later."""

    __slots__ = ("_begun_at", "_minimum", "_seconds", "waited")

    def __init__(self, seconds: float, minimum: int) -> None:
        self._seconds = seconds
        self._minimum = minimum
        self._begun_at = 0
        self.waited = 0.0

    def restart(self, transferred: int) -> None:
        """Begins a window at this number of bytes."""
        self._begun_at = transferred
        self.waited = 0.0

    def too_slow(self, transferred: int, seconds: float) -> bool:
        """Whether a window ends now, `seconds` after the last call, with fewer bytes than the minimum."""
        self.waited += seconds
        if self.waited <= self._seconds:
            return False
        slow = transferred - self._begun_at < self.waited * self._minimum
        self.restart(transferred)
        return slow


class LimitedConfig(uvicorn.Config):
    """The part of the server's configuration that the protocols use."""

    limits: Limits
