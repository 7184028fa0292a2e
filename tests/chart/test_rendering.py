"""A rendering is the same each time, and its objects are named and labeled after the release."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import cast

import pytest
import yaml

from tests.support.helm import CHART, ROOT, run_helm
from tests.support.rendering import (
    EXAMPLES,
    OLDEST_KUBERNETES,
    PROFILES,
    Object,
    manifest,
    name_of,
    refusal,
    rendered,
    walk,
)

every_profile = pytest.mark.parametrize("profile", PROFILES)


@every_profile
def test_two_renderings_differ_in_nothing_but_secrets_that_are_made(profile: str) -> None:
    first = manifest(profile)
    manifest.cache_clear()
    again = manifest(profile)
    if "mode: generate" in (EXAMPLES / profile / "values.yaml").read_text():
        different = [(a, b) for a, b in zip(first.splitlines(), again.splitlines(), strict=True) if a != b]
        assert {line.split(":")[0].strip() for pair in different for line in pair} == {
            "database__password",
            "auth__signing_key",
        }
    else:
        assert first == again


@every_profile
def test_the_linter_has_no_complaint(profile: str) -> None:
    result = run_helm("lint", "--strict", CHART, "--values", EXAMPLES / profile / "values.yaml")
    assert "[WARNING]" not in result.stdout
    assert "[ERROR]" not in result.stdout


@every_profile
def test_every_object_says_what_it_belongs_to(profile: str) -> None:
    for one in rendered(profile).objects:
        labels = one["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == "slipway"
        assert labels["app.kubernetes.io/instance"] == "slipway"
        assert labels["app.kubernetes.io/managed-by"] == "Helm"
        assert labels["app.kubernetes.io/part-of"] == "slipway"
        assert labels["app.kubernetes.io/component"]
        assert labels["app.kubernetes.io/version"]
        assert labels["helm.sh/chart"].startswith("slipway-")


def test_objects_are_named_after_the_release() -> None:
    names = {name_of(one) for one in rendered("dev", release="blue").objects}
    assert {"Deployment/blue-slipway-api", "Service/blue-slipway-postgres", "Secret/blue-slipway"} <= names
    assert "Deployment/shop-api" in {name_of(one) for one in rendered("minimal", "fullnameOverride=shop").objects}


def test_a_long_name_of_a_release_makes_names_that_fit() -> None:
    release = "a" * 53
    for profile in ("dev", "microservices", "production"):
        names = [one["metadata"]["name"] for one in rendered(profile, release=release).objects]
        assert max(map(len, names)) <= 63


def test_the_chart_needs_no_other_chart() -> None:
    metadata: Object = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert "dependencies" not in metadata
    assert not (CHART / "charts").exists()
    assert metadata["kubeVersion"] == f">={OLDEST_KUBERNETES}.0-0"


def test_the_chart_installs_the_image_of_this_version() -> None:
    metadata: Object = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert metadata["appVersion"] == project["version"]


def test_a_kubernetes_that_is_too_old_is_refused() -> None:
    result = run_helm("template", CHART, "--kube-version", "1.30.9", check=False)
    assert "requires kubeVersion: >=1.31.0-0" in result.stderr


def test_without_values_the_chart_says_what_it_needs() -> None:
    said = refusal("")
    assert "database.host is empty" in said
    assert "secrets.existingSecret is empty" in said


def test_templates_read_as_manifests() -> None:
    """Few helpers, little passed through JSON, no line that has to be scrolled."""
    texts = {path.name: path.read_text() for path in (CHART / "templates").rglob("*.*")}
    whole = "".join(texts.values())
    assert whole.count('define "') <= 35
    assert len(re.findall(r"\b(?:to|from)Json(?:Array)?\b|\bfromYaml(?:Array)?\b", whole)) <= 20
    assert [line for line in whole.splitlines() if len(line) > 140] == []
    assert {name: count for name, text in texts.items() if (count := text.count("\n")) > 150} == {}
    assert len((CHART / "values.yaml").read_text().splitlines()) <= 600


def test_a_name_of_digits_stays_a_text() -> None:
    objects = rendered("dev", "nameOverride=1e3", "fullnameOverride=1e2", "ingress.enabled=true", namespace="34")
    for one in objects.objects:
        for path, value in walk(one):
            if path.rpartition("/")[2] in {"name", "namespace", "serviceName", "serviceAccountName", "secretName"}:
                assert isinstance(value, str), f"{name_of(one)} {path}"
        assert one["metadata"]["labels"]["app.kubernetes.io/name"] == "1e3"


@pytest.mark.parametrize(
    "section",
    [
        "database.direct",
        "defaults.autoscaling.keda.enabled",
        "defaults.calls",
        "defaults.containerSpec",
        "defaults.env",
        "defaults.features",
        "defaults.paths",
        "defaults.podAnnotations",
        "defaults.podLabels",
        "defaults.podSpec",
        "defaults.service.serviceSpec",
        "defaults.settings",
        "httpRoute.hostnames",
        "ingress.hosts",
        "monitoring.rules.alerts",
        "settings",
    ],
)
def test_a_section_that_is_null_changes_nothing(section: str) -> None:
    assert rendered("minimal", f"{section}=null") == rendered("minimal")


def sections(values: Object, path: str = "") -> Iterator[str]:
    """The path of each map in the values."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield f"{path}{key}"
            yield from sections(cast(Object, value), f"{path}{key}.")


@pytest.mark.parametrize("section", [*sections(yaml.safe_load((CHART / "values.yaml").read_text()))])
def test_a_section_that_is_null_renders_or_is_named(section: str) -> None:
    values = EXAMPLES / "production/values.yaml"
    result = run_helm("template", "slipway", CHART, "--values", values, "--set", f"{section}=null", check=False)
    parent, _, name = section.rpartition(".")
    named = f"at '{parent and '/'}{parent.replace('.', '/')}': missing property '{name}'"
    assert not result.returncode or named in result.stderr or "\n- " in result.stderr, result.stderr
