"""Told outside the portal, on its pages: chosen by the youth, confirmed by a code, taken back."""

import re
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from broker.portal import rooms
from tests.answering import code as problem
from tests.integration.bad_input import NAV, Unchanged
from tests.integration.world import World
from tests.portal import SARA, PortalWorld, Visitor

HERE = "/choices/contact"
ADDRESS = "emil.canary@example.no"


@pytest.fixture(scope="module", autouse=True)
def world(portal: PortalWorld) -> World:
    """The broker of the portal, which knows Emil and Nora."""
    portal.world.handle(NAV)
    portal.world.handle(NAV, SARA)
    return portal.world


@pytest.fixture
def emil(portal: PortalWorld) -> Iterator[Visitor]:
    """A browser in which Emil is logged in, who is told only here when it is over."""
    visitor = portal.logged_in()
    visitor.get(HERE)
    yield visitor
    visitor.get(HERE)
    if "/remove" in visitor.seen:
        assert visitor.press(f"{HERE}/remove").status_code == 303


def came(world: World, address: str) -> str:
    """The code that was sent to an address, once it lies in the folder and its sending was noted."""
    waits = text(
        "SELECT count(*) FROM contact WHERE channel = 'email' AND ended_at IS NULL "
        "AND confirmed_at IS NULL AND sent_at IS NULL"
    )
    for _ in range(300):
        with world.store_engine.connect() as connection:
            sent = connection.execute(waits).scalar_one() == 0
        for file in (world.directory / "mail").glob("*.txt") if sent else ():
            said = file.read_text()
            if f"To: {address}\n" in said and (found := re.search(r"\b[0-9]{6}\b", said)):
                return found[0]
        time.sleep(0.05)
    pytest.fail("no code came")


def test_from_nowhere_else_to_an_address_and_back(emil: Visitor, world: World) -> None:
    """In three presses there, in one back; the page says where it is each time."""
    assert "ingen andre steder" in emil.seen
    answer = emil.press(HERE, channel="email", address=f" {ADDRESS} ")
    assert (answer.status_code, answer.headers["location"]) == (303, HERE)
    assert ADDRESS in emil.get(HERE).text
    code = came(world, ADDRESS)
    answer = emil.press(f"{HERE}/confirm", code=f" {code[:3]} {code[3:]}")
    assert answer.status_code == 303
    shown = emil.get(HERE).text
    assert "Du får en e-post." in shown
    assert ADDRESS in shown
    overview = emil.get("/choices").text
    assert "Du får en e-post." in overview
    assert ADDRESS not in overview
    emil.get(HERE)
    assert emil.press(f"{HERE}/remove").status_code == 303
    assert ADDRESS not in emil.get(HERE).text


def test_an_address_is_given_after_a_fresh_login_only(portal: PortalWorld) -> None:
    """Whoever finds the phone unlocked cannot have the news sent elsewhere; to be told only here takes no more than a press."""
    who = {page.route: page.who for page in rooms.every()}
    assert who[f"POST {HERE}"] == "fresh"
    assert who[f"POST {HERE}/remove"] == "person"
    visitor = portal.logged_in()
    visitor.get(HERE)
    with portal.world.store_engine.begin() as connection:
        connection.execute(text("UPDATE portal_session SET login_at = login_at - 3600000000"))
    answer = visitor.press(HERE, channel="email", address=ADDRESS)
    assert (answer.status_code, problem(answer)) == (401, "session.stale")


@pytest.mark.parametrize(
    ("channel", "address", "said"),
    [
        ("email", "emil", "ikke en e-postadresse"),
        ("email", "  ", "ikke en e-postadresse"),
        ("email", "emil@example.no\r\nBcc: all@example.no", "ikke en e-postadresse"),
        ("email", "\u202eon.elpmaxe@lime", "ikke en e-postadresse"),
        ("sms", "22 22 22 22", "ikke et mobilnummer"),
        ("register", SARA, "ikke ditt eget fødselsnummer"),
        ("register", "12345678901", "ikke ditt eget fødselsnummer"),
    ],
)
def test_what_is_no_address_is_said_beside_its_field(
    emil: Visitor, world: World, channel: str, address: str, said: str
) -> None:
    """In plain words; nothing is kept, and what was written is not said back."""
    with Unchanged(world, entries=0):
        answer = emil.press(HERE, channel=channel, address=address)
    assert answer.status_code == 422
    assert said in answer.text
    assert f'id="{channel}-address"' in answer.text
    assert answer.text.count('aria-invalid="true"') == 1
    for sent in (address, "Bcc"):
        assert not sent.strip() or sent not in answer.text


def test_a_wrong_code_is_said_and_the_right_one_still_good(emil: Visitor, world: World) -> None:
    """Letters, too few digits, another's: none of them is an error page."""
    emil.press(HERE, channel="email", address="emil.second@example.no")
    emil.get(HERE)
    for wrong in ("abc", "1", "000000 1", "😀"):
        answer = emil.press(f"{HERE}/confirm", code=wrong)
        assert (answer.status_code, "Det er ikke koden" in answer.text) == (422, True)
    code = came(world, "emil.second@example.no")
    assert emil.press(f"{HERE}/confirm", code=code).status_code == 303


def test_a_code_that_nobody_waits_for(emil: Visitor) -> None:
    """An old page, sent again."""
    answer = emil.press(f"{HERE}/confirm", code="123456")
    assert answer.status_code == 422
    assert "Koden gjelder ikke lenger" in answer.text


def test_pressed_twice_it_is_one_act(emil: Visitor, world: World) -> None:
    """One code goes out; the second press says what the first did."""
    page = emil.seen
    emil.press(HERE, channel="email", address="emil.twice@example.no")
    came(world, "emil.twice@example.no")
    emil.seen = page
    with Unchanged(world, entries=0):
        assert emil.press(HERE, channel="email", address="emil.twice@example.no").status_code == 303
    emil.get(HERE)
    assert emil.press(f"{HERE}/remove").status_code == 303
    page = emil.seen
    emil.get(HERE)
    again = emil.press(f"{HERE}/remove")
    assert (again.status_code, problem(again)) == (404, "contact.none")


def test_ones_own_number_is_not_shown_on_the_page(portal: PortalWorld) -> None:
    """It is told where the public sector reaches them, without the number that says who they are."""
    sara = portal.logged_in(3)
    sara.get(HERE)
    answer = sara.press(HERE, channel="register", address=f"{SARA[:6]} {SARA[6:]}")
    assert answer.status_code == 303
    shown = sara.get(HERE).text
    assert "kontaktregisteret" in shown
    assert SARA not in shown
    assert sara.press(f"{HERE}/remove").status_code == 303


def test_whoever_is_no_subject_has_nothing_to_be_told_of(portal: PortalWorld) -> None:
    """A parent, a stranger: the page says so, and its forms do nothing."""
    for number in (2, 4):
        visitor = portal.logged_in(number)
        page = visitor.get(HERE)
        assert page.status_code == 200
        assert "<form" not in page.text.split("<main")[1].split("</main>")[0]
        answer = visitor.press(HERE, channel="email", address=ADDRESS)
        assert (answer.status_code, problem(answer)) == (404, "subject.none")


def test_more_codes_than_may_be_are_told_on_a_page(portal: PortalWorld) -> None:
    """And stop there, for that person only."""
    sara = portal.logged_in(3)
    for number in range(6):
        sara.get(HERE)
        answer = sara.press(HERE, channel="sms", address=f"9000000{number}")
        if answer.status_code != 303:
            break
    assert (answer.status_code, problem(answer)) == (429, "contact.too_many")
    sara.get(HERE)
    assert sara.press(f"{HERE}/remove").status_code == 303
