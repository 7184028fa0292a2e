"""A rule that is wrong in one place is noticed by some case: at least 95 % of all that can be.

Here a sample of them is tried; `make mutation-test`, which sets `SLIPWAY_TEST_MUTANTS=all`, tries each.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tests.observability.rules.cases import Case
from tests.observability.rules.chart import rules_called
from tests.observability.rules.mutants import Mutant, mutants
from tests.observability.rules.promtool import Trial, failures
from tests.observability.rules.test_alerts import by_rule

SAMPLE_SIZE = 40
MIN_CAUGHT_SHARE = 0.95


def every_mutant() -> list[tuple[str, Trial]]:
    """Each with what was changed in which rule, and among the rules and cases of its name."""
    return [
        (f"{name} {slo} {mutant.change}", Trial(wrong, _telling_first(cases)))
        for (name, slo), cases in by_rule().items()
        for mutant, wrong in _wrong(name, slo)
    ]


def survivors(tried: Sequence[tuple[str, Trial]], folder: Path) -> list[str]:
    """What was changed in the mutants that no case notices. Most are caught by the first, so the rest come later."""
    alive = list(tried)
    for stage, (first, last) in enumerate([(0, 2), (2, 8), (8, 100)]):
        left = [(change, replace(trial, cases=trial.cases[first:last])) for change, trial in alive]
        trials = [trial for _, trial in left if trial.cases]
        (folder / str(stage)).mkdir()
        messages = iter(failures(trials, folder / str(stage)))
        outcomes = [next(messages) if trial.cases else "" for _, trial in left]
        alive = [mutant for mutant, outcome in zip(alive, outcomes, strict=True) if not outcome]
    return [change for change, _ in alive]


def test_rules_that_are_wrong_in_one_place_are_noticed(tmp_path: Path) -> None:
    all_mutants = every_mutant()
    every = os.environ.get("SLIPWAY_TEST_MUTANTS") == "all"
    tried = all_mutants if every else all_mutants[:: len(all_mutants) // SAMPLE_SIZE]
    alive = survivors(tried, tmp_path)
    caught = 1 - len(alive) / len(tried)
    report = f"{caught:.1%} of {len(tried)} were caught; not these:\n" + "\n".join(alive)
    if every:
        print(report)
    assert caught >= MIN_CAUGHT_SHARE, report


def _wrong(name: str, slo: str) -> Iterator[tuple[Mutant, list[dict[str, object]]]]:
    rules = rules_called(name, slo)
    for number, rule in enumerate(rules):
        for mutant in mutants(rule):
            yield mutant, [*rules[:number], mutant.rule, *rules[number + 1 :]]


def _telling_first(cases: Sequence[Case]) -> list[Case]:
    """Cases with a result before those without one."""
    return sorted(cases, key=lambda case: not (case.fires or any(case.values.values())))
