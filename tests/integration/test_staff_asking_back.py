"""Asking back, as a service without a system of its own reads and answers it."""

import pytest

from tests.answering import ask, opened, view
from tests.integration.bad_input import Unchanged
from tests.integration.world import World
from tests.portal import ADVISER, COUNSELLOR, PortalWorld, Visitor


@pytest.fixture(scope="module")
def world(portal: PortalWorld) -> World:
    """The broker of the portal."""
    return portal.world


@pytest.fixture(scope="module")
def adviser(portal: PortalWorld) -> Visitor:
    """An adviser of Nav's."""
    return portal.at_work(ADVISER)


def test_what_a_youth_asks_is_read_and_answered(
    portal: PortalWorld, adviser: Visitor, world: World
) -> None:
    """Both read both; when everything has its answer there is no button more."""
    consent = ask(world)
    emil = portal.logged_in()
    page = f"/staff/requests/{consent}"
    assert f"{page}/reply" not in adviser.get(page).text
    opened(emil, consent)
    emil.press(f"/requests/{consent}/ask-back", ask="why_needed")
    assert "Hvorfor trenger dere dette?" in adviser.get(page).text
    answer = adviser.press(f"{page}/reply", reply="when_we_meet")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{page}#between")
    assert "Vi tar det når vi møtes." in adviser.get(page).text
    assert f"{page}/reply" not in adviser.seen
    opened(emil, consent)
    assert "Vi tar det når vi møtes." in emil.seen
    with Unchanged(world, entries=1):
        assert adviser.press(f"{page}/reply", reply="when_we_meet").status_code == 409


def test_another_unit_neither_reads_nor_answers(
    portal: PortalWorld, adviser: Visitor, world: World
) -> None:
    """Nor does anybody answer in words of their own."""
    consent = ask(world)
    emil, counsellor = portal.logged_in(), portal.at_work(COUNSELLOR)
    opened(emil, consent)
    emil.press(f"/requests/{consent}/ask-back", ask="why_needed")
    before = view(world, consent)
    counsellor.get("/staff")
    with Unchanged(world, entries=1):
        other = counsellor.press(f"/staff/requests/{consent}/reply", reply="will_contact")
    assert other.status_code == 404
    adviser.get(f"/staff/requests/{consent}")
    with Unchanged(world, entries=1):
        own = adviser.press(f"/staff/requests/{consent}/reply", reply="Ring meg")
    assert own.status_code == 400
    assert view(world, consent) == before
