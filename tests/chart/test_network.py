"""With policies on, every pod is closed both ways but for what its settings need."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chart.rendering import COMPONENT, PROFILES, Object, Rendered, rendered
from tests.chart.test_settings import told

ON = "networkPolicy.enabled=true"


def policy_of(objects: Rendered, component: str) -> Object:
    (found,) = [
        one
        for one in objects.kind("NetworkPolicy")
        if one["spec"]["podSelector"]["matchLabels"][COMPONENT] == component
    ]
    return found["spec"]


def open_ports(rules: list[dict[str, Any]]) -> set[tuple[int | str, str]]:
    return {(port["port"], port.get("protocol", "TCP")) for rule in rules for port in rule["ports"]}


@pytest.mark.parametrize("profile", PROFILES)
def test_no_policy_unless_it_is_asked_for(profile: str) -> None:
    assert bool(rendered(profile).kind("NetworkPolicy")) is (profile in {"production", "split"})


@pytest.mark.parametrize("profile", PROFILES)
def test_every_pod_has_a_policy_that_denies_both_ways(profile: str) -> None:
    objects = rendered(profile, ON)
    for pod in objects.pods():
        assert policy_of(objects, pod.labels[COMPONENT])["policyTypes"] == ["Ingress", "Egress"], pod.owner


@pytest.mark.parametrize("profile", PROFILES)
def test_a_pod_of_ours_reaches_dns_by_both_protocols_and_the_database(profile: str) -> None:
    objects = rendered(profile, ON)
    for pod in objects.pods():
        if "postgres" in pod.owner:
            continue
        settings = told(objects, pod.owner)
        ports = open_ports(policy_of(objects, pod.labels[COMPONENT])["egress"])
        assert {(53, "UDP"), (53, "TCP")} <= ports, pod.owner
        assert (int(settings["SLIPWAY_DATABASE__PORT"]), "TCP") in ports, pod.owner
        if direct := settings.get("SLIPWAY_DATABASE__DIRECT__PORT"):
            assert (int(direct), "TCP") in ports, pod.owner


@pytest.mark.parametrize(
    ("endpoint", "port"),
    [("http://collector:4318", 4318), ("http://collector/otlp", 80), ("https://otlp.example.com/v1", 443)],
)
def test_the_collector_is_reachable_on_its_port(endpoint: str, port: int) -> None:
    objects = rendered("minimal", ON, f"settings.SLIPWAY_TELEMETRY__OTLP_ENDPOINT={endpoint}")
    assert (port, "TCP") in open_ports(policy_of(objects, "api")["egress"])
    assert (port, "TCP") not in open_ports(policy_of(rendered("minimal", ON), "api")["egress"])


def test_a_migration_reaches_nothing_but_dns_and_the_database() -> None:
    policy = policy_of(rendered("production"), "migrate")
    assert "ingress" not in policy
    assert open_ports(policy["egress"]) == {(53, "UDP"), (53, "TCP"), (6432, "TCP")}
    (database,) = [rule for rule in policy["egress"] if rule["ports"] == [{"port": 6432}]]
    assert database["to"] == [{"ipBlock": {"cidr": "192.0.2.10/32"}}]


def test_the_gateway_reaches_http_and_prometheus_the_metrics() -> None:
    http, metrics = policy_of(rendered("production"), "api")["ingress"]
    assert http["ports"] == [{"port": "http"}]
    assert {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gateway"}}} in http["from"]
    assert {
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "slipway", "app.kubernetes.io/instance": "slipway"}}
    } in http["from"]
    assert metrics["ports"] == [{"port": "metrics"}]
    assert metrics["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]


def test_the_tests_reach_the_service() -> None:
    assert (8000, "TCP") in open_ports(policy_of(rendered("split"), "test")["egress"])


def test_the_development_database_is_reached_by_this_release_alone() -> None:
    policy = policy_of(rendered("split"), "postgres")
    assert "egress" not in policy
    (rule,) = policy["ingress"]
    assert rule["from"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/instance"] == "slipway"


def test_dns_can_listen_on_other_ports() -> None:
    assert {(5353, "UDP"), (5353, "TCP")} <= open_ports(policy_of(rendered("split"), "api")["egress"])
