"""The examples of the chart as releases that the rules can judge, and mutations can change."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import yaml

from tests.chart.judge.evaluator import names_in
from tests.chart.judge.release import Object, Release
from tests.support.rendering import EXAMPLES, rendered


def values_file(profile: str) -> Path:
    return EXAMPLES / profile / "values.yaml"


def values_of(profile: str) -> Object:
    return yaml.load(values_file(profile).read_text(), yaml.CSafeLoader)


def release_of(profile: str, *settings: str) -> Release:
    """A rendering of its own, so that a mutation changes no other test's."""
    return Release(deepcopy(list(rendered(profile, *settings).objects)), names_in(values_of(profile)))
