"""Asking back: closed words between a subject and whoever asked, bounded on both sides, and no answer to anything."""

from datetime import timedelta
from typing import get_args

import pytest

from broker.domain.asking_back import REPLIES, TEXTS, asked_back, replied, text_of
from broker.domain.consents import Consent
from broker.domain.errors import (
    AskedBackAlready,
    IllegalTransition,
    NothingToReply,
    SignerNotNeeded,
)
from broker.domain.states import State
from tests.consenting import EMIL, MOTHER, NOW, RECORDER, active, asked
from tillit.wire import AskBack, Language, Reply

LATER = NOW + timedelta(hours=1)


def ask(consent: Consent, said: AskBack = "why_needed") -> Consent:
    """Emil asks something."""
    return asked_back(consent, said, at=LATER, by=EMIL)[0]


def test_what_is_asked_is_kept_and_nothing_else_changes() -> None:
    """The request waits as before."""
    before = asked()
    after, told = asked_back(before, "why_needed", at=LATER, by=EMIL)
    assert (after.state, after.grants, after.signatures) == (State.REQUESTED, before.grants, ())
    assert [(r.by, r.said, r.at) for r in after.remarks] == [("subject", "why_needed", LATER)]
    assert (told.type, told.content()["said"], told.content()["by"]) == (
        "consent.asked_back",
        "why_needed",
        "subject",
    )
    assert after.version == told.version == before.version + 1


def test_each_thing_is_asked_once() -> None:
    """Nobody fills a log or a feed by asking."""
    with pytest.raises(AskedBackAlready):
        ask(ask(asked()))
    assert len(ask(ask(asked()), "contact_me").remarks) == 2


def test_a_guardian_asks_nothing_back_here() -> None:
    """What a youth asks is between the youth and the service."""
    with pytest.raises(SignerNotNeeded):
        asked_back(asked(), "why_needed", at=LATER, by=MOTHER)


def test_a_service_answers_as_often_as_it_was_asked() -> None:
    """It has no way here to press somebody who has not asked."""
    with pytest.raises(NothingToReply):
        replied(asked(), "will_contact", at=LATER, recorded_by=RECORDER)
    after, told = replied(ask(asked()), "will_contact", at=LATER, recorded_by=RECORDER)
    assert after.remarks[-1].by == "service"
    assert told.content()["recorded_by"] == {
        "unit": "nav-larvik",
        "actor": "a17",
        "role": "veileder",
    }
    assert (told.type, told.by, told.content()["said"]) == ("consent.replied", None, "will_contact")
    with pytest.raises(NothingToReply):
        replied(after, "will_contact", at=LATER, recorded_by=RECORDER)
    again, _ = replied(ask(after, "on_paper"), "paper_is_ready", at=LATER, recorded_by=RECORDER)
    assert len(again.remarks) == 4


def test_only_while_an_answer_is_waited_for() -> None:
    """A consent in force changes for nothing that is said."""
    with pytest.raises(IllegalTransition):
        ask(active())
    with pytest.raises(IllegalTransition):
        replied(active(), "will_contact", at=LATER, recorded_by=RECORDER)


@pytest.mark.parametrize("language", get_args(Language))
def test_every_word_has_a_text_in_every_language(language: Language) -> None:
    """A youth reads no code, and neither does a service."""
    assert set(TEXTS[language]) == set(get_args(AskBack))
    assert set(REPLIES[language]) == set(get_args(Reply))
    consent, _ = replied(
        ask(asked(), "when_we_meet"), "when_we_meet", at=LATER, recorded_by=RECORDER
    )
    mine, theirs = (text_of(remark, language) for remark in consent.remarks)
    assert mine != theirs
