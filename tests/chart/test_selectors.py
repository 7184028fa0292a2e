"""What selects pods selects those of its component, and neither those of a hook nor of a test."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.chart.rendering import PROFILES, Object, Rendered, name_of, rendered

every_profile = pytest.mark.parametrize("profile", PROFILES)
NAME = "app.kubernetes.io/name"
INSTANCE = "app.kubernetes.io/instance"
COMPONENT = "app.kubernetes.io/component"


def selectors(objects: Rendered) -> dict[str, Mapping[str, str]]:
    """The labels that each object selects pods by."""
    found: dict[str, Mapping[str, str]] = {}
    for one in objects.objects:
        spec = one.get("spec", {})
        match one["kind"]:
            case "Service":
                found[name_of(one)] = spec["selector"]
            case "Deployment" | "StatefulSet" | "PodDisruptionBudget":
                found[name_of(one)] = spec["selector"]["matchLabels"]
            case "PodMonitor":
                found[name_of(one)] = spec["selector"]["matchLabels"]
            case "NetworkPolicy":
                found[name_of(one)] = spec["podSelector"]["matchLabels"]
            case _:
                pass
    return found


def matches(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return selector.items() <= labels.items()


def test_selectors_are_those_of_the_first_release() -> None:
    """They can never change: Kubernetes refuses another selector of a Deployment or StatefulSet."""
    found = selectors(rendered("dev"))
    assert {name: found[name] for name in ("Deployment/slipway-api", "StatefulSet/slipway-postgres")} == {
        "Deployment/slipway-api": {NAME: "slipway", INSTANCE: "slipway", COMPONENT: "api"},
        "StatefulSet/slipway-postgres": {NAME: "slipway", INSTANCE: "slipway", COMPONENT: "postgres"},
    }


@every_profile
def test_every_selector_names_a_component(profile: str) -> None:
    for name, selector in selectors(rendered(profile)).items():
        assert selector.keys() == {NAME, INSTANCE, COMPONENT}, name


@every_profile
def test_a_selector_matches_the_pods_of_its_component_and_no_other(profile: str) -> None:
    objects = rendered(profile)
    for name, selector in selectors(objects).items():
        kind, _, own = name.partition("/")
        matched = {pod.labels[COMPONENT] for pod in objects.pods() if matches(selector, pod.labels)}
        assert matched == {own.rpartition("-")[2]}, f"{kind} {own}"


@every_profile
def test_pods_of_hooks_and_tests_are_behind_no_service_and_in_no_budget(profile: str) -> None:
    objects = rendered(profile)
    once = [pod for pod in objects.pods() if pod.owner.startswith(("Job/", "Pod/"))]
    assert once or profile == "openshift"
    for name, selector in selectors(objects).items():
        if not name.startswith("NetworkPolicy/"):
            assert [pod.owner for pod in once if matches(selector, pod.labels)] == [], name


def test_a_monitor_finds_the_service_of_its_component_and_no_other() -> None:
    objects = rendered("microservices", "monitoring.serviceMonitor.enabled=true")
    monitors = objects.kind("ServiceMonitor")
    assert [one["metadata"]["name"] for one in monitors] == ["slipway-items", "slipway-users"]
    for monitor in monitors:
        selector = monitor["spec"]["selector"]["matchLabels"]
        found = [one for one in objects.kind("Service") if matches(selector, one["metadata"]["labels"])]
        assert [one["metadata"]["name"] for one in found] == [monitor["metadata"]["name"]]
        (endpoint,) = monitor["spec"]["endpoints"]
        assert endpoint["port"] in ports(found[0])


@every_profile
def test_a_service_sends_to_ports_that_its_pods_have(profile: str) -> None:
    objects = rendered(profile)
    for service in objects.kind("Service"):
        (pod,) = [one for one in objects.pods() if matches(service["spec"]["selector"], one.labels)]
        there = {port["name"] for container in pod.containers for port in container.get("ports", [])}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= there


def test_a_component_has_an_http_port_and_one_for_metrics() -> None:
    assert ports(rendered("dev").one("Service", "slipway-api")) == {"http": 80, "metrics": 9464}
    other = rendered("dev", "components.api.service.port=8080").one("Service", "slipway-api")
    assert ports(other) == {"http": 8080, "metrics": 9464}


def ports(service: Object) -> dict[str, int]:
    return {port["name"]: port["port"] for port in service["spec"]["ports"]}
