"""One process or many from the same image: what each runs, whom it calls, and what it therefore gets."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from tests.chart.test_secrets import sources
from tests.chart.test_settings import told
from tests.support.helm import ROOT
from tests.support.rendering import COMPONENT, EXAMPLES, USERS_ELSEWHERE, Object, Rendered, refusal, rendered, variables

WORKER = ("components.worker.args={worker}", "components.worker.http=false")


def server(objects: Rendered, component: str) -> Object:
    return objects.pod(f"Deployment/slipway-{component}").spec["containers"][0]


def test_a_component_is_told_its_features_and_where_the_others_are() -> None:
    objects = rendered("microservices", "components.users.service.port=8080")
    assert variables(server(objects, "users")) == {
        "SLIPWAY_FEATURES": "users",
        "SLIPWAY_SERVICES__ITEMS": "http://slipway-items:80",
    }
    assert variables(server(objects, "items")) == {
        "SLIPWAY_FEATURES": "items",
        "SLIPWAY_SERVICES__USERS": "http://slipway-users:8080",
    }


def test_features_are_sorted_and_those_set_to_false_are_left_out() -> None:
    path = "components.more.features"
    objects = rendered("minimal", f"{path}.users=true", f"{path}.items=true", "components.more.issuesTokens=true")
    assert variables(server(objects, "more"))["SLIPWAY_FEATURES"] == "items,users"
    without = rendered("microservices", "components.items.features.users=false")
    assert variables(server(without, "items"))["SLIPWAY_FEATURES"] == "items"


def test_a_process_that_runs_everything_is_told_nothing() -> None:
    assert variables(server(rendered("minimal"), "api")) == {}


def test_a_feature_can_be_called_at_an_address_elsewhere() -> None:
    objects = rendered("microservices", "components.items.calls.users=https://accounts.example.com")
    assert variables(server(objects, "items"))["SLIPWAY_SERVICES__USERS"] == "https://accounts.example.com"


def test_what_every_component_calls_is_not_called_by_itself() -> None:
    calls = ("defaults.calls.users=users", "components.users.calls.items=null")
    objects = rendered("microservices", *calls)
    assert variables(server(objects, "items"))["SLIPWAY_SERVICES__USERS"] == "http://slipway-users:80"
    assert variables(server(objects, "users")) == {"SLIPWAY_FEATURES": "users"}


@pytest.mark.parametrize("target", ["accounts", "worker"])
def test_a_call_that_reaches_nobody_is_refused(target: str) -> None:
    said = refusal("microservices", *WORKER, f"components.items.calls.users={target}")
    assert f"\n- components.items.calls.users={target} is neither a base URL nor an enabled component" in said


def test_a_feature_that_the_image_does_not_have_is_refused() -> None:
    said = refusal("microservices", "components.items.features.order=true")
    assert "at '/components/items/features': additional properties 'order' not allowed" in said


@pytest.mark.parametrize(
    ("setting", "new_name"),
    [
        ("features.users.called=true", "components.<name>.issuesTokens"),
        ("services.users=http://accounts", "components.<name>.calls"),
        ("defaultComponent=web", "components.<name>.paths"),
    ],
)
def test_a_value_of_an_older_chart_is_refused_with_its_new_name(setting: str, new_name: str) -> None:
    (sentence,) = re.findall(r"^- (.*)$", refusal("minimal", setting), re.MULTILINE)
    assert sentence.startswith(re.split(r"[.=]", setting)[0])
    assert new_name in sentence


def test_the_keys_are_where_tokens_are_issued_and_nowhere_else() -> None:
    objects = rendered("microservices", *WORKER)
    keys = {"auth__signing_key", "auth__previous_key"}
    assert sources(objects.pod("Deployment/slipway-users")).keys() == keys | {"database__password"}
    for owner in ("Deployment/slipway-items", "Deployment/slipway-worker", "Job/slipway-migrate"):
        assert sources(objects.pod(owner)).keys() == {"database__password"}, owner


def test_without_users_no_signing_key_is_asked_for() -> None:
    no_secret = ("secrets.existingSecret=", "secrets.databasePassword.secret=theirs")
    objects = rendered("microservices", *USERS_ELSEWHERE, *no_secret)
    assert sources(objects.pod("Deployment/slipway-items")) == {"database__password": ("theirs", "database__password")}


def test_the_migration_is_for_all_features_of_the_release() -> None:
    assert told(rendered("microservices"), "Job/slipway-migrate")["SLIPWAY_FEATURES"] == "items,users"
    whole = rendered("microservices", "components.api.enabled=true", "components.api.paths.all=null")
    assert "SLIPWAY_FEATURES" not in told(whole, "Job/slipway-migrate")


def test_a_worker_needs_no_template_of_its_own() -> None:
    objects = rendered("minimal", *WORKER)
    container = server(objects, "worker")
    assert container["args"] == ["worker"]
    assert container["ports"] == [{"name": "metrics", "containerPort": 9464}]
    probes = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")}
    assert probes == {
        "startup": {"path": "/readyz", "port": "metrics"},
        "readiness": {"path": "/readyz", "port": "metrics"},
        "liveness": {"path": "/livez", "port": "metrics"},
    }
    ports = objects.one("Service", "slipway-worker")["spec"]["ports"]
    assert [port["name"] for port in ports] == ["metrics"]


def test_nobody_is_sent_to_a_worker() -> None:
    objects = rendered("gateway", *WORKER, "ingress.enabled=true")
    assert objects.one("Pod", "slipway-test-ready")["spec"]["containers"][0]["args"] == [
        "ready",
        "http://slipway-api:80",
    ]
    for kind in ("Ingress", "HTTPRoute"):
        assert "slipway-worker" not in json.dumps(objects.kind(kind))


def test_the_paths_of_the_split_example_are_those_of_the_api() -> None:
    """Each path that `users` claims is one of its routes; the rest is served by `items`."""
    values = yaml.safe_load((EXAMPLES / "microservices/values.yaml").read_text())
    claimed = [path for path in values["components"]["users"]["paths"].values() if path.startswith("/api/")]
    documented = json.loads((ROOT / "docs/openapi.json").read_text())["paths"]
    for prefix in claimed:
        assert [path for path in documented if f"{path}/".startswith(f"{prefix}/")], prefix


def test_every_component_has_labels_of_its_own() -> None:
    objects = rendered("microservices", *WORKER)
    for one in objects.kind("Deployment"):
        own = one["metadata"]["name"].removeprefix("slipway-")
        assert one["spec"]["selector"]["matchLabels"][COMPONENT] == own
