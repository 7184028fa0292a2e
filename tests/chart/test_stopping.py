"""One group of numbers is what Kubernetes waits for and what the process does with the time."""

from __future__ import annotations

import pytest

from tests.support.rendering import PROFILES, Rendered, rendered

SHUTDOWN = "SLIPWAY_SHUTDOWN__{}_SECONDS"


def told(objects: Rendered) -> dict[str, float]:
    """The seconds that the process is told."""
    (configuration,) = [
        one for one in objects.kind("ConfigMap") if "data" in one and "SLIPWAY_ENVIRONMENT" in one["data"]
    ]
    return {name: float(configuration["data"][SHUTDOWN.format(name)]) for name in ("PRE_STOP", "DRAIN", "REQUEST")}


@pytest.mark.parametrize("profile", PROFILES)
def test_the_grace_period_is_the_sum_of_the_shutdown_and_five_seconds(profile: str) -> None:
    objects = rendered(profile)
    for deployment in objects.kind("Deployment"):
        spec = deployment["spec"]["template"]["spec"]
        assert spec["terminationGracePeriodSeconds"] == sum(told(objects).values()) + 5


@pytest.mark.parametrize(
    ("before", "drain", "running", "grace"), [(5, 5, 15, 30), (0, 0, 0, 5), (20, 0, 60, 85), (1, 2, 3, 11)]
)
def test_the_grace_period_follows_each_number(before: int, drain: int, running: int, grace: int) -> None:
    numbers = {"preStopSeconds": before, "drainSeconds": drain, "requestSeconds": running}
    objects = rendered("minimal", *(f"shutdown.{name}={value}" for name, value in numbers.items()))
    assert objects.pod("Deployment/slipway-api").spec["terminationGracePeriodSeconds"] == grace
    assert told(objects) == {"PRE_STOP": before, "DRAIN": drain, "REQUEST": running}


def test_kubernetes_itself_sleeps_before_the_stop() -> None:
    container = rendered("production").pod("Deployment/slipway-api").containers[0]
    assert container["lifecycle"] == {"preStop": {"sleep": {"seconds": 15}}}


def test_a_sleep_of_nothing_is_left_out() -> None:
    """Kubernetes 1.31 refuses `seconds: 0`."""
    assert "lifecycle" not in rendered("openshift").pod("Deployment/slipway-api").containers[0]


@pytest.mark.parametrize("profile", PROFILES)
def test_probes_ask_what_each_is_for(profile: str) -> None:
    for deployment in rendered(profile).kind("Deployment"):
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        paths = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")}
        assert paths == {
            "startup": {"path": "/startupz", "port": "http"},
            "readiness": {"path": "/readyz", "port": "http"},
            "liveness": {"path": "/livez", "port": "http"},
        }
        startup = container["startupProbe"]
        assert startup["periodSeconds"] * startup["failureThreshold"] <= deployment["spec"]["progressDeadlineSeconds"]


def test_a_probe_is_changed_key_by_key() -> None:
    container = (
        rendered("minimal", "components.api.probes.startup.failureThreshold=30")
        .pod("Deployment/slipway-api")
        .containers[0]
    )
    assert container["startupProbe"]["failureThreshold"] == 30
    assert container["startupProbe"]["periodSeconds"] == 1
    assert container["startupProbe"]["httpGet"]["path"] == "/startupz"
