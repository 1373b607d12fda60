"""Lines that hold until an event: when it has come they are over, and nothing else is."""

from datetime import timedelta

import pytest

from broker.domain.consent_events import ConsentEventHappened
from broker.domain.consents import Consent
from broker.domain.errors import EventNotHere, IllegalTransition
from broker.domain.states import State
from tests.consenting import ALONE, EMIL, NOW, RECORDER, active, answers, asked, line
from tillit.wire import Condition

OFFER, SCHOOL = "offer_exists", "school_started"
LATER = NOW + timedelta(days=40)
UNTIL_OFFER = Condition(kind="until_event", event=OFFER)
UNTIL_SCHOOL = Condition(kind="until_event", event=SCHOOL)


def happen(consent: Consent, event: str = OFFER) -> tuple[Consent, ConsentEventHappened]:
    """Nav says that it has come."""
    return consent.happen(event, at=LATER, recorded_by=RECORDER)


def test_a_consent_of_only_such_lines_is_over() -> None:
    """Solør: until there is an offer, and not a day longer."""
    consent = active(line(1, condition=UNTIL_OFFER), line(2, "health", condition=UNTIL_OFFER))
    after, event = happen(consent)
    assert (after.state, after.version, after.happened) == (
        State.EXPIRED,
        consent.version + 1,
        (OFFER,),
    )
    assert (event.grants, event.state) == (("g1", "g2"), "expired")


def test_lines_that_wait_for_something_else_stay() -> None:
    """One consent may hold lines of several kinds; each ends by its own."""
    consent = active(
        line(1, condition=UNTIL_OFFER), line(2, "work", condition=UNTIL_SCHOOL), line(3, "health")
    )
    after, event = happen(consent)
    assert [after.over(grant) for grant in after.grants] == [True, False, False]
    assert (after.state, event.grants) == (State.ACTIVE, ("g1",))
    last, _ = happen(after, SCHOOL)
    assert (last.state, last.happened) == (State.ACTIVE, (OFFER, SCHOOL))


def test_a_paused_consent_may_come_to_its_end() -> None:
    """And resuming never brings back what is over."""
    consent, _ = active(line(1, condition=UNTIL_OFFER), line(2)).pause(at=NOW, by=EMIL)
    after, _ = happen(consent)
    assert after.state is State.PAUSED
    resumed, _ = after.resume(at=LATER, by=EMIL)
    assert resumed.over(resumed.grants[0])


def test_the_entry_says_who_said_so() -> None:
    """An event that never came is the word of a named actor."""
    _, event = happen(active(line(1, condition=UNTIL_OFFER)))
    content = event.content()
    assert (content["event"], content["grants"], content["by"]) == (OFFER, ["g1"], None)
    assert content["recorded_by"] == {"unit": "nav-larvik", "actor": "a17", "role": "veileder"}


@pytest.mark.parametrize("event", [SCHOOL, "offer"])
def test_an_event_that_no_line_waits_for_is_refused(event: str) -> None:
    """Nothing is ended by a typing error."""
    with pytest.raises(EventNotHere):
        happen(active(line(1, condition=UNTIL_OFFER)), event)


def test_an_event_comes_once() -> None:
    """The second time nothing is left for it to end."""
    after, _ = happen(active(line(1, condition=UNTIL_OFFER), line(2)))
    with pytest.raises(EventNotHere):
        happen(after)


def test_a_line_that_was_refused_has_nothing_to_end() -> None:
    """A no is a no already."""
    consent = asked(line(1, condition=UNTIL_OFFER), line(2, "health"))
    consent, _ = consent.answer(
        answers(yes=[2], no=[1]),
        signer=EMIL,
        method="digital",
        at=NOW,
        read=consent.text_sha256,
        needed={"education": ALONE, "health": ALONE},
    )
    with pytest.raises(EventNotHere):
        happen(consent)


def test_what_is_not_in_force_does_not_end_by_an_event() -> None:
    """A question that nobody has answered is still a question."""
    with pytest.raises(IllegalTransition):
        happen(asked(line(1, condition=UNTIL_OFFER)))
