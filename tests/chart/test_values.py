"""A wrong value is refused with the place it is at, before anything reaches a cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.helm import CHART, run_helm
from tests.support.rendering import OLDEST_KUBERNETES, refusal, rendered, walk
from tools.generate.chart_schema import text

SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
OBJECTS: list[tuple[str, dict[str, Any]]] = [
    (path, one) for path, one in walk(SCHEMA) if isinstance(one, dict) and ("type", "object") in one.items()
]


def test_the_schema_is_what_the_comments_and_settings_say() -> None:
    assert (CHART / "values.schema.json").read_text() == text(), "run `make generate`"


def test_the_schema_refers_to_nothing_outside() -> None:
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    references = [value for path, value in walk(SCHEMA) if path.endswith("/$ref")]
    assert references
    assert all(reference.startswith("#/") for reference in references)


def test_every_object_is_closed_or_says_what_its_keys_hold() -> None:
    unsaid = {path.rpartition("/")[2] for path, one in OBJECTS if "additionalProperties" not in one}
    # Whole pieces of Kubernetes' own API, which judges them: a value of `env`, a peer, a rule, a metric, a volume.
    assert unsaid == {"additionalProperties", "source", "global"}


def test_every_value_is_described() -> None:
    component = "#/definitions/component/properties/"
    silent = [
        f"{path}/{name}"
        for path, one in OBJECTS
        for name, inner in one.get("properties", {}).items()
        if "description" not in inner and not inner.get("$ref", "").startswith(component)
    ]
    assert silent == []


@pytest.mark.parametrize(
    ("setting", "place", "words"),
    [
        ("components.api.replicas=1.5", "/components/api/replicas", "want integer"),
        ("components.api.env.NAME={a}", "/components/api/env/NAME", "got array"),
        ("components.api.volumes.ca.mountPath=/ca", "/components/api/volumes/ca", "source"),
        ("components.api.podDisruptionBudget.minAvailable=1", "/components/api/podDisruptionBudget", "'minAvailable'"),
        ("components.api.resources.limits.cpu=1", "/components/api/resources", "'limits' not allowed"),
        ("components.api.settings.SLIPWAY_LOG_LEVEL=info", "/components/api/settings", "'SLIPWAY_LOG_LEVEL'"),
        ("settings.SLIPWAY_DATABASE__HOST=x", "/settings", "'SLIPWAY_DATABASE__HOST' not allowed"),
        ("settings.SLIPWAY_DATABASE__PASSWORD=x", "/settings", "'SLIPWAY_DATABASE__PASSWORD' not allowed"),
        ("settings.SLIPWAY_AUTH__SIGNING_KEY=x", "/settings", "'SLIPWAY_AUTH__SIGNING_KEY' not allowed"),
        ("settings.SLIPWAY_SHUTDOWN__DRAIN_SECONDS=9", "/settings", "'SLIPWAY_SHUTDOWN__DRAIN_SECONDS' not allowed"),
        ("image.tag=12", "/image/tag", "want string"),
        ("database.password=x", "/database", "'password' not allowed"),
        ("database.url=postgres://u:p@h/d", "/database", "'url' not allowed"),
        ("secrets.databasePassword.value=x", "/secrets/databasePassword", "'value' not allowed"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(setting: str, place: str, words: str) -> None:
    said = refusal("minimal", setting)
    assert f"at '{place}" in said
    assert words in said


def test_another_chart_can_depend_on_it(tmp_path: Path) -> None:
    """Helm gives it `global` then, and the condition that switches it."""
    (tmp_path / "Chart.yaml").write_text(
        "apiVersion: v2\nname: parent\nversion: 0.1.0\n"
        f"dependencies: [{{name: slipway, version: '*', repository: 'file://{CHART}', condition: slipway.enabled}}]\n"
    )
    (tmp_path / "values.yaml").write_text(
        "global: {region: north}\nslipway: {enabled: true, database: {host: db}, secrets: {existingSecret: mine}}\n"
    )
    (tmp_path / "charts").mkdir()
    (tmp_path / "charts/slipway").symlink_to(CHART)
    made = run_helm("template", "parent", tmp_path, "--kube-version", OLDEST_KUBERNETES).stdout
    assert "name: parent-slipway-api" in made
    off = run_helm(
        "template", "parent", tmp_path, "--kube-version", OLDEST_KUBERNETES, "--set", "slipway.enabled=false"
    )
    assert "slipway-api" not in off.stdout


def test_a_pass_through_takes_what_the_chart_does_not_know() -> None:
    objects = rendered("minimal", "components.api.podSpec.somethingNew=true")
    assert objects.pod("Deployment/slipway-api").spec["somethingNew"] is True
