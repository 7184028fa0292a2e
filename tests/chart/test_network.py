"""With policies on, every pod is closed both ways but for what its settings need."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chart.test_settings import told
from tests.support.rendering import COMPONENT, PROFILES, Object, Rendered, rendered

WORKER = (
    "components.worker.http=false",
    "components.worker.features.items=true",
    "components.worker.calls.users=users",
)
COLLECTOR = "settings.SLIPWAY_TELEMETRY__OTLP_ENDPOINT"


def policy_of(objects: Rendered, component: str) -> Object:
    (found,) = [
        one
        for one in objects.kind("NetworkPolicy")
        if one["spec"]["podSelector"]["matchLabels"][COMPONENT] == component
    ]
    return found["spec"]


def open_ports(rules: list[dict[str, Any]]) -> set[tuple[int | str, str]]:
    return {(port["port"], port.get("protocol", "TCP")) for rule in rules for port in rule["ports"]}


def test_policies_can_be_left_to_somebody_else() -> None:
    for profile in ("dev", "production"):
        assert rendered(profile).kind("NetworkPolicy")
        assert rendered(profile, "networkPolicy.enabled=false").kind("NetworkPolicy") == []


@pytest.mark.parametrize("profile", PROFILES)
def test_every_pod_has_a_policy_that_denies_both_ways(profile: str) -> None:
    objects = rendered(profile)
    for pod in objects.pods():
        assert policy_of(objects, pod.labels[COMPONENT])["policyTypes"] == ["Ingress", "Egress"], pod.owner


@pytest.mark.parametrize("profile", PROFILES)
def test_a_pod_of_ours_reaches_dns_by_both_protocols_and_the_database(profile: str) -> None:
    objects = rendered(profile)
    for pod in objects.pods():
        if "postgres" in pod.owner:
            continue
        ports = open_ports(policy_of(objects, pod.labels[COMPONENT])["egress"])
        assert {(53, "UDP"), (53, "TCP")} <= ports, pod.owner
        if pod.labels[COMPONENT] == "test":
            assert ports - {(8000, "TCP"), (5353, "UDP"), (5353, "TCP")} == {(53, "UDP"), (53, "TCP")}, pod.owner
            continue
        settings = told(objects, pod.owner)
        assert (int(settings["SLIPWAY_DATABASE__PORT"]), "TCP") in ports, pod.owner
        if direct := settings.get("SLIPWAY_DATABASE__DIRECT__PORT"):
            assert (int(direct), "TCP") in ports, pod.owner


@pytest.mark.parametrize(
    ("endpoint", "port"),
    [("http://collector:4318", 4318), ("http://collector/otlp", 80), ("https://otlp.example.com/v1", 443)],
)
def test_the_collector_is_reachable_on_its_port(endpoint: str, port: int) -> None:
    objects = rendered("minimal", f"{COLLECTOR}={endpoint}")
    assert (port, "TCP") in open_ports(policy_of(objects, "api")["egress"])
    assert (port, "TCP") not in open_ports(policy_of(rendered("minimal"), "api")["egress"])


def test_a_collector_of_one_component_is_open_to_it_alone() -> None:
    objects = rendered("microservices", f"components.items.{COLLECTOR}=http://collector:4318")
    assert (4318, "TCP") in open_ports(policy_of(objects, "items")["egress"])
    assert (4318, "TCP") not in open_ports(policy_of(objects, "users")["egress"])


def test_a_migration_reaches_nothing_but_dns_and_the_database() -> None:
    policy = policy_of(rendered("production"), "migrate")
    assert "ingress" not in policy
    assert open_ports(policy["egress"]) == {(53, "UDP"), (53, "TCP"), (6432, "TCP")}
    (database,) = [rule for rule in policy["egress"] if rule["ports"] == [{"port": 6432}]]
    assert database["to"] == [{"ipBlock": {"cidr": "192.0.2.10/32"}}]


def test_where_the_peers_are_named_nothing_is_open_to_everybody() -> None:
    for one in rendered("production").kind("NetworkPolicy"):
        for rule in one["spec"]["egress"]:
            assert rule["to"], one["metadata"]["name"]
        for rule in one["spec"].get("ingress", []):
            assert rule["from"], one["metadata"]["name"]


def test_clients_reach_http_and_prometheus_the_metrics() -> None:
    http, metrics = policy_of(rendered("production"), "api")["ingress"]
    assert http["ports"] == [{"port": "http"}]
    assert names(http["from"]) == ["projectcontour", "test"]
    assert metrics["ports"] == [{"port": "metrics"}]
    assert names(metrics["from"]) == ["monitoring"]


@pytest.mark.parametrize("profile", PROFILES)
def test_metrics_are_never_open_to_everybody(profile: str) -> None:
    """They name users' routes, versions and load, and a scrape costs the process that serves."""
    for one in rendered(profile).kind("NetworkPolicy"):
        for rule in one["spec"].get("ingress", []):
            assert rule["ports"] != [{"port": "metrics"}] or rule["from"], one["metadata"]["name"]


def test_by_default_the_namespace_monitoring_scrapes() -> None:
    _, metrics = policy_of(rendered("minimal"), "api")["ingress"]
    labels = {"kubernetes.io/metadata.name": "monitoring"}
    assert metrics["from"] == [{"namespaceSelector": {"matchLabels": labels}}]


def test_another_scraper_takes_the_place_of_the_default() -> None:
    theirs = 'networkPolicy.scrapers={"monitoring": null, "here": {"podSelector": {"matchLabels": {"app": "prom"}}}}'
    _, metrics = policy_of(rendered("minimal", theirs), "api")["ingress"]
    assert metrics["from"] == [{"podSelector": {"matchLabels": {"app": "prom"}}}]


@pytest.mark.parametrize("nobody", ["networkPolicy.scrapers.monitoring=null", "networkPolicy.scrapers=null"])
def test_without_a_scraper_the_metrics_are_closed(nobody: str) -> None:
    objects = rendered("minimal", nobody, "components.worker.http=false")
    assert [rule["ports"] for rule in policy_of(objects, "api")["ingress"]] == [[{"port": "http"}]]
    worker = policy_of(objects, "worker")
    assert "ingress" not in worker
    assert "Ingress" in worker["policyTypes"]


def test_components_are_let_in_where_they_call_and_nowhere_else() -> None:
    objects = rendered("microservices", *WORKER)
    assert names(policy_of(objects, "users")["ingress"][0]["from"]) == ["gateway", "items", "worker", "test"]
    assert names(policy_of(objects, "items")["ingress"][0]["from"]) == ["gateway", "users", "test"]
    for caller, called in (("items", "users"), ("worker", "users"), ("users", "items")):
        (rule,) = [one for one in policy_of(objects, caller)["egress"] if {"port": 8000} in one["ports"]]
        assert names(rule["to"]) == [called]


def test_without_tests_their_pods_are_not_let_in() -> None:
    objects = rendered("microservices", "tests.enabled=false")
    assert names(policy_of(objects, "items")["ingress"][0]["from"]) == ["gateway", "users"]


def test_a_worker_lets_in_nobody_but_who_scrapes_it() -> None:
    objects = rendered("production", "components.worker.http=false", "database.maxConnections=300")
    (metrics,) = policy_of(objects, "worker")["ingress"]
    assert metrics["ports"] == [{"port": "metrics"}]


@pytest.mark.parametrize(
    ("address", "port"), [("https://accounts.example.com", 443), ("http://accounts.shop:8080", 8080)]
)
def test_what_runs_elsewhere_is_reachable_on_its_port(address: str, port: int) -> None:
    settings = (f"components.items.calls.users={address}", "networkPolicy.services.accounts.ipBlock.cidr=192.0.2.20/32")
    rules = policy_of(rendered("microservices", *settings), "items")["egress"]
    (rule,) = [one for one in rules if one["ports"] == [{"port": port}]]
    assert rule["to"] == [{"ipBlock": {"cidr": "192.0.2.20/32"}}]
    assert (8000, "TCP") not in open_ports(rules)


def test_the_tests_reach_every_component_that_serves() -> None:
    objects = rendered("microservices", *WORKER)
    (rule,) = [one for one in policy_of(objects, "test")["egress"] if {"port": 8000} in one["ports"]]
    assert names(rule["to"]) == ["items", "users"]


def test_the_development_database_is_reached_by_this_release_alone() -> None:
    policy = policy_of(rendered("dev"), "postgres")
    assert "egress" not in policy
    (rule,) = policy["ingress"]
    assert rule["from"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/instance"] == "slipway"


def test_dns_can_listen_on_other_ports() -> None:
    ports = open_ports(policy_of(rendered("openshift"), "api")["egress"])
    assert {(53, "UDP"), (53, "TCP"), (5353, "UDP"), (5353, "TCP")} <= ports


def test_names_are_asked_for_in_the_cluster_and_on_the_node() -> None:
    (rule,) = [one for one in policy_of(rendered("production"), "api")["egress"] if one["ports"][0]["port"] == 53]
    assert names(rule["to"]) == ["kube-dns", "169.254.20.10/32"]


def test_a_peer_or_rule_can_be_dropped_again() -> None:
    dropped = ("networkPolicy.dns.peers.node=null", "networkPolicy.clients.gateway=null")
    policy = policy_of(rendered("production", *dropped), "api")
    assert names(policy["egress"][0]["to"]) == ["kube-dns"]
    assert "from" not in policy["ingress"][0]


def test_more_rules_are_for_components_alone() -> None:
    more = 'networkPolicy.egress.mail={"ports": [{"port": 587}]}'
    objects = rendered("minimal", more)
    assert (587, "TCP") in open_ports(policy_of(objects, "api")["egress"])
    for other in ("migrate", "test"):
        assert (587, "TCP") not in open_ports(policy_of(objects, other)["egress"])


def names(peers: list[dict[str, Any]]) -> list[str]:
    """What each peer is called: its component or app, else its namespace, else its addresses."""
    return [name_of_peer(one) for one in peers]


def name_of_peer(peer: dict[str, Any]) -> str:
    labels = {**selected(peer, "namespaceSelector"), **selected(peer, "podSelector")}
    found = [labels[key] for key in (COMPONENT, "k8s-app", "kubernetes.io/metadata.name") if key in labels]
    return found[0] if found else peer["ipBlock"]["cidr"]


def selected(peer: dict[str, Any], kind: str) -> dict[str, str]:
    return peer.get(kind, {}).get("matchLabels", {})
