"""Takes the pictures of docs/images from a running `make dashboards`, some minutes after its start.

python -m observability.preview.screenshots [http://127.0.0.1:8300] [overview dependencies …]
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).parents[2] / "docs/images"
_ADDRESS = "http://127.0.0.1:8300"
_RANGE = "5 minutes"


def take(page: Page, address: str, name: str) -> Path:
    """The picture of a dashboard, all of it."""
    uid = f"slipway-{name}"
    page.goto(f"{address}/?range={_RANGE}#{uid}")
    page.reload()  # another fragment alone loads nothing
    page.wait_for_selector(f"body[data-drawn={uid}]")
    path = FOLDER / f"dashboard-{name}.png"
    page.screenshot(path=path, full_page=True)
    return path


def main(arguments: list[str]) -> None:
    """Takes one picture a name."""
    address = next((argument for argument in arguments if "://" in argument), _ADDRESS)
    names = [argument for argument in arguments if "://" not in argument] or ["overview"]
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1360, "height": 800}, color_scheme="light")
        for name in names:
            path = take(page, address, name)
            print(f"{path.relative_to(Path.cwd())}: {path.stat().st_size // 1000} kB")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
