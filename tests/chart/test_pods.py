"""Every pod is built the same way: components, migration, tests and the development database."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.chart.judge.pod_security import violations
from tests.support.rendering import PROFILES, rendered, variables

every_profile = pytest.mark.parametrize("profile", PROFILES)


@every_profile
def test_users_and_groups_are_the_images_or_the_clusters(profile: str) -> None:
    for pod in rendered(profile).pods():
        context = pod.spec["securityContext"]
        ids = {context.get(name) for name in ("runAsUser", "runAsGroup", "fsGroup")}
        assert ids == ({None} if profile == "openshift" else {999} if "postgres" in pod.owner else {10001}), pod.owner


@every_profile
def test_every_pod_of_ours_runs_the_same_image(profile: str) -> None:
    images = {
        container["image"]
        for pod in rendered(profile).pods()
        for container in pod.containers
        if container["name"] != "postgres"
    }
    assert len(images) == 1


def test_a_digest_wins_over_the_tag_that_stays_readable() -> None:
    container = rendered("production").pod("Deployment/slipway-api").containers[0]
    assert container["image"].startswith("registry.example.com/slipway:1.4.2@sha256:0f1e")
    assert rendered("production").pod("Deployment/slipway-api").labels["app.kubernetes.io/version"] == "1.4.2"


def test_a_tag_with_a_digest_in_it_makes_a_valid_label() -> None:
    tag = f"2026-11-25_dirty@sha256:{'0' * 64}"
    objects = rendered("minimal", f"image.tag={tag}")
    assert objects.pod("Deployment/slipway-api").containers[0]["image"] == f"slipway:{tag}"
    assert objects.pod("Deployment/slipway-api").labels["app.kubernetes.io/version"] == "2026-11-25_dirty"


def test_pull_secrets_reach_every_pod_of_ours() -> None:
    for pod in rendered("production").pods():
        assert pod.spec["imagePullSecrets"] == [{"name": "registry-login"}], pod.owner


def test_volumes_and_variables_of_all_reach_the_migration_too() -> None:
    for owner in ("Deployment/slipway-api", "Job/slipway-migrate"):
        pod = rendered("external").pod(owner)
        (container,) = pod.containers
        assert variables(container)["SSL_CERT_FILE"] == "/etc/company-ca/ca.crt", pod.owner
        assert {"name": "company-ca", "mountPath": "/etc/company-ca", "readOnly": True} in container["volumeMounts"]
        assert {"name": "company-ca", "configMap": {"name": "company-ca"}} in pod.spec["volumes"]


def test_what_is_passed_through_is_merged_last() -> None:
    objects = rendered(
        "minimal",
        "components.api.podSpec.terminationGracePeriodSeconds=70",
        "components.api.podSpec.securityContext.runAsUser=20000",
        "components.api.podSpec.nodeSelector.disk=fast",
        "components.api.containerSpec.resources.limits.cpu=2",
        "components.api.containerSpec.securityContext.readOnlyRootFilesystem=false",
        "components.api.service.serviceSpec.sessionAffinity=ClientIP",
    )
    spec = objects.pod("Deployment/slipway-api").spec
    assert spec["terminationGracePeriodSeconds"] == 70
    assert spec["nodeSelector"] == {"disk": "fast"}
    assert spec["securityContext"]["runAsUser"] == 20000
    assert spec["securityContext"]["runAsGroup"] == 10001
    assert spec["containers"][0]["resources"]["limits"] == {"cpu": 2, "memory": "256Mi"}
    assert spec["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is False
    assert objects.one("Service", "slipway-api")["spec"]["sessionAffinity"] == "ClientIP"
    assert "nodeSelector" not in objects.pod("Job/slipway-migrate").spec


def test_labels_of_the_selector_cannot_be_changed_by_labels_of_pods() -> None:
    objects = rendered("minimal", r"components.api.podLabels.app\.kubernetes\.io/component=other")
    assert objects.pod("Deployment/slipway-api").labels["app.kubernetes.io/component"] == "api"


def test_rarer_knobs_of_the_pod_pass_through() -> None:
    affinity: Any = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}
    spec = (
        rendered(
            "minimal",
            "components.api.podSpec.priorityClassName=high",
            "components.api.podSpec.hostUsers=false",
            f"components.api.podSpec.affinity={json.dumps(affinity)}",
            "components.api.containerSpec.resizePolicy[0].resourceName=cpu",
            "components.api.containerSpec.resizePolicy[0].restartPolicy=NotRequired",
        )
        .pod("Deployment/slipway-api")
        .spec
    )
    assert (spec["priorityClassName"], spec["hostUsers"], spec["affinity"]) == ("high", False, affinity)
    assert spec["containers"][0]["resizePolicy"] == [{"resourceName": "cpu", "restartPolicy": "NotRequired"}]


def test_rarer_knobs_of_the_service_pass_through() -> None:
    spec = rendered("gateway").one("Service", "slipway-api")["spec"]
    assert (spec["ipFamilyPolicy"], spec["trafficDistribution"]) == ("PreferDualStack", "PreferClose")
    assert [port["name"] for port in spec["ports"]] == ["http", "metrics"]


def test_more_containers_are_as_restricted_as_ours() -> None:
    path = "components.api"
    spec = (
        rendered(
            "minimal",
            f"{path}.containers.proxy.image=proxy:1",
            f"{path}.containers.agent.image=agent:1",
            f"{path}.containers.agent.securityContext.runAsUser=20000",
            f"{path}.initContainers.mesh.image=mesh:1",
            f"{path}.initContainers.mesh.restartPolicy=Always",
        )
        .pod("Deployment/slipway-api")
        .spec
    )
    assert [one["name"] for one in spec["containers"]] == ["slipway", "agent", "proxy"]
    assert [(one["name"], one["restartPolicy"]) for one in spec["initContainers"]] == [("mesh", "Always")]
    assert list(violations(spec)) == []
    agent = spec["containers"][1]["securityContext"]
    assert (agent["runAsUser"], agent["readOnlyRootFilesystem"]) == (20000, True)


def test_more_containers_are_of_components_alone() -> None:
    objects = rendered("minimal", "defaults.containers.proxy.image=proxy:1", "defaults.initContainers.a.image=a:1")
    assert len(objects.pod("Deployment/slipway-api").containers) == 3
    for owner in ("Job/slipway-migrate", "Pod/slipway-test-ready"):
        assert len(objects.pod(owner).containers) == 1, owner


def test_null_drops_what_the_defaults_say() -> None:
    dropped = ("defaults.containers.proxy.image=proxy:1", "components.api.containers.proxy=null")
    assert len(rendered("minimal", *dropped).pod("Deployment/slipway-api").containers) == 1
    spec = rendered("external", "components.api.volumes.company-ca=null", "components.api.env.SSL_CERT_FILE=null").pod(
        "Deployment/slipway-api"
    )
    assert [one["name"] for one in spec.spec["volumes"]] == ["secrets"]
    assert variables(spec.containers[0]) == {}


def spread(*settings: str) -> dict[str, str]:
    spec = rendered("minimal", *settings).pod("Deployment/slipway-api").spec
    for one in spec.get("topologySpreadConstraints", []):
        assert one["labelSelector"]["matchLabels"]["app.kubernetes.io/component"] == "api"
        assert one["matchLabelKeys"] == ["pod-template-hash"]
    return {one["topologyKey"]: one["whenUnsatisfiable"] for one in spec.get("topologySpreadConstraints", [])}


def test_pods_are_spread_over_nodes_and_zones_if_that_can_be_done() -> None:
    both = {"kubernetes.io/hostname": "ScheduleAnyway", "topology.kubernetes.io/zone": "ScheduleAnyway"}
    assert spread() == both


def test_pods_can_be_made_to_wait_for_another_zone_or_not_be_spread_at_all() -> None:
    path = "components.api.spread"
    assert spread(f"{path}.zones=hard", f"{path}.nodes=none") == {"topology.kubernetes.io/zone": "DoNotSchedule"}
    assert spread(f"{path}.zones=none", f"{path}.nodes=none") == {}
