"""What looks wrong, in the portal: a youth says so of something that was shared, reads the answer, and is done with it."""

import re

import pytest

from tests.answering import code
from tests.integration.bad_input import ACTOR, NAV, SCHOOL, Unchanged, a_deposit, an_ask
from tests.integration.world import EMIL, World
from tests.portal import PortalWorld, Visitor

REASON = re.compile(r'type="radio" name="reason" value="([a-z_]+)"')


@pytest.fixture(scope="module")
def world(portal: PortalWorld) -> World:
    """The broker of the portal."""
    return portal.world


@pytest.fixture
def disclosure(world: World) -> str:
    """What Nav asked about Emil just now."""
    made = world.post("/v1/disclosures", an_ask(world.handle(NAV)), unit=NAV)
    assert made.status_code in {200, 201}, made.text
    return str(made.json()["id"])


@pytest.fixture
def emil(portal: PortalWorld) -> Visitor:
    """A browser in which Emil is logged in."""
    return portal.logged_in()


def answered(world: World, finding: str) -> None:
    """Nav answers whatever waits for it."""
    listed = world.get("/v1/complaints?open_only=true&limit=200", unit=NAV).json()["complaints"]
    for one in listed:
        body = {"finding": finding, "actor": ACTOR}
        path = f"/v1/complaints/{one['id']}/answer"
        assert world.post(path, body, unit=NAV).status_code == 200


@pytest.mark.parametrize(
    ("finding", "said"),
    [
        ("right", "sier at det var riktig"),
        ("wrong_stopped", "at de har stoppet det"),
        ("not_ours", "sier at det ikke var dem"),
    ],
)
def test_a_youth_says_that_it_looks_wrong_and_reads_the_answer(
    world: World, emil: Visitor, disclosure: str, finding: str, said: str
) -> None:
    """No reason is chosen beforehand; until the service has answered the page says when it must."""
    path = f"/shared/{disclosure}"
    page = emil.get(path).text
    assert len(REASON.findall(page)) == len(set(REASON.findall(page))) > 3
    assert "checked" not in page
    answer = emil.press(f"{path}/wrong", reason="not_needed")
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    page = emil.get(path).text
    assert REASON.findall(page) == []
    assert "De trenger ikke å vite dette" in page
    assert "har ikke svart ennå" in page
    assert "du sa det ser feil ut" in emil.get("/shared").text
    answered(world, finding)
    assert said in emil.get(path).text
    assert "har svart på det du sa ser feil ut" in emil.get("/").text
    assert emil.get(path).text.count("/settled") == 1
    emil.press(f"{path}/settled")
    page = emil.get(path).text
    assert said in page
    assert "/settled" not in page
    assert "Det ser fortsatt feil ut" in page
    emil.press(f"{path}/settled")


def test_nothing_looks_wrong_about_ones_own_reading(world: World, emil: Visitor) -> None:
    """There is nobody who could answer."""
    deposit = a_deposit(world, world.handle(SCHOOL))
    assert world.post("/v1/deposits", deposit, unit=SCHOOL).status_code == 201
    emil.get("/values")
    (own, *_) = re.findall(r'own">.*?href="(/shared/dis_[\w-]{22})"', emil.get("/shared").text)
    assert REASON.findall(emil.get(own).text) == []
    with Unchanged(world, entries=0):
        answer = emil.press(f"{own}/wrong", reason="other")
    assert (answer.status_code, code(answer)) == (422, "complaint.own_reading")


def test_two_windows_that_say_so_open_one(
    portal: PortalWorld, world: World, emil: Visitor, disclosure: str
) -> None:
    """The second is told that it was said."""
    path = f"/shared/{disclosure}"
    other = portal.logged_in()
    other.get(path)
    emil.get(path)
    emil.press(f"{path}/wrong", reason="stopped")
    with Unchanged(world, entries=0):
        answer = other.press(f"{path}/wrong", reason="other")
    assert (answer.status_code, code(answer)) == (409, "complaint.open")


@pytest.mark.parametrize(
    ("fields", "status", "expected"),
    [
        ({}, 400, "body.form"),
        ({"reason": "no_such_word"}, 422, "complaint.reason"),
        ({"reason": "😀"}, 400, "body.form"),
        ({"reason": "other", "text": EMIL}, 400, "body.form"),
    ],
)
def test_a_form_that_was_tampered_with_says_nothing(
    world: World,
    emil: Visitor,
    disclosure: str,
    fields: dict[str, str],
    status: int,
    expected: str,
) -> None:
    """Nothing is opened, and the page says so."""
    emil.get(f"/shared/{disclosure}")
    with Unchanged(world, entries=0):
        answer = emil.press(f"/shared/{disclosure}/wrong", **fields)
    assert (answer.status_code, code(answer)) == (status, expected)
    assert EMIL not in answer.text
