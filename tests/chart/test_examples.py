"""The examples: what they render is committed, and quickly made."""

from __future__ import annotations

import time

import pytest
import yaml

from tests.support.helm import CHART, run_helm
from tests.support.rendering import EXAMPLES, PROFILES, rendered
from tools.generate.chart_examples import HEADER, text

PROMISED = {"minimal", "dev", "production", "microservices", "gitops", "keda", "gateway", "external"}


def test_the_promised_examples_are_there() -> None:
    assert set(PROFILES) >= PROMISED


@pytest.mark.parametrize("profile", PROFILES)
def test_what_an_example_renders_is_committed(profile: str) -> None:
    assert (EXAMPLES / profile / "rendered.yaml").read_text() == text(profile), "run `make generate`"


@pytest.mark.parametrize("profile", PROFILES)
def test_an_example_says_what_it_is_for(profile: str) -> None:
    assert (EXAMPLES / profile / "values.yaml").read_text().startswith("# ")
    assert (EXAMPLES / profile / "rendered.yaml").read_text().startswith(HEADER)


def test_no_secret_that_was_made_is_committed() -> None:
    for path in EXAMPLES.glob("*/rendered.yaml"):
        for one in yaml.safe_load_all(path.read_text()):
            if one["kind"] == "Secret":
                assert set(one["data"].values()) == {"bWFkZSBhdCB0aGUgZmlyc3QgaW5zdGFsbA=="}


def test_production_is_rendered_within_a_second() -> None:
    def seconds() -> float:
        began = time.monotonic()
        run_helm("template", "slipway", CHART, "--values", EXAMPLES / "production/values.yaml")
        return time.monotonic() - began

    assert min(seconds() for _ in range(3)) <= 1


def test_production_has_everything_on() -> None:
    kinds = {one["kind"] for one in rendered("production").objects}
    assert kinds >= {
        "ConfigMap",
        "Deployment",
        "HorizontalPodAutoscaler",
        "Ingress",
        "Job",
        "NetworkPolicy",
        "Pod",
        "PodDisruptionBudget",
        "Service",
        "ServiceAccount",
        "ServiceMonitor",
    }
