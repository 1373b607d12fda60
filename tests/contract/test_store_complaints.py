"""The store's contract, continued: complaints of subjects about disclosures."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.domain.complaints import ANSWER_WITHIN
from broker.domain.ids import ComplaintId
from broker.errors import Contended
from broker.ports import Store
from broker.store.sql import SqlStore
from tests.consenting import NOW, identifier
from tests.stored import EMIL, NAV, OT, SARA, add_subjects, disclosure
from tests.unit.test_complaints import made

DUE = NOW + ANSWER_WITHIN


@pytest.fixture
def kept(store: SqlStore) -> SqlStore:
    """The store with Emil, Sara and disclosures in it."""
    with store.write() as tx:
        add_subjects(tx)
        for number in range(1, 5):
            tx.add_disclosure(disclosure(number))
    return store


def test_a_complaint_comes_back_as_it_was_and_as_it_becomes(kept: Store) -> None:
    """By its id, to whoever may ask; nothing by another's."""
    with kept.write() as tx:
        tx.add_complaint(made())
        answered = made().answer("right", at=DUE)
        tx.save_complaint(answered, was=1)
    with kept.read() as tx:
        assert tx.complaint(made().id) == answered
        assert tx.complaint(ComplaintId(identifier("cmp", 9))) is None


def test_of_two_answers_at_once_one_is_kept(kept: Store) -> None:
    """The other is told to look again."""
    with kept.write() as tx:
        tx.add_complaint(made())
        tx.save_complaint(made().answer("right", at=NOW), was=1)
    with pytest.raises(Contended), kept.write() as tx:
        tx.save_complaint(made().close(at=NOW), was=1)


def test_one_disclosure_has_one_complaint_that_is_not_closed(kept: Store) -> None:
    """Two windows that complain at once open one; after it is closed there may be another."""
    again = replace(made(2), disclosure=made().disclosure)
    with kept.write() as tx:
        tx.add_complaint(made())
    with pytest.raises(Contended), kept.write() as tx:
        tx.add_complaint(again)
    with kept.write() as tx:
        tx.save_complaint(made().close(at=NOW), was=1)
        tx.add_complaint(again)
        assert tx.complaints_not_closed(EMIL) == (again,)
        assert tx.complaints_not_closed(SARA) == ()


def test_a_subjects_are_listed_newest_first_and_a_units_oldest_first(kept: Store) -> None:
    """Each sees its own, a page at a time; who audits sees all."""
    first, second, third = made(1), made(2, unit=OT), made(3)
    with kept.write() as tx:
        for one in (first, second, third):
            tx.add_complaint(one)
        answered = first.answer("right", at=NOW)
        tx.save_complaint(answered, was=1)
    with kept.read() as tx:
        assert tx.complaints_of(EMIL, limit=2) == (third, second)
        assert tx.complaints_of(SARA, limit=2) == ()
        page = tx.complaints_about(NAV, after=None, limit=1, open_only=False)
        assert page == (answered,)
        rest = tx.complaints_about(NAV, after=answered.id, limit=9, open_only=False)
        assert rest == (third,)
        assert tx.complaints_about(NAV, after=None, limit=9, open_only=True) == (third,)
        every = tx.complaints_about(None, after=None, limit=9, open_only=False)
        assert every == (answered, second, third)
        assert tx.complaints_about(None, after="cmp_x", limit=9, open_only=False) == ()


def test_what_nobody_answered_is_due_once(kept: Store) -> None:
    """Fourteen days after it was opened, and not where it was answered or closed."""
    waiting, answered, closed = made(1), made(2), made(3)
    with kept.write() as tx:
        for one in (waiting, answered, closed):
            tx.add_complaint(one)
        tx.save_complaint(answered.answer("right", at=NOW), was=1)
        tx.save_complaint(closed.close(at=NOW), was=1)
        early = DUE - timedelta(seconds=1)
        assert tx.complaints_due(at=early, after=None, limit=9) == ()
        (due,) = tx.complaints_due(at=DUE, after=None, limit=9)
        assert (due.id, due.look_at) == (waiting.id, DUE)
        assert tx.complaints_due(at=DUE, after=due, limit=9) == ()
        assert tx.due(at=DUE) == 1
        tx.look_at_complaint(waiting.id, now=DUE, then=None)
        assert tx.due(at=DUE) == 0
        with pytest.raises(Contended):
            tx.look_at_complaint(waiting.id, now=DUE, then=None)
