"""The page in the archive of everything, opened from a disk without a network: it reads and prints as the portal does."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import DESK, HEIGHT, PHONE, Browsers
from tests.browser.life import Life
from tests.browser.looking import laid_out
from tests.browser.test_accessibility import violations
from tests.portal import PortalWorld


@pytest.fixture
def kept(
    browsers: Browsers, portal: PortalWorld, life: Life, tmp_path: Path
) -> Iterator[tuple[Page, list[str]]]:
    """The page, and every address that it asked for but its own."""
    assert life
    visitor = portal.logged_in()
    visitor.get("/copy")
    with zipfile.ZipFile(io.BytesIO(visitor.press("/copy").content)) as found:
        file = Path(found.extract("tillit.html", tmp_path))
    context = browsers.fresh(scripts=True)
    context.set_offline(offline=True)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    asked.remove(file.as_uri())
    yield page, asked
    context.close()


def test_it_fetches_nothing_and_axe_finds_nothing(kept: tuple[Page, list[str]]) -> None:
    """On a phone and on a desk, in light and in dark; nothing sticks out."""
    page, asked = kept
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in (PHONE, DESK):
            page.set_viewport_size({"width": width, "height": HEIGHT})
            assert violations(page) == [], f"{scheme} at {width}"
            assert laid_out(page) == []
    assert asked == []


def test_its_parts_are_found_from_the_top_and_printed_whole(kept: tuple[Page, list[str]]) -> None:
    """Every link leads to a part that is there; on paper the texts that one opens on a screen are there too."""
    page, _ = kept
    for link in page.get_by_role("navigation").get_by_role("link").all():
        expect(page.locator(str(link.get_attribute("href")))).to_be_visible()
    text = page.locator("details p").first
    expect(text).not_to_be_visible()
    page.emulate_media(media="print")
    expect(text).to_be_visible()
