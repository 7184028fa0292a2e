"""A HorizontalPodAutoscaler, KEDA or neither: one of them says how many pods there are, and it is never said twice."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.support.rendering import Object, rendered

KINDS = {"hpa": "HorizontalPodAutoscaler", "keda": "ScaledObject"}
COMPONENTS = ("users", "items", "worker")
WORKER = ("components.worker.args={worker}", "components.worker.http=false")


def settings(component: str, way: str) -> tuple[str, ...]:
    path = f"components.{component}.autoscaling"
    triggers = f'{path}.keda.triggers.load={{"type": "cpu", "metadata": {{"value": "70"}}}}'
    return (
        f"{path}.enabled={str(way == 'hpa').lower()}",
        f"{path}.keda.enabled={str(way == 'keda').lower()}",
        triggers,
    )


def scaler(*more: str, way: str = "hpa") -> Object:
    (found,) = rendered("minimal", *settings("api", way), *more).kind(KINDS[way])
    return found


@pytest.mark.parametrize(
    "ways", list(itertools.product(("hpa", "keda", "neither"), repeat=len(COMPONENTS))), ids="-".join
)
def test_replicas_are_left_to_an_autoscaler_where_there_is_one(ways: tuple[str, ...]) -> None:
    chosen = dict(zip(COMPONENTS, ways, strict=True))
    words = [word for component, way in chosen.items() for word in settings(component, way)]
    objects = rendered("microservices", "database.maxConnections=0", *WORKER, *words)
    for component, way in chosen.items():
        name = f"slipway-{component}"
        assert ("replicas" in objects.one("Deployment", name)["spec"]) is (way == "neither")
        for kind in KINDS.values():
            targets = [one["spec"]["scaleTargetRef"]["name"] for one in objects.kind(kind)]
            assert targets.count(name) == (KINDS.get(way) == kind)


def test_memory_is_a_metric_beside_the_cpu() -> None:
    metrics = scaler("components.api.autoscaling.memoryUtilization=80")["spec"]["metrics"]
    assert [(one["containerResource"]["name"], one["containerResource"]["container"]) for one in metrics] == [
        ("cpu", "slipway"),
        ("memory", "slipway"),
    ]
    assert metrics[1]["containerResource"]["target"] == {"type": "Utilization", "averageUtilization": 80}


@pytest.mark.parametrize("kind", ["Pods", "Object", "External"])
def test_any_metric_of_kubernetes_passes_through(kind: str) -> None:
    body: Any = {"type": kind, kind.lower(): {"metric": {"name": "queue_depth"}}}
    written = str(body).replace("'", '"')
    metrics = scaler(f"components.api.autoscaling.metrics.depth={written}")["spec"]["metrics"]
    assert metrics[1:] == [body]


@pytest.mark.parametrize("way", ["hpa", "keda"])
def test_a_part_of_the_behavior_can_be_changed_or_dropped(way: str) -> None:
    def behavior(*more: str) -> Object | None:
        spec = scaler(*more, way=way)["spec"]
        return (spec.get("advanced", {}).get("horizontalPodAutoscalerConfig", {}) if way == "keda" else spec).get(
            "behavior"
        )

    path = "components.api.autoscaling.behavior"
    assert behavior() == behavior(f"{path}.scaleUp.stabilizationWindowSeconds=30")
    changed = behavior(f"{path}.scaleDown.stabilizationWindowSeconds=0", f"{path}.scaleUp=null")
    assert changed
    assert changed.keys() == {"scaleDown"}
    assert changed["scaleDown"]["stabilizationWindowSeconds"] == 0
    assert behavior(f"{path}=null") is None


def test_keda_s_numbers_are_those_of_the_autoscaler() -> None:
    (one,) = rendered("keda").kind("ScaledObject")
    spec = one["spec"]
    assert one["apiVersion"] == "keda.sh/v1alpha1"
    assert (spec["minReplicaCount"], spec["maxReplicaCount"], spec["pollingInterval"]) == (3, 20, 15)
    assert spec["fallback"] == {"failureThreshold": 3, "replicas": 6}
    (trigger,) = spec["triggers"]
    assert trigger["authenticationRef"] == {"name": "prometheus"}
    assert trigger["metadata"]["threshold"] == "20"


def test_a_trigger_can_have_credentials_of_its_own() -> None:
    own = 'components.api.autoscaling.keda.triggers.a={"type": "x", "authenticationRef": {"name": "mine"}}'
    (one,) = rendered("keda", own).kind("ScaledObject")
    assert [trigger["authenticationRef"]["name"] for trigger in one["spec"]["triggers"]] == ["mine", "prometheus"]


def test_the_rest_of_a_scaled_object_is_merged_last() -> None:
    more = "components.api.autoscaling.keda.scaledObjectSpec"
    spec = scaler(f"{more}.idleReplicaCount=0", f"{more}.pollingInterval=5", way="keda")["spec"]
    assert (spec["idleReplicaCount"], spec["pollingInterval"]) == (0, 5)


@pytest.mark.parametrize(("floor", "budgets"), [(0, 0), (1, 0), (2, 1)])
def test_under_keda_a_budget_needs_two_pods_at_least_too(floor: int, budgets: int) -> None:
    objects = rendered("keda", f"components.api.autoscaling.minReplicas={floor}")
    assert len(objects.kind("PodDisruptionBudget")) == budgets
    assert objects.kind("ScaledObject")[0]["spec"]["minReplicaCount"] == floor
