"""Each alert has a page that can be followed: its sections, its queries, its links and its commands are right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from app.cli import cli
from observability.alerts.files import alerts
from observability.catalogue.queries import query_problems
from tests.support.checkout import ROOT

FOLDER = ROOT / "observability/runbooks"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
SECTIONS = [
    "Meaning",
    "User impact",
    "First queries",
    "Likely causes",
    "What to do",
    "Verify",
    "Escalate",
    "Tested by",
]
PROGRAMS = {"amtool", "curl", "helm", "kubectl", "psql"}
KUBECTL = {"delete", "describe", "exec", "get", "logs", "patch", "port-forward", "rollout", "scale"}
HELM = {"get", "history", "rollback", "upgrade"}


def queries(page: Path) -> list[str]:
    """The PromQL of a page, with the variables of an alert in it."""
    return [re.sub(r"^ +", "", block) for block in re.findall(r"```promql\n(.*?)```", page.read_text(), re.DOTALL)]


def commands(page: Path) -> list[str]:
    return [
        line.partition("   #")[0].strip()
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL)
        for line in block.splitlines()
    ]


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    assert {page.stem for page in PAGES} == {alert.name for alert in alerts()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_every_section_with_something_in_it(page: Path) -> None:
    parts = re.split(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    assert parts[1::2] == [page.stem, *SECTIONS]
    assert all(len(text.split()) >= 3 for text in parts[4::2])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_asks_at_least_three_queries_that_can_be_answered(page: Path) -> None:
    expressions = queries(page)
    assert len(expressions) >= 3
    assert [sentence for query in expressions for sentence in query_problems(query)] == []
    for query in expressions:
        assert 'namespace="$namespace"' in query, "it would show another release"


@pytest.mark.parametrize("page", [*PAGES, FOLDER / "README.md"], ids=lambda page: page.stem)
def test_links_lead_to_files_and_named_tests_exist(page: Path) -> None:
    text = page.read_text()
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert (page.parent / link).exists(), link
    for path in re.findall(r"`(tests/[\w/.]+)`", text):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_names_only_commands_that_there_are(page: Path) -> None:
    ours = set(typer.main.get_command(cli).commands)  # type: ignore[attr-defined]  # it is a group
    for line in commands(page):
        words = line.split()
        assert words[0] in PROGRAMS, line
        verb = next((word for word in words[1:] if not word.startswith(("-", "$"))), "")
        if words[0] in {"kubectl", "helm"}:
            assert verb in (KUBECTL if words[0] == "kubectl" else HELM), line
        for command in re.findall(r"-- slipway (\S+)", line):
            assert command in ours, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_variables_are_those_that_the_readme_explains(page: Path) -> None:
    explained = set(re.findall(r"`(\$\w+)`", (FOLDER / "README.md").read_text()))
    written = " ".join((*commands(page), *queries(page)))
    assert set(re.findall(r"\$[a-z]\w*", written)) <= explained
