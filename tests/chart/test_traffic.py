"""Requests from outside: each path goes to the component that names it, by Ingress or by HTTPRoute."""

from __future__ import annotations

import pytest
import yaml

from tests.support.rendering import EXAMPLES, Object, Rendered, rendered

GATEWAY = ("httpRoute.enabled=true", "httpRoute.parentRefs.public.name=public")
USERS = ["/.well-known/jwks.json", "/api/v1/auth", "/api/v1/users"]


def ingress(objects: Rendered) -> Object:
    (found,) = objects.kind("Ingress")
    return found["spec"]


def route(objects: Rendered) -> Object:
    (found,) = objects.kind("HTTPRoute")
    return found["spec"]


def ingress_paths(objects: Rendered) -> dict[str, str]:
    (rule,) = ingress(objects)["rules"]
    return {one["path"]: one["backend"]["service"]["name"] for one in rule["http"]["paths"]}


def route_paths(objects: Rendered) -> dict[str, str]:
    return {
        match["path"]["value"]: rule["backendRefs"][0]["name"]
        for rule in route(objects)["rules"]
        for match in rule["matches"]
    }


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ([], {"/": "items", **dict.fromkeys(USERS, "users")}),
        (["components.items.paths.all=null"], dict.fromkeys(USERS, "users")),
        (
            ["components.api.enabled=true", "components.items.paths.all=/api/v1/items"],
            {"/": "api", **dict.fromkeys(USERS, "users"), "/api/v1/items": "items"},
        ),
        (["components.api.enabled=true", "components.api.http=false"], {"/": "items", **dict.fromkeys(USERS, "users")}),
        (["components.users.paths.auth=null"], {"/": "items", **dict.fromkeys([USERS[0], USERS[2]], "users")}),
    ],
)
def test_each_path_goes_to_the_component_that_names_it(settings: list[str], expected: dict[str, str]) -> None:
    objects = rendered("microservices", *GATEWAY, *settings)
    wanted = {path: f"slipway-{component}" for path, component in expected.items()}
    assert ingress_paths(objects) == wanted
    assert route_paths(objects) == wanted


@pytest.mark.parametrize("profile", ["production", "gateway"])
def test_one_component_gets_everything(profile: str) -> None:
    objects = rendered(profile, *GATEWAY, "ingress.enabled=true")
    assert ingress_paths(objects) == {"/": "slipway-api"}
    assert route_paths(objects) == {"/": "slipway-api"}


def test_backends_are_ports_that_the_services_have() -> None:
    objects = rendered("microservices", *GATEWAY, "components.users.service.port=8080")
    ports = {
        one["metadata"]["name"]: {port["name"]: port["port"] for port in one["spec"]["ports"]}
        for one in objects.kind("Service")
    }
    (rule,) = ingress(objects)["rules"]
    for one in rule["http"]["paths"]:
        service = one["backend"]["service"]
        assert service["port"]["name"] in ports[service["name"]]
    backends = [backend for rule in route(objects)["rules"] for backend in rule["backendRefs"]]
    assert {(one["name"], one["port"]) for one in backends} == {("slipway-items", 80), ("slipway-users", 8080)}


def test_an_ingress_has_a_class_hosts_and_certificates() -> None:
    objects = rendered("production")
    assert ingress(objects)["ingressClassName"] == "contour"
    assert ingress(objects)["tls"] == [{"hosts": ["shop.example.com"], "secretName": "shop-tls"}]
    assert [rule["host"] for rule in ingress(objects)["rules"]] == ["shop.example.com"]
    annotations = objects.kind("Ingress")[0]["metadata"]["annotations"]
    assert annotations["projectcontour.io/response-timeout"] == "infinity"


def test_hosts_that_share_a_certificate_are_named_together() -> None:
    hosts = ("ingress.hosts.www=www.example.com", "ingress.tls.www=shop-tls", "ingress.hosts.plain=plain.example.com")
    spec = ingress(rendered("production", *hosts))
    assert spec["tls"] == [{"hosts": ["shop.example.com", "www.example.com"], "secretName": "shop-tls"}]
    assert [rule["host"] for rule in spec["rules"]] == ["plain.example.com", "shop.example.com", "www.example.com"]


def test_a_certificate_can_be_the_controller_s_own() -> None:
    assert ingress(rendered("production", "ingress.tls.shop="))["tls"] == [{"hosts": ["shop.example.com"]}]


def test_without_hosts_every_host_is_served() -> None:
    (rule,) = ingress(rendered("minimal", "ingress.enabled=true"))["rules"]
    assert "host" not in rule
    assert "hostnames" not in route(rendered("minimal", *GATEWAY))


def test_a_route_belongs_to_its_gateway_and_hosts() -> None:
    spec = route(rendered("gateway"))
    assert spec["parentRefs"] == [{"name": "public", "namespace": "gateway", "sectionName": "https"}]
    assert spec["hostnames"] == ["shop.example.com"]


def test_every_rule_has_the_timeouts_and_filters() -> None:
    spec = route(rendered("microservices", *GATEWAY, "httpRoute.timeouts.request=0s", "httpRoute.filters.a.type=X"))
    assert len(spec["rules"]) == 2
    for rule in spec["rules"]:
        assert rule["timeouts"] == {"request": "0s"}
        assert rule["filters"] == [{"type": "X"}]
    assert "timeouts" not in route(rendered("canary"))["rules"][0]


@pytest.mark.parametrize(("weight", "ours"), [(5, 95), (0, 100), (100, 0)])
def test_a_canary_gets_its_share_and_no_more(weight: int, ours: int) -> None:
    (rule,) = route(rendered("canary", f"httpRoute.canaries.api.weight={weight}"))["rules"]
    assert [(one["name"], one["weight"]) for one in rule["backendRefs"]] == [
        ("slipway-api", ours),
        ("next-slipway-api", weight),
    ]


def test_only_the_component_that_has_a_canary_shares() -> None:
    canary = 'httpRoute.canaries.users={"name": "next", "port": 80, "weight": 10}'
    weights = {
        rule["backendRefs"][0]["name"]: [one.get("weight") for one in rule["backendRefs"]]
        for rule in route(rendered("microservices", *GATEWAY, canary))["rules"]
    }
    assert weights == {"slipway-users": [90, 10], "slipway-items": [None]}


def test_the_rollout_selects_and_refers_to_what_the_chart_makes() -> None:
    rollout, budget = yaml.safe_load_all((EXAMPLES / "rollouts/rollout.yaml").read_text())
    deployment = rendered("rollouts").one("Deployment", rollout["spec"]["workloadRef"]["name"])
    assert deployment["spec"]["replicas"] == 0
    assert rollout["spec"]["selector"] == deployment["spec"]["selector"] == budget["spec"]["selector"]
    assert rendered("rollouts").kind("PodDisruptionBudget") == []
