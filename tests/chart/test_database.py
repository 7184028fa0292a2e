"""What a pod gets to reach PostgreSQL: TLS that verifies, the authority, and a role."""

from __future__ import annotations

import pytest

from tests.support.rendering import Pod, rendered, variables

SSL = "SLIPWAY_DATABASE__SSL"
USER = "SLIPWAY_DATABASE__USER"


def files(pod: Pod) -> dict[str, tuple[str, str, str]]:
    """Kind, name and key behind each file of the folder of secrets."""
    (volume,) = [one for one in pod.spec["volumes"] if one["name"] == "secrets"]
    return {
        item["path"]: (kind, where["name"], item["key"])
        for source in volume["projected"]["sources"]
        for kind, where in source.items()
        for item in where["items"]
    }


@pytest.mark.parametrize(
    ("profile", "settings", "mode"),
    [
        ("minimal", (), "verify-full"),
        ("external", (), "verify-full"),
        ("dev", (), "disable"),
        ("minimal", ("database.ssl=require",), "require"),
        ("minimal", ("database.ssl=prefer", "environment=test"), "prefer"),
    ],
)
def test_every_pod_verifies_the_server_unless_told_otherwise(
    profile: str, settings: tuple[str, ...], mode: str
) -> None:
    objects = rendered(profile, *settings)
    assert objects.one("ConfigMap", "slipway")["data"][SSL] == mode
    (migration,) = [pod for pod in objects.pods() if pod.owner.startswith("Job/")]
    assert variables(migration.containers[-1])[SSL] == mode


@pytest.mark.parametrize("kind", ["secret", "configMap"])
def test_every_pod_that_has_a_password_mounts_the_authority_as_a_setting(kind: str) -> None:
    objects = rendered("microservices", f"database.sslRootCert.{kind}=ours", "database.sslRootCert.key=root.pem")
    pods = [pod for pod in objects.pods() if not pod.owner.startswith("Pod/")]
    assert {pod.owner.partition("/")[0] for pod in pods} == {"Deployment", "Job"}
    for pod in pods:
        assert files(pod)["database__ssl_root_cert"] == (kind, "ours", "root.pem")
        (mount,) = [one for one in pod.containers[-1]["volumeMounts"] if one["name"] == "secrets"]
        assert mount["readOnly"] is True


def test_a_new_authority_in_a_secret_restarts_the_pods_if_reloader_is_there() -> None:
    objects = rendered("minimal", "database.sslRootCert.secret=ours", "secrets.reloader=true")
    annotations = objects.one("Deployment", "slipway-api")["metadata"]["annotations"]
    assert annotations["secret.reloader.stakater.com/reload"] == "ours,slipway"


def test_a_component_logs_in_as_a_role_of_its_own_and_the_migration_as_the_owner() -> None:
    objects = rendered(
        "microservices", "components.items.database.user=slipway_items", "components.items.database.secret=items-login"
    )
    items, users = (objects.pod(f"Deployment/slipway-{name}") for name in ("items", "users"))
    assert variables(items.containers[-1])[USER] == "slipway_items"
    assert files(items)["database__password"] == ("secret", "items-login", "database__password")
    assert USER not in variables(users.containers[-1])
    shared = files(users)["database__password"]
    assert shared[1] != "items-login"
    (migration,) = [pod for pod in objects.pods() if pod.owner.startswith("Job/")]
    assert variables(migration.containers[-1])[USER] == "slipway"
    assert files(migration)["database__password"] == shared
