"""The example `minimal`: two pods on a database that was there before them, whose password holds every character."""

from __future__ import annotations

import pytest

from tests.cluster.cluster import Namespace, until
from tests.cluster.conftest import Figures, Images, image_values
from tests.cluster.existing import SMALL, example_values, install_example
from tests.cluster.inside import Visitor
from tests.cluster.people import ITEMS, Person
from tests.cluster.postgres import Postgres
from tests.cluster.release import Release


@pytest.fixture(scope="module")
def shop(namespace: Namespace, visitor: Visitor, postgres: Postgres, images: Images) -> Release:
    values = {**image_values(images.first), "components": {"api": {"resources": SMALL}}}
    return install_example("minimal", namespace, postgres, values)


def test_an_install_is_ready_within_40_seconds(shop: Release, figures: Figures) -> None:
    figures.add(f"{shop.installed_in:.1f} s, the migration before it included")
    assert shop.installed_in <= 40


def test_a_hook_migrates_before_the_pods_start(shop: Release, namespace: Namespace) -> None:
    (job,) = namespace.names("jobs", "batch/v1", "app.kubernetes.io/instance=shop")
    hook = namespace.get("jobs", job, "batch/v1")["metadata"]["annotations"]["helm.sh/hook"]
    assert hook == "pre-install,pre-upgrade"
    (migration,) = shop.pods("migrate")
    assert "items: migrated" in namespace.log(migration.name)
    assert [pod.restarts for pod in shop.pods()] == [0, 0]
    assert namespace.not_admitted() == []


def test_helm_test_passes(shop: Release, namespace: Namespace) -> None:
    assert shop.test().count("Succeeded") >= 3
    assert namespace.not_admitted() == []


def test_a_user_registers_logs_in_and_reads_back_what_they_wrote(shop: Release, visitor: Visitor) -> None:
    Person(visitor, shop.url).can_work()


def test_releases_in_one_namespace_do_not_mix(
    shop: Release, visitor: Visitor, postgres: Postgres, namespace: Namespace, images: Images
) -> None:
    postgres.create_database("other")
    postgres.create_secret("other")
    other = Release("other", namespace, example="minimal")
    other.install(
        {
            **image_values(images.first),
            "database": {"host": postgres.host, "name": "other", "user": "other", "ssl": "disable"},
            "secrets": {"existingSecret": "other"},
            "components": {"api": {"replicas": 1, "resources": SMALL}},
        }
    )
    stranger = Person(visitor, other.url)
    stranger.can_work()
    assert visitor.get(f"{shop.url}{ITEMS}", stranger.log_in()).status == 401  # signed with another release's key
    assert postgres.items("shop", "first") == postgres.items("other", "first") == 1
    other.uninstall()


def test_an_uninstall_leaves_the_secret_and_the_record_of_the_migration(shop: Release, namespace: Namespace) -> None:
    shop.uninstall()
    until(lambda: not shop.pods(), "the pods to go")
    assert example_values("minimal")["secrets"]["existingSecret"] in namespace.names("secrets")
    left = {name for name in namespace.objects() if f"/{shop.name}" in name and not name.startswith("Pod/")}
    # Helm does not own hooks: the Job stays for its log, and the next install replaces it.
    assert left == {f"Job/{shop.full_name}-migrate"}
