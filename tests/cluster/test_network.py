"""Network policies: who is not named gets no answer, where the cluster enforces them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.cluster.cluster import Cluster, Namespace, new_namespace, until
from tests.cluster.conftest import Images, image_values, postgres_values
from tests.cluster.existing import SMALL
from tests.cluster.inside import Visitor, visitor_in
from tests.cluster.people import Person
from tests.cluster.release import Release
from tests.support.tools import not_run_here

HTTP, METRICS, POSTGRES = 80, 9464, 5432


@pytest.fixture(scope="module")
def outside(cluster: Cluster) -> Iterator[Namespace]:
    """A namespace that has nothing to do with the release but that a client lives in it."""
    with new_namespace(cluster, "slipway-test-outside") as outside:
        yield outside


@pytest.fixture(scope="module")
def callers(outside: Namespace, images: Images) -> Iterator[dict[str, Visitor]]:
    """Pods of that namespace, by the label that tells them apart."""
    with ExitStack() as stack:
        yield {
            role: stack.enter_context(visitor_in(outside, images.first, role, {"role": role}))
            for role in ("gateway", "prometheus", "stranger")
        }


@pytest.fixture(scope="module")
def stranger(outside: Namespace, callers: dict[str, Visitor]) -> Visitor:
    """A pod that no policy names, in a cluster that enforces policies."""
    stranger = callers["stranger"]
    assert stranger.reaches("kubernetes.default.svc", 443)
    selected = {"matchLabels": {"role": "stranger"}}
    dns = {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}
    policy = {"podSelector": selected, "policyTypes": ["Egress"], "egress": [dns]}
    group = "networking.k8s.io/v1"
    outside.create_object("networkpolicies", {"metadata": {"name": "mute"}, "spec": policy}, group)
    try:
        until(lambda: not stranger.reaches("kubernetes.default.svc", 443), "the policy to take effect", 15)
    except AssertionError:
        not_run_here("a network plugin", "this cluster does not enforce NetworkPolicy", demanded=False)
    outside.delete("networkpolicies", "mute", group)
    until(lambda: stranger.reaches("kubernetes.default.svc", 443), "the end of the policy", 15)
    return stranger


@pytest.fixture(scope="module")
def guarded(namespace: Namespace, outside: Namespace, images: Images) -> Release:
    """The chart with its own PostgreSQL and policies that name who may call it."""

    def peer(role: str) -> dict[str, object]:
        where = {"matchLabels": {"kubernetes.io/metadata.name": outside.name}}
        return {"namespaceSelector": where, "podSelector": {"matchLabels": {"role": role}}}

    release = Release("guarded", namespace)
    release.install(
        {
            **image_values(images.first),
            **postgres_values(),
            "secrets": {"mode": "generate"},
            "defaults": {"resources": SMALL},
            "networkPolicy": {
                "enabled": True,
                "clients": {"gateway": peer("gateway")},
                "scrapers": {"prometheus": peer("prometheus")},
            },
        }
    )
    return release


def host(release: Release, component: str = "api") -> str:
    return f"{release.full_name}-{component}.{release.namespace.name}.svc"


def test_the_release_reaches_what_it_needs(guarded: Release) -> None:
    assert guarded.test().count("Succeeded") >= 3


def test_a_client_that_is_named_can_work(guarded: Release, callers: dict[str, Visitor]) -> None:
    Person(callers["gateway"], f"http://{host(guarded)}").can_work()


def test_a_scraper_that_is_named_gets_metrics(guarded: Release, callers: dict[str, Visitor]) -> None:
    metrics = callers["prometheus"].get(f"http://{host(guarded)}:{METRICS}/metrics")
    assert metrics.status == 200
    assert "app_build_info{" in metrics.body


def test_a_stranger_reaches_no_port_of_the_release(guarded: Release, stranger: Visitor) -> None:
    assert not stranger.reaches(host(guarded), HTTP)
    assert not stranger.reaches(host(guarded), METRICS)
    for pod in guarded.pods():
        assert not stranger.reaches(pod.address, 8000)


def test_who_may_call_may_not_scrape_and_the_other_way_round(
    guarded: Release, stranger: Visitor, callers: dict[str, Visitor]
) -> None:
    assert not callers["gateway"].reaches(host(guarded), METRICS)
    assert not callers["prometheus"].reaches(host(guarded), HTTP)


def test_nobody_outside_the_release_reaches_its_database(
    guarded: Release, stranger: Visitor, visitor: Visitor, callers: dict[str, Visitor]
) -> None:
    for caller in (stranger, visitor, callers["gateway"]):
        assert not caller.reaches(host(guarded, "postgres"), POSTGRES)


def test_a_pod_of_the_release_reaches_nothing_but_what_it_needs(guarded: Release, stranger: Visitor) -> None:
    pod = guarded.pods()[0].name
    assert _connects(guarded, pod, host(guarded, "postgres"), POSTGRES) == "yes"
    assert _connects(guarded, pod, "kubernetes.default.svc", 443) == "TimeoutError"


def _connects(release: Release, pod: str, name: str, port: int) -> str:
    program = (
        "import socket\n"
        f"try: socket.create_connection(({name!r}, {port}), 3)\n"
        "except OSError as error: print(type(error).__name__)\n"
        "else: print('yes')"
    )
    return release.namespace.run(pod, "slipway", "python", "-c", program).strip()
