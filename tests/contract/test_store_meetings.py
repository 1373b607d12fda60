"""The store's contract, continued: the meetings about a subject, in the order in which they are held."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.ports import Store
from broker.store.sql import SqlStore
from broker.stored import Meeting
from tests.consenting import NOW, identifier
from tests.stored import EMIL, SARA, add_subjects, meeting


def held(number: int, hours: float) -> Meeting:
    """A meeting about Emil, so many hours from now."""
    return replace(meeting(number), held_at=NOW + timedelta(hours=hours))


PAST = (held(1, -3), held(2, -2), held(3, -2), held(4, 0))
COMING = (held(5, 1), held(6, 1), held(7, 24))
SARAS = replace(held(8, -1), subject=SARA)


@pytest.fixture
def kept(store: SqlStore) -> SqlStore:
    """The store with meetings about Emil and one about Sara, written in no order."""
    with store.write() as tx:
        add_subjects(tx)
        for one in (COMING[2], PAST[1], SARAS, PAST[3], COMING[1], PAST[0], COMING[0], PAST[2]):
            tx.add_meeting(one)
    return store


def test_what_comes_is_told_the_next_one_first(kept: Store) -> None:
    """One that begins now has begun; two at one time have an order too."""
    with kept.read() as tx:
        assert tx.coming_meetings(EMIL, at=NOW, limit=10) == COMING
        assert tx.coming_meetings(EMIL, at=NOW, limit=1) == COMING[:1]
        assert tx.coming_meetings(SARA, at=NOW, limit=10) == ()


def test_what_was_is_paged_through_the_latest_first(kept: Store) -> None:
    """Each once, also where two were held at one time and a page ends between them."""
    latest = PAST[::-1]
    with kept.read() as tx:
        assert tx.past_meetings(EMIL, at=NOW, before=None, limit=10) == latest
        for size in (1, 2, 3):
            seen: list[Meeting] = []
            before: str | None = None
            while page := tx.past_meetings(EMIL, at=NOW, before=before, limit=size):
                seen += page
                before = page[-1].id
            assert tuple(seen) == latest


def test_a_page_begins_at_ones_own_meeting_only(kept: Store) -> None:
    """Another's meeting, or none, gives nothing, so that nobody learns when it was."""
    with kept.read() as tx:
        assert tx.past_meetings(EMIL, at=NOW, before=SARAS.id, limit=10) == ()
        assert tx.past_meetings(EMIL, at=NOW, before=identifier("mtg", 99), limit=10) == ()
