"""Accessibility (WCAG 2.2 AA): what axe finds, what the keyboard can do, what a screen reader is told, what a finger can hit.

``broker/docs/accessibility.md`` has every criterion with the test that stands behind it.
"""

from typing import Any

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Page, expect

from tests.browser.chromium import DESK, HEIGHT, NARROWEST, PHONE, Browsers, Scheme
from tests.browser.life import CATEGORIES, SERVICES, Life, request
from tests.browser.looking import TEXT_DOUBLED, TEXT_SPACING, laid_out, styled, too_small
from tests.browser.sights import SIGHTS, opened, whose
from tests.integration.world import NORA
from tests.portal import PEOPLE, PortalWorld

AXE = AXE_FILE_PATH.read_text(encoding="utf-8")
RULES = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
MOST_TABS = 150


def violations(page: Page) -> list[str]:
    """What axe finds on a page as it is now."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE)
    found: dict[str, Any] = page.evaluate("(rules) => axe.run(rules)", RULES)
    return [
        f"{rule['id']}: {node['html'][:120]} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("name", SIGHTS)
def test_axe_finds_nothing(browsers: Browsers, life: Life, name: str) -> None:
    """On a phone and on a desk, in light and in dark, every rule of WCAG 2.2 A and AA that axe has, and its best practices."""
    with browsers.page(whose(name)) as page:
        opened(name, page, life)
        schemes: tuple[Scheme, ...] = ("light", "dark")
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme)
            for width in (PHONE, DESK):
                page.set_viewport_size({"width": width, "height": HEIGHT})
                assert violations(page) == [], f"{scheme} at {width}"


def test_axe_would_find_something(browsers: Browsers) -> None:
    """A check that cannot fail says nothing: pale text, a button of no name, a field with no label."""
    with browsers.page(None) as page:
        page.goto("/")
        page.evaluate(
            "() => { document.querySelector('main').innerHTML = "
            "'<h1>x</h1><p id=\"pale\">pale</p><button></button><input>';"
            "document.getElementById('pale').style.color = '#ddd'; }"
        )
        assert {found.partition(":")[0] for found in violations(page)} == {
            "button-name",
            "color-contrast",
            "label",
        }


@pytest.mark.parametrize("name", SIGHTS)
def test_a_page_fits_whoever_reads_it_large(browsers: Browsers, life: Life, name: str) -> None:
    """At 320 px (400 % on a desk), with wider spacing, with doubled text: all of it is there (1.4.4, 1.4.10, 1.4.12)."""
    with browsers.page(whose(name), width=NARROWEST) as page:
        opened(name, page, life)
        assert laid_out(page) == []
        styled(page, TEXT_SPACING)
        assert laid_out(page) == []
        page.set_viewport_size({"width": DESK, "height": HEIGHT})
        styled(page, TEXT_DOUBLED)
        assert laid_out(page) == []


@pytest.mark.parametrize("name", SIGHTS)
def test_a_finger_hits_what_it_means(browsers: Browsers, life: Life, name: str) -> None:
    """Buttons and tabs are at least 44 px each way, everything else 24 (2.5.8)."""
    with browsers.page(whose(name)) as page:
        opened(name, page, life)
        assert too_small(page, main=44, any_other=24) == []


def focused(page: Page, name: str) -> None:
    """Press Tab until something of that name is reached."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.innerText") == name:
            return
    pytest.fail(f"the keyboard does not come to {name!r}")


def opened_by_key(page: Page, name: str, key: str = "Enter") -> None:
    """Come to something by Tab and open it."""
    focused(page, name)
    with page.expect_navigation():
        page.keyboard.press(key)


def test_the_keyboard_is_enough(browsers: Browsers, portal: PortalWorld) -> None:
    """Log in, answer yes to all but health, and stop it again: with Tab, Enter, Space and arrows alone (2.1.1, 2.1.2)."""
    request(portal.world, SERVICES, CATEGORIES, national_id=NORA)
    context = browsers.fresh()
    page = context.new_page()
    page.goto("/")
    opened_by_key(page, "Logg inn")
    focused(page, f"person {PEOPLE.index(NORA)}")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{portal.url}/")
    opened_by_key(page, "Se hva de spør om")
    opened_by_key(page, _label(page, "ordinary-yes"), "Space")
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.matches('#special ~ * input')"):
            page.keyboard.press("ArrowRight")
        if page.evaluate("() => document.activeElement.innerText") == "Send svaret mitt":
            break
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Takk! Vi har fått svaret ditt")
    opened_by_key(page, "Endre eller stopp")
    opened_by_key(page, "Stopp")
    opened_by_key(page, "Stopp nå", "Space")
    expect(page.locator(".tag").first).to_have_text("stoppet")
    context.close()


def _label(page: Page, fill: str) -> str:
    return str(page.locator(f"button[value={fill}]").inner_text())


def test_a_screen_reader_is_told_the_start_page(browsers: Browsers, life: Life) -> None:
    """Landmarks, headings in order, and links that say where they lead when they are read by themselves (2.4.4, 4.1.2)."""
    with browsers.page() as page:
        opened("start", page, life)
        expect(page.locator("body")).to_match_aria_snapshot(
            """
            - link "Gå til innholdet"
            - banner:
              - link "Tillit"
              - form "Språk":
                - button "Bokmål" [pressed]
                - button "Nynorsk"
                - button "English"
            - navigation "Sider":
              - list:
                - listitem:
                  - link "Start"
            - main:
              - heading "Hei" [level=1]
              - region "Venter på deg":
                - heading "Nav Larvik (staten) spør deg om ja eller nei" [level=3]
                - paragraph:
                  - link "Se hva de spør om"
              - region "Hvem kan vite hva om deg":
                - list:
                  - listitem:
                    - 'link "Endre eller stopp : Oppfølgingstjenesten i Vestfold"'
              - region "Det siste som har skjedd"
            - contentinfo:
              - button "Logg ut"
              - button "Logg ut overalt"
            """
        )


def test_a_screen_reader_is_told_who_asks_for_what(browsers: Browsers, life: Life) -> None:
    """Each yes and no is inside a group that says who would be told what, also for whoever jumps from field to field."""
    with browsers.page() as page:
        opened("request", page, life)
        expect(page.get_by_role("main")).to_match_aria_snapshot(
            """
            - heading "Nav Larvik (staten) spør deg om ja eller nei" [level=1]
            - region "Hva de spør om":
              - 'group "Oppfølgingstjenesten i Vestfold: Skole"':
                - radio "Ja"
                - radio "Nei"
            - region "Ekstra følsomt":
              - 'group "Nav Larvik (staten): Helse"':
                - radio "Ja"
                - radio "Nei"
            - button "Send svaret mitt"
            """
        )
        groups = page.get_by_role("group").all()
        names = [
            group.locator("legend").inner_text()
            for group in groups
            if group.locator("legend").count()
        ]
        assert len(set(names)) == len(names)


def test_lines_left_open_are_said_aloud_and_pointed_at(browsers: Browsers, life: Life) -> None:
    """What went wrong is told in words at once, and each line that is missing says so itself (3.3.1, 3.3.3, 4.1.3)."""
    with browsers.page() as page:
        opened("request with lines left open", page, life)
        expect(page.get_by_role("alert")).to_contain_text("Ingenting er sendt")
        marked = page.locator("fieldset.wrong")
        assert marked.count() == page.locator("fieldset").count()
        for group in marked.all():
            expect(group).to_have_accessible_description(page.get_by_role("alert").inner_text())


def test_a_text_in_another_language_says_so(browsers: Browsers, life: Life) -> None:
    """A consent's text is kept in the language it was asked in, and read aloud as that (3.1.2)."""
    with browsers.page(language="en") as page:
        opened("request", page, life)
        text = page.locator("details p")
        expect(text).to_contain_text("kan")
        expect(text).to_have_attribute("lang", "nb")
