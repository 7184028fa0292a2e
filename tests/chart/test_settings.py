"""What the chart tells the processes is what the service understands."""

from __future__ import annotations

import re

import pytest

from app.platform.settings import load_settings, unknown_variables
from tests.support.helm import ROOT
from tests.support.rendering import COMPONENT, PROFILES, Rendered, rendered, variables

KNOWN = set(re.findall(r"^\| `(SLIPWAY_[\w<>]+)`", (ROOT / "docs/settings.md").read_text(), re.MULTILINE))


def told(objects: Rendered, owner: str) -> dict[str, str]:
    """The variables of a pod of the service: the ConfigMap's, and over them its own."""
    (container,) = objects.pod(owner).spec["containers"]
    shared: dict[str, str] = {}
    for one in container.get("envFrom", []):
        shared |= objects.one("ConfigMap", one["configMapRef"]["name"])["data"]
    return shared | variables(container)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_variable_is_a_setting_that_loads(profile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = rendered(profile)
    for pod in objects.pods():
        if pod.labels[COMPONENT] in {"postgres", "test"}:
            continue
        ours = {name: value for name, value in told(objects, pod.owner).items() if name.startswith("SLIPWAY_")}
        assert {re.sub("^SLIPWAY_SERVICES__.+", "SLIPWAY_SERVICES__<FEATURE>", name) for name in ours} <= KNOWN, (
            pod.owner
        )
        assert unknown_variables(ours) == ()
        with monkeypatch.context() as environment:
            for name, value in ours.items():
                environment.setenv(name, value)
            settings = load_settings()
        assert settings.production is (profile != "dev")
        assert settings.database.host == ours["SLIPWAY_DATABASE__HOST"]


def test_large_numbers_zeros_and_falsehoods_arrive_as_they_are() -> None:
    production = told(rendered("production"), "Deployment/slipway-api")
    assert production["SLIPWAY_HTTP__MAX_BODY_BYTES_IN_FLIGHT"] == "16777216"
    small = told(rendered("openshift"), "Deployment/slipway-api")
    assert small["SLIPWAY_HTTP__DOCS"] == "false"
    assert small["SLIPWAY_TELEMETRY__SAMPLE_RATIO"] == "0"
    assert small["SLIPWAY_SHUTDOWN__DRAIN_SECONDS"] == "0"


def test_a_component_has_settings_of_its_own() -> None:
    objects = rendered("microservices", "components.items.settings.SLIPWAY_TELEMETRY__LOG_LEVEL=debug")
    assert told(objects, "Deployment/slipway-items")["SLIPWAY_TELEMETRY__LOG_LEVEL"] == "debug"
    assert "SLIPWAY_TELEMETRY__LOG_LEVEL" not in told(objects, "Deployment/slipway-users")


def test_a_variable_can_take_its_value_from_the_pod() -> None:
    own = 'components.api.env.POD_IP={"valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}'
    (container,) = rendered("minimal", own).pod("Deployment/slipway-api").containers
    (one,) = [one for one in container["env"] if one["name"] == "POD_IP"]
    assert one == {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}


def test_a_components_variable_wins_over_its_setting() -> None:
    objects = rendered(
        "minimal",
        "components.api.settings.SLIPWAY_TELEMETRY__LOG_LEVEL=debug",
        "components.api.env.SLIPWAY_TELEMETRY__LOG_LEVEL=error",
    )
    (container,) = objects.pod("Deployment/slipway-api").containers
    assert container["env"] == [{"name": "SLIPWAY_TELEMETRY__LOG_LEVEL", "value": "error"}]


def test_a_setting_of_all_can_be_dropped() -> None:
    objects = rendered("production", "settings.SLIPWAY_HTTP__TRUSTED_PROXIES=null")
    assert "SLIPWAY_HTTP__TRUSTED_PROXIES" not in told(objects, "Deployment/slipway-api")


def test_the_address_around_the_pooler_is_told() -> None:
    settings = told(rendered("external"), "Deployment/slipway-api")
    assert settings["SLIPWAY_DATABASE__POOLER"] == "true"
    assert settings["SLIPWAY_DATABASE__DIRECT__HOST"] == "postgres.example.com"
    assert settings["SLIPWAY_DATABASE__DIRECT__PORT"] == "5432"
    assert settings["SLIPWAY_DATABASE__PORT"] == "6432"
