"""Values that contradict each other, a case for every sentence that the chart can fail with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.chart.judge.wrong_values import SCHEMA, Schema, resolved
from tests.support.helm import CHART

AUTOSCALING = "components.api.autoscaling"
STORE = (
    "secrets.existingSecret=",
    "secrets.mode=externalSecret",
    "secrets.externalSecret.secretStoreRef.name=vault",
    "secrets.databasePassword.remoteRef.key=password",
    "secrets.signingKey.remoteRef.key=key",
)

NOBODY_SCRAPES = "networkPolicy.scrapers.monitoring=null"
CANARY = ("httpRoute.canaries.web.name=next", "httpRoute.canaries.web.port=80", "httpRoute.canaries.web.weight=1")


@dataclass(frozen=True)
class Contradiction:
    """Settings over an example, and the one sentence that is said of them."""

    path: str
    settings: tuple[str, ...]
    profile: str = "minimal"


CONTRADICTIONS = (
    Contradiction("monitoring.rules.alerts.Unknown", ("monitoring.rules.alerts.Unknown.enabled=false",)),
    *(
        Contradiction(f"monitoring.{name}.enabled", (f"monitoring.{name}.enabled=true", NOBODY_SCRAPES))
        for name in ("serviceMonitor", "podMonitor")
    ),
    Contradiction("database.host", ("database.host=",)),
    Contradiction("dev.postgres.enabled", ("database.host=db",), "dev"),
    Contradiction("dev.postgres.enabled", ("database.direct.host=db",), "dev"),
    Contradiction("dev.postgres.enabled", ("database.ssl=verify-full",), "dev"),
    Contradiction("dev.postgres.enabled", ("components.api.replicas=20",), "dev"),
    Contradiction("database.pooler", ("database.pooler=true",)),
    Contradiction("database.ssl", ("database.ssl=prefer",)),
    Contradiction("database.ssl", ("database.ssl=verify-ca",)),
    Contradiction("database.sslRootCert.secret", ("database.sslRootCert.secret=a", "database.sslRootCert.configMap=b")),
    Contradiction("components.api.database", ("components.api.database.user=a",)),
    Contradiction("database.maxConnections", ("database.maxConnections=20",)),
    Contradiction("secrets.existingSecret", ("secrets.existingSecret=mine",), "dev"),
    Contradiction("secrets.mode", ("gitops=true",), "dev"),
    Contradiction("secrets.mode", ("secrets.mode=generate", "secrets.existingSecret=")),
    Contradiction("secrets.existingSecret", ("secrets.existingSecret=",)),
    Contradiction(
        "secrets.externalSecret.secretStoreRef.name", (*STORE, "secrets.externalSecret.secretStoreRef.name=")
    ),
    Contradiction("secrets.signingKey.remoteRef.key", (*STORE, "secrets.signingKey.remoteRef.key=")),
    Contradiction(
        "secrets.mode", (*STORE, "secrets.databasePassword.secret=theirs", "secrets.signingKey.secret=theirs")
    ),
    Contradiction("migration.mode", ("migration.mode=hook",), "dev"),
    Contradiction("migration.mode", (*STORE, "migration.mode=hook")),
    Contradiction("components", ("components.api.enabled=false",)),
    Contradiction("components.Api", ("components.Api.replicas=1",)),
    Contradiction("secrets.existingSecret", ("secrets.existingSecret=", "secrets.signingKey.secret=keys")),
    Contradiction("components.migrate", ("components.migrate.replicas=1",)),
    Contradiction("components.api.progressDeadlineSeconds", ("components.api.progressDeadlineSeconds=60",)),
    Contradiction(
        "components.api.podSpec.terminationGracePeriodSeconds",
        ("components.api.podSpec.terminationGracePeriodSeconds=7",),
    ),
    Contradiction("components.items.calls", ("components.items.calls.users=null",), "microservices"),
    Contradiction("components.users.calls.items", ("components.users.calls.items=nobody",), "microservices"),
    Contradiction("components.users.paths.all", ("components.users.paths.all=/",), "microservices"),
    Contradiction(f"{AUTOSCALING}.enabled", (f"{AUTOSCALING}.enabled=true",), "keda"),
    Contradiction(f"{AUTOSCALING}.enabled", (f"{AUTOSCALING}.enabled=true", f"{AUTOSCALING}.cpuUtilization=0")),
    Contradiction(f"{AUTOSCALING}.minReplicas", (f"{AUTOSCALING}.enabled=true", f"{AUTOSCALING}.minReplicas=11")),
    Contradiction(f"{AUTOSCALING}.minReplicas", (f"{AUTOSCALING}.enabled=true", f"{AUTOSCALING}.minReplicas=0")),
    Contradiction(f"{AUTOSCALING}.keda.triggers", (f"{AUTOSCALING}.keda.enabled=true",)),
    Contradiction(f"{AUTOSCALING}.keda.fallback.replicas", (f"{AUTOSCALING}.keda.fallback.replicas=99",), "keda"),
    Contradiction("defaultComponent", ("defaultComponent=web",)),
    Contradiction("features", ("features.users.called=true",)),
    Contradiction("services", ("services.users=http://accounts",)),
    Contradiction("tests.write", ("tests.write=nobody",)),
    Contradiction("ingress.enabled", ("ingress.enabled=true", "components.api.paths=null")),
    Contradiction("ingress.tls.office", ("ingress.tls.office=certificate",), "production"),
    Contradiction("httpRoute.parentRefs", ("httpRoute.enabled=true",)),
    Contradiction("httpRoute.canaries.web", CANARY, "gateway"),
    Contradiction("monitoring.serviceMonitor.enabled", ("monitoring.podMonitor.enabled=true",), "production"),
    Contradiction("monitoring.rules.alerts.SlipwayNothing", ("monitoring.rules.alerts.SlipwayNothing.enabled=false",)),
)


def sentences() -> Iterator[str]:
    """Every sentence in the templates, as a regular expression of what it may become."""
    for path in sorted((CHART / "templates").glob("_validate*.tpl")):
        for found in re.finditer(r"^- (.*(?:\n  .*)*)$", path.read_text(), re.MULTILINE):
            parts = re.split(r"\{\{.*?\}\}", re.sub(r"\n +", " ", found[1]))
            yield ".+".join(map(re.escape, parts))


def exists(path: str) -> bool:
    """Whether the schema of the values has this path, or leaves it to Kubernetes."""
    schema = SCHEMA
    for part in path.split("."):
        schema = resolved(schema)
        inner: Schema | bool = schema.get("properties", {}).get(part, schema.get("additionalProperties", False))
        if isinstance(inner, bool):
            return inner
        schema = inner
    return True
