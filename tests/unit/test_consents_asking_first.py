"""Lines beside which somebody wants to be asked first, or to be there: who puts that on, who takes it off, what is kept."""

from datetime import timedelta

import pytest

from broker.domain.consent_events import ConsentConditioned
from broker.domain.consents import Consent
from broker.domain.errors import (
    IllegalTransition,
    LinesNotForSigner,
    LinesUnknown,
    SignerNotNeeded,
)
from broker.domain.ids import GrantId
from broker.domain.signatures import Signer
from broker.domain.states import State
from tests.consenting import (
    ALONE,
    EMIL,
    MOTHER,
    NOW,
    ONE_GUARDIAN,
    Need,
    active,
    answers,
    asked,
    line,
)
from tillit.wire import AskFirst, Condition

G1, G2 = GrantId("g1"), GrantId("g2")
LATER = NOW + timedelta(days=2)
GROWN = {"education": ALONE, "health": ALONE}
CHILD = {"education": ALONE, "health": ONE_GUARDIAN}


def put(
    consent: Consent,
    also: dict[GrantId, AskFirst | None],
    *,
    by: Signer = EMIL,
    needed: dict[str, Need] = GROWN,
) -> tuple[Consent, ConsentConditioned]:
    """Somebody says for which lines they want to be asked first."""
    return consent.ask_first(also, at=LATER, by=by, needed=needed)


def beside(consent: Consent) -> list[AskFirst | None]:
    """What stands beside the condition of each line."""
    return [grant.condition.also for grant in consent.grants]


def of_a_child() -> Consent:
    """About school the child said yes alone, about health with a parent."""
    first, _ = asked().answer(
        answers(yes=(1, 2)),
        signer=EMIL,
        method="digital",
        at=NOW,
        read=asked().text_sha256,
        needed=CHILD,
    )
    return first.answer(
        answers(yes=(2,)),
        signer=MOTHER,
        method="digital",
        at=NOW,
        read=first.text_sha256,
        needed=CHILD,
        child_heard=True,
    )[0]


def test_the_subject_puts_it_on_and_takes_it_off() -> None:
    """Each is a new version of the same consent, and says in the log what stands there now."""
    before = active()
    after, event = put(before, {G1: "ask_me_first"})
    assert beside(after) == ["ask_me_first", None]
    assert (after.version, after.state) == (before.version + 1, State.ACTIVE)
    assert event.content()["also"] == {"g1": "ask_me_first"}
    off, event = put(after, {G1: None})
    assert beside(off) == [None, None]
    assert (event.grants, event.content()["also"]) == (("g1",), {"g1": None})


def test_what_was_asked_for_and_read_stays() -> None:
    """Taking off what the text promised would be a wider yes than the one that was given."""
    promised = Condition(also="ask_me_first")
    consent = active(line(1, condition=promised, asked_with="ask_me_first"), line(2, "health"))
    present, _ = put(consent, {G1: "only_when_present"})
    assert beside(present) == ["only_when_present", None]
    off, event = put(present, {G1: None})
    assert beside(off) == ["ask_me_first", None]
    assert event.content()["also"] == {"g1": "ask_me_first"}


def test_the_condition_it_stands_beside_is_kept() -> None:
    """A line that holds once holds once, asked first or not."""
    consent, _ = put(active(line(1, condition=Condition(kind="once"))), {G1: "ask_me_first"})
    assert consent.grants[0].condition == Condition(kind="once", also="ask_me_first")


@pytest.mark.parametrize("line_id", [G2, GrantId("g9")])
def test_only_a_yes_can_be_asked_about(line_id: GrantId) -> None:
    """A line answered no gives nothing, asked first or not."""
    consent, _ = active().withdraw(at=LATER, by=EMIL, grants=[G2])
    with pytest.raises(LinesUnknown):
        put(consent, {line_id: "ask_me_first"})


def test_nothing_is_put_on_what_is_over_or_not_answered() -> None:
    """There is nothing left, or nothing yet, to be asked about."""
    withdrawn, _ = active().withdraw(at=NOW, by=EMIL)
    for consent in (withdrawn, asked()):
        with pytest.raises(IllegalTransition):
            put(consent, {G1: "ask_me_first"})


def test_it_is_put_on_while_paused() -> None:
    """Whoever stops to think may come back more careful."""
    paused, _ = active().pause(at=NOW, by=EMIL)
    after, _ = put(paused, {G1: "only_when_present"})
    assert (after.state, beside(after)) == (State.PAUSED, ["only_when_present", None])


def test_a_guardian_puts_it_on_the_lines_that_guardians_sign_and_takes_it_off() -> None:
    """And on no others."""
    consent = of_a_child()
    after, _ = put(consent, {G2: "ask_me_first"}, by=MOTHER, needed=CHILD)
    assert beside(after) == [None, "ask_me_first"]
    assert beside(put(after, {G2: None}, by=MOTHER, needed=CHILD)[0]) == [None, None]
    with pytest.raises(LinesNotForSigner):
        put(consent, {G1: "ask_me_first"}, by=MOTHER, needed=CHILD)
    with pytest.raises(SignerNotNeeded):
        put(active(), {G1: "ask_me_first"}, by=MOTHER)


def test_a_child_makes_a_guardians_line_narrower_and_never_wider() -> None:
    """Nobody under the age opens by this what takes a parent's yes."""
    consent, _ = put(of_a_child(), {G2: "ask_me_first"}, needed=CHILD)
    assert beside(consent) == [None, "ask_me_first"]
    for word in (None, "only_when_present"):
        with pytest.raises(LinesNotForSigner):
            put(consent, {G2: word}, needed=CHILD)


def test_it_is_said_with_the_answer() -> None:
    """Yes, but ask me first: one answer, one entry."""
    consent = asked()
    after, event = consent.answer(
        answers(yes=(1, 2)),
        signer=EMIL,
        method="digital",
        at=NOW,
        read=consent.text_sha256,
        needed=GROWN,
        also={G2: "only_when_present"},
    )
    assert beside(after) == [None, "only_when_present"]
    assert event.content()["also"] == {"g2": "only_when_present"}


def test_an_answer_that_wants_nothing_more_is_written_as_before() -> None:
    """Entries of releases before and after say the same of it."""
    consent = asked()
    _, event = consent.answer(
        answers(yes=(1, 2)),
        signer=EMIL,
        method="digital",
        at=NOW,
        read=consent.text_sha256,
        needed=GROWN,
    )
    assert "also" not in event.content()


def test_nobody_wants_to_be_asked_about_a_no() -> None:
    """It would read as half a yes."""
    consent = asked()
    with pytest.raises(LinesUnknown):
        consent.answer(
            answers(yes=(1,), no=(2,)),
            signer=EMIL,
            method="digital",
            at=NOW,
            read=consent.text_sha256,
            needed=GROWN,
            also={G2: "ask_me_first"},
        )


def test_a_line_that_never_heard_of_it_is_stored_as_before() -> None:
    """The release before reads what this one writes, and refuses what it would not keep."""
    assert "also" not in Condition().model_dump(mode="json")
    assert Condition(also="ask_me_first").model_dump(mode="json")["also"] == "ask_me_first"
