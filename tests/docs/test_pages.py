"""The pages for readers: all are listed, their links lead somewhere, and what they say of the API holds."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import httpx2
import pytest

from app.platform.settings import Database
from tests.support.checkout import ROOT
from tests.support.live import live_service
from tests.support.tools import require_tool

DOCS = ROOT / "docs"
PAGES = sorted(path for path in [*ROOT.glob("*.md"), *DOCS.glob("*.md")])
API = (DOCS / "api.md").read_text()
SECTIONS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
"""Of a version, in the order of Keep a Changelog."""
NOT_OF_THE_API = {"docs-not-installed", "does-not-start"}
"""Problems that only developers meet."""


def anchors(path: Path) -> set[str]:
    """What the headings of a page are called in links, as GitHub does it."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_index_lists_every_page() -> None:
    listed = set(re.findall(r"\]\(([^)#]+)\)", (DOCS / "index.md").read_text()))
    pages = {path.name for path in [*DOCS.glob("*.md"), *DOCS.glob("*.json")]} - {"index.md"}
    assert pages <= listed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken: list[str] = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        if "://" not in target:
            file = page.parent / path if path else page
            if not file.exists() or (anchor and anchor not in anchors(file)):
                broken.append(target)
    assert not broken


def test_every_version_of_the_changelog_has_its_sections_in_order() -> None:
    versions = re.split(r"^## ", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)[1:]
    assert len(versions) >= 2
    for version in versions:
        sections = re.findall(r"^### (.+)$", version, re.MULTILINE)
        assert sections == [name for name in SECTIONS if name in sections], version.splitlines()[0]


def test_every_type_of_problem_is_explained() -> None:
    slugs = {
        slug for path in (ROOT / "app").rglob("*.py") for slug in re.findall(r'slug="([a-z-]+)"', path.read_text())
    }
    assert len(slugs) > 10
    assert not sorted(slug for slug in slugs - NOT_OF_THE_API if f"`{slug}`" not in API)


def test_the_commands_of_the_api_page_work(tmp_path: Path, new_database: Database) -> None:
    require_tool("curl")
    blocks = re.findall(r"^```sh\n(.*?)^```$", API, re.MULTILINE | re.DOTALL)
    with live_service(tmp_path, new_database) as service:
        base = f"http://127.0.0.1:{service.port}"
        demo = {"username": "demo", "email": "demo@example.org", "password": "slipway-demo"}
        assert httpx2.post(f"{base}/api/v1/users", json=demo).status_code == 201
        script = "".join(blocks).replace("http://127.0.0.1:8000", base)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f'curl() {{ command curl --fail-with-body "$@"; }}\n{script}'],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"username":"demo"' in done.stdout
    assert '"items":[]' in done.stdout
    assert 'etag: "2"' in done.stdout.lower()
    assert '"description":"Brass"' in done.stdout
