"""A mistake in a manifest is found by the rule that is about it, and by no other."""

from __future__ import annotations

import pytest

from tests.chart.judge import mutated_objects, mutated_pods
from tests.chart.judge.evaluator import RULES, judge
from tests.chart.judge.examples import release_of
from tests.chart.judge.mutation import Mutation

MUTATIONS = (*mutated_pods.MUTATIONS, *mutated_objects.MUTATIONS)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mistake_is_found_by_its_rule_alone(mutation: Mutation) -> None:
    release = release_of(mutation.profile, *mutation.settings)
    assert judge(release.objects, release.foreign) == []
    mutation.change(release)
    found = judge(release.objects, release.foreign)
    assert {verdict.rule for verdict in found} == {mutation.caught_by, *mutation.also_by}, list(map(str, found))


def test_every_rule_finds_some_mistake() -> None:
    """A rule that finds nothing may as well not be there."""
    assert {mutation.caught_by for mutation in MUTATIONS} == RULES.keys()
