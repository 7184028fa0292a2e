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
        ("replicas=3", "", "'replicas' not allowed"),
        ("components.api.replica=3", "/components/api", "'replica' not allowed"),
        ("components.api.replicas=-1", "/components/api/replicas", "minimum"),
        ("components.api.replicas=many", "/components/api/replicas", "want integer"),
        ("components.api.replicas=1.5", "/components/api/replicas", "want integer"),
        ("components.api.maxSurge=0", "/components/api/maxSurge", "minimum"),
        ("components.api.maxSurge=half", "/components/api/maxSurge", "pattern"),
        ("components.api.args=serve", "/components/api/args", "want array"),
        ("components.api.env.NAME={a}", "/components/api/env/NAME", "got array"),
        ("components.api.volumes.ca.mountPath=/ca", "/components/api/volumes/ca", "source"),
        ("components.api.volumes.ca.mountPath=ca", "/components/api/volumes/ca/mountPath", "pattern"),
        ("components.api.autoscaling.enabled=yes", "/components/api/autoscaling/enabled", "want boolean"),
        ("components.api.autoscaling.minReplicas=-1", "/components/api/autoscaling/minReplicas", "minimum"),
        ("components.api.autoscaling.targetCPU=5", "/components/api/autoscaling", "'targetCPU' not allowed"),
        ("components.api.podDisruptionBudget.minAvailable=1", "/components/api/podDisruptionBudget", "'minAvailable'"),
        ("components.api.podDisruptionBudget.maxUnavailable=-1", "/components/api/podDisruptionBudget", "minimum"),
        ("components.api.resources.limits.cpu=1", "/components/api/resources", "'limits' not allowed"),
        ("components.api.service.port=70000", "/components/api/service/port", "maximum"),
        ("components.api.probes.startup.initialDelay=x", "/components/api/probes/startup/initialDelay", "integer"),
        ("components.api.settings.SLIPWAY_LOG_LEVEL=info", "/components/api/settings", "'SLIPWAY_LOG_LEVEL'"),
        ("settings.SLIPWAY_TELEMETRY__LOG_LEVEL=loud", "/settings/SLIPWAY_TELEMETRY__LOG_LEVEL", "'warning'"),
        ("settings.SLIPWAY_DATABASE__HOST=x", "/settings", "'SLIPWAY_DATABASE__HOST' not allowed"),
        ("settings.SLIPWAY_DATABASE__PASSWORD=x", "/settings", "'SLIPWAY_DATABASE__PASSWORD' not allowed"),
        ("settings.SLIPWAY_AUTH__SIGNING_KEY=x", "/settings", "'SLIPWAY_AUTH__SIGNING_KEY' not allowed"),
        ("settings.SLIPWAY_SHUTDOWN__DRAIN_SECONDS=9", "/settings", "'SLIPWAY_SHUTDOWN__DRAIN_SECONDS' not allowed"),
        ("environment=prod", "/environment", "'production'"),
        ("image.repository=", "/image/repository", "minLength"),
        ("image.tag=12", "/image/tag", "want string"),
        ("image.digest=sha256:12", "/image/digest", "pattern"),
        ("image.pullPolicy=always", "/image/pullPolicy", "'Always'"),
        ("image.pullSecrets={login}", "/image/pullSecrets", "want object"),
        ("database.password=x", "/database", "'password' not allowed"),
        ("database.url=postgres://u:p@h/d", "/database", "'url' not allowed"),
        ("database.port=0", "/database/port", "minimum"),
        ("database.ssl=on", "/database/ssl", "'verify-full'"),
        ("database.poolSize=0", "/database/poolSize", "minimum"),
        ("secrets.mode=random", "/secrets/mode", "'generate'"),
        ("secrets.databasePassword.value=x", "/secrets/databasePassword", "'value' not allowed"),
        ("shutdown.preStopSeconds=-1", "/shutdown/preStopSeconds", "minimum"),
        ("migration.mode=hooks", "/migration/mode", "'auto'"),
        ("migration.replicas=2", "/migration", "'replicas' not allowed"),
        ("monitoring.serviceMonitor.interval=30", "/monitoring/serviceMonitor/interval", "want string"),
        ("networkPolicy.clients={a}", "/networkPolicy/clients", "want object"),
        ("dev.postgres.user=0", "/dev/postgres/user", "minimum"),
        ("dev.redis.enabled=true", "/dev", "'redis' not allowed"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(setting: str, place: str, words: str) -> None:
    said = refusal("minimal", setting)
    assert f"at '{place}" in said
    assert words in said


@pytest.mark.parametrize(
    ("profile", "settings", "words"),
    [
        ("dev", ["database.host=db"], "dev.postgres.enabled=true and database.host contradict each other"),
        ("dev", ["database.pooler=true"], "has no pooler in front of it"),
        ("dev", ["database.ssl=require"], "database.ssl=require cannot be met"),
        ("minimal", ["database.ssl=prefer"], "database.ssl=prefer is refused in production"),
        ("minimal", ["database.ssl=verify-ca"], "database.ssl=verify-ca needs your own authority"),
        (
            "minimal",
            ["database.sslRootCert.secret=a", "database.sslRootCert.configMap=b"],
            "database.sslRootCert.configMap contradict each other",
        ),
        ("minimal", ["components.api.database.user=a"], "components.api.database needs both user and secret"),
        ("dev", ["migration.mode=hook"], "migration.mode=hook and dev.postgres.enabled=true contradict"),
        ("dev", ["gitops=true"], "secrets.mode=generate and gitops=true contradict"),
        ("dev", ["secrets.existingSecret=mine"], "secrets.existingSecret is set but secrets.mode=generate"),
        ("minimal", ["database.host="], "database.host is empty"),
        ("minimal", ["secrets.existingSecret="], "secrets.existingSecret is empty"),
        ("minimal", ["secrets.existingSecret=", "secrets.signingKey.secret=keys"], "secrets.existingSecret is empty"),
        (
            "minimal",
            ["secrets.mode=generate", "secrets.existingSecret="],
            "a database password that only dev.postgres learns",
        ),
        ("minimal", ["database.pooler=true"], "database.pooler=true needs database.direct.host"),
        ("minimal", ["components.api.enabled=false"], "components has no enabled entry"),
        ("minimal", ["components.migrate.replicas=1"], "components.migrate cannot be called so"),
        ("minimal", ["components.Api.replicas=1"], "components.Api cannot be called so"),
        (
            "minimal",
            ["components.api.autoscaling.enabled=true", "components.api.autoscaling.minReplicas=11"],
            "components.api.autoscaling.minReplicas=11 is more than components.api.autoscaling.maxReplicas=10",
        ),
        (
            "minimal",
            ["components.api.autoscaling.enabled=true", "components.api.autoscaling.cpuUtilization=0"],
            "components.api.autoscaling.enabled=true has nothing to go by",
        ),
        (
            "minimal",
            ["components.api.progressDeadlineSeconds=60"],
            "components.api.progressDeadlineSeconds=60 is less than the 180 s",
        ),
    ],
)
def test_values_that_contradict_each_other_are_named_in_a_sentence(
    profile: str, settings: list[str], words: str
) -> None:
    assert words in refusal(profile, *settings)


def test_all_contradictions_are_told_at_once() -> None:
    said = refusal("dev", "database.host=db", "migration.mode=hook", "gitops=true")
    assert said.count("\n- ") == 3


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
