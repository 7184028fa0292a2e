"""Values that nobody has tried together keep every rule too."""

from __future__ import annotations

import random

import pytest

from tests.chart.judge.evaluator import judge
from tests.chart.judge.examples import release_of
from tests.chart.judge.schemas import complaints
from tests.support.rendering import OLDEST_KUBERNETES

BASES = ("dev", "external", "minimal", "gitops")
API = "components.api"
KEDA = f"{API}.autoscaling.keda"
AXES: tuple[tuple[tuple[str, ...], ...], ...] = (
    (
        (),
        (f"{API}.replicas=0",),
        (f"{API}.replicas=1",),
        (f"{API}.replicas=4",),
        (f"{API}.autoscaling.enabled=true",),
        (f"{API}.autoscaling.enabled=true", f"{API}.autoscaling.minReplicas=1"),
        (f"{KEDA}.enabled=true", f"{KEDA}.triggers.cron.type=cron", f"{KEDA}.triggers.cron.metadata.desiredReplicas=5"),
    ),
    (
        (),
        ("ingress.enabled=true", "ingress.hosts.shop=shop.example.com"),
        ("httpRoute.enabled=true", "httpRoute.parentRefs.public.name=public"),
        (
            "ingress.enabled=true",
            "ingress.hosts.a=a.example.com",
            "ingress.hosts.b=b.example.com",
            f"{API}.service.port=8080",
        ),
    ),
    (
        (),
        ("monitoring.serviceMonitor.enabled=true", "monitoring.dashboards.enabled=true"),
        ("monitoring.podMonitor.enabled=true",),
    ),
    ((), ("components.worker.args={worker}", "components.worker.http=false"), ("components.web.replicas=3",)),
    ((), ("networkPolicy.enabled=false",), ("networkPolicy.clients.gateway.namespaceSelector.matchLabels.a=b",)),
    ((), ("image.user=0",), ("image.user=20000",), ("serviceAccount.create=false",)),
    ((), ("shutdown.preStopSeconds=0",), ("shutdown.requestSeconds=120", f"{API}.podLabels.team=shop")),
    ((), ("tests.enabled=false",), ("migration.mode=none",), ("fullnameOverride=shop",)),
    ((), ("settings.SLIPWAY_TELEMETRY__OTLP_ENDPOINT=https://otel.example.com",), ("defaults.env.TZ=UTC",)),
)
"""Choices that go together in any way; the empty one is to leave things as they are."""


def combinations(number: int) -> list[tuple[str, tuple[str, ...]]]:
    """Always the same, so that a failure can be repeated."""
    chance = random.Random(number)  # noqa: S311 (nothing secret hangs on it)
    chosen = [[chance.choice(axis) for axis in AXES] for _ in range(number)]
    return [
        (BASES[index % len(BASES)], tuple(one for some in axes for one in some)) for index, axes in enumerate(chosen)
    ]


COMBINATIONS = combinations(28)


@pytest.mark.parametrize("number", range(len(COMBINATIONS)))
def test_a_combination_keeps_every_rule(number: int) -> None:
    profile, settings = COMBINATIONS[number]
    release = release_of(profile, "database.poolSize=1", *settings)
    assert [str(verdict) for verdict in judge(release.objects, release.foreign)] == [], settings
    custom = [one for one in release.objects if "." in one["apiVersion"].partition("/")[0]]
    assert complaints(custom, [OLDEST_KUBERNETES]) == []


def test_every_choice_is_tried() -> None:
    tried = {setting for _, settings in COMBINATIONS for setting in settings}
    assert tried == {setting for axis in AXES for choice in axis for setting in choice}
