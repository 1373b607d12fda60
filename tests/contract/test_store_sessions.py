"""The store's contract, continued: sessions of the portal, and logins that were answered."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.domain.ids import PersonKey, UnitId
from broker.domain.sessions import (
    IDLE,
    LOGIN_TAKES,
    Employee,
    Session,
    StaffSession,
)
from broker.ports import Store
from broker.store.sql import SqlStore
from tests.consenting import NOW

EMIL, NORA = PersonKey("a" * 64), PersonKey("d" * 64)
PHONE, SCHOOL, LIBRARY = (bytes([number]) * 32 for number in (1, 2, 3))
LONG_AGO, OVER = NOW - timedelta(days=7), NOW + LOGIN_TAKES


def begun(person: PersonKey = EMIL) -> Session:
    """A session that begins now."""
    return Session.begun(person, "nb", login_at=NOW, at=NOW)


def add(store: Store, sessions: dict[bytes, Session]) -> None:
    """Keep them."""
    with store.write() as tx:
        for token, session in sessions.items():
            tx.add_session(token, session)


def kept(store: Store, *tokens: bytes) -> list[Session | None]:
    """What is there by these tokens."""
    with store.read() as tx:
        return [tx.session(token) for token in tokens]


def test_a_login_is_answered_once(store: Store) -> None:
    """Whatever the second answer says, and whoever sends it; another login is another."""
    with store.write() as tx:
        assert tx.spend_login(PHONE, until=OVER)
        assert not tx.spend_login(PHONE, until=OVER)
    with store.write() as tx:
        assert not tx.spend_login(PHONE, until=OVER)
        assert tx.spend_login(SCHOOL, until=OVER)


def test_a_session_comes_back_as_it_was(store: Store) -> None:
    """By its own token only."""
    add(store, {PHONE: begun(), SCHOOL: begun(NORA)})
    assert [begun(), begun(NORA), None] == kept(store, PHONE, SCHOOL, LIBRARY)


def test_what_changes_in_a_session_is_when_it_was_seen_and_its_language(store: Store) -> None:
    """Whose it is, when they logged in and when it ends stay as they began, whatever is saved."""
    add(store, {PHONE: begun(), SCHOOL: begun()})
    later = NOW + timedelta(minutes=5)
    changed = replace(begun(), seen_at=later, language="en")
    with store.write() as tx:
        tx.save_session(
            PHONE,
            replace(changed, person=NORA, login_at=later, expires_at=later + timedelta(days=1)),
        )
    assert [changed, begun()] == kept(store, PHONE, SCHOOL)


def test_a_session_that_ended_is_not_saved_back_to_life(store: Store) -> None:
    """A visit that is under way while its person logs out brings nothing back."""
    add(store, {PHONE: begun()})
    with store.write() as tx:
        tx.end_session(PHONE)
        tx.save_session(PHONE, begun())
    assert kept(store, PHONE) == [None]


def test_one_session_ends_and_the_others_do_not(store: Store) -> None:
    """Logging out at school leaves the phone logged in; ending what is not there is no error."""
    add(store, {PHONE: begun(), SCHOOL: begun()})
    with store.write() as tx:
        tx.end_session(SCHOOL)
        tx.end_session(LIBRARY)
    assert [begun(), None] == kept(store, PHONE, SCHOOL)


def test_every_session_of_a_person_ends_and_nobody_elses(store: Store) -> None:
    """Whoever lost a phone is out everywhere; others do not notice."""
    add(store, {PHONE: begun(), SCHOOL: begun(), LIBRARY: begun(NORA)})
    with store.write() as tx:
        tx.end_sessions(EMIL)
    assert [None, None, begun(NORA)] == kept(store, PHONE, SCHOOL, LIBRARY)


def test_what_is_over_is_swept(store: SqlStore) -> None:
    """Sessions, and answered logins, whose time is up leave no row behind; the others stay."""
    add(store, {PHONE: begun(), SCHOOL: replace(begun(), expires_at=NOW)})
    with store.write() as tx:
        tx.spend_login(PHONE, until=OVER)
        tx.spend_login(SCHOOL, until=NOW)
    assert store.sweep(at=NOW, remembered_before=LONG_AGO) == 2
    assert [begun(), None] == kept(store, PHONE, SCHOOL)
    with store.write() as tx:
        assert not tx.spend_login(PHONE, until=OVER)
        assert tx.spend_login(SCHOOL, until=OVER)


def test_nothing_is_kept_when_its_transaction_fails(store: Store) -> None:
    """A login that could not be finished leaves no session, and may be answered."""

    def unfinished() -> None:
        with store.write() as tx:
            tx.add_session(PHONE, begun())
            tx.spend_login(PHONE, until=OVER)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        unfinished()
    assert kept(store, PHONE) == [None]
    with store.write() as tx:
        assert tx.spend_login(PHONE, until=OVER)


ADVISER = Employee(UnitId("nav-larvik"), "emp-a", "veileder")


def test_sessions_of_employees_are_apart_from_peoples(store: Store) -> None:
    """A token of one kind is nobody's of the other; each ends by itself, or with all of the employee's."""
    session = StaffSession.begun(ADVISER, "nb", login_at=NOW, at=NOW)
    other = StaffSession.begun(replace(ADVISER, actor="emp-b"), "nn", login_at=NOW, at=NOW)
    with store.write() as tx:
        tx.add_staff_session(PHONE, session)
        tx.add_staff_session(SCHOOL, session)
        tx.add_staff_session(LIBRARY, other)
    assert kept(store, PHONE, SCHOOL, LIBRARY) == [None] * 3
    spoken = session.speaking("en").seen(NOW + IDLE / 2)
    with store.write() as tx:
        tx.save_staff_session(PHONE, spoken)
        tx.end_sessions(EMIL)
        tx.end_session(PHONE)
    with store.write() as tx:
        assert [tx.staff_session(t) for t in (PHONE, SCHOOL, LIBRARY)] == [spoken, session, other]
        tx.end_staff_session(SCHOOL)
        assert tx.staff_session(SCHOOL) is None
        tx.end_staff_sessions(ADVISER.actor)
        assert [tx.staff_session(t) for t in (PHONE, LIBRARY)] == [None, other]


def test_employees_who_were_away_for_long_are_swept(store: SqlStore) -> None:
    """As people's sessions are."""
    session = StaffSession.begun(ADVISER, "nb", login_at=LONG_AGO, at=LONG_AGO)
    with store.write() as tx:
        tx.add_staff_session(PHONE, session)
    assert store.sweep(at=NOW, remembered_before=LONG_AGO) == 1
