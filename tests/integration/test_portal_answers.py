"""Answering in the portal: a youth says yes and no line by line, and changes their mind."""

import re
from datetime import UTC, datetime

import pytest

from tests.answering import LINE, TICK, answered, ask, code, opened, outcome, view
from tests.integration.bad_input import ACTOR, NAV, SCHOOL, Unchanged, a_deposit
from tests.integration.world import World
from tests.portal import PortalWorld, Visitor


@pytest.fixture(scope="module", autouse=True)
def world(portal: PortalWorld) -> World:
    """The broker of the portal, to which the school has told Emil's attendance."""
    world = portal.world
    handle = world.handle(SCHOOL)
    assert world.post("/v1/deposits", a_deposit(world, handle), unit=SCHOOL).status_code == 201
    return world


@pytest.fixture
def emil(portal: PortalWorld) -> Visitor:
    """A browser in which Emil is logged in."""
    return portal.logged_in()


@pytest.fixture
def consent(world: World) -> str:
    """One that Emil is asked for."""
    return ask(world)


# --- a request ---


def test_nothing_is_chosen_beforehand(emil: Visitor, consent: str, world: World) -> None:
    """Every line has a yes and a no of the same kind, and neither is pressed; no line is missing."""
    names = opened(emil, consent)
    assert "checked" not in emil.seen
    assert emil.seen.count('value="yes"') == emil.seen.count('value="no"') == len(names)
    asked = {line["id"] for line in view(world, consent)["grants"]}
    shown = [line for name in names for line in name.removeprefix("line.").split(",")]
    assert sorted(asked) == sorted(shown)


def test_what_is_especially_sensitive_stands_apart(
    emil: Visitor, consent: str, world: World
) -> None:
    """No button answers both: each group has its own, and the line says what it is."""
    opened(emil, consent)
    ordinary, special = emil.seen.split('<h2 id="special">')
    lines = view(world, consent)["grants"]
    for line in lines:
        assert re.search(rf'name="line\.([g0-9,]+,)?{line["id"]}[,"]', special) is not None or (
            not line["special"]
        )
        assert (re.search(rf'name="line\.([g0-9,]+,)?{line["id"]}[,"]', ordinary) is None) == (
            line["special"]
        )
    assert any(line["special"] for line in lines)


def test_a_line_left_open_is_asked_for_and_nothing_is_sent(
    emil: Visitor, consent: str, world: World
) -> None:
    """What was chosen stays chosen, and silence is never a no or a yes."""
    first, *others = opened(emil, consent)
    with Unchanged(world, entries=0):
        answer = emil.press(f"/requests/{consent}/answer", **{first: "no"})
    assert answer.status_code == 422
    assert answer.text.count('class="ask wrong"') == len(others)
    assert answer.text.count("checked") == 1
    assert view(world, consent)["state"] == "requested"


@pytest.mark.parametrize("fill", ["ordinary-yes", "ordinary-no", "special-yes", "special-no"])
def test_a_group_can_be_chosen_at_once_and_is_not_sent(
    emil: Visitor, consent: str, world: World, fill: str
) -> None:
    """It chooses for its own group only, and keeps what was chosen in the other."""
    names = opened(emil, consent)
    group, _, said = fill.partition("-")
    ordinary = set(LINE.findall(emil.seen.split('<h2 id="special">')[0]))
    other = [name for name in names if (name in ordinary) != (group == "ordinary")]
    with Unchanged(world, entries=0):
        answer = emil.press(f"/requests/{consent}/fill", fill=fill, **{other[0]: "no"})
    assert answer.status_code == 200
    chosen = re.findall(r'name="(line\.[^"]+)" value="(yes|no)" checked', answer.text)
    mine = {name: said for name in names if name not in other}
    assert dict(chosen) == mine | {other[0]: "no"}


def test_a_preview_shows_who_would_be_told_what_and_changes_nothing(
    emil: Visitor, consent: str, world: World
) -> None:
    """With a yes to all Nav would be told; the way back keeps the choice."""
    names = opened(emil, consent)
    chosen = dict.fromkeys(names, "yes")
    before = view(world, consent)
    answer = emil.press(f"/requests/{consent}/preview", **chosen)
    assert answer.status_code == 200
    assert "Nav Larvik" in answer.text
    assert view(world, consent) == before
    kept = {n: v for n, v in emil.hidden().items() if n.startswith("line.")}
    back = emil.press(f"/requests/{consent}/fill", **kept)
    assert back.text.count("checked") == len(names)


def test_a_preview_of_a_no_to_everything_tells_nobody_anything(emil: Visitor, consent: str) -> None:
    """What the page says would be shared is what would be shared."""
    names = opened(emil, consent)
    answer = emil.press(f"/requests/{consent}/preview", **dict.fromkeys(names, "no"))
    assert answer.status_code == 200
    (section,) = re.findall(r'<section class="card">.*?</section>', answer.text, re.DOTALL)
    assert "Får ikke vite noe" in section


def test_one_may_go_back_from_a_preview_and_answer_otherwise(
    emil: Visitor, consent: str, world: World
) -> None:
    """The browser's own way back shows the page as it was; looking was no answer."""
    names = opened(emil, consent)
    page = emil.seen
    for said in ("yes", "no"):
        emil.seen = page
        chosen = dict.fromkeys(names, said)
        assert emil.press(f"/requests/{consent}/preview", **chosen).status_code == 200
    emil.seen = page
    last = dict.fromkeys(names, "no") | {names[0]: "yes"}
    assert emil.press(f"/requests/{consent}/answer", **last).status_code == 303
    answers = [line["answer"] for line in view(world, consent)["grants"]]
    assert answers.count("yes") == len(names[0].split(","))


def test_an_answer_is_kept_line_by_line_and_shown(
    emil: Visitor, consent: str, world: World
) -> None:
    """Every line has what was pressed for it, and the page afterwards says the same."""
    names = opened(emil, consent)
    said = {name: "yes" if number % 2 else "no" for number, name in enumerate(names)}
    answer = emil.press(f"/requests/{consent}/answer", **said)
    assert answer.headers["location"] == f"/requests/{consent}/answered"
    page = emil.get(answer.headers["location"])
    assert page.status_code == 200
    assert page.text.count('<span class="tag no">') == list(said.values()).count("no")
    expected = {
        line: choice
        for name, choice in said.items()
        for line in name.removeprefix("line.").split(",")
    }
    assert {line["id"]: line["answer"] for line in view(world, consent)["grants"]} == expected
    assert view(world, consent)["state"] == "active"


def test_a_request_that_is_answered_is_not_asked_again(emil: Visitor, consent: str) -> None:
    """Its address leads to what holds now."""
    answered(emil, consent)
    answer = emil.get(f"/requests/{consent}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/consents/{consent}")


def test_two_tabs_that_answer_differently(
    portal: PortalWorld, emil: Visitor, consent: str, world: World
) -> None:
    """The first counts; the second is told that something has changed, and changes nothing."""
    other = portal.logged_in()
    names = opened(emil, consent)
    opened(other, consent)
    emil.press(f"/requests/{consent}/answer", **dict.fromkeys(names, "yes"))
    before = view(world, consent)
    with Unchanged(world, entries=0):
        late = other.press(f"/requests/{consent}/answer", **dict.fromkeys(names, "no"))
    assert (late.status_code, code(late)) == (409, "consent.moved")
    assert view(world, consent) == before


def test_the_same_page_sent_twice_is_one_act(emil: Visitor, consent: str, world: World) -> None:
    """A double press on a slow phone: the second says what the first did."""
    names = opened(emil, consent)
    page, chosen = emil.seen, dict.fromkeys(names, "yes")
    first = emil.press(f"/requests/{consent}/answer", **chosen)
    before = view(world, consent)
    emil.seen = page
    with Unchanged(world, entries=0):
        second = emil.press(f"/requests/{consent}/answer", **chosen)
    assert (second.status_code, second.headers["location"]) == (303, first.headers["location"])
    assert view(world, consent) == before


def test_the_same_page_sent_again_with_another_answer(
    emil: Visitor, consent: str, world: World
) -> None:
    """The way back in the browser, and a change of mind: it is told where that is done, and the first counts."""
    names = opened(emil, consent)
    page = emil.seen
    emil.press(f"/requests/{consent}/answer", **dict.fromkeys(names, "yes"))
    emil.seen = page
    with Unchanged(world, entries=0):
        second = emil.press(f"/requests/{consent}/answer", **dict.fromkeys(names, "no"))
    assert (second.status_code, code(second)) == (422, "idempotency.key_reused")
    assert view(world, consent)["state"] == "active"


def test_an_answer_to_a_request_that_was_answered_aloud_meanwhile(
    emil: Visitor, consent: str, world: World
) -> None:
    """Nav wrote down what Emil said in a meeting while the page was open: the page's answer is not taken for it."""
    names = opened(emil, consent)
    shown = view(world, consent)
    capture = {
        "method": "oral",
        "signer": "subject",
        "read_out": shown["text_sha256"],
        "answered_at": datetime.now(UTC).isoformat(),
        "answers": {line["id"]: "yes" for line in shown["grants"]},
        "actor": ACTOR,
    }
    noted = world.post(f"/v1/consents/{consent}/capture", capture, unit=NAV)
    assert noted.status_code in {200, 201}, noted.text
    late = emil.press(f"/requests/{consent}/answer", **dict.fromkeys(names, "no"))
    assert (late.status_code, code(late)) == (409, "consent.moved")


@pytest.mark.parametrize(
    "fields",
    [
        {"line.g999": "yes"},
        {"line.g0": "yes"},
        {"line.\N{GRINNING FACE}": "yes"},
        {"line.\u202eg1": "yes"},
        {"line.g1": "\N{GRINNING FACE}"},
        {"fill": "\u202eordinary-yes"},
        {"child_heard": "\N{GRINNING FACE}"},
        {"version": "\N{GRINNING FACE}"},
        {"version": "2"},
        {"version": "999999999999999999999"},
        {"more": "\u202e"},
    ],
    ids=ascii,
)
@pytest.mark.parametrize("act", ["answer", "preview", "fill"])
def test_what_no_page_sends_changes_nothing(
    emil: Visitor, consent: str, world: World, act: str, fields: dict[str, str]
) -> None:
    """Whatever stands in whichever field: a page says so, and it is never our fault."""
    names = opened(emil, consent)
    before = view(world, consent)
    answer = emil.press(f"/requests/{consent}/{act}", **(dict.fromkeys(names, "yes") | fields))
    assert answer.status_code < 500, answer.text
    if fields not in ({"version": "2"}, {"line.g999": "yes"}):
        assert (answer.status_code, code(answer)) == (400, "body.form")
    assert view(world, consent) == before


@pytest.mark.parametrize("act", ["narrow", "pause", "resume", "stop"])
@pytest.mark.parametrize("field", ["line.\N{GRINNING FACE}", "line.\u202e", "line.", "\u202e"])
def test_what_no_page_sends_stops_nothing(
    emil: Visitor, consent: str, world: World, act: str, field: str
) -> None:
    """The same where one changes one's mind."""
    answered(emil, consent)
    emil.get(f"/consents/{consent}")
    answer = emil.press(f"/consents/{consent}/{act}", **{field: "stop"})
    assert (answer.status_code, code(answer)) == (400, "body.form")
    assert view(world, consent)["state"] == "active"


# --- a change of mind ---


def test_pausing_and_sharing_again(emil: Visitor, world: World) -> None:
    """While it is paused nothing is released; afterwards it is as it was."""
    consent = ask(world, categories=["education"])
    answered(emil, consent)
    assert outcome(world) == "released"
    emil.get(f"/consents/{consent}")
    answer = emil.press(f"/consents/{consent}/pause")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/consents/{consent}")
    assert (view(world, consent)["state"], outcome(world)) == ("paused", "refused")
    emil.get(f"/consents/{consent}")
    emil.press(f"/consents/{consent}/resume")
    assert (view(world, consent)["state"], outcome(world)) == ("active", "released")


def test_stopping_tells_first_and_then_shares_nothing(emil: Visitor, world: World) -> None:
    """Looking at what it means stops nothing; the button does, at once."""
    consent = ask(world, categories=["education"])
    answered(emil, consent)
    emil.get(f"/consents/{consent}/stop")
    assert view(world, consent)["state"] == "active"
    assert emil.press(f"/consents/{consent}/stop").status_code == 303
    assert (view(world, consent)["state"], outcome(world)) == ("withdrawn", "refused")
    page = emil.get(f"/consents/{consent}").text
    assert (">var ja</span>" in page, ">ja</span>" in page) == (True, False)
    assert f"/consents/{consent}/pause" not in page
    assert f"/consents/{consent}/stop" not in page


def test_what_happened_often_is_said_once(emil: Visitor, world: World) -> None:
    """A service that asks every day would push all other news off the start page."""
    consent = ask(world, categories=["education"])
    answered(emil, consent)
    assert [outcome(world) for _ in range(6)] == ["released"] * 6
    told = re.findall(r"<li>([^<]+) <span", emil.get("/").text.partition('id="news"')[2])
    assert told.count("Nav Larvik (staten) fikk vite noe om deg") == 1
    assert 1 < len(told) == len(set(told))


def test_stopping_some_lines_keeps_the_others(emil: Visitor, world: World) -> None:
    """What was ticked is stopped and nothing else."""
    consent = ask(world)
    answered(emil, consent)
    page = emil.get(f"/consents/{consent}").text
    ticked, *kept = TICK.findall(page)
    emil.press(f"/consents/{consent}/narrow", **{ticked: "stop"})
    left = {line["id"] for line in view(world, consent)["grants"] if line["answer"] == "yes"}
    gone = set(ticked.removeprefix("line.").split(","))
    assert not gone & left
    assert TICK.findall(emil.get(f"/consents/{consent}").text) == kept


def test_stopping_without_a_tick_stops_nothing(emil: Visitor, consent: str, world: World) -> None:
    """A withdrawal of no lines would be one of all of them."""
    answered(emil, consent)
    emil.get(f"/consents/{consent}")
    before = view(world, consent)
    answer = emil.press(f"/consents/{consent}/narrow")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/consents/{consent}")
    assert view(world, consent) == before


@pytest.mark.parametrize("act", ["pause", "stop", "narrow"])
def test_a_page_that_is_not_as_it_was_changes_nothing(
    portal: PortalWorld, emil: Visitor, consent: str, world: World, act: str
) -> None:
    """Paused in one tab, and something pressed in another that does not know."""
    answered(emil, consent)
    other = portal.logged_in()
    page = other.get(f"/consents/{consent}").text
    emil.get(f"/consents/{consent}")
    emil.press(f"/consents/{consent}/pause")
    before = view(world, consent)
    fields = {TICK.findall(page)[0]: "stop"} if act == "narrow" else {}
    answer = other.press(f"/consents/{consent}/{act}", **fields)
    assert (answer.status_code, code(answer)) == (409, "consent.moved")
    assert view(world, consent) == before
