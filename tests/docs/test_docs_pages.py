"""The documentation pages in a browser that has no network."""

import httpx2
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.docs.conftest import DocsServer
from tests.support.browser import Visit

PROTECTED = "/api/v1/users/me"


@pytest.fixture(params=["at the root", "behind a prefix"])
def base(request: pytest.FixtureRequest, docs_server: DocsServer) -> str:
    return docs_server.url if request.param == "at the root" else docs_server.prefixed


def test_swagger_ui_shows_every_operation(visit: Visit, docs_server: DocsServer) -> None:
    page = visit.open(docs_server.url, "/docs")

    page.locator(".opblock").first.wait_for()
    shown = page.locator(".opblock-summary").evaluate_all(
        """summaries => summaries.map(summary =>
            summary.querySelector(".opblock-summary-method").innerText + " " +
            summary.querySelector("[data-path]").dataset.path)"""
    )
    assert sorted(shown) == _operations(docs_server)
    assert visit.was_quiet(), visit


def test_a_log_in_on_the_page_opens_a_protected_operation(visit: Visit, docs_server: DocsServer, base: str) -> None:
    page = visit.open(base, "/docs")

    _log_in(page, docs_server.username, docs_server.password)
    expect(page.locator(".modal-ux")).to_contain_text("Authorized")
    page.locator(".modal-ux .btn-done").click()

    expect(_try_out(page)).to_contain_text("200")
    assert visit.was_quiet(), visit


def test_a_log_in_outlives_a_reload(visit: Visit, docs_server: DocsServer) -> None:
    page = visit.open(docs_server.url, "/docs")
    _log_in(page, docs_server.username, docs_server.password)
    expect(page.locator(".modal-ux")).to_contain_text("Authorized")

    page.reload()

    expect(_try_out(page)).to_contain_text("200")


def test_a_wrong_password_is_told_in_the_dialog(visit: Visit, docs_server: DocsServer) -> None:
    page = visit.open(docs_server.url, "/docs")

    _log_in(page, docs_server.username, f"not {docs_server.password}")

    expect(page.locator(".modal-ux .errors")).to_be_visible()


def test_redoc_shows_every_operation(visit: Visit, docs_server: DocsServer) -> None:
    page = visit.open(docs_server.prefixed, "/redoc")

    operations = page.locator('[data-section-id^="operation/"]')
    expect(operations).to_have_count(len(_operations(docs_server)))
    logo = page.get_by_alt_text("redocly logo")
    assert logo.evaluate("async image => (await image.decode(), image.naturalWidth > 0)")
    assert visit.was_quiet(), visit


def test_redoc_searches_and_unfolds(visit: Visit, docs_server: DocsServer) -> None:
    page = visit.open(docs_server.url, "/redoc")

    page.locator('input[aria-label="Search"]').fill("token")
    page.locator('[data-role="search:results"] li').first.click()
    page.locator('[role="menuitem"] svg').first.click()

    assert visit.was_quiet(), visit


def test_a_request_to_another_host_would_be_noticed(visit: Visit) -> None:
    with visit.page.expect_event("requestfailed"):
        visit.page.set_content('<img src="http://cdn.invalid/logo.svg">')

    assert visit.outside == ["http://cdn.invalid/logo.svg"]
    assert not visit.was_quiet()


def _operations(server: DocsServer) -> list[str]:
    paths = httpx2.get(f"{server.url}/openapi.json").json()["paths"]
    return sorted(f"{method.upper()} {path}" for path, methods in paths.items() for method in methods)


def _log_in(page: Page, username: str, password: str) -> None:
    page.locator(".auth-wrapper .authorize").click()
    dialog = page.locator(".modal-ux")
    dialog.get_by_label("username").fill(username)
    dialog.get_by_label("password").fill(password)
    dialog.get_by_text("select all").click()
    dialog.locator(".authorize").click()


def _try_out(page: Page) -> Locator:
    """Opens the protected operation and runs it; returns where the page shows the status."""
    block = page.locator(".opblock-get", has=page.locator(f'[data-path="{PROTECTED}"]'))
    block.locator(".opblock-summary-control").click()
    block.locator(".try-out__btn").click()
    block.locator(".execute").click()
    return block.locator(".live-responses-table tbody .response-col_status").first
