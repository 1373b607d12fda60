"""Putting off in the portal: a line at a time "not now", and answered when the youth wants to."""

import pytest

from tests.answering import LINE, answered, ask, code, opened, outcome, view
from tests.integration.bad_input import SCHOOL, Unchanged, a_deposit
from tests.integration.world import World
from tests.portal import PortalWorld, Visitor


@pytest.fixture(scope="module", autouse=True)
def world(portal: PortalWorld) -> World:
    """The broker of the portal, to which the school has told Emil's attendance."""
    world = portal.world
    told = world.post("/v1/deposits", a_deposit(world, world.handle(SCHOOL)), unit=SCHOOL)
    assert told.status_code == 201
    return world


@pytest.fixture
def emil(portal: PortalWorld) -> Visitor:
    """A browser in which Emil is logged in."""
    return portal.logged_in()


def test_some_is_put_off_and_answered_another_day(emil: Visitor, world: World) -> None:
    """School is put off: nothing is shared, the page says so and leads to the line alone, and then it is shared."""
    consent = ask(world, categories=["education", "functioning"])
    names = opened(emil, consent)
    school, *others = names
    fields = dict.fromkeys(others, "no") | {others[0]: "yes", school: "not_now"}
    assert emil.press(f"/requests/{consent}/answer", **fields).status_code == 303
    assert view(world, consent)["state"] == "active"
    page = emil.get(f"/consents/{consent}").text
    assert page.count("ikke nå</span>") == 1
    assert f'href="/requests/{consent}"' in page
    assert f'href="/requests/{consent}"' not in emil.get("/").text
    assert opened(emil, consent) == [school]
    preview = emil.press(f"/requests/{consent}/preview", **{school: "yes"})
    assert preview.status_code == 200
    opened(emil, consent)
    assert emil.press(f"/requests/{consent}/answer", **{school: "yes"}).status_code == 303
    answers = {line["id"]: line["answer"] for line in view(world, consent)["grants"]}
    assert {answers[line] for line in school.removeprefix("line.").split(",")} == {"yes"}
    assert emil.get(f"/requests/{consent}").status_code == 303


def test_what_nav_may_not_know_yet_it_does_not_get(emil: Visitor, world: World) -> None:
    """From the answer on the page to the ask."""
    consent = ask(world, categories=["education"])
    names = opened(emil, consent)
    fields = dict.fromkeys(names, "no")
    to_nav = [n for n in names if _goes_to_nav(world, consent, n)]
    assert to_nav
    others = [n for n in names if n not in to_nav]
    fields |= dict.fromkeys(to_nav, "not_now") | {others[0]: "yes"}
    emil.press(f"/requests/{consent}/answer", **fields)
    assert outcome(world) == "refused"
    opened(emil, consent)
    emil.press(f"/requests/{consent}/answer", **dict.fromkeys(to_nav, "yes"))
    assert outcome(world) == "released"


def _goes_to_nav(world: World, consent: str, name: str) -> bool:
    first = name.removeprefix("line.").split(",")[0]
    (line,) = [g for g in view(world, consent)["grants"] if g["id"] == first]
    return bool(line["recipient"] == "nav-larvik")


@pytest.mark.parametrize("group", ["ordinary", "special"])
def test_a_group_is_put_off_at_once(emil: Visitor, world: World, group: str) -> None:
    """As it is said yes or no to at once; and nothing is sent by that."""
    consent = ask(world)
    names = opened(emil, consent)
    with Unchanged(world, entries=0):
        emil.press(f"/requests/{consent}/fill", fill=f"{group}-not_now")
    assert 0 < emil.seen.count('value="not_now" checked') < len(names)


def test_everything_put_off_sends_nothing_and_says_so(emil: Visitor, world: World) -> None:
    """The page is friendly, no entry is made, and the request waits."""
    consent = ask(world)
    names = opened(emil, consent)
    with Unchanged(world, entries=0):
        answer = emil.press(f"/requests/{consent}/answer", **dict.fromkeys(names, "not_now"))
    assert answer.status_code == 200
    assert "Ingenting ble sendt" in answer.text
    assert opened(emil, consent) == names


def test_no_and_not_now_waits_on_the_start_page(emil: Visitor, world: World) -> None:
    """What was answered no is not asked again; what was put off is."""
    consent = ask(world)
    first, *others = opened(emil, consent)
    emil.press(f"/requests/{consent}/answer", **({first: "not_now"} | dict.fromkeys(others, "no")))
    assert view(world, consent)["state"] == "requested"
    assert f"/requests/{consent}" in emil.get("/").text
    assert opened(emil, consent) == [first]


def test_a_line_left_open_later_is_asked_for(emil: Visitor, world: World) -> None:
    """Silence is no answer here either."""
    consent = ask(world)
    first, second, *others = opened(emil, consent)
    fields = dict.fromkeys(others, "yes") | {first: "not_now", second: "not_now"}
    emil.press(f"/requests/{consent}/answer", **fields)
    opened(emil, consent)
    with Unchanged(world, entries=0):
        answer = emil.press(f"/requests/{consent}/answer", **{first: "yes"})
    assert (answer.status_code, answer.text.count('class="ask wrong"')) == (422, 1)


def test_a_line_that_was_answered_is_not_answered_again(emil: Visitor, world: World) -> None:
    """Nor by a form that names it."""
    consent = ask(world)
    first, second, *others = opened(emil, consent)
    fields = dict.fromkeys((second, *others), "no") | {first: "not_now", second: "yes"}
    emil.press(f"/requests/{consent}/answer", **fields)
    before = view(world, consent)
    opened(emil, consent)
    answer = emil.press(f"/requests/{consent}/answer", **{first: "yes", others[0]: "yes"})
    assert code(answer) == "consent.lines_not_for_signer"
    assert view(world, consent) == before


def test_two_tabs_that_answer_what_was_put_off(
    portal: PortalWorld, emil: Visitor, world: World
) -> None:
    """The first counts, and the later is told."""
    consent = ask(world)
    first, *others = opened(emil, consent)
    emil.press(f"/requests/{consent}/answer", **(dict.fromkeys(others, "yes") | {first: "not_now"}))
    other = portal.logged_in()
    opened(emil, consent)
    opened(other, consent)
    assert emil.press(f"/requests/{consent}/answer", **{first: "no"}).status_code == 303
    late = other.press(f"/requests/{consent}/answer", **{first: "yes"})
    assert (late.status_code, code(late)) == (409, "consent.moved")


def test_where_nothing_was_put_off_nothing_says_so(emil: Visitor, world: World) -> None:
    """The page of a consent that is answered has no way back to the question."""
    consent = ask(world)
    answered(emil, consent)
    assert f"/requests/{consent}" not in emil.get(f"/consents/{consent}").text
    assert LINE.findall(emil.seen) == []
