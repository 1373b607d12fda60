"""Noticing: what may wait for the daily digest, and when that is."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.lifetime import OSLO
from broker.domain.noticing import DIGEST_HOUR, MAY_WAIT, digest_before, how

START = datetime(2024, 1, 1, tzinfo=UTC)
ALWAYS = (
    "requested",
    "reconfirm",
    "family_asked",
    "captured",
    "relied_on",
    "reviewed",
    "meeting",
    "guardian_acted",
    "objection_recorded",
    "audit_looked",
    "helper_accepted",
    "something_new",
)


@pytest.mark.parametrize("kind", sorted(MAY_WAIT))
def test_what_informs_waits_where_it_was_chosen(kind: str) -> None:
    """Each time unless the youth said otherwise, and never where it rests on a statute."""
    assert how(kind, urgent=False, chosen="digest") == "digest"
    assert how(kind, urgent=True, chosen="digest") == "at_once"
    assert how(kind, urgent=False, chosen="at_once") == "at_once"
    assert how(kind, urgent=False, chosen=None) == "at_once"


@pytest.mark.parametrize("kind", ALWAYS)
def test_what_asks_or_was_done_to_the_youth_never_waits(kind: str) -> None:
    """A request, a statute, an oral answer, a meeting, a look; and whatever nobody has thought of yet."""
    assert how(kind, urgent=False, chosen="digest") == "at_once"


@pytest.mark.parametrize(
    ("now", "digest"),
    [
        ("2026-11-23T15:00:00+00:00", "2026-11-23T15:00:00+00:00"),
        ("2026-11-23T14:59:59+00:00", "2026-11-22T15:00:00+00:00"),
        ("2026-03-29T14:00:00+00:00", "2026-03-29T14:00:00+00:00"),
        ("2026-03-29T13:59:00+00:00", "2026-03-28T15:00:00+00:00"),
        ("2026-10-25T14:30:00+00:00", "2026-10-24T14:00:00+00:00"),
    ],
)
def test_the_digest_comes_when_school_is_out_in_norway(now: str, digest: str) -> None:
    """Four in the afternoon by the clock on the wall, also on the days when it is put forward or back."""
    assert digest_before(datetime.fromisoformat(now)) == datetime.fromisoformat(digest)


@given(st.floats(0, 6000).map(lambda days: START + timedelta(days=days)))
def test_there_is_a_digest_every_day(now: datetime) -> None:
    """Never more than a day and an hour ago, never to come."""
    digest = digest_before(now)
    assert timedelta(0) <= now - digest <= timedelta(hours=25)
    assert digest.astimezone(OSLO).hour == DIGEST_HOUR
    assert digest_before(digest) == digest
