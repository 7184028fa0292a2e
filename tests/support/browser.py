"""A browser tab that reaches one address only, and remembers what it did that it should not."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Route, sync_playwright

from tests.support.tools import require_tool

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@dataclass
class Visit:
    """A tab. `outside` holds the addresses that were refused, `complaints` the errors of the console."""

    page: Page
    outside: list[str] = field(default_factory=list[str])
    complaints: list[str] = field(default_factory=list[str])
    _allowed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.page.context.route("**/*", self._decide)
        self.page.on("console", self._hear)
        self.page.on("pageerror", self._fail)

    def open(self, base: str, path: str) -> Page:
        """Opens a page; from then on whatever does not lie below `base` is refused."""
        origin = "/".join(base.split("/")[:3])
        self._allowed = (f"{base}/", f"blob:{origin}/")
        self.page.goto(base + path)
        return self.page

    def was_quiet(self) -> bool:
        """Whether nothing else was asked for, and the console holds no error, nor a violation of the CSP."""
        return not self.outside and not self.complaints

    def _decide(self, route: Route) -> None:
        url = route.request.url
        if url.startswith(self._allowed):
            route.continue_()
        else:
            self.outside.append(url)
            route.abort()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _fail(self, error: Error) -> None:
        self.complaints.append(str(error))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    executable = require_tool("chromium", "chromium-browser", "google-chrome")
    # Chromium writes settings and crash reports into the home folder.
    environment: dict[str, str | float | bool] = {**os.environ, "HOME": str(tmp_path_factory.mktemp("home"))}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS, env=environment)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(10_000)
    yield Visit(context.new_page())
    context.close()
