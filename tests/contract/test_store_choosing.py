"""The store's contract, continued: how subjects want to be told, and the notices that wait by it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from broker.ports import Store
from broker.store.sql import SqlStore
from broker.stored import ChosenNotice, Notice
from tests.consenting import NOW
from tests.stored import EMIL, NAV, OT, SARA, add_subjects

LATER = NOW + timedelta(hours=1)
DIGEST = NOW + timedelta(hours=6)
RELEASED = Notice("released", NOW, NAV)


@pytest.fixture
def kept(store: SqlStore) -> SqlStore:
    """The store with Emil and Sara in it; Emil wants to hear of Nav once a day."""
    with store.write() as tx:
        add_subjects(tx)
        tx.choose_notices(EMIL, ChosenNotice(NAV, "digest", NOW))
    return store


def due(store: Store, at: datetime = DIGEST) -> list[tuple[str, Notice]]:
    """About whom what is due."""
    with store.read() as tx:
        return [(a.subject, a.notice) for a in tx.notices_due(at=at, limit=50)]


def test_a_choice_is_of_one_subject_and_one_unit(kept: Store) -> None:
    """The latest counts; taken back it is gone."""
    with kept.write() as tx:
        tx.choose_notices(EMIL, ChosenNotice(NAV, "digest", LATER))
        tx.choose_notices(EMIL, ChosenNotice(OT, "digest", LATER))
    with kept.write() as tx:
        chosen = (ChosenNotice(NAV, "digest", LATER), ChosenNotice(OT, "digest", LATER))
        assert tx.notice_choices(EMIL) == chosen
        assert tx.notice_choices(SARA) == ()
        assert tx.forget_notice_choice(EMIL, NAV, at=LATER)
        assert not tx.forget_notice_choice(EMIL, NAV, at=LATER)
        assert not tx.forget_notice_choice(SARA, OT, at=LATER)
        assert tx.notice_choices(EMIL) == chosen[1:]


def test_a_notice_waits_for_the_digest_only_where_it_was_chosen(kept: Store) -> None:
    """Another's, another unit's, and what may not wait, are due at once."""
    with kept.write() as tx:
        tx.add_notice(EMIL, RELEASED)
        tx.add_notice(EMIL, replace(RELEASED, unit=OT))
        tx.add_notice(EMIL, replace(RELEASED, kind="requested"))
        tx.add_notice(EMIL, replace(RELEASED, urgent=True))
        tx.add_notice(SARA, RELEASED)
    told = due(kept, NOW)
    assert [(subject, n.unit, n.kind) for subject, n in told] == [
        (EMIL, OT, "released"),
        (EMIL, NAV, "requested"),
        (EMIL, NAV, "released"),
        (SARA, NAV, "released"),
    ]
    assert {(n.how, n.due_at) for _, n in told} == {("at_once", NOW)}
    with kept.read() as tx:
        waiting = tx.notices(EMIL, limit=9, at=NOW)[-1]
        assert (waiting.how, waiting.due_at) == ("digest", None)


def test_the_digest_makes_due_what_was_written_until_then(kept: Store) -> None:
    """What comes a moment later goes with the next one."""
    with kept.write() as tx:
        tx.add_notice(EMIL, RELEASED)
        tx.add_notice(EMIL, replace(RELEASED, at=DIGEST))
        tx.add_notice(EMIL, replace(RELEASED, at=DIGEST + timedelta(seconds=1)))
        assert not tx.notices_wait(digest=NOW - timedelta(seconds=1))
        assert tx.notices_wait(digest=NOW)
        assert tx.make_notices_due(digest=DIGEST, at=DIGEST) == 2
        assert not tx.notices_wait(digest=DIGEST)
    assert [(n.at, n.due_at) for _, n in due(kept)] == [(NOW, DIGEST), (DIGEST, DIGEST)]


def test_what_must_not_be_told_yet_is_in_no_digest(kept: Store) -> None:
    """A delayed notice waits for its time, with or without a digest."""
    waits = replace(RELEASED, told_at=DIGEST + timedelta(days=1))
    with kept.write() as tx:
        tx.add_notice(EMIL, waits)
        tx.add_notice(SARA, waits)
        assert tx.make_notices_due(digest=DIGEST, at=DIGEST) == 0
        assert tx.notices_due(at=DIGEST, limit=9) == ()
        tomorrow = DIGEST + timedelta(days=1)
        assert tx.make_notices_due(digest=tomorrow, at=tomorrow) == 1
    assert [subject for subject, _ in due(kept, tomorrow)] == [EMIL, SARA]


def test_without_a_digest_any_more_what_waited_is_due(kept: Store) -> None:
    """What is still not to be told stays untold until its time."""
    late = replace(RELEASED, told_at=DIGEST)
    with kept.write() as tx:
        tx.add_notice(EMIL, RELEASED)
        tx.add_notice(EMIL, late)
        tx.forget_notice_choice(EMIL, NAV, at=LATER)
    assert [(n, n.how, n.due_at) for _, n in due(kept, LATER)] == [(RELEASED, "at_once", LATER)]
    assert [n.due_at for _, n in due(kept, DIGEST)] == [LATER, DIGEST]


def test_what_is_handed_on_is_due_no_more(kept: Store) -> None:
    """Of two who hand the same on, one is told that it did."""
    with kept.write() as tx:
        for _ in range(3):
            tx.add_notice(SARA, RELEASED)
    with kept.write() as tx:
        first, second, third = (a.position for a in tx.notices_due(at=NOW, limit=9))
        assert len(tx.notices_due(at=NOW, limit=2)) == 2
        assert tx.hand_on_notices([second, first], at=NOW) == (first, second)
    with kept.write() as tx:
        assert tx.hand_on_notices([second, third], at=NOW) == (third,)
        assert tx.notices_due(at=LATER, limit=9) == ()


def test_what_the_release_before_adds_is_told_too(kept: SqlStore) -> None:
    """It knows nothing of the new columns; a tick makes it due."""
    older = "INSERT INTO notice (subject, kind, at, unit) VALUES (:subject, 'meeting', :at, 'nav-larvik')"
    at = int(NOW.timestamp()) * 1_000_000
    with kept.engine.begin() as connection:
        connection.execute(text(older), {"subject": EMIL, "at": at})
    with kept.write() as tx:
        assert tx.notices_due(at=LATER, limit=9) == ()
        assert tx.notices_wait(digest=NOW - timedelta(days=1))
        assert tx.make_notices_due(digest=NOW - timedelta(days=1), at=LATER) == 1
    assert [(n.kind, n.how, n.due_at) for _, n in due(kept)] == [("meeting", "at_once", LATER)]


# --- hidden involvement


def test_what_is_hidden_is_one_subjects_and_by_unit(kept: Store) -> None:
    """Hidden twice it is hidden since the first time; shown again it is gone."""
    with kept.write() as tx:
        assert tx.hide(EMIL, OT, at=NOW)
        assert tx.hide(EMIL, NAV, at=LATER)
        assert not tx.hide(EMIL, OT, at=LATER)
        assert tx.hidden(SARA) == {}
    with kept.write() as tx:
        assert list(tx.hidden(EMIL).items()) == [(NAV, LATER), (OT, NOW)]
        assert tx.show(EMIL, NAV)
        assert not tx.show(EMIL, NAV)
        assert not tx.show(SARA, OT)
        assert tx.hidden(EMIL) == {OT: NOW}
