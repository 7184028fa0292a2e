"""Helm refuses every wrong value, and its message names the path of the value."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml

from tests.chart.judge.wrong_values import WrongValue, together, wrong_values
from tests.support.helm import CHART, run_helm
from tests.support.rendering import OLDEST_KUBERNETES

WRONG = list(wrong_values())
REFUSAL = re.compile(r"- at '(?P<path>[^']*)': (?P<words>.*)")


@cache
def refusals(name: str) -> list[tuple[str, str]]:
    """What helm says of all the wrong values of a round at once."""
    with TemporaryDirectory() as folder:
        values = Path(folder) / "values.yaml"
        values.write_text(yaml.safe_dump(together([one for one in WRONG if one.round == name])))
        result = run_helm("template", CHART, "--kube-version", OLDEST_KUBERNETES, "--values", values, check=False)
    assert result.returncode
    return [(found["path"], found["words"]) for found in REFUSAL.finditer(result.stderr)]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.name)
def test_a_wrong_value_is_refused_with_its_path(wrong: WrongValue) -> None:
    place = wrong.path[:-1] if wrong.round == "unknown key" else wrong.path
    said = [words for path, words in refusals(wrong.round) if path == "".join(f"/{part}" for part in place)]
    assert any(wrong.words in words for words in said), said


def test_there_is_a_wrong_value_of_every_kind() -> None:
    count = Counter(wrong.round.partition(" of ")[0] for wrong in WRONG)
    assert count.keys() >= {"type", "map", "unknown key", "enum", "minimum", "maximum", "empty", "pattern"}
