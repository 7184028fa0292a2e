"""Helm 3, which many still have, makes the same objects of every example."""

from __future__ import annotations

import pytest
import yaml

from tests.chart.judge.examples import values_file
from tests.support.helm import CHART, helm3_program, run_helm
from tests.support.rendering import NAMESPACE, OLDEST_KUBERNETES, PROFILES, Object, rendered


@pytest.mark.parametrize("profile", PROFILES)
def test_helm_3_makes_the_same_objects(profile: str) -> None:
    where = ("--namespace", NAMESPACE, "--kube-version", f"{OLDEST_KUBERNETES}.0")
    text = run_helm(
        "template", "slipway", CHART, *where, "--values", values_file(profile), program=helm3_program()
    ).stdout
    made: list[Object] = [one for one in yaml.load_all(text, yaml.CSafeLoader) if one]
    assert list(map(without_secrets, made)) == list(map(without_secrets, rendered(profile).objects))


def without_secrets(one: Object) -> Object:
    """Secrets that the chart generates are others each time."""
    return one | {"data": sorted(one["data"])} if one["kind"] == "Secret" else one
