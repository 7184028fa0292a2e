"""The text of a scrape, made in turns with the requests that the process answers."""

import time
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from typing import cast

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

LINES_AT_A_TIME = 64
"""Of a scrape, before requests have their turn: about half a millisecond."""
NOTICED_SECONDS = 20e-6
"""CPU that other threads of the process used meanwhile: more, and somebody has requests to answer."""
REST_SECONDS = 0.001
"""How long the interpreter is left to them: some requests."""
MOST_RESTS = 250
"""In one scrape, which a Prometheus waits for."""


def exposition(registry: CollectorRegistry, accept: str) -> tuple[bytes, str]:
    """The metrics and their media type: OpenMetrics, with exemplars, if the `Accept` header asks for it.

    Takes tens of milliseconds for a large registry, and several times that beside a busy event loop, to which it
    leaves most of the time. So call it in a thread.
    """
    try:
        encode, media_type = choose_encoder(accept)
    except (TypeError, ValueError):  # prometheus_client fails on a version such as x.y
        encode, media_type = choose_encoder("")
    return encode(cast(CollectorRegistry, _Source(registry))), media_type


def in_turns(metrics: Collector) -> Iterator[Metric]:
    """All families, of whose samples only some are given at a time, so that requests are answered in between.

    The interpreter runs one thread at a time, and would give a scrape as much of it as the requests
    (docs/adr/0011-one-set-of-metrics-however-they-leave.md).
    """
    turns = _Turns()
    for family in metrics.collect():
        shown = copy(family)  # some collectors return the same one each time
        shown.samples = cast(list[Sample], turns.some_at_a_time(family.samples))
        yield shown


class _Turns:
    """Rests while other threads of this process have work; that other processes have some is none of its business."""

    def __init__(self) -> None:
        self._others = _cpu_of_others()
        self._rests_left = MOST_RESTS

    def some_at_a_time(self, samples: list[Sample]) -> Iterator[Sample]:
        for start in range(0, len(samples), LINES_AT_A_TIME):
            yield from samples[start : start + LINES_AT_A_TIME]
            before, self._others = self._others, _cpu_of_others()
            if self._others - before > NOTICED_SECONDS and self._rests_left:
                self._rests_left -= 1
                time.sleep(REST_SECONDS)
                self._others = _cpu_of_others()


def _cpu_of_others() -> float:
    return time.process_time() - time.thread_time()


@dataclass(frozen=True, slots=True)
class _Source:
    """What an encoder reads."""

    metrics: Collector

    def collect(self) -> Iterator[Metric]:
        return in_turns(self.metrics)
