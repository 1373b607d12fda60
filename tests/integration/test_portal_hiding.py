"""Hiding in the portal: a youth keeps from the others that one of the services helps them, and shows it again."""

import re

import pytest

from tests.answering import code
from tests.integration.bad_input import NAV, SCHOOL, Unchanged, a_request
from tests.integration.world import EMIL
from tests.portal import PortalWorld, Visitor

PAGE = "/choices/hidden"
UNIT = re.compile(r'name="unit" value="([^"]+)">.{0,200}?name="hidden" value="(yes|no)"', re.DOTALL)


@pytest.fixture
def emil(portal: PortalWorld) -> Visitor:
    """A browser in which Emil, whom Nav asked for a yes, is logged in; he hides nobody."""
    world = portal.world
    asked = a_request(world.handle(NAV), services=[NAV, SCHOOL], categories=["involvement"])
    assert world.post("/v1/consents", asked, unit=NAV).status_code == 201
    world.post("/v1/me/hidden", {"unit": SCHOOL, "hidden": False}, person=EMIL)
    return portal.logged_in()


def offered(page: str) -> dict[str, str]:
    """Each service on the page, and what its button does."""
    return dict(UNIT.findall(page))


def hides(portal: PortalWorld) -> list[str]:
    """The services that Emil hides."""
    found = portal.world.get("/v1/me/hidden", person=EMIL).json()["hidden"]
    return [str(one["unit"]) for one in found]


def test_a_service_is_hidden_and_shown_again(portal: PortalWorld, emil: Visitor) -> None:
    """One press each way; the page says what is so."""
    assert offered(emil.get(PAGE).text) == {NAV: "yes", SCHOOL: "yes"}
    answer = emil.press(PAGE, unit=SCHOOL, hidden="yes")
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    assert hides(portal) == [SCHOOL]
    assert offered(emil.get(PAGE).text) == {NAV: "yes", SCHOOL: "no"}
    emil.press(PAGE, unit=SCHOOL, hidden="no")
    assert hides(portal) == []


def test_the_page_says_what_hiding_cannot_do(emil: Visitor) -> None:
    """Else a youth would trust it with what a law or an emergency tells all the same."""
    page = emil.get(PAGE).text
    assert "en lov" in page
    assert "livet eller helsa" in page
    assert PAGE in emil.get("/choices").text


@pytest.mark.parametrize(
    ("fields", "status", "expected"),
    [
        ({"unit": SCHOOL, "hidden": "maybe"}, 400, "body.form"),
        ({"unit": SCHOOL}, 400, "body.form"),
        ({"unit": EMIL, "hidden": "yes"}, 404, "service.unknown"),
        ({"unit": "\N{RIGHT-TO-LEFT OVERRIDE}😀", "hidden": "yes"}, 400, "body.form"),
        ({"unit": "n" * 5000, "hidden": "yes"}, 400, "body.form"),
        ({"unit": SCHOOL, "hidden": "yes", "for": "nora"}, 400, "body.form"),
    ],
)
def test_a_form_that_was_tampered_with_hides_nothing(
    portal: PortalWorld, emil: Visitor, fields: dict[str, str], status: int, expected: str
) -> None:
    """A page says so, and does not say back what was sent."""
    emil.get(PAGE)
    with Unchanged(portal.world, entries=0):
        answer = emil.press(PAGE, **fields)
    assert (answer.status_code, code(answer)) == (status, expected)
    assert EMIL not in answer.text
