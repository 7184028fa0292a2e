"""One process or many from the same image: what each runs, whom it calls, and what it therefore gets."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.chart.test_secrets import sources
from tests.chart.test_settings import told
from tests.support.helm import CHART, ROOT
from tests.support.rendering import COMPONENT, Object, Rendered, refusal, rendered, variables

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
    path = "components.items.features"
    objects = rendered("microservices", f"{path}.users=false", "features.orders.called=false", f"{path}.orders=true")
    assert variables(server(objects, "items"))["SLIPWAY_FEATURES"] == "items,orders"


def test_a_process_that_runs_everything_is_told_nothing() -> None:
    assert variables(server(rendered("minimal"), "api")) == {}


@pytest.mark.parametrize("run_here", [True, False])
def test_an_address_of_the_values_wins_over_the_chart_s(run_here: bool) -> None:
    elsewhere = ("services.users=https://accounts.example.com", f"components.users.enabled={str(run_here).lower()}")
    objects = rendered("microservices", *elsewhere)
    assert variables(server(objects, "items"))["SLIPWAY_SERVICES__USERS"] == "https://accounts.example.com"


def test_a_feature_that_runs_here_is_not_looked_for_elsewhere() -> None:
    assert variables(server(rendered("minimal", "services.users=http://accounts"), "api")) == {}


def test_a_called_feature_that_nobody_runs_is_missed() -> None:
    said = refusal("microservices", "components.users.enabled=false")
    assert "\n- components.items.features leaves out users, which no component of this release runs" in said
    assert "services.users" in said


def test_a_feature_that_the_image_does_not_have_is_refused() -> None:
    said = refusal("microservices", "components.items.features.order=true")
    assert "\n- components.items.features.order is none of features (" in said


def test_a_feature_is_served_by_one_component_only() -> None:
    said = refusal("microservices", "components.more.features.users=true")
    assert "\n- components.users.features.users is components.more's already" in said


def test_tokens_are_signed_where_users_are_and_nowhere_else() -> None:
    objects = rendered("microservices", *WORKER, "components.worker.features.items=true")
    keys = {"auth__signing_key", "auth__previous_key"}
    assert sources(objects.pod("Deployment/slipway-users")).keys() == keys | {"database__password"}
    for owner in ("Deployment/slipway-items", "Deployment/slipway-worker", "Job/slipway-migrate"):
        assert sources(objects.pod(owner)).keys() == {"database__password"}, owner


def test_without_users_no_signing_key_is_asked_for() -> None:
    away = ("components.users.enabled=false", "services.users=http://accounts", "secrets.existingSecret=")
    objects = rendered("microservices", *away, "secrets.databasePassword.secret=theirs")
    assert sources(objects.pod("Deployment/slipway-items")) == {"database__password": ("theirs", "database__password")}


def test_the_migration_is_for_all_features_of_the_release() -> None:
    assert told(rendered("microservices"), "Job/slipway-migrate")["SLIPWAY_FEATURES"] == "items,users"
    whole = rendered("microservices", "components.api.enabled=true")
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


def test_the_paths_of_the_features_are_those_of_the_api() -> None:
    """All that OpenAPI documents below /api or /.well-known belongs to a feature, and to one only."""
    features = yaml.safe_load((CHART / "values.yaml").read_text())["features"]
    claimed = [prefix for feature in features.values() for prefix in feature["paths"].values()]
    paths = json.loads((ROOT / "docs/openapi.json").read_text())["paths"]
    ours = [path for path in paths if path.startswith(("/api/", "/.well-known/"))]
    assert len(ours) > 5
    for path in ours:
        assert len([one for one in claimed if f"{path}/".startswith(f"{one}/")]) == 1, path
    for one in claimed:
        if one.startswith("/api/"):  # what is well known is not in the document of this API
            assert [path for path in ours if f"{path}/".startswith(f"{one}/")], one


def test_every_component_has_labels_of_its_own() -> None:
    objects = rendered("microservices", *WORKER)
    for one in objects.kind("Deployment"):
        own = one["metadata"]["name"].removeprefix("slipway-")
        assert one["spec"]["selector"]["matchLabels"][COMPONENT] == own
