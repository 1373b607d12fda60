"""``python -m broker.demo.pictures URL DIRECTORY``: the README's pictures, taken of the running demo in Chromium.

On a phone and on a computer, light and dark: ``start-360-light.png`` and so on. Needs what only developers install: Playwright,
and ``chromium`` on the path.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

PHONE, COMPUTER = (
    ViewportSize(width=360, height=720),
    ViewportSize(width=1280, height=720),
)
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
WAIT_MS = 20_000
MOST_BYTES = 100_000


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
        taken = list(_taken(browser, given.url, given.directory))
        browser.close()
    sizes = {path.name: path.stat().st_size for path in taken}
    for name, size in sizes.items():
        print(f"{name}: {size / 1000:.0f} kB")
    return int(max(sizes.values()) > MOST_BYTES)


def _taken(browser: Browser, url: str, directory: Path) -> Iterator[Path]:
    """Who may know what about Amina; as Emil the start page, the request that waits there, and something shared in part."""
    page = _logged_in(browser, url, "Amina")
    yield from _pictures(page, directory, "flows", COMPUTER)
    page = _logged_in(browser, url, "Emil")
    yield from _pictures(page, directory, "start", PHONE)
    page.get_by_role("link", name="See what they ask").first.click()
    with page.expect_navigation():
        page.get_by_role("button", name="Yes to all of these").first.click()
    yield from _pictures(page, directory, "request", PHONE)
    page.goto("/shared")
    page.locator("article").filter(has_text="Partly shared").first.evaluate(
        "(card) => card.scrollIntoView()"
    )
    yield from _pictures(page, directory, "shared", PHONE)


def _logged_in(browser: Browser, url: str, name: str) -> Page:
    context = browser.new_context(base_url=url, locale="en-GB", reduced_motion="reduce")
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    page.goto("/login")
    page.get_by_role("button", name=name).click()
    page.wait_for_url("**/")
    return page


def _pictures(page: Page, directory: Path, name: str, size: ViewportSize) -> Iterator[Path]:
    page.set_viewport_size(size)
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        path = directory / f"{name}-{size['width']}-{scheme}.png"
        page.screenshot(path=path)
        yield path


if __name__ == "__main__":
    sys.exit(main())
