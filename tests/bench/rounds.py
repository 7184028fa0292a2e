"""Rounds over all candidates in turn (A B C, A B C, …): what drifts on the machine then meets all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from statistics import median

from tests.bench.candidates import BenchError, Running
from tests.bench.database import ROWS
from tests.bench.generator import Answers, Load, apply
from tests.bench.machine import cpu_seconds


@dataclass
class Measured:
    """The rounds of one candidate: microseconds of CPU a request, and what the load saw."""

    name: str
    cpu: list[float] = field(default_factory=list[float])
    answers: list[Answers] = field(default_factory=list[Answers])

    @property
    def count(self) -> int:
        """Requests in all rounds."""
        return sum(answers.count for answers in self.answers)

    def times(self, other: Measured) -> float:
        """CPU as a multiple of another's: the median of the ratios within each round."""
        return median(mine / its for mine, its in zip(self.cpu, other.cpu, strict=True))


def alternate(
    servers: Sequence[Running],
    *,
    rounds: int,
    seconds: float,
    warm_up: float,
    during: Callable[[Running], AbstractContextManager[None]] = lambda _: nullcontext(),
) -> list[Measured]:
    """Measure all of them, `seconds` each a round, and meanwhile do what `during` says.

    Raises:
        BenchError: an answer was not 200.
    """
    loads = [
        Load(server.port, server.candidate.path, server.candidate.headers(server.port), seconds, ROWS)
        for server in servers
    ]
    for server, load in zip(servers, loads, strict=True):
        _measure(server, replace(load, seconds=warm_up))
    results = [Measured(server.candidate.name) for server in servers]
    for _ in range(rounds):
        for server, load, result in zip(servers, loads, results, strict=True):
            with during(server):
                cpu, answers = _measure(server, load)
            result.cpu.append(cpu)
            result.answers.append(answers)
    return results


def slower_than(usual: tuple[str, str], name: str, results: Sequence[Measured]) -> float:
    """The median, over the rounds, of its p99 as a multiple of the usual one, which is measured twice a round."""
    answers = {result.name: result.answers for result in results}
    return median(
        2 * one.slowest_percent / (first.slowest_percent + second.slowest_percent)
        for one, first, second in zip(answers[name], *(answers[other] for other in usual), strict=True)
    )


def _measure(server: Running, load: Load) -> tuple[float, Answers]:
    before = cpu_seconds(server.pid)
    answers = apply(load)
    cpu = cpu_seconds(server.pid) - before
    if answers.refused:
        raise BenchError(f"{server.candidate.name} refused {answers.refused} of {answers.count} requests")
    return cpu / answers.count * 1e6, answers
