"""Every example keeps every rule."""

from __future__ import annotations

import pytest

from tests.chart.judge.evaluator import judge
from tests.chart.judge.examples import release_of
from tests.support.rendering import PROFILES

FULL = (
    "networkPolicy.enabled=true",
    "ingress.enabled=true",
    "httpRoute.enabled=true",
    "httpRoute.parentRefs.gateway.name=public",
    "monitoring.dashboards.enabled=true",
)


@pytest.mark.parametrize("settings", [(), FULL], ids=["as it is", "with everything on"])
@pytest.mark.parametrize("profile", PROFILES)
def test_an_example_keeps_every_rule(profile: str, settings: tuple[str, ...]) -> None:
    release = release_of(profile, *settings)
    assert release.objects
    assert [str(verdict) for verdict in judge(release.objects, release.foreign)] == []


def test_a_finding_names_the_rule_the_object_and_the_path() -> None:
    release = release_of("minimal")
    del release.kind("Deployment")[0]["spec"]["template"]["spec"]["enableServiceLinks"]
    (verdict,) = judge(release.objects, release.foreign)
    place = "Deployment/slipway-api at /spec/template/spec/enableServiceLinks"
    assert str(verdict) == f"service_links_are_off: {place}: is not false"
