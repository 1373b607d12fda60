"""Contesting in the portal: a youth says that a value is not right, sees what that leads to, and takes it back."""

import re
from html import unescape

import pytest

from tests.answering import code
from tests.integration.bad_input import ACTOR, SCHOOL, Unchanged, a_deposit
from tests.integration.world import EMIL, World
from tests.portal import PortalWorld, Visitor

FORM = re.compile(r'action="/values/(rec_[\w-]{22})/(contest|lift)"')
RATE = "education.attendance.rate"
WORDS = "Jeg var syk i <b>mai</b> 😀\nog de skrev fravær"


@pytest.fixture(scope="module")
def world(portal: PortalWorld) -> World:
    """The broker of the portal."""
    return portal.world


@pytest.fixture
def record(world: World) -> str:
    """What the school wrote about Emil last, which nobody contests; the record."""
    answer = world.post("/v1/deposits", a_deposit(world, world.handle(SCHOOL)), unit=SCHOOL)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["deposited"][RATE])


@pytest.fixture
def emil(portal: PortalWorld) -> Visitor:
    """A browser in which Emil is logged in."""
    return portal.logged_in()


def forms(page: str, record: str) -> list[str]:
    """What can be done to a value on the page."""
    return [act for which, act in FORM.findall(page) if which == record]


def test_a_value_is_contested_and_taken_back(emil: Visitor, record: str) -> None:
    """The page says what whoever gets the value is told; another words take the place of the first."""
    assert forms(emil.get("/values").text, record) == ["contest"]
    answer = emil.press(f"/values/{record}/contest", text="feil")
    assert (answer.status_code, answer.headers["location"]) == (303, "/values")
    assert forms(emil.get("/values").text, record) == ["contest", "lift"]
    emil.press(f"/values/{record}/contest", text=WORDS)
    page = emil.get("/values").text
    assert "<b>" not in page
    (said,) = re.findall(r"<blockquote[^>]*>(.*?)</blockquote>", page, re.DOTALL)
    assert unescape(said) == WORDS
    emil.press(f"/values/{record}/lift")
    assert forms(emil.get("/values").text, record) == ["contest"]


def test_what_the_source_says_to_it_stands_beside_it(
    world: World, emil: Visitor, record: str
) -> None:
    """Nothing yet, then its finding; and the youth is told on the first page."""
    emil.get("/values")
    emil.press(f"/values/{record}/contest", text=WORDS)
    assert "har ikke svart ennå" in emil.get("/values").text
    for finding, said in [
        ("looking_into", "ser på saken"),
        ("stands", "sier at det stemmer"),
        ("corrected", "har rettet det"),
    ]:
        body = {"finding": finding, "actor": ACTOR}
        assert world.post(f"/v1/contests/{record}/reply", body, unit=SCHOOL).status_code == 200
        assert said in emil.get("/values").text
    assert "har svart på det du sa ikke stemmer" in emil.get("/").text


def test_what_was_contested_before_something_newer_was_written(
    world: World, emil: Visitor, record: str
) -> None:
    """It is not lost from sight with the value: the youth says that it is settled."""
    emil.get("/values")
    emil.press(f"/values/{record}/contest", text=WORDS)
    newer = world.post("/v1/deposits", a_deposit(world, world.handle(SCHOOL)), unit=SCHOOL).json()
    page = emil.get("/values").text
    assert forms(page, record) == ["lift"]
    assert forms(page, newer["deposited"][RATE]) == ["contest"]
    emil.press(f"/values/{record}/lift")
    assert forms(emil.get("/values").text, record) == []


@pytest.mark.parametrize(
    ("path", "fields", "status", "expected"),
    [
        ("contest", {"text": ""}, 400, "body.form"),
        ("contest", {"text": "x" * 2001}, 400, "body.form"),
        ("contest", {}, 400, "body.form"),
        ("contest", {"text": "nei", "field": RATE}, 400, "body.form"),
        ("lift", {}, 404, "contest.unknown"),
    ],
)
def test_a_form_that_was_tampered_with_contests_nothing(
    world: World,
    emil: Visitor,
    record: str,
    path: str,
    fields: dict[str, str],
    status: int,
    expected: str,
) -> None:
    """A page says so."""
    emil.get("/values")
    before = world.get("/v1/me/contests", person=EMIL).json()
    with Unchanged(world, entries=0):
        answer = emil.press(f"/values/{record}/{path}", **fields)
    assert (answer.status_code, code(answer)) == (status, expected)
    assert world.get("/v1/me/contests", person=EMIL).json() == before


@pytest.mark.parametrize("which", [EMIL, "rec_x", "rec_😀", "con_" + "a" * 22, "rec_" + "a" * 22])
def test_what_is_no_value_of_mine_is_not_there(world: World, emil: Visitor, which: str) -> None:
    """Whatever stands in the address."""
    emil.get("/values")
    with Unchanged(world, entries=0):
        answer = emil.press(f"/values/{which}/contest", text="nei")
    assert answer.status_code == 404
    assert EMIL not in answer.text
