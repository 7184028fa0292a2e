"""Rules for the number of pods: who sets it, what a rollout and a drain may take, and that it does not flap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.chart.judge.release import Finding, Object, Release, Rule, name_of

SCALED = ("Deployment", "StatefulSet")


def scalers(release: Release) -> Iterator[tuple[Object, str, str]]:
    """Each autoscaler with the kind and name of its target."""
    for one in release.kind("HorizontalPodAutoscaler", "ScaledObject"):
        target = one["spec"]["scaleTargetRef"]
        yield one, target.get("kind", "Deployment"), target["name"]


def autoscalers_have_a_target(release: Release) -> Iterator[Finding]:
    """A name that is spelled wrong leaves the Deployment at one replica, for ever."""
    for one, kind, name in scalers(release):
        target = release.find(kind, name)
        if target is None:
            yield Finding(one, "/spec/scaleTargetRef/name", f"{kind} {name} is not rendered")
            continue
        names = {container["name"] for container in target["spec"]["template"]["spec"]["containers"]}
        for number, metric in enumerate(one["spec"].get("metrics", [])):
            wanted = metric.get("containerResource", {}).get("container")
            if wanted and wanted not in names:
                yield Finding(one, f"/spec/metrics/{number}/containerResource/container", f"{wanted} is not there")


def replicas_are_set_by_one_side(release: Release) -> Iterator[Finding]:
    """Left out where an autoscaler has them, or each upgrade would undo it; said where none has."""
    targets = {f"{kind}/{name}" for _, kind, name in scalers(release)}
    for one in release.kind(*SCALED):
        if name_of(one) in targets and "replicas" in one["spec"]:
            yield Finding(one, "/spec/replicas", "is set beside an autoscaler")
        if name_of(one) not in targets and "replicas" not in one["spec"]:
            yield Finding(one, "/spec/replicas", "is set by nobody")


def one_autoscaler_has_a_workload(release: Release) -> Iterator[Finding]:
    """KEDA makes an HPA of its own: with a second one they pull in two directions."""
    count = Counter((kind, name) for _, kind, name in scalers(release))
    for one, kind, name in scalers(release):
        if count[kind, name] > 1:
            yield Finding(one, "/spec/scaleTargetRef", f"{kind} {name} has two autoscalers")


def an_autoscaler_is_quick_up_and_slow_down(release: Release) -> Iterator[Finding]:
    """Import time is CPU time: without windows every rollout scales up, and every pause down."""
    for one in release.kind("HorizontalPodAutoscaler", "ScaledObject"):
        spec: Object = one["spec"]
        path = "/spec/behavior"
        if one["kind"] == "ScaledObject":
            path = "/spec/advanced/horizontalPodAutoscalerConfig/behavior"
            spec = spec.get("advanced", {}).get("horizontalPodAutoscalerConfig", {})
        behavior: Object = spec.get("behavior", {})
        up = behavior.get("scaleUp", {}).get("stabilizationWindowSeconds", 0)
        down = behavior.get("scaleDown", {}).get("stabilizationWindowSeconds", 0)
        if not 30 <= up <= 60:
            yield Finding(one, f"{path}/scaleUp/stabilizationWindowSeconds", f"{up} is not 30 to 60")
        if down < 300:
            yield Finding(one, f"{path}/scaleDown/stabilizationWindowSeconds", f"{down} is less than 300")


def floor(release: Release, workload: Object) -> int:
    """How many pods a workload keeps when nothing happens."""
    for one, kind, name in scalers(release):
        if f"{kind}/{name}" == name_of(workload):
            default = 1 if one["kind"] == "HorizontalPodAutoscaler" else 0
            return one["spec"].get("minReplicas", one["spec"].get("minReplicaCount", default))
    return workload["spec"].get("replicas", 1)


def an_autoscaler_has_room(release: Release) -> Iterator[Finding]:
    """A ceiling that is not above the floor scales nothing; Kubernetes takes it without a word if they are equal."""
    for one in release.kind("HorizontalPodAutoscaler", "ScaledObject"):
        spec = one["spec"]
        least = spec.get("minReplicas", spec.get("minReplicaCount", 0))
        if spec.get("maxReplicas", spec.get("maxReplicaCount", 100)) <= least:
            yield Finding(one, "/spec", f"the ceiling is not above {least}")


def a_budget_never_blocks_a_drain(release: Release) -> Iterator[Finding]:
    """At one pod it would block the drain of its node for ever, and so would pods that never become ready."""
    for budget in release.kind("PodDisruptionBudget"):
        spec = budget["spec"]
        if "minAvailable" in spec or "maxUnavailable" not in spec:
            yield Finding(budget, "/spec/maxUnavailable", "is what a budget is told by, at any number of pods")
        if spec.get("unhealthyPodEvictionPolicy") != "AlwaysAllow":
            yield Finding(budget, "/spec/unhealthyPodEvictionPolicy", "is not AlwaysAllow")
        for workload in release.kind(*SCALED):
            labels = workload["spec"]["template"]["metadata"]["labels"]
            if spec["selector"]["matchLabels"].items() <= labels.items() and floor(release, workload) < 2:
                yield Finding(budget, "/spec", f"{name_of(workload)} may have less than two pods")


def two_pods_have_a_budget(release: Release) -> Iterator[Finding]:
    """Without one a drain of two nodes takes both at once."""
    selectors = [one["spec"]["selector"]["matchLabels"] for one in release.kind("PodDisruptionBudget")]
    for workload in release.kind("Deployment"):
        labels = workload["spec"]["template"]["metadata"]["labels"]
        if floor(release, workload) >= 2 and not any(one.items() <= labels.items() for one in selectors):
            yield Finding(workload, "/spec", "has two pods and no PodDisruptionBudget")


def a_rollout_takes_no_pod_before_its_successor(release: Release) -> Iterator[Finding]:
    """`maxUnavailable: 0` with room for one more, and a rollout that hangs is reported as failed."""
    for one in release.kind("Deployment"):
        strategy = one["spec"].get("strategy", {})
        rolling = strategy.get("rollingUpdate", {})
        if strategy.get("type", "RollingUpdate") != "RollingUpdate" or rolling.get("maxUnavailable") != 0:
            yield Finding(one, "/spec/strategy/rollingUpdate/maxUnavailable", "is not 0")
        if rolling.get("maxSurge") in (None, 0, "0%"):
            yield Finding(one, "/spec/strategy/rollingUpdate/maxSurge", "leaves no room")
        if not one["spec"].get("progressDeadlineSeconds"):
            yield Finding(one, "/spec/progressDeadlineSeconds", "is left to the default")


def trigger_authentications_are_there(release: Release) -> Iterator[Finding]:
    """KEDA reports a missing one in its own log only."""
    for one in release.kind("ScaledObject"):
        for number, trigger in enumerate(one["spec"]["triggers"]):
            wanted: Object = trigger.get("authenticationRef", {})
            name = wanted.get("name", "")
            kind = wanted.get("kind", "TriggerAuthentication")
            if name and not release.find(kind, name) and name not in release.foreign:
                yield Finding(one, f"/spec/triggers/{number}/authenticationRef/name", f"{kind} {name} is nowhere")


RULES: tuple[Rule, ...] = (
    autoscalers_have_a_target,
    replicas_are_set_by_one_side,
    one_autoscaler_has_a_workload,
    an_autoscaler_is_quick_up_and_slow_down,
    an_autoscaler_has_room,
    a_budget_never_blocks_a_drain,
    two_pods_have_a_budget,
    a_rollout_takes_no_pod_before_its_successor,
    trigger_authentications_are_there,
)
