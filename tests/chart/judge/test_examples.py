"""Every example keeps every rule; no rule is without a reason, and none is excused without one."""

from __future__ import annotations

import pytest

from tests.chart.judge.evaluator import EXEMPT, RULES, judge
from tests.chart.judge.examples import release_of
from tests.chart.judge.release import component_of
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


def test_every_rule_says_why_it_is_one() -> None:
    assert len(RULES) > 40
    for name, rule in RULES.items():
        assert (rule.__doc__ or "").endswith("."), name


def test_what_is_exempt_breaks_the_rule_that_it_is_exempt_from() -> None:
    """An exemption that nothing needs any more would hide what comes later."""
    broken = {
        (verdict.rule, component_of(verdict.finding.owner))
        for release in map(release_of, PROFILES)
        for verdict in judge(release.objects, release.foreign, exempt=())
    }
    assert broken == EXEMPT.keys()


def test_a_finding_names_the_rule_the_object_and_the_path() -> None:
    release = release_of("minimal")
    release.kind("Deployment")[0]["spec"]["template"]["spec"]["containers"][0]["image"] = "slipway:latest"
    (verdict,) = judge(release.objects, release.foreign)
    assert str(verdict) == (
        "image_is_named_for_good: Deployment/slipway-api at /spec/template/spec/containers/0/image: "
        "slipway:latest has no tag that stays"
    )
