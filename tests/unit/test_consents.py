"""Consents: what the subject can do to them, and what nobody can."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError, replace
from datetime import timedelta
from typing import Any

import pytest

from broker.domain.consent_events import ConsentEvent
from broker.domain.consents import ANSWER_SKEW, Consent
from broker.domain.errors import (
    IllegalTransition,
    LinesUnknown,
    NothingToGrant,
    NotOverYet,
    NotTheOneWhoPaused,
    OutOfTime,
    SignerNotNeeded,
    TooManyLines,
)
from broker.domain.ids import ConsentId, GrantId, UnitId
from broker.domain.lifetime import MAX_LIFETIME
from broker.domain.requesting import requested, text_sha256
from broker.domain.states import TRANSITIONS, State
from tests.consenting import (
    ALONE,
    EMIL,
    HALF_A_YEAR,
    MOTHER,
    NOW,
    ONE_GUARDIAN,
    active,
    answers,
    asked,
    line,
)
from tillit.wire import MAX_GRANTS

LATER = NOW + timedelta(hours=1)
OVER = NOW + HALF_A_YEAR
SUCCESSOR = ConsentId("con_successor")

Outcome = tuple[Consent, ConsentEvent]


def in_state(state: State) -> Consent:
    """A consent in any state, its two lines answered where that state has answers."""
    base = asked() if state in {State.DRAFT, State.REQUESTED} else active()
    return replace(base, state=state, paused_by="subject" if state is State.PAUSED else None)


def yes_to_all(consent: Consent) -> Outcome:
    """A guardian's."""
    return consent.answer(
        answers(yes=[1, 2]),
        signer=MOTHER,
        method="digital",
        at=LATER,
        read=consent.text_sha256,
        needed={"education": ONE_GUARDIAN, "health": ONE_GUARDIAN},
        child_heard=True,
    )


ACTS: Mapping[str, Callable[[Consent], Outcome]] = {
    "request": lambda c: c.request(at=LATER),
    "answer": yes_to_all,
    "pause": lambda c: c.pause(at=LATER, by=EMIL),
    "resume": lambda c: c.resume(at=LATER, by=EMIL),
    "narrow": lambda c: c.withdraw(at=LATER, by=EMIL, grants=[GrantId("g1")]),
    "withdraw": lambda c: c.withdraw(at=LATER, by=EMIL),
    "expire": lambda c: c.expire(at=OVER),
    "lapse": lambda c: c.lapse(at=LATER),
    "supersede": lambda c: c.supersede(at=LATER, successor=SUCCESSOR),
}

LEGAL = {
    ("request", State.DRAFT): State.REQUESTED,
    ("answer", State.REQUESTED): State.ACTIVE,
    ("answer", State.PARTLY_SIGNED): State.ACTIVE,
    ("pause", State.ACTIVE): State.PAUSED,
    ("resume", State.PAUSED): State.ACTIVE,
    ("narrow", State.PARTLY_SIGNED): State.PARTLY_SIGNED,
    ("narrow", State.ACTIVE): State.ACTIVE,
    ("narrow", State.PAUSED): State.PAUSED,
    ("withdraw", State.PARTLY_SIGNED): State.WITHDRAWN,
    ("withdraw", State.ACTIVE): State.WITHDRAWN,
    ("withdraw", State.PAUSED): State.WITHDRAWN,
    ("expire", State.REQUESTED): State.EXPIRED,
    ("expire", State.PARTLY_SIGNED): State.EXPIRED,
    ("expire", State.ACTIVE): State.EXPIRED,
    ("expire", State.PAUSED): State.EXPIRED,
    ("lapse", State.PARTLY_SIGNED): State.LAPSED,
    ("lapse", State.ACTIVE): State.LAPSED,
    ("lapse", State.PAUSED): State.LAPSED,
    ("supersede", State.REQUESTED): State.SUPERSEDED,
    ("supersede", State.PARTLY_SIGNED): State.SUPERSEDED,
    ("supersede", State.ACTIVE): State.SUPERSEDED,
    ("supersede", State.PAUSED): State.SUPERSEDED,
}


@pytest.mark.parametrize(("act", "state"), list(itertools.product(ACTS, State)))
def test_every_act_in_every_state_moves_as_the_table_says_or_not_at_all(
    act: str, state: State
) -> None:
    """Whatever is not listed is refused, with one code, and changes nothing."""
    before = in_state(state)
    if (act, state) in LEGAL:
        after, event = ACTS[act](before)
        assert LEGAL[act, state] == after.state
        assert after.state in TRANSITIONS[state]
        assert before.version + 1 == after.version
        assert (after.id, after.version, after.state.value) == (
            event.consent,
            event.version,
            event.state,
        )
    else:
        with pytest.raises((IllegalTransition, LinesUnknown)) as refused:
            ACTS[act](before)
        assert refused.value.code in {"consent.state", "consent.lines_unknown"}


@pytest.mark.parametrize(
    "end", [State.WITHDRAWN, State.EXPIRED, State.SUPERSEDED, State.LAPSED, State.REFUSED]
)
def test_an_end_is_final(end: State) -> None:
    """No way leads out of an end, so a withdrawn consent can never be revived."""
    assert frozenset() == TRANSITIONS[end]


def test_consent_is_frozen() -> None:
    """A transition returns a new value; nobody holding the old one sees it change."""
    consent: Any = active()
    with pytest.raises(FrozenInstanceError):
        consent.state = State.WITHDRAWN


def test_request_starts_at_version_one_with_nothing_ticked() -> None:
    """Nothing is pre-ticked (N4)."""
    consent = asked()
    assert (consent.state, consent.version) == (State.REQUESTED, 1)
    assert [grant.answer for grant in consent.grants] == [None, None]
    assert consent.valid_from is None


def test_pause_and_resume_lose_nothing() -> None:
    """Resuming restores exactly what was granted (N6)."""
    before = active()
    paused, told = before.pause(at=LATER, by=EMIL)
    resumed, told_again = paused.resume(at=LATER, by=EMIL)
    assert before.grants == resumed.grants
    assert before.valid_from == resumed.valid_from
    assert (told.type, told_again.type) == ("consent.paused", "consent.resumed")


def test_resume_after_the_end_is_refused() -> None:
    """A consent whose time is over never comes back into force."""
    paused, _ = active().pause(at=LATER, by=EMIL)
    with pytest.raises(OutOfTime):
        paused.resume(at=OVER, by=EMIL)


def test_narrowing_takes_back_exactly_the_named_lines() -> None:
    """The rest stands, at a new version."""
    narrowed, told = active().withdraw(at=LATER, by=EMIL, grants=[GrantId("g2")])
    assert [grant.answer for grant in narrowed.grants] == ["yes", "no"]
    assert (told.type, told.grants) == ("consent.narrowed", ("g2",))


def test_narrowing_to_nothing_is_a_withdrawal() -> None:
    """A consent without a yes is not in force; an ask is told that it was taken back, whichever way that was done."""
    withdrawn, told = active().withdraw(at=LATER, by=EMIL, grants=[GrantId("g1"), GrantId("g2")])
    assert (withdrawn, told) == active().withdraw(at=LATER, by=EMIL)
    assert withdrawn.state == State.WITHDRAWN
    assert (told.type, told.grants) == ("consent.withdrawn", ("g1", "g2"))


def test_a_line_is_taken_back_once() -> None:
    """Lines without a yes cannot be taken back, and are named."""
    narrowed, _ = active().withdraw(at=LATER, by=EMIL, grants=[GrantId("g2")])
    with pytest.raises(LinesUnknown, match=r"^g2, g9$"):
        narrowed.withdraw(at=LATER, by=EMIL, grants=[GrantId("g9"), GrantId("g2"), GrantId("g1")])


def test_lapse_of_some_lines_leaves_the_rest() -> None:
    """On the birthday only the lines that guardians signed end."""
    left, told = active().lapse(at=LATER, grants=[GrantId("g2")])
    assert (left.state, [g.answer for g in left.grants]) == (State.ACTIVE, ["yes", "no"])
    assert (told.type, told.grants, told.by) == ("consent.lapsed", ("g2",), None)


def test_lapse_of_the_last_lines_ends_it() -> None:
    """Nothing is left to be in force; what there was stays readable, so that an ask is told why it ended."""
    ended, told = active().lapse(at=LATER, grants=[GrantId("g1"), GrantId("g2")])
    assert (ended.state, [g.answer for g in ended.grants]) == (State.LAPSED, ["yes", "yes"])
    assert told.grants == ("g1", "g2")


def test_consent_expires_at_its_end_and_not_before() -> None:
    """Time ends it, nobody's word."""
    consent = active()
    with pytest.raises(NotOverYet):
        consent.expire(at=OVER - timedelta(microseconds=1))
    assert consent.expire(at=OVER)[0].state == State.EXPIRED


def test_a_superseded_consent_names_its_successor() -> None:
    """The log says what took its place."""
    _, told = active().supersede(at=LATER, successor=SUCCESSOR)
    assert told.content()["successor"] == SUCCESSOR


def test_a_guardian_who_has_not_signed_steers_nothing() -> None:
    """Guardians of the grown have no say (N24)."""
    with pytest.raises(SignerNotNeeded):
        active().pause(at=LATER, by=MOTHER)
    with pytest.raises(SignerNotNeeded):
        active().withdraw(at=LATER, by=MOTHER)


def test_a_guardian_does_not_resume_what_the_youth_paused() -> None:
    """Nor the reverse: whoever stopped the sharing starts it again."""
    consent, _ = yes_to_all(asked())
    by_youth, _ = consent.pause(at=LATER, by=EMIL)
    with pytest.raises(NotTheOneWhoPaused):
        by_youth.resume(at=LATER, by=MOTHER)
    by_guardian, _ = consent.pause(at=LATER, by=MOTHER)
    with pytest.raises(NotTheOneWhoPaused):
        by_guardian.resume(at=LATER, by=EMIL)


def test_the_grown_resume_what_a_guardian_paused() -> None:
    """A guardian's say ends: also over what they stopped. It does not begin over what the youth stopped."""
    consent, _ = yes_to_all(asked())
    by_guardian, _ = consent.pause(at=LATER, by=MOTHER)
    assert by_guardian.resume(at=LATER, by=EMIL, grown=True)[0].state is State.ACTIVE
    by_youth, _ = consent.pause(at=LATER, by=EMIL)
    with pytest.raises(NotTheOneWhoPaused):
        by_youth.resume(at=LATER, by=MOTHER, grown=True)


def test_time_never_runs_backwards_between_replicas() -> None:
    """A replica whose clock is behind does not date a change before the one it follows."""
    consent = active()
    withdrawn, told = consent.withdraw(at=NOW - timedelta(minutes=1), by=EMIL)
    assert consent.changed_at == withdrawn.changed_at == told.at


def test_parties_are_whoever_asked_and_both_ends_of_every_line() -> None:
    """Each of them has it in its list, with its own lines only."""
    other = line(2, source=UnitId("ot-vestfold"), recipient=UnitId("larvikshjelpa"))
    consent = asked(line(1), other)
    assert {"nav-larvik", "thor-heyerdahl-vgs", "ot-vestfold", "larvikshjelpa"} == (
        consent.parties()
    )
    assert (other,) == consent.grants_of(UnitId("larvikshjelpa"))
    assert consent.grants_of(UnitId("barnevern-larvik")) == ()


def test_text_hash_is_over_the_exact_text() -> None:
    """What was read is bound to the answer (SHA-256, base64url)."""
    assert text_sha256("") == "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
    assert text_sha256("a") != text_sha256("a ")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grants": ()}, NothingToGrant),
        ({"grants": tuple(line(n) for n in range(1, MAX_GRANTS + 2))}, TooManyLines),
        ({"grants": (line(1), line(1))}, ValueError),
        ({"grants": (line(1, answer="yes"),)}, ValueError),
        ({"valid_until": NOW}, OutOfTime),
        ({"valid_until": NOW + MAX_LIFETIME + timedelta(seconds=1)}, OutOfTime),
    ],
)
def test_a_request_that_cannot_be_is_refused(
    changes: dict[str, Any], error: type[Exception]
) -> None:
    """No lines, too many, doubled or ticked ones, and no time or too much of it."""
    fields: dict[str, Any] = {
        name: getattr(asked(), name)
        for name in (
            "id",
            "subject",
            "collaboration",
            "requested_by",
            "actor",
            "actor_role",
            "valid_until",
            "language",
            "text",
            "guardians_rule",
            "grants",
        )
    }
    with pytest.raises(error):
        requested(**{**fields, "at": NOW, **changes})


@pytest.mark.parametrize(
    "ends",
    [
        {"recipient": UnitId("*")},
        {"recipient": UnitId("")},
        {"source": UnitId("Nav Larvik")},
        {"recipient": UnitId("thor-heyerdahl-vgs")},
    ],
)
def test_a_line_names_two_different_units(ends: dict[str, Any]) -> None:
    """There is no wildcard recipient (N1), and nobody grants to itself."""
    with pytest.raises(ValueError, match="grant"):
        line(1, **ends)


@pytest.mark.parametrize("said", [NOW - ANSWER_SKEW * 2, LATER + ANSWER_SKEW * 2])
def test_an_oral_answer_from_another_time_is_refused(said: Any) -> None:
    """Not before it was asked for, and not in the future."""
    consent = asked()
    with pytest.raises(OutOfTime):
        consent.answer(
            answers(yes=[1, 2]),
            signer=EMIL,
            method="digital",
            at=LATER,
            answered_at=said,
            read=consent.text_sha256,
            needed={"education": ALONE, "health": ALONE},
        )
