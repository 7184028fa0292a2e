"""Upgrades and rollbacks in a row, under one load that loses nothing."""

from __future__ import annotations

import pytest

from tests.cluster.cluster import Namespace, until
from tests.cluster.conftest import Figures, Images, image_values
from tests.cluster.existing import SMALL, install_example
from tests.cluster.inside import Visitor, described, lost_nothing
from tests.cluster.people import Person
from tests.cluster.postgres import Postgres
from tests.cluster.release import Release

pytestmark = pytest.mark.full
ENOUGH = 20_000


@pytest.fixture(scope="module")
def shop(namespace: Namespace, visitor: Visitor, postgres: Postgres, images: Images) -> Release:
    values = {**image_values(images.first), "components": {"api": {"resources": SMALL}}}
    return install_example("minimal", namespace, postgres, values)


def test_three_upgrades_and_three_rollbacks_lose_no_request(
    shop: Release, visitor: Visitor, postgres: Postgres, images: Images, figures: Figures
) -> None:
    person = Person(visitor, shop.url)
    person.can_work()
    changes = [
        lambda: shop.upgrade(image_values(images.following)),
        lambda: shop.rollback(1),
        lambda: shop.upgrade({"settings": {"SLIPWAY_TELEMETRY__LOG_LEVEL": "warning"}}),
        lambda: shop.upgrade(image_values(images.following)),
        lambda: shop.rollback(4),
        lambda: shop.rollback(1),
    ]
    seen = {pod.name for pod in shop.pods()}
    with person.visitor.load(person.load("rollouts", 160), at_least=ENOUGH) as outcome:
        until(lambda: postgres.items(shop.name, "rollouts") > 100, "the load to run")
        for change in changes:
            change()
            until(lambda: len(shop.pods()) == 2, "the pods of the last revision to go")
            fresh = {pod.name for pod in shop.pods()}
            assert seen.isdisjoint(fresh)
            seen |= fresh
    figures.add(f"{len(changes)} rollouts, {len(seen)} pods: {described(outcome)}")
    assert lost_nothing(outcome), outcome
    assert outcome.posts + outcome.gets >= ENOUGH
    assert postgres.items(shop.name, "rollouts") == outcome.posts
