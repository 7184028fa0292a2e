"""Every object of every example fits the schemas of the oldest and the newest Kubernetes, or ours of its operator."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import yaml

from tests.chart.judge.schemas import CUSTOM_KINDS, FOLDER, complaints
from tests.support.helm import ROOT
from tests.support.rendering import EXAMPLES, NEWEST_KUBERNETES, OLDEST_KUBERNETES, PROFILES, Object, rendered


@pytest.mark.parametrize("kubernetes", [OLDEST_KUBERNETES, NEWEST_KUBERNETES])
def test_the_schemas_take_every_object(kubernetes: str) -> None:
    different = {yaml.dump(one): one for profile in PROFILES for one in rendered(profile).objects}
    assert len(different) > 50
    assert complaints(different.values(), [kubernetes]) == []


def test_the_schemas_take_what_stands_beside_the_chart() -> None:
    """Manifests in folders of examples and in k8s/; those without metadata are for programs, not for Kubernetes."""
    rendered_already = {"values.yaml", "rendered.yaml"}
    files = [path for path in EXAMPLES.glob("*/*.yaml") if path.name not in rendered_already]
    files += (ROOT / "k8s").rglob("*.yaml")
    documents = [one for path in files for one in yaml.load_all(path.read_text(), yaml.CSafeLoader)]
    manifests = [one for one in documents if one and "metadata" in one]
    assert "Rollout" in {one["kind"] for one in manifests}
    assert complaints(manifests) == []


@pytest.mark.parametrize(
    ("profile", "kind", "place", "value"),
    [
        ("gateway", "HTTPRoute", "parentRefs", []),
        ("gateway", "HTTPRoute", "hostnames/0", "https://shop.example.com"),
        ("gateway", "HTTPRoute", "rules/0/backendRefs/0/port", "80"),
        ("gateway", "HTTPRoute", "rules/0/matches/0/path/type", "Prefix"),
        ("gateway", "HTTPRoute", "rules/0/timeouts/request", "0"),
        ("gitops", "ExternalSecret", "secretStoreRef/kind", "Vault"),
        ("gitops", "ExternalSecret", "data/0/remoteRef/path", "slipway"),
        ("gitops", "ExternalSecret", "refreshInterval", "hourly"),
        ("keda", "ScaledObject", "minReplicaCount", "3"),
        ("keda", "ScaledObject", "triggers/0/metadata/threshold", 20),
        ("keda", "ScaledObject", "advanced/horizontalPodAutoscalerConfig/behavior/scaleDown/window", 300),
        ("keda", "PodMonitor", "podMetricsEndpoints/0/targetPort", 9464),
        ("keda", "PodMonitor", "selector/matchLabels", {}),
        ("production", "ServiceMonitor", "endpoints/0/interval", "30"),
        ("production", "ServiceMonitor", "endpoints/0/port", 9464),
    ],
)
def test_a_wrong_field_of_a_custom_resource_is_seen(profile: str, kind: str, place: str, value: object) -> None:
    one = deepcopy(rendered(profile).kind(kind)[0])
    assert complaints([one]) == []
    *way, last = [int(part) if part.isdecimal() else part for part in place.split("/")]
    inner: Any = one["spec"]
    for part in way:
        inner = inner[part]
    inner[last] = value
    (words,) = complaints([one])
    assert f" at /spec/{place.rpartition('/')[0]}" in words


def deployment() -> Object:
    return deepcopy(rendered("minimal").one("Deployment", "slipway-api"))


def test_a_field_that_does_not_exist_is_seen_by_every_version() -> None:
    one = deployment()
    one["spec"]["template"]["spec"]["terminationGraceSeconds"] = 5
    said = complaints([one])
    assert len(said) == 2
    for words in said:
        assert "Deployment/slipway-api at /spec/template/spec: " in words
        assert "terminationGraceSeconds" in words


def test_a_number_in_quotes_is_seen() -> None:
    one = deployment()
    one["spec"]["progressDeadlineSeconds"] = "300"
    assert "Deployment/slipway-api at /spec/progressDeadlineSeconds: '300' is not of type" in complaints([one])[0]


def test_a_kind_that_nobody_knows_is_no_mere_warning() -> None:
    one = deployment() | {"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget"}
    (words,) = complaints([one], [NEWEST_KUBERNETES])
    assert "at /apiVersion: " in words
    assert words.endswith(f"Kubernetes {NEWEST_KUBERNETES} has no PodDisruptionBudget of policy/v1beta1")


def test_a_kubernetes_whose_schemas_are_those_of_another_is_seen() -> None:
    assert complaints([deployment()], ["1.31.99"]) == ["there are no schemas of Kubernetes 1.31.99"]


@pytest.mark.parametrize("kind", CUSTOM_KINDS)
def test_a_custom_resource_is_closed(kind: str) -> None:
    version = yaml.safe_load((FOLDER / f"{kind}.yaml").read_text())["apiVersion"]
    one: Object = {"apiVersion": version, "kind": kind, "metadata": {"name": "x"}, "spec": {"surprise": 1}}
    assert any(f"{kind}/x at /spec: " in words and "'surprise'" in words for words in complaints([one]))
    one["apiVersion"] = "example.com/v1"
    assert any(f"{kind}/x at /apiVersion: " in words for words in complaints([one]))
