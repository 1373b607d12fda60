"""A walk through every page, in each language, on a phone and on a desk, with scripts and without."""

import pytest

from broker.portal import rooms
from tests.browser.chromium import DESK, HEIGHT, PHONE, Browsers
from tests.browser.life import Life
from tests.browser.looking import Heard, laid_out, tabbed
from tests.browser.sights import LEADS_ON, SIGHTS, opened, whose
from tests.portal import PortalWorld
from tillit.wire import Language


def test_the_walk_comes_by_every_page() -> None:
    """A page that is added is looked at, or said here to show nothing of its own."""
    shown = {route for sight in SIGHTS.values() for route in sight.routes}
    assert shown & LEADS_ON == set()
    assert shown | LEADS_ON == {page.route for page in rooms.every()}


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "none"])
@pytest.mark.parametrize("language", ["nb", "nn", "en"])
@pytest.mark.parametrize("name", SIGHTS)
def test_a_page_can_be_read_on_a_phone_and_on_a_desk(
    browsers: Browsers,
    portal: PortalWorld,
    life: Life,
    name: str,
    language: Language,
    scripts: bool,
) -> None:
    """Nothing is cut off or scrolls sideways; one heading, the right language, no complaint, and no call to anybody else."""
    heard = Heard(portal.url)
    with browsers.page(whose(name), language=language, scripts=scripts) as page:
        heard.listen(page)
        opened(name, page, life)
        assert page.locator("html").get_attribute("lang") == language
        assert page.locator("h1").count() == 1
        for width in (PHONE, DESK):
            page.set_viewport_size({"width": width, "height": HEIGHT})
            assert laid_out(page) == [], f"at {width}"
    assert heard.wrong == []


@pytest.mark.parametrize("name", SIGHTS)
def test_the_keyboards_place_is_seen(browsers: Browsers, life: Life, name: str) -> None:
    """Tab goes through the page from its beginning to its end, outlined wherever it stands and never behind something."""
    with browsers.page(whose(name)) as page:
        opened(name, page, life)
        stops = tabbed(page)
        in_the_middle = "#" in page.url
    # Whoever chose for a group of lines goes on from that group.
    assert in_the_middle or stops[0]["name"] in {"Gå til innholdet", "Go to the content"}
    assert [stop["where"] for stop in stops] == sorted(int(str(stop["where"])) for stop in stops)
    assert [s["name"] for s in stops if not (s["outlined"] and s["inView"]) or s["covered"]] == []


@pytest.mark.parametrize("language", ["nb", "nn"])
def test_the_tabs_take_one_row_on_a_phone(browsers: Browsers, language: Language) -> None:
    """What a page is about begins above the fold; also on the page whose tab is the longest, in bold. English takes two."""
    with browsers.page(language=language) as page:
        page.goto("/consents")
        tops = {tab.bounding_box()["y"] for tab in page.locator(".tabs a").all()}  # type: ignore[index]  # each is shown
    assert len(tops) == 1
