"""Taps: how few it takes to answer and to stop, counted by real clicks on a phone."""

from dataclasses import dataclass

from playwright.sync_api import Page, expect

from tests.browser.chromium import Browsers
from tests.browser.life import CATEGORIES, SERVICES, answered, request
from tests.integration.world import NORA
from tests.portal import PEOPLE, PortalWorld

WHO = PEOPLE.index(NORA)


@dataclass
class Finger:
    """Taps on a page, and counts."""

    page: Page
    taps: int = 0

    def tap(self, role: str, name: str, *, within: str = "main") -> None:
        """Tap on what a person reads, and wait for the page that comes."""
        target = self.page.locator(within).get_by_role(role, name=name).first  # type: ignore[arg-type]  # of ARIA's
        with self.page.expect_navigation():
            target.click()
        self.taps += 1


def test_yes_to_all_but_health_takes_at_most_seven_taps(
    browsers: Browsers, portal: PortalWorld
) -> None:
    """N4: to give a careful answer is as quick as to give a careless one."""
    consent = request(portal.world, SERVICES, CATEGORIES, national_id=NORA)
    with browsers.page(WHO) as page:
        page.goto(f"/requests/{consent}")
        finger = Finger(page)
        finger.tap("button", "Ja til alt her", within="section[aria-labelledby=ordinary]")
        finger.tap("button", "Nei til alt her", within="section[aria-labelledby=special]")
        finger.tap("button", "Send svaret mitt")
        expect(page.get_by_role("heading", level=1)).to_have_text("Takk! Vi har fått svaret ditt")
    assert finger.taps <= 7
    lines = portal.world.get(f"/v1/me/consents/{consent}", person=NORA).json()["grants"]
    assert {(line["special"], line["answer"]) for line in lines} == {(False, "yes"), (True, "no")}


def test_from_the_start_page_to_stopped_takes_at_most_three_taps(
    browsers: Browsers, portal: PortalWorld
) -> None:
    """Whoever regrets is not worn out on the way."""
    consent = answered(portal.world, SERVICES, CATEGORIES, national_id=NORA)
    with browsers.page(WHO) as page:
        page.goto("/")
        finger = Finger(page)
        finger.tap("link", "Endre eller stopp")
        finger.tap("link", "Stopp")
        finger.tap("button", "Stopp nå")
        expect(page.locator(".tag").first).to_have_text("stoppet")
    assert finger.taps <= 3
    view = portal.world.get(f"/v1/me/consents/{consent}", person=NORA).json()
    assert view["state"] == "withdrawn"
