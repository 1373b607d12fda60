"""Being asked first, in the portal: a youth puts it on a line, sees it work, and takes it off again."""

import re

import pytest

from tests.answering import answered, ask, code, outcome, view
from tests.integration.bad_input import ACTOR, NAV, SCHOOL, Unchanged, a_deposit, a_request
from tests.integration.world import EMIL, World
from tests.portal import SARA, PortalWorld, Visitor

WORD = re.compile(r'name="(line\.[^"]+)" value="([a-z_]+)"( checked)?')


@pytest.fixture(scope="module", autouse=True)
def world(portal: PortalWorld) -> World:
    """The broker of the portal, to which the school has told Emil's attendance."""
    world = portal.world
    assert world.post(
        "/v1/deposits", a_deposit(world, world.handle(SCHOOL)), unit=SCHOOL
    ).status_code == 201  # fmt: skip
    return world


@pytest.fixture
def emil(portal: PortalWorld) -> Visitor:
    """A browser in which Emil is logged in."""
    return portal.logged_in()


@pytest.fixture
def consent(world: World, emil: Visitor) -> str:
    """One on school that Emil has said yes to."""
    asked = ask(world, categories=["education"])
    answered(emil, asked)
    return asked


def chosen(visitor: Visitor, consent: str) -> dict[str, str]:
    """What the page has chosen for each of its lines."""
    visitor.get(f"/consents/{consent}/conditions")
    return {name: word for name, word, checked in WORD.findall(visitor.seen) if checked}


def words_of(world: World, consent: str, person: str = EMIL) -> list[str | None]:
    """What stands beside each line."""
    return [line["condition"].get("also") for line in view(world, consent, person)["grants"]]


def test_it_is_offered_where_one_has_just_answered(emil: Visitor, consent: str) -> None:
    """Nobody finds what is offered only in a menu."""
    assert f"/consents/{consent}/conditions" in emil.get(f"/requests/{consent}/answered").text
    assert f"/consents/{consent}/conditions" in emil.get(f"/consents/{consent}").text


def test_a_youth_wants_to_be_asked_first_is_asked_and_lets_it_go_again(
    emil: Visitor, consent: str, world: World
) -> None:
    """From the page to the ask that waits, to the question on the start page, and back to as it was."""
    before = chosen(emil, consent)
    assert set(before.values()) == {"none"}
    answer = emil.press(f"/consents/{consent}/conditions", **dict.fromkeys(before, "ask_me_first"))
    assert (answer.status_code, answer.headers["location"]) == (303, f"/consents/{consent}")
    assert "de spør meg først" in emil.get(f"/consents/{consent}").text
    assert outcome(world) == "refused"
    question = re.search(r'action="(/questions/[^"]+)"', emil.get("/").text)
    assert question
    emil.press(question[1], answer="yes")
    assert (outcome(world), outcome(world)) == ("released", "refused")
    assert set(chosen(emil, consent).values()) == {"ask_me_first"}
    emil.press(f"/consents/{consent}/conditions", **before)
    assert "de spør meg først" not in emil.get(f"/consents/{consent}").text
    assert outcome(world) == "released"


def test_one_line_is_not_the_others(emil: Visitor, consent: str, world: World) -> None:
    """What was chosen for one recipient stands there alone."""
    first, *others = chosen(emil, consent)
    fields = {first: "only_when_present"} | dict.fromkeys(others, "none")
    emil.press(f"/consents/{consent}/conditions", **fields)
    assert chosen(emil, consent) == fields
    lines = set(first.removeprefix("line.").split(","))
    found = {g["id"]: g["condition"].get("also") for g in view(world, consent)["grants"]}
    assert {line for line, word in found.items() if word} == lines


def test_everything_at_once(emil: Visitor, consent: str, world: World) -> None:
    """One tap for whoever wants to be asked about all of it, whatever else the form says."""
    fields = chosen(emil, consent) | {"all": "ask_me_first"}
    emil.press(f"/consents/{consent}/conditions", **fields)
    assert set(words_of(world, consent)) == {"ask_me_first"}


def test_nothing_chosen_anew_is_nothing_done(emil: Visitor, consent: str, world: World) -> None:
    """A page that is only saved makes no entry and tells no service of a change."""
    before = chosen(emil, consent)
    with Unchanged(world, entries=0):
        answer = emil.press(f"/consents/{consent}/conditions", **before)
    assert answer.status_code == 303


def test_what_the_request_promised_is_not_taken_off(emil: Visitor, world: World) -> None:
    """It stood in the text that was read: the page offers no way past it, and a made-up form finds none."""
    wanted = a_request(
        world.handle(NAV),
        services=[NAV, SCHOOL],
        categories=["education"],
        condition={"kind": "standing", "also": "ask_me_first"},
        actor=ACTOR,
    )
    made = world.post("/v1/consents", wanted, unit=NAV)
    assert made.status_code == 201, made.text
    consent = str(made.json()["id"])
    answered(emil, consent)
    before = chosen(emil, consent)
    assert set(before.values()) == {"ask_me_first"}
    assert 'value="none"' not in emil.seen
    emil.press(f"/consents/{consent}/conditions", **dict.fromkeys(before, "only_when_present"))
    assert set(words_of(world, consent)) == {"only_when_present"}
    chosen(emil, consent)
    emil.press(f"/consents/{consent}/conditions", **dict.fromkeys(before, "none"))
    assert set(words_of(world, consent)) == {"ask_me_first"}


def test_a_page_that_is_not_as_it_was_changes_nothing(
    portal: PortalWorld, emil: Visitor, consent: str, world: World
) -> None:
    """Paused in one tab, saved in another that does not know."""
    other = portal.logged_in()
    fields = dict.fromkeys(chosen(other, consent), "ask_me_first")
    emil.get(f"/consents/{consent}")
    emil.press(f"/consents/{consent}/pause")
    with Unchanged(world, entries=0):
        answer = other.press(f"/consents/{consent}/conditions", **fields)
    assert (answer.status_code, code(answer)) == (409, "consent.moved")
    assert set(words_of(world, consent)) == {None}


@pytest.mark.parametrize(
    "fields",
    [
        {"line.g999": "ask_me_first"},
        {"line.g1": "always"},
        {"line.g1": "\N{GRINNING FACE}"},
        {"line.\u202eg1": "none"},
        {"all": "none"},
        {"more": "1"},
    ],
    ids=ascii,
)
def test_what_no_page_sends_changes_nothing(
    emil: Visitor, consent: str, world: World, fields: dict[str, str]
) -> None:
    """Whatever stands in whichever field, and never our fault."""
    chosen(emil, consent)
    with Unchanged(world, entries=0):
        answer = emil.press(f"/consents/{consent}/conditions", **fields)
    assert 400 <= answer.status_code < 500
    assert set(words_of(world, consent)) == {None}


def test_what_is_over_has_no_such_page(emil: Visitor, consent: str) -> None:
    """Nothing is shared on it, so there is nothing to be asked about."""
    emil.get(f"/consents/{consent}/stop")
    emil.press(f"/consents/{consent}/stop")
    assert f"/consents/{consent}/conditions" not in emil.get(f"/consents/{consent}").text
    answer = emil.get(f"/consents/{consent}/conditions")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/consents/{consent}")


def test_a_child_asks_for_more_care_than_the_parent_and_not_for_less(
    portal: PortalWorld, world: World
) -> None:
    """Health at fifteen: what Sara puts on, her mother alone takes off, and the page says so."""
    sara, mother = portal.logged_in(3), portal.logged_in(4)
    consent = ask(world, SARA, categories=["health"])
    names = re.findall(r'name="(line\.[^"]+)" value="yes"', mother.get(f"/requests/{consent}").text)
    fields = dict.fromkeys(names, "yes") | {"child_heard": "yes"}
    assert mother.press(f"/requests/{consent}/answer", **fields).status_code == 303
    sara.press(
        f"/consents/{consent}/conditions", **dict.fromkeys(chosen(sara, consent), "ask_me_first")
    )
    assert set(words_of(world, consent, SARA)) == {"ask_me_first"}
    answer = sara.press(
        f"/consents/{consent}/conditions", **dict.fromkeys(chosen(sara, consent), "none")
    )
    assert code(answer) == "consent.lines_not_for_signer"
    assert "foresatt" in answer.text
    mother.press(
        f"/consents/{consent}/conditions", **dict.fromkeys(chosen(mother, consent), "none")
    )
    assert set(words_of(world, consent, SARA)) == {None}
