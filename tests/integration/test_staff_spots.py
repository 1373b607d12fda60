"""On the spot: a professional shows a code, and the youth answers on their own phone inside the appointment (N29)."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import segno
from sqlalchemy import select, update

from broker.domain.ids import ConsentId, UnitId
from broker.domain.spots import LASTS, Spot
from broker.store.portal_tables import spot as spots
from tests.answering import answered, ask, code, opened, view
from tests.integration.bad_input import NAV, Unchanged
from tests.integration.world import World
from tests.portal import ADVISER, COLLEAGUE, COUNSELLOR, SARA, PortalWorld, Visitor

NUMBER = {"emil": 0, "nora": 1, "stranger": 2, "sara": 3, "mother": 4}
_PATH = re.compile(r'<path class="dark" d="([^"]+)"')
_SQUARE = re.compile(r"M(\d+) (\d+)h1v1h-1z")
MARGIN = 4


@pytest.fixture(scope="module")
def world(portal: PortalWorld) -> World:
    """The broker of the portal."""
    return portal.world


@pytest.fixture(scope="module")
def adviser(portal: PortalWorld) -> Visitor:
    """An adviser of Nav's."""
    return portal.at_work(ADVISER)


def drawn(page: str) -> set[tuple[int, int]]:
    """The dark squares of the code that a page shows; empty where it shows none."""
    found = _PATH.search(page)
    return {(int(x), int(y)) for x, y in _SQUARE.findall(found[1])} if found else set()


def of(address: str) -> set[tuple[int, int]]:
    """The dark squares of the code for an address, as another writer of such codes places them."""
    rows = segno.make(address, micro=False, error="m").matrix
    return {
        (x + MARGIN, y + MARGIN) for y, row in enumerate(rows) for x, dark in enumerate(row) if dark
    }


def kept(world: World, consent: str) -> Spot | None:
    """What the database has of the request's code."""
    with world.store_engine.connect() as connection:
        row = connection.execute(select(spots).where(spots.c.consent == consent)).first()
    if row is None:
        return None
    return Spot(ConsentId(row.consent), UnitId(row.unit), row.actor, row.nonce, row.expires_at)


def shown(visitor: Visitor, world: World, consent: str) -> str:
    """Show a code for a request; where it leads, which is what the picture says."""
    visitor.get(f"/staff/requests/{consent}")
    answer = visitor.press(f"/staff/requests/{consent}/now")
    assert answer.headers["location"] == f"/staff/requests/{consent}#now"
    page = visitor.get(f"/staff/requests/{consent}").text
    spot = kept(world, consent)
    assert spot is not None
    path = f"/requests/now/{spot.code(visitor.http.cookies['tillit-staff'])}"
    assert drawn(page) == of(f"{visitor.url}{path}")
    assert path not in page
    return path


def refused(visitor: Visitor, path: str) -> str:
    """The friendly page that a code ends at; without its language form."""
    answer = visitor.get(path)
    assert (answer.status_code, code(answer)) == (404, "spot.gone")
    return re.sub(r'value="[^"]*"', "", answer.text)


def test_a_youth_scans_and_answers_and_the_employee_sees_it(
    portal: PortalWorld, adviser: Visitor, world: World
) -> None:
    """The whole way: a phone that was never here logs in, comes to the very request, answers; the desk asks and sees."""
    consent = ask(world)
    path = shown(adviser, world, consent)
    phone = portal.visitor()
    first = phone.get(path)
    assert (first.status_code, first.headers["location"]) == (303, f"/login?to={path}")
    assert phone.log_in(to=path).headers["location"] == path
    assert phone.get(path).headers["location"] == f"/requests/{consent}"
    assert "active" not in view(world, consent)["state"]
    answered(phone, consent)
    page = adviser.get(f"/staff/requests/{consent}").text
    assert drawn(page) == set()
    assert "/now" not in page
    assert ">i bruk</span>" in page


def test_showing_and_opening_are_in_the_log(
    portal: PortalWorld, adviser: Visitor, world: World
) -> None:
    """Who showed it, for which request; and that it was opened. Never the code."""
    consent = ask(world)
    path = shown(adviser, world, consent)
    portal.logged_in().get(path)
    entry = world.entries("spot.shown")[-1]
    assert (entry["consent"], entry["role"], entry["unit"]) == (consent, "veileder", NAV)
    assert entry["actor"].startswith("emp-")
    assert world.entries("spot.opened")[-1] == {"consent": consent, "unit": NAV}


def test_a_code_is_good_once(portal: PortalWorld, adviser: Visitor, world: World) -> None:
    """Replay, by the youth's own phone too: used is used."""
    consent = ask(world)
    path = shown(adviser, world, consent)
    phone = portal.logged_in()
    assert phone.get(path).status_code == 303
    with Unchanged(world, entries=0):
        refused(phone, path)
    assert drawn(adviser.get(f"/staff/requests/{consent}").text) == set()


@pytest.mark.parametrize("who", ["nora", "stranger", "sara", "mother"])
def test_a_code_leads_nobody_else_anywhere_and_is_not_used_up(
    portal: PortalWorld, adviser: Visitor, world: World, who: str
) -> None:
    """Whoever looks over a shoulder sees the page that an old code gives, to the letter; the youth's scan still works."""
    consent = ask(world)
    path = shown(adviser, world, consent)
    other = portal.logged_in(NUMBER[who])
    with Unchanged(world, entries=0):
        theirs = refused(other, path)
    assert theirs == refused(other, f"/requests/now/{'a' * 22}")
    assert consent not in theirs
    assert portal.logged_in().get(path).headers["location"] == f"/requests/{consent}"


def test_a_code_is_over_after_a_quarter_of_an_hour(
    portal: PortalWorld, adviser: Visitor, world: World
) -> None:
    """Also a photograph of it; and the desk shows it no more."""
    consent = ask(world)
    path = shown(adviser, world, consent)
    spot = kept(world, consent)
    assert spot is not None
    now = datetime.now(UTC)
    assert timedelta(0) < spot.expires_at - now <= LASTS == timedelta(minutes=15)
    with world.store_engine.begin() as connection:
        mine = spots.c.consent == consent
        connection.execute(update(spots).where(mine).values(expires_at=now))
    phone = portal.logged_in()
    with Unchanged(world, entries=0):
        old = refused(phone, path)
    assert old == refused(phone, f"/requests/now/{'a' * 22}")
    assert drawn(adviser.get(f"/staff/requests/{consent}").text) == set()


def test_another_code_takes_the_place_of_the_first(
    portal: PortalWorld, adviser: Visitor, world: World
) -> None:
    """One at most is good for a request."""
    consent = ask(world)
    first = shown(adviser, world, consent)
    second = shown(adviser, world, consent)
    phone = portal.logged_in()
    assert first != second
    refused(phone, first)
    assert phone.get(second).status_code == 303


def test_a_colleague_does_not_see_the_code_and_can_show_another(
    portal: PortalWorld, adviser: Visitor, world: World
) -> None:
    """Only the browser that made a code can draw it: nothing that is kept tells it."""
    consent = ask(world)
    first = shown(adviser, world, consent)
    colleague = portal.at_work(COLLEAGUE)
    assert drawn(colleague.get(f"/staff/requests/{consent}").text) == set()
    again = portal.at_work(ADVISER)
    assert drawn(again.get(f"/staff/requests/{consent}").text) == set()
    shown(colleague, world, consent)
    refused(portal.logged_in(), first)


def test_another_unit_shows_no_code(portal: PortalWorld, adviser: Visitor, world: World) -> None:
    """Though it is a party to the request; and what is shown already stays good."""
    consent = ask(world)
    path = shown(adviser, world, consent)
    school = portal.at_work(COUNSELLOR)
    school.get("/staff")
    answer = school.press(f"/staff/requests/{consent}/now")
    assert (answer.status_code, code(answer)) == (404, "consent.unknown")
    assert portal.logged_in().get(path).status_code == 303


def test_a_session_at_work_opens_no_code(adviser: Visitor, world: World) -> None:
    """The employee's own browser is led to a login as a person."""
    path = shown(adviser, world, ask(world))
    assert adviser.get(path).headers["location"] == f"/login?to={path}"


def test_no_code_is_shown_for_what_is_answered(
    portal: PortalWorld, adviser: Visitor, world: World
) -> None:
    """There is nothing to be brought to any more."""
    consent = ask(world)
    adviser.get(f"/staff/requests/{consent}")
    answered(portal.logged_in(), consent)
    with Unchanged(world, entries=1):
        answer = adviser.press(f"/staff/requests/{consent}/now")
    assert (answer.status_code, code(answer)) == (409, "consent.state")


def test_a_guardian_who_must_answer_comes_by_a_code_too(
    portal: PortalWorld, adviser: Visitor, world: World
) -> None:
    """And sees no more by it than by any other way: the lines that need them."""
    consent = ask(world, SARA)
    path = shown(adviser, world, consent)
    mother = portal.logged_in(NUMBER["mother"])
    assert mother.get(path).headers["location"] == f"/requests/{consent}"
    shown_to_her = {
        n for name in opened(mother, consent) for n in name.removeprefix("line.").split(",")
    }
    lines = view(world, consent, SARA)["grants"]
    assert shown_to_her == {line["id"] for line in lines if line["category"] == "health"}


def test_a_code_lies_nowhere(portal: PortalWorld, adviser: Visitor, world: World) -> None:
    """Nor in the database, which has what only the session's token makes a code of; nor in any record of the log."""
    path = shown(adviser, world, ask(world))
    token = adviser.http.cookies["tillit-staff"]
    where = {file.name: file.read_bytes() for file in world.directory.glob("broker.db*")}
    code_ = path.rpartition("/")[2]
    assert [name for name, content in where.items() if code_.encode() in content] == []
    assert [name for name, content in where.items() if token.encode() in content] == []
    assert portal.logged_in().get(path).status_code == 303


@pytest.mark.parametrize("told", ["a" * 21, "a" * 23, "a" * 21 + "!", "%2e%2e", "a" * 2000])
def test_what_is_no_code_is_nothing(portal: PortalWorld, told: str) -> None:
    """Refused by its form, and nothing is looked up."""
    assert portal.logged_in().get(f"/requests/now/{told}").status_code in {404, 414}
