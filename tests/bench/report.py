"""The tables of a run: what each candidate cost, and the figures with their goals beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from tests.bench.rounds import Measured


@dataclass(frozen=True)
class Goal:
    """A bound that a figure should keep."""

    kind: Literal["at least", "at most"]
    limit: float

    def met_by(self, figure: float) -> bool:
        """Whether it does."""
        return figure >= self.limit if self.kind == "at least" else figure <= self.limit


@dataclass(frozen=True)
class Figure:
    """Something measured; `form` says how it is written (`{:.0%}`)."""

    name: str
    value: float
    form: str
    goal: Goal | None = None

    @property
    def missed(self) -> bool:
        """Whether there is a goal that it does not keep."""
        return self.goal is not None and not self.goal.met_by(self.value)

    def row(self) -> tuple[str, str, str, str]:
        """Its line of the table."""
        value = self.form.format(self.value)
        if self.goal is None:
            return self.name, value, "", ""
        return (
            self.name,
            value,
            f"{self.goal.kind} {self.form.format(self.goal.limit)}",
            "missed" if self.missed else "met",
        )


def costs(results: Iterable[Measured]) -> str:
    """The candidates, medians of their rounds."""
    head = ("", "CPU us/request", "min-max", "requests/s", "median ms", "p99 ms")
    return _aligned([head, *(_cost(result) for result in results)])


def _cost(result: Measured) -> tuple[str, ...]:
    answers = result.answers
    return (
        result.name,
        f"{median(result.cpu):.0f}",
        f"{min(result.cpu):.0f}-{max(result.cpu):.0f}",
        f"{median(one.count / one.seconds for one in answers):.0f}",
        f"{median(one.median for one in answers):.1f}",
        f"{median(one.slowest_percent for one in answers):.0f}",
    )


def goals(figures: Iterable[Figure]) -> str:
    """The figures, with what they should be beside them."""
    return _aligned([("", "measured", "goal", ""), *(figure.row() for figure in figures)])


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
