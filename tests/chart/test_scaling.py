"""How many pods there are: replicas or an autoscaler, a budget where it helps, and connections that PostgreSQL has."""

from __future__ import annotations

import pytest

from tests.support.rendering import PROFILES, refusal, rendered

ON = "components.{}.autoscaling.enabled=true"


def test_an_autoscaler_is_quick_up_and_slow_down_without_being_told() -> None:
    (scaler,) = rendered("minimal", ON.format("api")).kind("HorizontalPodAutoscaler")
    assert scaler["apiVersion"] == "autoscaling/v2"
    behavior = scaler["spec"]["behavior"]
    assert 30 <= behavior["scaleUp"]["stabilizationWindowSeconds"] <= 60
    assert behavior["scaleDown"]["stabilizationWindowSeconds"] == 300
    assert [one["value"] for one in behavior["scaleDown"]["policies"] if one["type"] == "Percent"] == [25]


def test_an_autoscaler_goes_by_the_cpu_of_our_container_alone() -> None:
    (scaler,) = rendered("minimal", ON.format("api")).kind("HorizontalPodAutoscaler")
    (metric,) = scaler["spec"]["metrics"]
    assert metric["containerResource"] == {
        "container": "slipway",
        "name": "cpu",
        "target": {"type": "Utilization", "averageUtilization": 70},
    }


def test_an_autoscaler_can_go_by_another_metric_alone() -> None:
    requests = (
        'components.api.autoscaling.metrics.requests={"type": "Pods", "pods": {"metric": {"name": "active"}, '
        '"target": {"type": "AverageValue", "averageValue": "20"}}}'
    )
    objects = rendered("minimal", ON.format("api"), "components.api.autoscaling.cpuUtilization=0", requests)
    (scaler,) = objects.kind("HorizontalPodAutoscaler")
    (metric,) = scaler["spec"]["metrics"]
    assert metric["pods"] == {"metric": {"name": "active"}, "target": {"type": "AverageValue", "averageValue": "20"}}


@pytest.mark.parametrize("profile", PROFILES)
def test_a_budget_exists_only_where_two_pods_are_always_wanted(profile: str) -> None:
    objects = rendered(profile)
    keda = {one["metadata"]["name"]: one["spec"]["minReplicaCount"] for one in objects.kind("ScaledObject")}
    budgets = {one["metadata"]["name"]: one["spec"] for one in objects.kind("PodDisruptionBudget")}
    scalers = keda | {
        one["metadata"]["name"]: one["spec"]["minReplicas"] for one in objects.kind("HorizontalPodAutoscaler")
    }
    for deployment in objects.kind("Deployment"):
        name = deployment["metadata"]["name"]
        floor = deployment["spec"].get("replicas", scalers.get(name))
        assert (name in budgets) is (floor >= 2)
    for budget in budgets.values():
        assert budget["maxUnavailable"] == 1
        assert "minAvailable" not in budget
        assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


@pytest.mark.parametrize(
    "settings", [["components.api.replicas=1"], [ON.format("api"), "components.api.autoscaling.minReplicas=1"]]
)
def test_a_budget_never_blocks_the_drain_of_a_single_pod(settings: list[str]) -> None:
    assert rendered("minimal", *settings).kind("PodDisruptionBudget") == []


@pytest.mark.parametrize("value", ["0", "50%"])
def test_a_budget_takes_zero_and_shares(value: str) -> None:
    (budget,) = rendered("minimal", f"components.api.podDisruptionBudget.maxUnavailable={value}").kind(
        "PodDisruptionBudget"
    )
    assert budget["spec"]["maxUnavailable"] == (0 if value == "0" else value)


def test_a_budget_can_be_switched_off() -> None:
    assert rendered("minimal", "defaults.podDisruptionBudget.enabled=false").kind("PodDisruptionBudget") == []


@pytest.mark.parametrize("profile", PROFILES)
def test_a_rollout_takes_no_pod_before_its_successor_is_ready(profile: str) -> None:
    for one in rendered(profile).kind("Deployment"):
        assert one["spec"]["strategy"] == {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"},
        }
        assert one["spec"]["progressDeadlineSeconds"] == 300


def test_zero_replicas_are_zero() -> None:
    assert rendered("openshift").one("Deployment", "slipway-api")["spec"]["replicas"] == 0


def test_a_disabled_component_leaves_nothing_behind() -> None:
    more = ("components.worker.args={worker}", "components.worker.http=false", "monitoring.podMonitor.enabled=true")
    kinds = [one["kind"] for one in rendered("minimal", *more).objects if "worker" in one["metadata"]["name"]]
    assert sorted(kinds) == ["Deployment", "NetworkPolicy", "PodDisruptionBudget", "PodMonitor", "Service"]
    objects = rendered("minimal", *more, "components.worker.enabled=false")
    assert not [one for one in objects.objects if "worker" in str(one["metadata"])]


def test_what_a_component_does_not_say_comes_from_the_defaults() -> None:
    objects = rendered("minimal", "defaults.replicas=5", "components.worker.args={worker}")
    worker = objects.one("Deployment", "slipway-worker")["spec"]
    assert worker["replicas"] == 5
    assert worker["template"]["spec"]["containers"][0]["args"] == ["worker"]
    assert objects.pod("Deployment/slipway-api").containers[0]["args"] == ["serve"]


@pytest.mark.parametrize(
    ("limit", "replicas", "pool", "fits"),
    [
        # (replicas + 25 % of a rollout, rounded up) × (pool + 1 of readiness) + 2 of the migration + 3 in reserve
        (38, 2, 10, True),
        (37, 2, 10, False),
        (35, 4, 5, True),
        (34, 4, 5, False),
        (0, 500, 100, True),
    ],
)
def test_a_budget_of_connections_is_kept_to_the_last_one(limit: int, replicas: int, pool: int, fits: bool) -> None:
    settings = (
        f"database.maxConnections={limit}",
        f"components.api.replicas={replicas}",
        f"database.poolSize={pool}",
    )
    if fits:
        assert rendered("minimal", *settings).kind("Deployment")
    else:
        said = refusal("minimal", *settings)
        assert f"\n- database.maxConnections={limit} less database.reservedConnections=3 is less than the" in said
        assert f"the {limit - 2} connections that the pods could open" in said


@pytest.mark.parametrize("kind", ["autoscaling", "autoscaling.keda"])
def test_the_budget_of_connections_counts_an_autoscaler_at_its_highest(kind: str) -> None:
    settings = (f"components.api.{kind}.enabled=true", "components.api.autoscaling.keda.triggers.cron.type=cron")
    said = refusal("minimal", *settings, "database.maxConnections=100")
    assert "(10 pods + 3 of a rollout) × 11" in said


def test_nothing_is_left_to_others_if_nobody_else_is_there() -> None:
    settings = ("database.maxConnections=35", "database.reservedConnections={}")
    assert rendered("minimal", settings[0], settings[1].format(0)).kind("Deployment")
    assert "database.reservedConnections=1" in refusal("minimal", settings[0], settings[1].format(1))


def test_without_a_migration_its_connections_are_not_counted() -> None:
    settings = ("components.api.replicas=1", "components.api.maxSurge=1", "database.maxConnections=25")
    assert rendered("minimal", *settings, "migration.mode=none").objects
    assert "the 24 connections that" in refusal("minimal", *settings)


def test_the_development_database_has_its_own_limit() -> None:
    assert rendered("dev", "components.api.replicas=6").kind("Deployment")
    assert "dev.postgres.enabled=true: its limit=100 less" in refusal("dev", "components.api.replicas=7")
