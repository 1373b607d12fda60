"""``python -m broker.demo.pictures URL DIRECTORY``: the README's pictures, taken of the running demo in Chromium.

Needs what only developers install: Playwright, and ``chromium`` on the path.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

PHONE = ViewportSize(width=360, height=720)
WAIT_MS = 20_000
MOST_BYTES = 120_000
WHO = "Emil"


def main(arguments: Sequence[str] | None = None) -> int:
    """Take them; 0 when all are there and none is too large for a page that many open."""
    parser = argparse.ArgumentParser(prog="python -m broker.demo.pictures", description=__doc__)
    parser.add_argument("url", help="where the demo's portal is")
    parser.add_argument("directory", type=Path, help="where the pictures go")
    given = parser.parse_args(arguments)
    program = shutil.which("chromium")
    if program is None:
        print("there is no chromium on the path (Debian: apt-get install chromium)")
        return 1
    given.directory.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        context = browser.new_context(
            base_url=given.url, locale="en-GB", viewport=PHONE, reduced_motion="reduce"
        )
        context.set_default_timeout(WAIT_MS)
        taken = _taken(context.new_page(), given.directory)
        browser.close()
    sizes = {path.name: path.stat().st_size for path in taken}
    for name, size in sizes.items():
        print(f"{name}: {size / 1000:.0f} kB")
    return int(max(sizes.values()) > MOST_BYTES)


def _taken(page: Page, directory: Path) -> list[Path]:
    """The start page, the request that waits there, and something that was shared in part; as Emil sees them on a phone."""
    page.goto("/login")
    page.get_by_role("button", name=WHO).click()
    page.wait_for_url("**/")
    pictures = [_picture(page, directory / "start.png")]
    page.get_by_role("link", name="See what they ask").first.click()
    with page.expect_navigation():
        page.get_by_role("button", name="Yes to all of these").first.click()
    pictures.append(_picture(page, directory / "request.png"))
    page.goto("/shared")
    page.locator("article").filter(has_text="They were told").first.evaluate(
        "(card) => card.scrollIntoView()"
    )
    pictures.append(_picture(page, directory / "shared.png"))
    return pictures


def _picture(page: Page, path: Path) -> Path:
    page.screenshot(path=path)
    return path


if __name__ == "__main__":
    sys.exit(main())
