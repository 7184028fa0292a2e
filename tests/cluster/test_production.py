"""The example `production`: two pods at least, an autoscaler, a budget and policies, and a node that is drained."""

# Objects of the cluster are JSON.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import pytest

from tests.cluster.cluster import ClusterError, Namespace, until
from tests.cluster.conftest import Figures, Images, image_values
from tests.cluster.existing import SMALL, install_example
from tests.cluster.inside import VISITORS, Visitor, described, lost_nothing
from tests.cluster.people import Person
from tests.cluster.postgres import Postgres
from tests.cluster.release import Release


@pytest.fixture(scope="module")
def shop(
    namespace: Namespace, visitor: Visitor, postgres: Postgres, images: Images, definitions: frozenset[str]
) -> Release:
    """The example, but for what names its surroundings: registry, peers and the size of its nodes."""
    there = {"podSelector": {"matchLabels": {"app": postgres.host}}}
    image = {**image_values(images.first)["image"], "digest": "", "pullSecrets": {"registry-login": False}}
    values = {
        "image": image,
        "components": {
            "api": {
                "resources": SMALL,
                "autoscaling": {"minReplicas": 2, "maxReplicas": 4},
                "podSpec": {"priorityClassName": None},
            }
        },
        "monitoring": {"serviceMonitor": {"enabled": "ServiceMonitor" in definitions}},
        "networkPolicy": {
            "clients": {"gateway": None, "visitor": VISITORS},  # null takes away what the example names
            "scrapers": {"monitoring": None, "visitor": VISITORS},
            "databases": {"primary": None, "here": there},
        },
    }
    return install_example("production", namespace, postgres, values)


@pytest.fixture(scope="module")
def person(shop: Release, visitor: Visitor) -> Person:
    return Person(visitor, shop.url)


def test_an_install_is_ready_within_60_seconds(shop: Release, namespace: Namespace, figures: Figures) -> None:
    figures.add(f"{shop.installed_in:.1f} s, the migration before it included")
    assert shop.installed_in <= 60
    assert namespace.not_admitted() == []


def test_everything_that_production_wants_is_there(
    shop: Release, namespace: Namespace, definitions: frozenset[str], figures: Figures
) -> None:
    made = {name for name in namespace.objects() if f"/{shop.full_name}" in name}
    api = f"{shop.full_name}-api"
    assert {
        f"Deployment/{api}",
        f"HorizontalPodAutoscaler/{api}",
        f"Ingress/{shop.full_name}",
        f"NetworkPolicy/{api}",
        f"NetworkPolicy/{shop.full_name}-migrate",
        f"PodDisruptionBudget/{api}",
    } <= made
    if "ServiceMonitor" in definitions:
        assert f"ServiceMonitor/{api}" in made
    figures.add(f"{len(made)} objects")
    until(lambda: sum(pod.ready for pod in shop.pods()) == 2, "two pods")


def test_helm_test_passes(shop: Release, namespace: Namespace) -> None:
    assert shop.test().count("Succeeded") >= 3
    assert namespace.not_admitted() == []


def test_a_user_registers_logs_in_and_reads_back_what_they_wrote(person: Person) -> None:
    person.can_work()


def test_the_autoscaler_sees_the_cpu_of_the_pods(shop: Release, namespace: Namespace) -> None:
    def sees() -> bool:
        name = f"{shop.full_name}-api"
        status = namespace.get("horizontalpodautoscalers", name, "autoscaling/v2")["status"]
        return any(one["type"] == "ScalingActive" and one["status"] == "True" for one in status["conditions"])

    until(sees, "the autoscaler to have figures", 90)


def test_a_drain_takes_one_pod_at_a_time_and_loses_no_request(
    shop: Release, person: Person, namespace: Namespace, postgres: Postgres, figures: Figures
) -> None:
    first, second = (pod.name for pod in shop.pods())
    refusals: list[int] = []

    def evicted() -> bool:
        try:
            namespace.evict(second)
        except ClusterError as error:
            refusals.append(error.status)
            return False
        return True

    with person.visitor.load(person.load("drain"), at_least=3000) as outcome:
        until(lambda: postgres.items(shop.name, "drain") > 100, "the load to run")
        namespace.evict(first)
        assert not evicted()
        assert refusals == [429]
        until(evicted, "the budget to allow the second eviction")
        assert sum(pod.ready and not pod.leaving for pod in shop.pods() if pod.name != second) >= 1
        until(lambda: {first, second}.isdisjoint(pod.name for pod in shop.pods()), "both pods to go")
    until(lambda: sum(pod.ready for pod in shop.pods()) == 2, "two pods")
    figures.add(f"second eviction refused {len(refusals)} times; {described(outcome)}")
    assert set(refusals) == {429}
    assert lost_nothing(outcome), outcome
    assert postgres.items(shop.name, "drain") == outcome.posts


def test_an_upgrade_under_load_loses_no_request(
    shop: Release, person: Person, postgres: Postgres, images: Images, figures: Figures
) -> None:
    with person.visitor.load(person.load("upgrade"), at_least=3000) as outcome:
        until(lambda: postgres.items(shop.name, "upgrade") > 100, "the load to run")
        shop.upgrade(image_values(images.following))
    assert {pod.image for pod in shop.pods()} == {images.following}
    figures.add(described(outcome))
    assert lost_nothing(outcome), outcome
    assert postgres.items(shop.name, "upgrade") == outcome.posts
