"""Closes idle connections when a process has the maximum number of connections."""

import heapq
from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from .limits import Limits

EVICTED_SHARE = 100
"""One in this many is closed at a time: finding many takes no longer than finding one."""


@runtime_checkable
class Evictable(Protocol):
    """A connection that may be idle."""

    def seconds_left(self) -> float | None:
        """Seconds until it is closed as idle; None while it has a request."""

    def evict(self) -> None:
        """Closes the connection."""


def make_room(newcomer: Evictable, connections: Iterable[object], limits: Limits) -> None:
    """Closes the idle connections nearest to their timeout, or else `newcomer`, so that probes get through."""
    waiting: list[tuple[float, int, Evictable]] = []
    for number, connection in enumerate(connections):
        if connection is not newcomer and isinstance(connection, Evictable):
            left = connection.seconds_left()
            if left is not None:
                waiting.append((left, number, connection))
    for _, _, connection in heapq.nsmallest(max(1, limits.max_connections // EVICTED_SHARE), waiting):
        limits.refuse("connections")
        connection.evict()
    if not waiting:
        limits.refuse("connections")
        newcomer.evict()
