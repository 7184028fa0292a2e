"""Upgrades that cannot work: the old release goes on serving, and what failed is there to look at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.cluster import Namespace, Pod, until
from tests.cluster.conftest import Figures, Images, image_values
from tests.cluster.existing import SMALL, install_example
from tests.cluster.inside import Visitor, described, lost_nothing
from tests.cluster.people import Person
from tests.cluster.postgres import Postgres
from tests.cluster.release import Release

ENOUGH = 1000
"""Requests that a test sends while the upgrade fails."""


@pytest.fixture(scope="module")
def shop(namespace: Namespace, visitor: Visitor, postgres: Postgres, images: Images) -> Release:
    values = {**image_values(images.first), "components": {"api": {"resources": SMALL}}}
    return install_example("minimal", namespace, postgres, values)


@pytest.fixture(scope="module")
def person(shop: Release, visitor: Visitor) -> Person:
    person = Person(visitor, shop.url)
    person.can_work()
    return person


@pytest.fixture
def before(shop: Release) -> Iterator[set[str]]:
    """The pods that serve, all of which are to serve on; what comes after starts from the revision that works."""
    until(lambda: len(shop.pods()) == 2, "the two pods")
    names = {pod.name for pod in shop.pods()}
    yield names
    shop.rollback(1)
    until(lambda: len(shop.pods()) == 2, "the pods that failed to go")


def test_an_image_that_is_nowhere_leaves_the_old_pods_alone(
    shop: Release, person: Person, before: set[str], images: Images, figures: Figures
) -> None:
    nowhere = image_values(f"{images.first}-is-nowhere")
    with person.visitor.load(person.load("nowhere"), at_least=ENOUGH) as outcome:
        shop.upgrade_that_fails(nowhere, timeout="15s")
    (migration,) = [pod for pod in shop.pods("migrate") if "is-nowhere" in pod.image]
    assert not migration.ready
    assert {pod.name for pod in shop.pods()} == before  # no Deployment was touched before the hook
    figures.add(described(outcome))
    assert lost_nothing(outcome), outcome


def test_an_image_that_is_nowhere_and_needs_no_migration_leaves_the_old_pods_alone(
    shop: Release, person: Person, before: set[str], images: Images, figures: Figures
) -> None:
    nowhere = {**image_values(f"{images.first}-is-nowhere"), "migration": {"mode": "none"}}
    with person.visitor.load(person.load("no-migration"), at_least=ENOUGH) as outcome:
        shop.upgrade_that_fails(nowhere, timeout="20s")
    serving, failing = _apart(shop, before)
    assert {pod.name for pod in serving if pod.ready} == before
    assert [pod.ready for pod in failing] == [False]
    figures.add(described(outcome))
    assert lost_nothing(outcome), outcome


def test_pods_that_crash_leave_the_old_ones_alone(
    shop: Release, person: Person, before: set[str], figures: Figures
) -> None:
    # By `env`: the schema of the chart knows what a setting may be.
    crash = {"components": {"api": {"env": {"SLIPWAY_TELEMETRY__LOG_LEVEL": "deafening"}}}}
    with person.visitor.load(person.load("crash"), at_least=ENOUGH) as outcome:
        shop.upgrade_that_fails(crash, timeout="25s")
    serving, failing = _apart(shop, before)
    assert {pod.name for pod in serving if pod.ready} == before
    assert [pod.ready for pod in failing] == [False]
    assert failing[0].restarts > 0
    assert "SLIPWAY_TELEMETRY__LOG_LEVEL" in shop.namespace.log(failing[0].name)
    figures.add(described(outcome))
    assert lost_nothing(outcome), outcome


def test_a_migration_that_fails_leaves_its_log_and_the_old_pods(
    shop: Release, person: Person, before: set[str], postgres: Postgres, figures: Figures
) -> None:
    # As after a restore of half a backup: what the migration is to make is there, and no record of it.
    history = postgres.sql("DELETE FROM items.schema_history RETURNING revision", shop.name)
    postgres.sql("DELETE FROM items.alembic_version", shop.name)
    change = {"settings": {"SLIPWAY_TELEMETRY__LOG_LEVEL": "warning"}, "migration": {"backoffLimit": 0}}
    with person.visitor.load(person.load("migration"), at_least=ENOUGH) as outcome:
        said = shop.upgrade_that_fails(change, timeout="60s")
    assert "failed" in said
    (migration,) = shop.pods("migrate")
    assert 'relation "items" already exists' in shop.namespace.log(migration.name)
    assert {pod.name for pod in shop.pods() if pod.ready} == before
    figures.add(described(outcome))
    assert lost_nothing(outcome), outcome
    postgres.sql(f"INSERT INTO items.schema_history VALUES ('{history}')", shop.name)
    postgres.sql(f"INSERT INTO items.alembic_version VALUES ('{history}')", shop.name)


def _apart(shop: Release, before: set[str]) -> tuple[list[Pod], list[Pod]]:
    """The pods that were there before, and those that are new."""
    pods = shop.pods()
    return [pod for pod in pods if pod.name in before], [pod for pod in pods if pod.name not in before]
