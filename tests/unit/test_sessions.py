"""Sessions of the portal: short, shorter when left alone, fresh only right after a login."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from broker.domain.ids import PersonKey, UnitId
from broker.domain.sessions import (
    FRESH,
    IDLE,
    LONGEST,
    SEEN_EVERY,
    Employee,
    Session,
    StaffSession,
)
from tests.consenting import NOW

EMIL = PersonKey("a" * 64)
SECOND = timedelta(seconds=1)


def begun(at: datetime = NOW) -> Session:
    """A session that begins with a login."""
    return Session.begun(EMIL, "nb", login_at=at, at=at)


def test_it_begins_with_a_login_and_has_an_end() -> None:
    """The end is set once: no visit moves it."""
    session = begun()
    assert session == Session(
        person=EMIL, language="nb", login_at=NOW, seen_at=NOW, expires_at=NOW + LONGEST
    )
    assert session.seen(NOW + IDLE).expires_at == NOW + LONGEST


def test_it_is_over_when_it_was_left_alone() -> None:
    """A browser that somebody walked away from is nobody's after half an hour, to the second."""
    session = begun()
    assert session.is_alive(NOW + IDLE - SECOND)
    assert not session.is_alive(NOW + IDLE)


def test_it_is_over_at_its_end_however_often_it_is_used() -> None:
    """A session that a script keeps awake ends too."""
    session = begun().seen(NOW + LONGEST - SECOND)
    assert session.is_alive(NOW + LONGEST - SECOND)
    assert not session.is_alive(NOW + LONGEST)


def test_it_is_fresh_only_right_after_the_login() -> None:
    """A visit is no login: it makes nothing fresh again."""
    session = begun()
    assert session.is_fresh(NOW + FRESH - SECOND)
    assert not session.is_fresh(NOW + FRESH)
    assert not session.seen(NOW + FRESH).is_fresh(NOW + FRESH)


def test_a_login_that_was_long_ago_makes_no_session_fresh() -> None:
    """It lasts as long as any; and a provider whose clock is ahead makes none fresh for longer."""
    session = Session.begun(EMIL, "nb", login_at=NOW - FRESH, at=NOW)
    assert (session.is_fresh(NOW), session.expires_at) == (False, NOW + LONGEST)
    assert Session.begun(EMIL, "nb", login_at=NOW + FRESH, at=NOW) == begun()


def test_few_visits_are_worth_a_write() -> None:
    """Seen again within a minute it is the very same session, so that the store is left in peace."""
    session = begun()
    assert session.seen(NOW + SEEN_EVERY - SECOND) is session
    assert session.seen(NOW + SEEN_EVERY).seen_at == NOW + SEEN_EVERY


def test_another_language_is_the_same_session() -> None:
    """Nothing else changes with it."""
    session = begun()
    spoken = session.speaking("nn")
    assert (spoken.language, spoken.speaking("nb")) == ("nn", session)


@given(visits=st.lists(st.integers(0, 3600), max_size=40), later=st.integers(0, 40_000))
def test_nothing_keeps_it_alive_past_its_end_or_past_idleness(
    visits: list[int], later: int
) -> None:
    """Whatever the visits: never alive after the end, nor when nobody came for as long as ``IDLE``."""
    session, now, last = begun(), NOW, NOW
    for after in visits:
        now += after * SECOND
        if session.is_alive(now):
            session, last = session.seen(now), now
    asked = now + later * SECOND
    if asked >= NOW + LONGEST or asked >= last + IDLE:
        assert not session.is_alive(asked)
    elif asked < last + IDLE - SEEN_EVERY:
        assert session.is_alive(asked)


def test_an_employees_session_lasts_as_a_persons() -> None:
    """And no provider's clock that is ahead makes it fresh for longer."""
    adviser = Employee(UnitId("nav-larvik"), "emp-a", "veileder")
    session = StaffSession.begun(adviser, "nb", login_at=NOW + FRESH, at=NOW)
    assert session.is_fresh(NOW + FRESH - SECOND)
    assert not session.is_fresh(NOW + FRESH)
    assert session.is_alive(NOW + IDLE - SECOND)
    assert not session.is_alive(NOW + IDLE)
    assert session.seen(NOW + IDLE).employee == adviser
