"""The example `microservices`: users and items as processes of their own, which share keys over the network alone."""

from __future__ import annotations

import pytest

from tests.cluster.cluster import Namespace, until
from tests.cluster.conftest import Figures, Images, image_values
from tests.cluster.existing import SMALL, install_example
from tests.cluster.inside import VISITORS, Visitor, described, lost_nothing
from tests.cluster.people import ITEMS, USERS, Person
from tests.cluster.postgres import Postgres
from tests.cluster.release import Release

KEYS = "/.well-known/jwks.json"
COMPONENTS = ("items", "users")


@pytest.fixture(scope="module")
def shop(namespace: Namespace, visitor: Visitor, postgres: Postgres, images: Images) -> Release:
    values = {
        **image_values(images.first),
        "components": {name: {"resources": SMALL} for name in COMPONENTS},
        "networkPolicy": {"clients": {"gateway": None, "visitor": VISITORS}},  # null takes away what the example names
    }
    return install_example("microservices", namespace, postgres, values)


@pytest.fixture(scope="module")
def person(shop: Release, visitor: Visitor) -> Person:
    return Person(visitor, shop.service("items"), users=shop.service("users"))


def test_each_feature_has_pods_of_its_own(shop: Release, namespace: Namespace, figures: Figures) -> None:
    figures.add(f"ready in {shop.installed_in:.1f} s")
    assert {pod.component for pod in shop.pods("") if pod.component not in {"migrate", "test"}} == set(COMPONENTS)
    assert all(pod.ready and pod.restarts == 0 for name in COMPONENTS for pod in shop.pods(name))
    assert namespace.not_admitted() == []


def test_helm_test_passes(shop: Release, namespace: Namespace) -> None:
    assert shop.test().count("Succeeded") >= 3
    assert namespace.not_admitted() == []


def test_who_logs_in_at_users_writes_at_items(person: Person) -> None:
    person.can_work()


def test_each_process_serves_its_own_feature_alone(shop: Release, visitor: Visitor) -> None:
    assert visitor.get(f"{shop.service('users')}{ITEMS}").status == 404
    assert visitor.get(f"{shop.service('items')}{USERS}").status == 404


def test_the_items_process_has_no_key_to_sign_with(shop: Release, namespace: Namespace, visitor: Visitor) -> None:
    (published,) = visitor.get(f"{shop.service('users')}{KEYS}").json()["keys"]
    assert "d" not in published
    held = {name: _secrets(namespace, shop.pods(name)[0].name) for name in COMPONENTS}
    assert "auth__signing_key" in held["users"]
    assert "auth__signing_key" not in held["items"]


def test_items_go_on_while_every_pod_of_users_is_replaced(
    shop: Release, person: Person, postgres: Postgres, figures: Figures
) -> None:
    before = {pod.name for pod in shop.pods("users")}
    with person.visitor.load(person.load("alone"), at_least=1500) as outcome:
        until(lambda: postgres.items(shop.name, "alone") > 100, "the load to run")
        for pod in before:
            shop.namespace.delete("pods", pod)
        until(lambda: before.isdisjoint(pod.name for pod in shop.pods("users")), "the pods of users to go")
        until(lambda: all(pod.ready for pod in shop.pods("users")), "new pods of users")
    figures.add(described(outcome))
    assert lost_nothing(outcome), outcome
    assert postgres.items(shop.name, "alone") == outcome.posts
    assert person.create_item("after", person.log_in()).status == 201


def test_an_upgrade_of_both_under_load_loses_no_request(
    shop: Release, person: Person, postgres: Postgres, images: Images, figures: Figures
) -> None:
    with person.visitor.load(person.load("both"), at_least=3000) as outcome:
        until(lambda: postgres.items(shop.name, "both") > 100, "the load to run")
        shop.upgrade(image_values(images.following))
    assert {pod.image for name in COMPONENTS for pod in shop.pods(name)} == {images.following}
    figures.add(described(outcome))
    assert lost_nothing(outcome), outcome
    assert postgres.items(shop.name, "both") == outcome.posts


def _secrets(namespace: Namespace, pod: str) -> list[str]:
    return namespace.run(
        pod, "slipway", "python", "-c", "import os; print(*os.listdir('/run/secrets/slipway'))"
    ).split()
