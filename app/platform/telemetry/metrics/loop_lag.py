"""Event-loop lag: how late the loop runs what is due, which is how long every request waits that comes meanwhile."""

import asyncio
from collections.abc import Callable
from time import perf_counter

SAMPLE_INTERVAL_SECONDS = 0.1
MAX_SAMPLES_PER_BLOCK = 600
"""Of one block: a minute. A process that was suspended for a night must not count for hours."""


class LoopLag:
    """Samples the running loop ten times a second, at a few microseconds each.

    While the loop is blocked it takes no samples, so a block would count as one among thousands. Those that it
    held up are therefore booked when it ends, as late as each of them is (Gil Tene's coordinated omission).
    """

    def __init__(self, observe: Callable[[float], object]) -> None:
        self._observe = observe
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begins, in the running loop; a second call does nothing."""
        if self._timer is None:
            self._schedule()

    def stop(self) -> None:
        """Ends; a second call does nothing."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self) -> None:
        self._due = perf_counter() + SAMPLE_INTERVAL_SECONDS
        self._timer = asyncio.get_running_loop().call_later(SAMPLE_INTERVAL_SECONDS, self._sample)

    def _sample(self) -> None:
        late = max(0.0, perf_counter() - self._due)
        self._observe(late)
        for number in range(1, min(int(late / SAMPLE_INTERVAL_SECONDS), MAX_SAMPLES_PER_BLOCK) + 1):
            self._observe(late - number * SAMPLE_INTERVAL_SECONDS)
        self._schedule()
