"""What selectors go by never changes, and a monitor finds the Service of its component."""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.rendering import Object, name_of, rendered

NAME = "app.kubernetes.io/name"
INSTANCE = "app.kubernetes.io/instance"
COMPONENT = "app.kubernetes.io/component"


def matches(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return selector.items() <= labels.items()


def test_selectors_are_those_of_the_first_release() -> None:
    """They can never change: Kubernetes refuses another selector of a Deployment or StatefulSet."""
    made = [one for one in rendered("dev").objects if one["kind"] in {"Deployment", "StatefulSet"}]
    assert {name_of(one): one["spec"]["selector"]["matchLabels"] for one in made} == {
        "Deployment/slipway-api": {NAME: "slipway", INSTANCE: "slipway", COMPONENT: "api"},
        "StatefulSet/slipway-postgres": {NAME: "slipway", INSTANCE: "slipway", COMPONENT: "postgres"},
    }


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


def test_a_component_has_an_http_port_and_one_for_metrics() -> None:
    assert ports(rendered("dev").one("Service", "slipway-api")) == {"http": 80, "metrics": 9464}
    other = rendered("dev", "components.api.service.port=8080").one("Service", "slipway-api")
    assert ports(other) == {"http": 8080, "metrics": 9464}


def ports(service: Object) -> dict[str, int]:
    return {port["name"]: port["port"] for port in service["spec"]["ports"]}
