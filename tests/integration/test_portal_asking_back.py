"""Asking back in the portal: before the answer, with what was chosen kept, and how else one can answer."""

import re

import pytest

from tests.answering import ask, code, opened, view
from tests.integration.bad_input import ACTOR, NAV, Unchanged
from tests.integration.world import World
from tests.portal import SARA, PortalWorld, Visitor

ASK = re.compile(r'name="ask" value="([a-z_]+)"')
CHECKED = re.compile(r'name="(line\.[^"]+)" value="([a-z_]+)" checked')


@pytest.fixture(scope="module")
def world(portal: PortalWorld) -> World:
    """The broker of the portal."""
    return portal.world


@pytest.fixture
def emil(portal: PortalWorld) -> Visitor:
    """A browser in which Emil is logged in."""
    return portal.logged_in()


@pytest.fixture
def consent(world: World) -> str:
    """One that Emil is asked for."""
    return ask(world)


def test_a_youth_asks_first_and_what_was_chosen_stays(
    emil: Visitor, consent: str, world: World
) -> None:
    """One tap, the page shows what was asked, and the answer can go on from there."""
    first, *others = opened(emil, consent)
    answer = emil.press(f"/requests/{consent}/ask-back", ask="why_needed", **{first: "no"})
    assert answer.status_code == 200
    assert "Hvorfor trenger dere dette?" in answer.text
    assert CHECKED.findall(answer.text) == [(first, "no")]
    assert "why_needed" not in ASK.findall(answer.text)
    fields = {first: "no"} | dict.fromkeys(others, "yes")
    assert emil.press(f"/requests/{consent}/answer", **fields).status_code == 303
    assert view(world, consent)["said_between"][0]["said"] == "why_needed"


def test_the_answer_of_the_service_is_on_the_page_and_among_the_news(
    emil: Visitor, consent: str, world: World
) -> None:
    """From the tap to the service and back."""
    opened(emil, consent)
    emil.press(f"/requests/{consent}/ask-back", ask="contact_me")
    said = {"reply": "will_contact", "actor": ACTOR}
    replied = world.post(f"/v1/consents/{consent}/reply", said, unit=NAV)
    assert replied.status_code == 200, replied.text
    opened(emil, consent)
    assert "Vi tar kontakt med deg." in emil.seen
    assert "Nav Larvik (staten) svarte på noe du spurte om" in emil.get("/").text


def test_one_may_rather_answer_when_they_meet(emil: Visitor, consent: str, world: World) -> None:
    """It is said how; nothing is answered by it."""
    opened(emil, consent)
    assert {"when_we_meet"} <= set(ASK.findall(emil.seen))
    emil.press(f"/requests/{consent}/ask-back", ask="when_we_meet")
    seen = view(world, consent)
    assert (seen["state"], {line["answer"] for line in seen["grants"]}) == ("requested", {None})
    assert "Jeg vil heller svare når vi møtes." in emil.seen


def test_the_same_tap_twice_is_one_and_again_later_is_told(
    emil: Visitor, consent: str, world: World
) -> None:
    """A double press does nothing more; a page from before says that it was asked."""
    opened(emil, consent)
    page = emil.seen
    emil.press(f"/requests/{consent}/ask-back", ask="who_sees")
    emil.seen = page
    with Unchanged(world, entries=0):
        assert emil.press(f"/requests/{consent}/ask-back", ask="who_sees").status_code == 200
    opened(emil, consent)
    with Unchanged(world, entries=0):
        answer = emil.press(f"/requests/{consent}/ask-back", ask="who_sees")
    assert (answer.status_code, code(answer)) == (409, "consent.asked_back_already")


@pytest.mark.parametrize("said", ["", "hello", "\N{GRINNING FACE}", "will_contact"])
def test_what_no_page_sends_asks_nothing(
    emil: Visitor, consent: str, world: World, said: str
) -> None:
    """There is no way to write anything of one's own here, nor to speak for the service."""
    opened(emil, consent)
    with Unchanged(world, entries=0):
        answer = emil.press(f"/requests/{consent}/ask-back", ask=said)
    assert (answer.status_code, code(answer)) == (400, "body.form")


def test_a_guardian_is_shown_nothing_of_it(portal: PortalWorld, world: World) -> None:
    """What Sara asks is not her mother's to read."""
    consent = ask(world, SARA)
    sara, mother = portal.logged_in(3), portal.logged_in(4)
    opened(sara, consent)
    sara.press(f"/requests/{consent}/ask-back", ask="contact_me")
    opened(mother, consent)
    assert "ta kontakt" not in mother.seen
    assert ASK.findall(mother.seen) == []


# --- language ---


def test_another_language_keeps_what_was_chosen(emil: Visitor, consent: str, world: World) -> None:
    """Whoever reads better in another language does not begin again; and the session remembers it."""
    first, second, *_ = opened(emil, consent)
    chosen = {first: "yes", second: "not_now"}
    with Unchanged(world, entries=0):
        answer = emil.press(f"/requests/{consent}/language", language="nn", **chosen)
    assert answer.status_code == 200
    assert '<html lang="nn">' in answer.text
    assert "Ikkje no" in answer.text
    assert dict(CHECKED.findall(answer.text)) == chosen
    assert '<html lang="nn">' in emil.get("/").text
    opened(emil, consent)
    answer = emil.press(f"/requests/{consent}/language", language="de")
    assert (answer.status_code, code(answer)) == (400, "body.form")


def test_the_enter_key_chooses_and_sends_nothing(emil: Visitor, consent: str, world: World) -> None:
    """A browser presses the form's first button then: that one shows the page again as it is."""
    first, *_ = opened(emil, consent)
    button = re.search(r"<button[^>]*>", emil.seen.partition('class="speak"')[2])
    assert button
    assert f'formaction="/requests/{consent}/fill"' in button[0]
    with Unchanged(world, entries=0):
        answer = emil.press(f"/requests/{consent}/fill", **{first: "yes"})
    assert CHECKED.findall(answer.text) == [(first, "yes")]
