"""A release on a database that was there before it, with a Secret that somebody else made: a hook migrates."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from tests.cluster.cluster import Namespace, until
from tests.cluster.conftest import Images, image_values
from tests.cluster.inside import Visitor
from tests.cluster.people import ITEMS, Person
from tests.cluster.release import Release
from tests.support.application import SIGNING_KEY

PASSWORD = "p@ss:/#%[]{} '\"\\$x"
"""Nothing here may be put into a URL, a shell or a template as it is."""


@pytest.fixture(scope="module")
def database(release: Release) -> str:
    """The address of a database with a role of its own, on the other release's PostgreSQL."""
    quoted = PASSWORD.replace("'", "''")
    release.sql(f"CREATE ROLE foreigner LOGIN PASSWORD '{quoted}'")
    release.sql("CREATE DATABASE foreign_db OWNER foreigner")
    return f"{release.full_name}-postgres"


@pytest.fixture(scope="module")
def other(release: Release, database: str, images: Images, namespace: Namespace) -> Iterator[Release]:
    """A second release beside the first."""
    content = {"database__password": PASSWORD, "auth__signing_key": SIGNING_KEY}
    data = {name: base64.b64encode(text.encode()).decode() for name, text in content.items()}
    namespace.create_object("secrets", {"metadata": {"name": "given"}, "data": data})
    other = Release("other", namespace, release.helm_program)
    other.install(
        {
            **image_values(images.first),
            "secrets": {"existingSecret": "given"},
            "database": {"host": database, "name": "foreign_db", "user": "foreigner"},
            "components": {"api": {"replicas": 1}},
        }
    )
    yield other
    other.helm("uninstall", other.name, "--wait", "--timeout=60s", "--ignore-not-found")
    # What Helm does not own, and the other module would take for a remnant of its release.
    namespace.delete("jobs", f"{other.full_name}-migrate", "batch/v1")
    namespace.delete("secrets", "given")


def test_a_hook_migrates_before_the_pods_start(other: Release, namespace: Namespace) -> None:
    (job,) = namespace.names("jobs", "batch/v1", "app.kubernetes.io/instance=other")
    hook = namespace.get("jobs", job, "batch/v1")["metadata"]["annotations"]["helm.sh/hook"]
    assert hook == "pre-install,pre-upgrade"
    (migration,) = other.pods("migrate")
    assert "items: migrated" in namespace.log(migration.name)
    assert [pod.restarts for pod in other.pods()] == [0]


def test_a_release_with_a_given_secret_serves(other: Release, visitor: Visitor) -> None:
    # Helm waits for the pods; the node learns of a Service's pods a moment later.
    until(lambda: visitor.get(f"{other.url}/livez").status == 200, "the way to the pods", 10)
    person = Person(visitor, other.url)
    assert person.register().status == 201
    assert person.create_item("of the other", person.log_in()).status == 201


def test_releases_in_one_namespace_do_not_mix(release: Release, other: Release, visitor: Visitor) -> None:
    person = Person(visitor, other.url)
    assert person.register().status == 201
    foreign = visitor.get(f"{release.url}{ITEMS}", person.log_in())
    assert foreign.status == 401  # signed with the key of another release


def test_an_uninstall_leaves_the_secret_and_the_record_of_the_migration(
    release: Release, other: Release, namespace: Namespace
) -> None:
    mine = set(namespace.names("secrets")) | {"given"}
    other.helm("uninstall", other.name, "--wait", "--timeout=60s")
    until(lambda: not other.pods(), "the pods to go")
    assert "given" in mine & set(namespace.names("secrets"))
    left = {name for name in namespace.objects() if "/other" in name}
    # Helm does not own hooks: the Job stays for its log, and the next install replaces it.
    assert {name for name in left if not name.startswith("Pod/")} == {"Job/other-slipway-migrate"}
