"""The migration runs before the pods, or beside them where the database does not exist before the release."""

from __future__ import annotations

import pytest

from tests.support.rendering import PROFILES, Object, Rendered, rendered, variables

HOOKED = [profile for profile in PROFILES if profile not in {"dev", "gitops", "openshift"}]


def job(objects: Rendered) -> Object:
    (found,) = objects.kind("Job")
    return found


@pytest.mark.parametrize("profile", HOOKED)
def test_the_annotations_of_the_hook_are_on_the_job_and_not_on_its_pod(profile: str) -> None:
    migration = job(rendered(profile))
    assert migration["metadata"]["annotations"] == {
        "helm.sh/hook": "pre-install,pre-upgrade",
        "helm.sh/hook-weight": "-5",
        "helm.sh/hook-delete-policy": "before-hook-creation",
    }
    template = migration["spec"]["template"]["metadata"]
    assert not [name for name in template.get("annotations", {}) if name.startswith("helm.sh/")]


@pytest.mark.parametrize("profile", HOOKED)
def test_a_hook_needs_nothing_that_the_release_makes(profile: str) -> None:
    objects = rendered(profile)
    made = {(one["kind"], one["metadata"]["name"]) for one in objects.objects}
    spec = objects.pod("Job/slipway-migrate").spec
    assert "serviceAccountName" not in spec
    (container,) = spec["containers"]
    assert "envFrom" not in container
    wanted = [("Secret", one["secret"]["name"]) for one in spec["volumes"][0]["projected"]["sources"]]
    assert wanted
    assert not made & set(wanted)
    assert ("ConfigMap", "slipway") in made


def test_beside_the_chart_s_own_database_the_job_is_no_hook() -> None:
    migration = job(rendered("dev"))
    assert "annotations" not in migration["metadata"]
    (wait,) = migration["spec"]["template"]["spec"]["initContainers"]
    assert wait["args"] == ["slipway-postgres", "5432"]
    assert "create_connection" in wait["command"][2]


def test_a_job_that_is_no_hook_has_a_name_of_its_own_in_each_revision() -> None:
    """A Job cannot be changed, so an upgrade needs another one."""
    assert job(rendered("dev"))["metadata"]["name"] == "slipway-migrate-1"


def test_under_gitops_the_name_follows_the_content() -> None:
    def name(*settings: str) -> str:
        return job(rendered("gitops", "migration.mode=job", *settings))["metadata"]["name"]

    assert name() != name("image.tag=v2")
    assert name() != name("database.name=other")
    assert name() == name("components.api.replicas=7")


def test_a_migration_that_runs_out_of_time_leaves_its_log() -> None:
    """At its own deadline a pod fails and stays; at the Job's, one that still runs is deleted."""
    spec = job(rendered("minimal", "migration.activeDeadlineSeconds=60"))["spec"]
    pod = spec["template"]["spec"]
    assert (pod["activeDeadlineSeconds"], pod["terminationGracePeriodSeconds"], spec["activeDeadlineSeconds"]) == (
        40,
        10,
        60,
    )


def test_a_migration_ends_before_helm_gives_up_and_no_sidecar_keeps_it_alive() -> None:
    """`helm --timeout` is 300 s. Without a time to live, the pod and its log stay."""
    spec = job(rendered("minimal"))["spec"]
    assert (spec["activeDeadlineSeconds"], spec["backoffLimit"]) == (240, 2)
    assert "ttlSecondsAfterFinished" not in spec
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    metadata = spec["template"]["metadata"]
    assert metadata["annotations"]["linkerd.io/inject"] == "disabled"
    assert metadata["labels"]["sidecar.istio.io/inject"] == "false"


def test_a_migration_is_told_the_same_as_the_pods() -> None:
    objects = rendered("external")
    (container,) = objects.pod("Job/slipway-migrate").containers
    told = objects.one("ConfigMap", "slipway")["data"]
    assert told.items() <= variables(container).items()
    assert container["args"] == ["migrate"]


def test_a_migration_gets_the_password_and_no_key() -> None:
    (volume,) = rendered("minimal").pod("Job/slipway-migrate").spec["volumes"]
    paths = [item["path"] for one in volume["projected"]["sources"] for item in one["secret"]["items"]]
    assert paths == ["database__password"]


def test_the_hook_s_annotations_can_be_replaced() -> None:
    assert job(rendered("gitops"))["metadata"]["annotations"] == {
        "argocd.argoproj.io/hook": "Sync",
        "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation",
        "argocd.argoproj.io/sync-wave": "-1",
    }


def test_somebody_else_can_migrate() -> None:
    assert rendered("openshift").kind("Job") == []
    assert rendered("dev", "migration.mode=none").kind("Job") == []


def test_zero_retries_are_zero() -> None:
    assert job(rendered("minimal", "migration.backoffLimit=0"))["spec"]["backoffLimit"] == 0


def test_a_migration_takes_what_only_it_is_given() -> None:
    objects = rendered("minimal", "migration.resources.memory=1Gi", "migration.podSpec.nodeSelector.zone=a")
    spec = objects.pod("Job/slipway-migrate").spec
    assert spec["containers"][0]["resources"]["limits"] == {"memory": "1Gi"}
    assert spec["containers"][0]["resources"]["requests"]["cpu"] == "250m"
    assert spec["nodeSelector"] == {"zone": "a"}
    assert "nodeSelector" not in objects.pod("Deployment/slipway-api").spec
