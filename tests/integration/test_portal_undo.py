"""Undoing in the portal: offered where something was just done, done by a button, and friendly when it is too late."""

import re
import time
from datetime import datetime

import pytest

from tests.answering import TICK, answered, ask, code, opened, outcome, view
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


@pytest.fixture
def consent(world: World, emil: Visitor) -> str:
    """One that Emil has said yes to."""
    asked = ask(world)
    answered(emil, asked)
    return asked


def offered(visitor: Visitor, consent: str, path: str = "") -> bool:
    """Whether a page offers to undo."""
    page = visitor.get(path or f"/consents/{consent}").text
    return f'action="/consents/{consent}/undo"' in page


@pytest.mark.parametrize("act", ["stop", "pause", "narrow"])
def test_what_was_just_done_is_undone_by_one_tap(
    emil: Visitor, consent: str, world: World, act: str
) -> None:
    """And what stands then is what stood before."""
    page = emil.get(f"/consents/{consent}").text
    before = view(world, consent)
    fields = {TICK.findall(page)[0]: "stop"} if act == "narrow" else {}
    emil.press(f"/consents/{consent}/{act}", **fields)
    assert offered(emil, consent)
    answer = emil.press(f"/consents/{consent}/undo")
    assert answer.status_code == 200
    assert "i bruk" in answer.text
    after = view(world, consent)
    assert (after["state"], after["grants"]) == ("active", before["grants"])
    assert not offered(emil, consent)


def test_a_yes_is_undone_and_who_was_told_meanwhile_is_named(emil: Visitor, world: World) -> None:
    """It is stopped; and the page hides nothing of what happened in the seconds between."""
    consent = ask(world, categories=["education"])
    answered(emil, consent)
    assert offered(emil, consent, f"/requests/{consent}/answered")
    assert outcome(world) == "released"
    emil.get(f"/requests/{consent}/answered")
    version = re.search(r'name="version" value="(\d+)"', emil.seen)
    assert version
    answer = emil.press(f"/consents/{consent}/undo", version=version[1])
    assert "fikk Nav Larvik (staten) vite noe" in answer.text
    assert view(world, consent)["state"] == "withdrawn"
    assert outcome(world) == "refused"


def test_a_yes_is_undone_and_nobody_was_told(emil: Visitor, consent: str) -> None:
    """What was told before, on something else, is not named."""
    offered(emil, consent)
    answer = emil.press(f"/consents/{consent}/undo")
    assert (answer.status_code, "fikk Nav" in answer.text) == (200, False)


def test_a_no_is_undone_and_asked_again(emil: Visitor, world: World) -> None:
    """The page leads back to the request."""
    consent = ask(world)
    answered(emil, consent, "no")
    assert offered(emil, consent, f"/requests/{consent}/answered")
    answer = emil.press(f"/consents/{consent}/undo")
    assert f'href="/requests/{consent}"' in answer.text
    assert opened(emil, consent)
    assert view(world, consent)["state"] == "requested"


def test_too_late_is_told_and_changes_nothing(emil: Visitor, consent: str, world: World) -> None:
    """The page still has its button after ten seconds, and no script takes it away."""
    offered(emil, consent)
    emil.press(f"/consents/{consent}/stop")
    assert offered(emil, consent)
    until = datetime.fromisoformat(view(world, consent)["undo_until"])
    time.sleep(max(0.0, (until - datetime.now(until.tzinfo)).total_seconds()) + 0.1)
    with Unchanged(world, entries=0):
        answer = emil.press(f"/consents/{consent}/undo")
    assert (answer.status_code, code(answer)) == (409, "consent.undo_too_late")
    assert "For sent" in answer.text
    assert view(world, consent)["state"] == "withdrawn"
    assert not offered(emil, consent)


def test_what_was_not_just_done_is_not_undone(emil: Visitor, consent: str, world: World) -> None:
    """By a form that no page has shown: paused and taken up again."""
    for act in ("pause", "resume"):
        emil.get(f"/consents/{consent}")
        emil.press(f"/consents/{consent}/{act}")
    assert not offered(emil, consent)
    with Unchanged(world, entries=0):
        answer = emil.press(f"/consents/{consent}/undo")
    assert (answer.status_code, code(answer)) == (409, "consent.nothing_to_undo")


def test_the_same_page_sent_twice_is_one_act(emil: Visitor, consent: str, world: World) -> None:
    """A double press says the same and does it once."""
    offered(emil, consent)
    emil.press(f"/consents/{consent}/pause")
    offered(emil, consent)
    page = emil.seen
    assert emil.press(f"/consents/{consent}/undo").status_code == 200
    emil.seen = page
    with Unchanged(world, entries=0):
        assert emil.press(f"/consents/{consent}/undo").status_code == 200


def test_another_tab_that_does_not_know(portal: PortalWorld, emil: Visitor, consent: str) -> None:
    """Stopped and undone in one; pressed in another that shows the stop still."""
    offered(emil, consent)
    emil.press(f"/consents/{consent}/stop")
    other = portal.logged_in()
    assert offered(other, consent)
    offered(emil, consent)
    emil.press(f"/consents/{consent}/undo")
    late = other.press(f"/consents/{consent}/undo")
    assert (late.status_code, code(late)) == (409, "consent.moved")
