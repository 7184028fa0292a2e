"""SECURITY.md: what it names exists, and readers find it."""

from __future__ import annotations

import re

from tests.support.checkout import ROOT

PAGE = (ROOT / "SECURITY.md").read_text()
SETTINGS = (ROOT / "docs/settings.md").read_text()


def test_every_setting_that_it_names_exists() -> None:
    names = set(re.findall(r"SLIPWAY_[A-Z_]+", PAGE))
    assert len(names) >= 10
    assert [name for name in sorted(names) if f"| `{name}` |" not in SETTINGS] == []


def test_every_page_that_it_links_to_exists() -> None:
    targets = re.findall(r"\]\(([^)]+)\)", PAGE)
    assert targets
    for target in targets:
        path, _, anchor = target.partition("#")
        headings = re.findall(r"^#+ (.+)$", (ROOT / path).read_text(), re.MULTILINE)
        assert not anchor or anchor in {heading.lower().replace(" ", "-") for heading in headings}, target


def test_it_supports_the_version_that_is_released() -> None:
    (version,) = re.findall(r'^version = "(\d+\.\d+)\.', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert f"| {version}.x, the newest of it | yes |" in PAGE


def test_the_readme_links_to_it() -> None:
    assert "(SECURITY.md)" in (ROOT / "README.md").read_text()
