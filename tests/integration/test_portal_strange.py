"""Strange things in the portal: a helper who answers, a session that was stolen, words that run the other way."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import httpx
import pytest

from tests.answering import answered, ask, code, opened, view
from tests.browser.life import HEALTH, deposit, helped
from tests.integration.bad_input import Unchanged
from tests.integration.world import World
from tests.portal import PortalWorld, Visitor

Try = Callable[[], httpx.Response]
RIGHT_TO_LEFT = "\u202e\u05d9\u05dc\u05d3 \N{GRINNING FACE}"
"""Hebrew behind a mark that would turn all that follows, and an emoji."""


WORK: dict[str, Any] = {
    "collaboration": None,
    "purposes": ["work_inclusion"],
    "categories": ["education"],
}


@pytest.fixture(scope="module")
def world(portal: PortalWorld) -> World:
    """The broker of the portal."""
    return portal.world


@pytest.fixture
def emil(portal: PortalWorld) -> Visitor:
    """A browser in which Emil is logged in."""
    return portal.logged_in()


# --- a helper who answers


def test_a_helper_who_would_answer_is_told_that_they_only_look(
    portal: PortalWorld, world: World, emil: Visitor
) -> None:
    """On each page and by each form: a friendly word, and nothing changed; by forms of another consent's page too."""
    asked, active = ask(world), ask(world, **WORK)
    answered(emil, active)
    nora = portal.logged_in(1)
    helped(world)
    before = [view(world, one) for one in (asked, active)]
    answers = dict.fromkeys(opened(emil, asked), "yes")
    nora.get("/choices")
    tries: list[Try] = [
        lambda: nora.get(f"/requests/{asked}"),
        lambda: nora.press(f"/requests/{asked}/answer", version="1", **answers),
        lambda: nora.press(f"/requests/{asked}/preview", version="1", **answers),
        lambda: nora.get(f"/consents/{active}"),
        lambda: nora.press(f"/consents/{active}/pause", version="2"),
        lambda: nora.press(f"/consents/{active}/stop", version="2"),
    ]
    for number, attempt in enumerate(tries):
        page = nora.seen
        with Unchanged(world, entries=0):
            answer = attempt()
        assert (number, answer.status_code, code(answer)) == (number, 403, "helper.read_only")
        assert "Du kan bare se" in answer.text
        nora.seen = page
    assert [view(world, one) for one in (asked, active)] == before


# --- a session that was stolen


def test_a_stolen_session_is_ended_from_ones_own_browser(
    portal: PortalWorld, world: World, emil: Visitor
) -> None:
    """The cookie works elsewhere until its owner logs out everywhere; the page that lies open there sends nothing then."""
    consent = ask(world, categories=["education"])
    thief = portal.visitor()
    thief.http.cookies.set("tillit", str(emil.http.cookies["tillit"]))
    answers = dict.fromkeys(opened(thief, consent), "yes")
    emil.get("/")
    assert emil.press("/logout/everywhere").status_code == 303
    before = view(world, consent)
    with Unchanged(world, entries=0):
        answer = thief.press(f"/requests/{consent}/answer", **answers)
    assert (answer.status_code, code(answer)) == (401, "session.none")
    assert "Ingenting er endret." in answer.text
    assert 'href="/login"' in answer.text
    assert thief.get("/").text.count("/requests/") == 0
    assert view(world, consent) == before


def test_a_form_from_another_session_of_the_same_person_is_not_taken(
    portal: PortalWorld, world: World, emil: Visitor
) -> None:
    """Whoever copied a page, and not the cookie, has nothing that can be sent."""
    consent = ask(world, categories=["education"])
    elsewhere = portal.logged_in()
    answers = dict.fromkeys(opened(emil, consent), "yes")
    elsewhere.seen = emil.seen
    with Unchanged(world, entries=0):
        answer = elsewhere.press(f"/requests/{consent}/answer", **answers)
    assert (answer.status_code, code(answer)) == (403, "form.foreign")
    assert view(world, consent)["state"] == "requested"


# --- words that run the other way


def test_words_that_run_the_other_way_turn_nothing_around_them(world: World, emil: Visitor) -> None:
    """Each stands in an element of its own (bdi), so that a mark in it cannot make a page say something else."""
    deposit(world, HEALTH, {"functioning.capacity": RIGHT_TO_LEFT})
    page = unescape(emil.get("/values").text)
    assert f"<bdi>{RIGHT_TO_LEFT}</bdi>" in page
    assert page.count(RIGHT_TO_LEFT) == page.count(f"<bdi>{RIGHT_TO_LEFT}")


def test_ones_own_words_are_written_in_their_own_direction(emil: Visitor) -> None:
    """Kept as they were written, and every field for words goes by what is written in it."""
    emil.get("/values")
    answer = emil.press("/values/words", field="voice.story", text=RIGHT_TO_LEFT)
    assert answer.status_code == 303, answer.text
    page = unescape(emil.get("/values").text)
    areas = re.findall("<textarea[^>]*>", page)
    assert areas
    assert [area for area in areas if 'dir="auto"' not in area] == []
    assert f">{RIGHT_TO_LEFT}</textarea>" in page
