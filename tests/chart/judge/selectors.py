"""Rules for what selects pods: its own component's, and neither those of a hook nor of a test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.chart.judge.release import COMPONENT, Finding, Object, Release, Rule, component_of, name_of

SELECTORS = {
    "Service": "/spec/selector",
    "Deployment": "/spec/selector/matchLabels",
    "StatefulSet": "/spec/selector/matchLabels",
    "PodDisruptionBudget": "/spec/selector/matchLabels",
    "NetworkPolicy": "/spec/podSelector/matchLabels",
    "PodMonitor": "/spec/selector/matchLabels",
}
STABLE = {"app.kubernetes.io/name", "app.kubernetes.io/instance", COMPONENT}


def selectors(release: Release) -> Iterator[tuple[Object, str, Mapping[str, str]]]:
    """Each object that selects pods, with the path and the labels of its selector."""
    for one in release.objects:
        if path := SELECTORS.get(one["kind"]):
            value: Object = one
            for part in path.split("/")[1:]:
                value = value.get(part, {})
            if one["kind"] != "Service" or "externalName" not in one["spec"]:
                yield one, path, value


def selectors_are_those_that_never_change(release: Release) -> Iterator[Finding]:
    """Name, instance and component: a version in a selector makes the next upgrade impossible."""
    for one, path, labels in selectors(release):
        if set(labels) != STABLE:
            yield Finding(one, path, f"goes by {', '.join(labels) or 'nothing'}")


def a_selector_finds_pods(release: Release) -> Iterator[Finding]:
    """One that matches nothing is a Service without endpoints, or a budget that guards nobody."""
    for one, path, labels in selectors(release):
        if not release.selected(labels):
            yield Finding(one, path, "matches no pod of the release")


def a_selector_finds_no_pod_of_another_component(release: Release) -> Iterator[Finding]:
    """Requests would go to pods that do not answer them, and a budget would count what is not its own."""
    for one, path, labels in selectors(release):
        for pod in release.selected(labels):
            once = pod.runs_once and one["kind"] != "NetworkPolicy"  # the next rule's
            if pod.labels.get(COMPONENT) != component_of(one) and not once:
                yield Finding(one, path, f"matches the pod of {name_of(pod.owner)}")


def a_selector_finds_no_pod_that_runs_once(release: Release) -> Iterator[Finding]:
    """The pod of a migration or a test is behind no Service, and in no Deployment, budget or monitor."""
    for one, path, labels in selectors(release):
        if one["kind"] != "NetworkPolicy":
            for pod in release.selected(labels):
                if pod.runs_once:
                    yield Finding(one, path, f"matches the pod of {name_of(pod.owner)}")


RULES: tuple[Rule, ...] = (
    selectors_are_those_that_never_change,
    a_selector_finds_pods,
    a_selector_finds_no_pod_of_another_component,
    a_selector_finds_no_pod_that_runs_once,
)
