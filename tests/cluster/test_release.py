"""One release's life, from its install to its end: the tests of this module are one story, in this order."""

# Objects of the cluster are JSON.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import pytest

from tests.cluster.cluster import ClusterError, Namespace, until, until_equal
from tests.cluster.conftest import Figures, Images, image_values
from tests.cluster.inside import Visitor, described, lost_nothing
from tests.cluster.people import ITEMS, Person
from tests.cluster.postgres import put_schema_ahead
from tests.cluster.release import Release


@pytest.fixture(scope="module")
def person(visitor: Visitor, release: Release) -> Person:
    return Person(visitor, release.url)


def test_an_install_is_ready_within_20_seconds(release: Release, figures: Figures) -> None:
    figures.add(f"{release.installed_in:.1f} s")
    assert release.installed_in <= 20


def test_every_pod_is_admitted_where_restricted_is_enforced(release: Release, namespace: Namespace) -> None:
    spec = {"containers": [{"name": "plain", "image": "plain"}]}
    with pytest.raises(ClusterError, match="restricted") as refused:
        namespace.create_object("pods", {"metadata": {"name": "plain"}, "spec": spec}, dryRun="All")
    assert refused.value.status == 403
    until(lambda: len(release.pods()) >= 2, "the autoscaler's lower bound")
    assert {pod.component for pod in release.pods("")} >= {"api", "migrate", "postgres"}
    assert namespace.not_admitted() == []


def test_helm_test_passes(release: Release, namespace: Namespace) -> None:
    # Pods of tests that succeeded are gone by then: what counts is what Helm says of each.
    assert release.test().count("Succeeded") >= 3
    assert namespace.not_admitted() == []


def test_a_user_registers_logs_in_and_reads_back_what_they_wrote(person: Person) -> None:
    person.can_work()


def test_each_pod_serves_its_metrics(release: Release, visitor: Visitor) -> None:
    for pod in release.pods():
        metrics = visitor.get(f"http://{pod.address}:9464/metrics")
        assert metrics.status == 200
        assert "app_build_info{" in metrics.body
        assert f'http_route="{ITEMS}/{{item_id}}"' in metrics.body


def test_a_deleted_pod_loses_no_request(release: Release, person: Person, figures: Figures) -> None:
    until(lambda: sum(pod.ready for pod in release.pods()) >= 2, "two ready pods")
    deleted = release.pods()[0].name
    with person.visitor.load(person.load("deleted-pod"), at_least=1500) as outcome:
        until(lambda: person_items(release, "deleted-pod") > 100, "the load to run")
        release.namespace.delete("pods", deleted)
        until(lambda: deleted not in {pod.name for pod in release.pods()}, "the deleted pod to go")
    figures.add(described(outcome))
    assert lost_nothing(outcome), outcome
    assert outcome.posts + outcome.gets >= 1500
    assert person_items(release, "deleted-pod") == outcome.posts


def person_items(release: Release, name: str) -> int:
    return int(release.sql(f"SELECT count(*) FROM items.items WHERE name = '{name}'"))


def test_the_autoscaler_sees_the_cpu_of_the_pods(release: Release, figures: Figures) -> None:
    seen: list[int] = []

    def sees() -> bool:
        scaler = release.namespace.get("horizontalpodautoscalers", f"{release.full_name}-api", "autoscaling/v2")
        status = scaler["status"]
        current = (status.get("currentMetrics") or [{}])[0]
        used = current.get("resource", current.get("containerResource", {})).get("current", {})
        seen.extend([used["averageUtilization"]] if "averageUtilization" in used else [])
        return bool(seen)

    until(sees, "the autoscaler's CPU figure")
    figures.add(f"{seen[-1]} % of the request")
    assert seen[-1] > 0


def test_an_upgrade_under_load_loses_no_request(
    release: Release, person: Person, images: Images, figures: Figures
) -> None:
    before = {pod.name for pod in release.pods()}
    changes = {**image_values(images.following), "settings": {"SLIPWAY_TELEMETRY__LOG_LEVEL": "warning"}}
    with person.visitor.load(person.load("upgrade"), at_least=5000) as outcome:
        until(lambda: person_items(release, "upgrade") > 100, "the load to run")
        release.upgrade(changes)
        until(lambda: before.isdisjoint(pod.name for pod in release.pods()), "the pods of the first revision to go")
    figures.add(described(outcome))
    assert lost_nothing(outcome), outcome
    assert outcome.posts + outcome.gets >= 5000
    assert person_items(release, "upgrade") == outcome.posts
    assert {pod.image for pod in release.pods()} == {images.following}
    assert len(release.pods()) >= 2


def test_an_old_image_starts_on_the_schema_of_a_newer_release(release: Release, person: Person, images: Images) -> None:
    put_schema_ahead(release.sql)
    before = {pod.name for pod in release.pods()}
    release.rollback(1)
    until(lambda: before.isdisjoint(pod.name for pod in release.pods()), "the pods of the second revision to go")
    assert {(pod.image, pod.ready, pod.restarts) for pod in release.pods()} == {(images.first, True, 0)}
    (migration,) = [pod.name for pod in release.pods("migrate")]
    assert "items: ahead" in release.namespace.log(migration)
    assert person.create_item("after the rollback", person.log_in()).status == 201


def test_an_uninstall_leaves_only_the_secret_that_it_keeps(release: Release, found: set[str]) -> None:
    assert len(release.namespace.objects() - found) > 10
    release.uninstall()
    # No longer than the garbage collector of the cluster may take.
    until_equal(lambda: release.namespace.objects() - found, {f"Secret/{release.full_name}"}, 90)
    kept = release.namespace.get("secrets", release.full_name)["metadata"]["annotations"]
    assert kept["helm.sh/resource-policy"] == "keep"
