"""Questions: who answers, what a yes lets and for how long, and what a no keeps from."""

from datetime import timedelta
from typing import Any

import pytest

from broker.domain.errors import QuestionAnswered, QuestionOver, SignerNotNeeded
from broker.domain.ids import ConsentId, DisclosureId, GrantId, QuestionId, SubjectId, UnitId
from broker.domain.questions import ANSWER_WITHIN, NOT_ASKED_AGAIN, Question, QuestionState
from tests.consenting import (
    ALONE,
    BOTH_GUARDIANS,
    EMIL,
    FATHER,
    MOTHER,
    NOW,
    ONE_GUARDIAN,
    TOGETHER,
    Need,
    identifier,
)

SOON = NOW + timedelta(minutes=1)
MOMENT = timedelta(microseconds=1)


def put(**more: Any) -> Question:
    """Nav asks for the grades."""
    fields: dict[str, Any] = {
        "id": QuestionId(identifier("qst", 1)),
        "subject": SubjectId("sub_1"),
        "unit": UnitId("nav-larvik"),
        "actor_role": "veileder",
        "purpose": "case_discussion",
        "collaboration": "ungdomsutvalget-larvik",
        "consent": ConsentId(identifier("con", 1)),
        "lines": (GrantId("g1"),),
        "fields": ("education.grades",),
        "also": "ask_me_first",
        "asked_at": NOW,
        "closes": NOW + ANSWER_WITHIN,
    }
    return Question(**{**fields, **more})


def yes(question: Question, *, by: Any = EMIL, needed: tuple[Need, ...] = (ALONE,)) -> Question:
    """Somebody says yes, a minute later."""
    return question.answer("yes", signer=by, needed=needed, at=SOON)


def test_a_yes_lets_it_for_a_day_and_one_release() -> None:
    """The moment at which it ends is not within it."""
    let = yes(put())
    until = SOON + timedelta(hours=24)
    assert (let.state, let.closes, let.answered_at, let.version) == (
        QuestionState.YES,
        until,
        SOON,
        2,
    )
    assert [let.lets(SOON), let.lets(until - MOMENT), let.lets(until)] == [True, True, False]
    used = let.use(DisclosureId("dis_1"))
    assert (used.state, used.used_by) == (QuestionState.USED, "dis_1")
    assert not used.lets(SOON)
    assert not used.counts(SOON)


def test_who_is_there_lets_it_for_a_quarter_of_an_hour() -> None:
    """As long as people sit together, and not until tomorrow."""
    let = yes(put(also="only_when_present"))
    assert let.closes == SOON + timedelta(minutes=15)


def test_a_no_lets_nothing_and_keeps_from_asking_for_a_day() -> None:
    """Nobody is pressed."""
    no = put().answer("no", signer=EMIL, needed=(ALONE,), at=SOON)
    until = SOON + NOT_ASKED_AGAIN
    assert (no.state, no.closes, no.lets(SOON)) == (QuestionState.NO, until, False)
    assert [no.keeps_from_asking(SOON), no.keeps_from_asking(until)] == [True, False]
    assert not put().keeps_from_asking(SOON)


@pytest.mark.parametrize("first", ["yes", "no"])
def test_the_second_answer_is_told_that_there_is_one(first: Any) -> None:
    """Two tabs, two parents: what was said first stands."""
    answered = put().answer(first, signer=EMIL, needed=(ALONE,), at=SOON)
    for said in ("yes", "no"):
        with pytest.raises(QuestionAnswered):
            answered.answer(said, signer=EMIL, needed=(ALONE,), at=SOON)
    if first == "yes":
        with pytest.raises(QuestionAnswered):
            yes(answered.use(DisclosureId("dis_1")))


def test_a_question_waits_for_a_day() -> None:
    """And not a moment longer."""
    question = put()
    assert question.is_open(NOW + ANSWER_WITHIN - MOMENT)
    assert question.counts(NOW)
    with pytest.raises(QuestionOver):
        question.answer("yes", signer=EMIL, needed=(ALONE,), at=NOW + ANSWER_WITHIN)


def test_what_lapsed_is_answered_no_more() -> None:
    """The consent that it was about is paused, or gone."""
    lapsed = put().lapse()
    assert not lapsed.counts(NOW)
    with pytest.raises(QuestionOver):
        yes(lapsed)
    assert not yes(put()).lapse().lets(SOON)


def test_both_parents_answer_where_both_must_sign() -> None:
    """One yes is not two, nor twice the same; one no is enough."""
    needed = (BOTH_GUARDIANS,)
    first = yes(put(), by=MOTHER, needed=needed)
    assert (first.state, first.yes_by) == (QuestionState.OPEN, (MOTHER,))
    with pytest.raises(QuestionAnswered):
        yes(first, by=MOTHER, needed=needed)
    assert yes(first, by=FATHER, needed=needed).lets(SOON)
    no = first.answer("no", signer=FATHER, needed=needed, at=SOON)
    assert no.state is QuestionState.NO


def test_child_and_parent_answer_together_where_both_sign() -> None:
    """Neither alone."""
    needed = (TOGETHER,)
    assert yes(put(), needed=needed).state is QuestionState.OPEN
    first = yes(put(), by=MOTHER, needed=needed)
    assert first.state is QuestionState.OPEN
    assert yes(first, needed=needed).state is QuestionState.YES


@pytest.mark.parametrize(
    ("signer", "needed"),
    [(EMIL, (ONE_GUARDIAN,)), (MOTHER, (ALONE,)), (MOTHER, (ONE_GUARDIAN, ALONE)), (EMIL, ())],
)
def test_who_signs_the_lines_answers_and_nobody_else(signer: Any, needed: tuple[Need, ...]) -> None:
    """Neither a child for its parents, nor a parent for a youth who signs alone."""
    for said in ("yes", "no"):
        with pytest.raises(SignerNotNeeded):
            put().answer(said, signer=signer, needed=needed, at=SOON)
