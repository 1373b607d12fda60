"""The store's contract, continued: questions, the end of a feed, and a consent that is pinned."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from broker.domain.ids import ConsentId, DisclosureId, QuestionId
from broker.errors import Contended
from broker.ports import Store
from broker.store.sql import SqlStore
from tests.consenting import ALONE, EMIL, NOW, active, identifier
from tests.stored import EMIL as EMIL_ID
from tests.stored import NAV, OT, SARA, add_subjects
from tests.unit.test_questions import SOON, put, yes
from tillit.wire import Event

LATER = NOW + timedelta(days=2)
CONSENT = active(subject=EMIL_ID)


@pytest.fixture
def kept(store: SqlStore) -> SqlStore:
    """The store with Emil, Sara and a consent of his in it."""
    with store.write() as tx:
        add_subjects(tx)
        tx.add_consent(CONSENT)
    return store


def test_a_question_comes_back_as_it_was_and_as_it_becomes(kept: Store) -> None:
    """With who said yes, and until when."""
    question = put(subject=EMIL_ID, consent=CONSENT.id)
    with kept.write() as tx:
        tx.add_question(question)
    with kept.write() as tx:
        assert tx.question(question.id) == question
        tx.save_question(yes(question), was=1)
    with kept.read() as tx:
        assert tx.question(question.id) == yes(question)
        assert tx.question(QuestionId(identifier("qst", 9))) is None


def test_of_two_answers_at_once_one_is_kept(kept: Store) -> None:
    """The other is told to look again."""
    question = put(subject=EMIL_ID, consent=CONSENT.id)
    no = question.answer("no", signer=EMIL, needed=(ALONE,), at=SOON)
    with kept.write() as tx:
        tx.add_question(question)
        tx.save_question(yes(question), was=1)
    with pytest.raises(Contended), kept.write() as tx:
        tx.save_question(no, was=1)


def test_what_counts_is_found_by_whose_consent_it_is(kept: Store) -> None:
    """What waits, lets or keeps from asking; not what is over, used, lapsed or somebody else's."""
    numbers = {n: replace(put(), id=QuestionId(identifier("qst", n))) for n in range(1, 7)}
    base = {n: replace(q, subject=EMIL_ID, consent=CONSENT.id) for n, q in numbers.items()}
    no = base[3].answer("no", signer=EMIL, needed=(ALONE,), at=SOON)
    waiting, let, denied = base[1], yes(base[2]), no
    over = replace(base[4], closes=SOON)
    used, lapsed = yes(base[5]).use(DisclosureId("dis_1")), base[6].lapse()
    with kept.write() as tx:
        for question in (waiting, let, denied, over, used, lapsed):
            tx.add_question(question)
    with kept.read() as tx:
        assert tx.questions_counting([EMIL_ID, SARA], at=SOON) == (waiting, let, denied)
        assert tx.questions_counting([SARA], at=SOON) == ()
        assert tx.questions_counting([EMIL_ID], at=LATER) == ()
        assert tx.questions_of(EMIL_ID, limit=2) == (lapsed, used)


def test_a_consent_is_pinned_at_the_version_that_was_read(kept: Store) -> None:
    """A question is never put on a consent that somebody is taking back."""
    with kept.write() as tx:
        assert tx.pin_consent(CONSENT.id, CONSENT.version)
        assert not tx.pin_consent(CONSENT.id, CONSENT.version + 1)
        assert not tx.pin_consent(ConsentId(identifier("con", 9)), 1)


def test_a_withdrawal_waits_for_who_has_pinned_the_consent(kept: SqlStore) -> None:
    """Whatever is put before is there to lapse."""
    order: list[str] = []
    pinned = threading.Event()

    def withdraw() -> None:
        pinned.wait(10)
        with kept.write() as tx:
            changed, _ = CONSENT.pause(at=SOON, by=EMIL)
            tx.save_consent(changed, was=CONSENT.version)
            order.append(f"paused with {len(tx.questions_of(EMIL_ID, limit=9))}")

    thread = threading.Thread(target=withdraw)
    thread.start()
    with kept.write() as tx:
        assert tx.pin_consent(CONSENT.id, CONSENT.version)
        pinned.set()
        thread.join(0.3)
        tx.add_question(put(subject=EMIL_ID, consent=CONSENT.id))
        order.append("put")
    thread.join(10)
    assert order == ["put", "paused with 1"]


def test_the_end_of_a_feed_is_before_whatever_comes(kept: Store) -> None:
    """From there on nothing is missed."""
    event = Event(id=0, type="question.answered", at=NOW, subject=None)
    with kept.write() as tx:
        assert tx.last_event(NAV) == 0
        tx.add_event(NAV, event)
        tx.add_event(OT, event)
    with kept.write() as tx:
        end = tx.last_event(NAV)
        tx.add_event(NAV, event)
    with kept.read() as tx:
        assert len(tx.events(NAV, after=end, limit=9)) == 1
