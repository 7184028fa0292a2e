"""Every command that a page, a hook or a workflow names is a target of the Makefile."""

from __future__ import annotations

import re
import subprocess

from tests.support.checkout import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))


def test_make_alone_lists_every_target_that_says_what_it_does() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^make ([a-z-]+) ", listed, re.MULTILINE)) == TARGETS - set(lint_parts())


def test_every_make_command_that_is_named_exists() -> None:
    pages = [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob(".github/workflows/*"),
        ROOT / ".ci/run",
    ]
    named = {
        (page.name, target)
        for page in pages
        for target in re.findall(
            r"(?:^\s*|[`$] ?|run: |&& )make(?: [A-Z]+=\S+)* ([a-z][a-z-]+)", page.read_text(), re.MULTILINE
        )
    }
    assert {target for _, target in named} >= {"run", "test", "lint"}
    assert not {(page, target) for page, target in named if target not in TARGETS}


def test_the_hooks_run_what_make_lint_runs() -> None:
    hooks = re.findall(r"entry: make (\S+)", (ROOT / ".pre-commit-config.yaml").read_text())
    assert hooks == lint_parts()


def lint_parts() -> list[str]:
    line = re.search(r"^lint: (.+?) ##", MAKEFILE, re.MULTILINE)
    assert line
    return line[1].split()
