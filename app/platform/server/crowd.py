"""What happens when a process has as many connections as it may: the one that would be closed soonest makes room."""

import heapq
from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from .limits import Limits

EVICTED_PART = 100
"""One in this many is closed at a time, since looking for them takes as long as for one."""


@runtime_checkable
class Evictable(Protocol):
    """A connection that may be waiting for a request."""

    def seconds_left(self) -> float | None:
        """How long it may still wait; None while a request is under way."""

    def evict(self) -> None:
        """Closes it."""


def make_room(newcomer: Evictable, connections: Iterable[object], limits: Limits) -> None:
    """Closes connections that wait for a request, or else the newcomer: a full house keeps no probe out."""
    waiting: list[tuple[float, int, Evictable]] = []
    for number, connection in enumerate(connections):
        if connection is not newcomer and isinstance(connection, Evictable):
            left = connection.seconds_left()
            if left is not None:
                waiting.append((left, number, connection))
    for _, _, connection in heapq.nsmallest(max(1, limits.max_connections // EVICTED_PART), waiting):
        limits.refuse("connections")
        connection.evict()
    if not waiting:
        limits.refuse("connections")
        newcomer.evict()
