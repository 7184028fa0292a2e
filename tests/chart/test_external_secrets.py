"""Secrets out of a store, and Deployments that restart when one of theirs changes."""

from __future__ import annotations

from tests.chart.test_secrets import sources
from tests.support.rendering import HOOK, USERS_ELSEWHERE, Object, Rendered, refusal, rendered

STORE = (
    "secrets.mode=externalSecret",
    "secrets.existingSecret=",
    "secrets.externalSecret.secretStoreRef.name=vault",
    "secrets.databasePassword.remoteRef.key=slipway/password",
    "secrets.signingKey.remoteRef.key=slipway/key",
)
RELOAD = "secret.reloader.stakater.com/reload"


def external(objects: Rendered) -> Object:
    (found,) = objects.kind("ExternalSecret")
    return found


def annotations_of(objects: Rendered, component: str = "api") -> dict[str, str]:
    return objects.one("Deployment", f"slipway-{component}")["metadata"].get("annotations", {})


def test_the_secret_is_made_from_the_store() -> None:
    one = external(rendered("gitops"))
    assert one["apiVersion"] == "external-secrets.io/v1"
    spec = one["spec"]
    assert spec["secretStoreRef"] == {"name": "vault", "kind": "ClusterSecretStore"}
    assert spec["refreshInterval"] == "1h"
    assert {entry["secretKey"]: entry["remoteRef"] for entry in spec["data"]} == {
        "database__password": {"key": "slipway/production", "property": "database-password"},
        "auth__signing_key": {"key": "slipway/production", "property": "signing-key"},
    }


def test_pods_mount_what_the_store_gives() -> None:
    objects = rendered("gitops")
    target = external(objects)["spec"]["target"]["name"]
    keys = {entry["secretKey"] for entry in external(objects)["spec"]["data"]}
    for path, (name, key) in sources(objects.pod("Deployment/slipway-api")).items():
        assert name == target
        assert key in keys or path == "auth__previous_key"


def test_the_previous_key_is_fetched_while_there_is_one() -> None:
    more = "secrets.previousKey.remoteRef.key=slipway/previous"
    keys = [entry["secretKey"] for entry in external(rendered("minimal", *STORE, more))["spec"]["data"]]
    assert keys == ["database__password", "auth__signing_key", "auth__previous_key"]


def test_what_another_secret_has_is_not_fetched() -> None:
    objects = rendered("minimal", *STORE, "secrets.databasePassword.secret=cluster-app")
    assert [entry["secretKey"] for entry in external(objects)["spec"]["data"]] == ["auth__signing_key"]
    assert sources(objects.pod("Job/slipway-migrate")) == {"database__password": ("cluster-app", "database__password")}
    (job,) = objects.kind("Job")
    assert HOOK in job["metadata"]["annotations"]


def test_a_migration_does_not_wait_before_the_release_for_a_secret_that_comes_with_it() -> None:
    (job,) = rendered("minimal", *STORE).kind("Job")
    assert "annotations" not in job["metadata"]
    said = refusal("minimal", *STORE, "migration.mode=hook")
    assert "\n- migration.mode=hook and secrets.mode=externalSecret contradict each other" in said


def test_in_waves_the_secret_comes_before_the_migration_and_that_before_the_pods() -> None:
    objects = rendered("gitops")
    wave = "argocd.argoproj.io/sync-wave"
    (job,) = objects.kind("Job")
    waves = [int(one["metadata"]["annotations"][wave]) for one in (external(objects), job)]
    assert waves == sorted(waves)
    assert waves[0] < waves[1] < 0
    assert wave not in annotations_of(objects)


def test_a_process_without_users_needs_no_key_from_the_store() -> None:
    no_key = "secrets.signingKey.remoteRef=null"
    assert external(rendered("microservices", *STORE, *USERS_ELSEWHERE, no_key))["spec"]["data"] == [
        {"secretKey": "database__password", "remoteRef": {"key": "slipway/password"}}
    ]


def test_reloader_is_told_the_secrets_of_each_component() -> None:
    objects = rendered("microservices", "secrets.reloader=true", "secrets.signingKey.secret=keys")
    assert annotations_of(objects, "users")[RELOAD] == "keys,slipway"
    assert annotations_of(objects, "items")[RELOAD] == "slipway"
    assert RELOAD not in annotations_of(rendered("minimal"))


def test_an_annotation_of_a_component_wins_over_the_chart_s() -> None:
    own = r"components.api.annotations.secret\.reloader\.stakater\.com/reload=mine"
    assert annotations_of(rendered("production", own))[RELOAD] == "mine"
