"""Values that contradict each other are refused in one sentence, which begins with the path of a value."""

from __future__ import annotations

import re
from functools import cache

import pytest

from tests.chart.judge.contradictions import CONTRADICTIONS, Contradiction, exists, sentences
from tests.support.helm import CHART
from tests.support.rendering import refusal

SENTENCES = list(sentences())


@cache
def said(contradiction: Contradiction) -> list[str]:
    return re.findall(r"^- (.*)$", refusal(contradiction.profile, *contradiction.settings), re.MULTILINE)


@pytest.mark.parametrize("contradiction", CONTRADICTIONS, ids=lambda one: " ".join(one.settings))
def test_a_contradiction_is_refused_in_a_sentence_that_begins_with_its_path(contradiction: Contradiction) -> None:
    (sentence,) = said(contradiction)
    assert re.match(rf"{re.escape(contradiction.path)}[ =]", sentence)
    assert exists(contradiction.path)
    assert sentence.endswith(".")
    assert any(re.fullmatch(one, sentence) for one in SENTENCES)


def test_every_sentence_has_its_case() -> None:
    all_said = [sentence for one in CONTRADICTIONS for sentence in said(one)]
    unsaid = [one for one in SENTENCES if not any(re.fullmatch(one, sentence) for sentence in all_said)]
    assert unsaid == []


def test_a_template_fails_in_one_place_only() -> None:
    """All sentences come at once, so that nobody mends one mistake only to be told of the next."""
    templates = [path for path in (CHART / "templates").rglob("*") if path.is_file()]
    assert sum(path.read_text().count("{{- fail ") for path in templates) == 1
    assert len(re.findall(r"^- ", refusal("dev", "database.host=db", "migration.mode=hook"), re.MULTILINE)) == 2
