"""Scaling by hand, and an old image on a schema that a newer release has made."""

from __future__ import annotations

import pytest

from tests.cluster.cluster import Namespace, until
from tests.cluster.conftest import Figures, Images, image_values
from tests.cluster.existing import SMALL, install_example
from tests.cluster.inside import Visitor, described, lost_nothing
from tests.cluster.people import Person
from tests.cluster.postgres import Postgres, put_schema_ahead
from tests.cluster.release import Release


@pytest.fixture(scope="module")
def shop(namespace: Namespace, visitor: Visitor, postgres: Postgres, images: Images) -> Release:
    values = {**image_values(images.first), "components": {"api": {"replicas": 3, "resources": SMALL}}}
    return install_example("minimal", namespace, postgres, values)


@pytest.fixture(scope="module")
def person(shop: Release, visitor: Visitor) -> Person:
    person = Person(visitor, shop.url)
    person.can_work()
    return person


def scale(shop: Release, replicas: int) -> None:
    shop.upgrade({"components": {"api": {"replicas": replicas}}})
    until(lambda: sum(pod.ready for pod in shop.pods()) == len(shop.pods()) == replicas, f"{replicas} pods")


@pytest.mark.full
def test_from_three_to_one_and_back_loses_no_request(
    shop: Release, person: Person, postgres: Postgres, figures: Figures
) -> None:
    with person.visitor.load(person.load("scaled"), at_least=5000) as outcome:
        until(lambda: postgres.items(shop.name, "scaled") > 100, "the load to run")
        scale(shop, 1)
        scale(shop, 3)
    figures.add(described(outcome))
    assert lost_nothing(outcome), outcome
    assert postgres.items(shop.name, "scaled") == outcome.posts


def test_an_old_image_scales_up_on_the_schema_of_a_newer_release(
    shop: Release, person: Person, postgres: Postgres, figures: Figures
) -> None:
    put_schema_ahead(lambda statement: postgres.sql(statement, shop.name))
    before = {pod.name for pod in shop.pods()}
    with person.visitor.load(person.load("ahead"), at_least=1500) as outcome:
        scale(shop, 4)
    (added,) = [pod for pod in shop.pods() if pod.name not in before]
    assert (added.ready, added.restarts) == (True, 0)
    assert before < {pod.name for pod in shop.pods()}
    assert "items: ahead" in shop.namespace.log(shop.pods("migrate")[0].name)
    figures.add(described(outcome))
    assert lost_nothing(outcome), outcome
