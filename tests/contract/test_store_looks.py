"""What time may change, as the store finds it: the store's contract, on SQLite and on PostgreSQL."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from broker.domain.ids import ConsentId, DisclosureId
from broker.errors import Contended
from broker.store.looks import SOON
from broker.store.sql import SqlStore
from broker.stored import Due
from tests.consenting import EMIL as EMIL_SIGNS
from tests.consenting import NOW, active, asked, identifier
from tests.stored import EMIL, SARA, add_subjects, disclosure

LATER = NOW + timedelta(days=1)
CONSENT = ConsentId(identifier("con", 1))


@pytest.fixture
def kept(store: SqlStore) -> SqlStore:
    """The store with Emil and Sara in it."""
    with store.write() as tx:
        add_subjects(tx)
    return store


def due(store: SqlStore, *, after: Due | None = None, limit: int = 10) -> list[str]:
    """The consents that are due now."""
    with store.read() as tx:
        return [one.id for one in tx.consents_due(at=NOW, after=after, limit=limit)]


def test_a_new_consent_is_due_until_it_has_been_looked_at(kept: SqlStore) -> None:
    """And again when the moment has come that the look named."""
    with kept.write() as tx:
        tx.add_consent(asked())
    assert due(kept) == [CONSENT]
    with kept.write() as tx:
        tx.look_at_consent(CONSENT, 1, now=NOW, then=LATER)
    assert due(kept) == []
    with kept.read() as tx:
        assert tx.consents_due(at=LATER, after=None, limit=10) == (Due(LATER, CONSENT),)
        assert (tx.due(at=NOW), tx.due(at=LATER)) == (0, 1)


def test_two_looks_at_once_are_one(kept: SqlStore) -> None:
    """Whoever comes second is told, and does nothing."""
    with kept.write() as tx:
        tx.add_consent(asked())
        tx.look_at_consent(CONSENT, 1, now=NOW, then=LATER)
        with pytest.raises(Contended):
            tx.look_at_consent(CONSENT, 1, now=NOW, then=LATER)


def test_a_look_at_another_version_is_none(kept: SqlStore) -> None:
    """It was changed while it was looked at."""
    with kept.write() as tx:
        tx.add_consent(asked())
        with pytest.raises(Contended):
            tx.look_at_consent(CONSENT, 2, now=NOW, then=LATER)


def test_a_change_makes_it_due_and_an_end_does_not(kept: SqlStore) -> None:
    """What time may do to a consent depends on what it says; to one that is over, nothing."""
    consent = active()
    with kept.write() as tx:
        tx.add_consent(consent)
        tx.look_at_consent(consent.id, consent.version, now=NOW, then=LATER)
        paused, _ = consent.pause(at=NOW, by=EMIL_SIGNS)
        tx.save_consent(paused, was=consent.version)
    assert due(kept) == [consent.id]
    with kept.write() as tx:
        over, _ = paused.withdraw(at=NOW, by=EMIL_SIGNS)
        tx.save_consent(over, was=paused.version)
    assert due(kept) == []


def test_what_is_due_is_paged_longest_due_first(kept: SqlStore) -> None:
    """A page begins after the last one seen, whether or not that one is due still."""
    with kept.write() as tx:
        for number in (1, 2, 3, 4):
            tx.add_consent(asked(number=number))
            if number < 3:
                early = NOW - timedelta(days=number)
                identity = ConsentId(identifier("con", number))
                tx.look_at_consent(identity, 1, now=NOW, then=early)
    ordered = [identifier("con", number) for number in (3, 4, 2, 1)]
    assert due(kept) == ordered
    assert due(kept, limit=2) == ordered[:2]
    assert due(kept, after=Due(SOON, ordered[1])) == ordered[2:]


def test_a_disclosure_is_due_when_it_should_be_erased(kept: SqlStore) -> None:
    """One that gave nothing never is; one that the release before wrote is at once."""
    nothing = disclosure(1)
    with kept.write() as tx:
        tx.add_disclosure(nothing)
    with kept.read() as tx:
        assert tx.disclosures_due(at=LATER, after=None, limit=10) == ()
    with kept.engine.begin() as connection:
        connection.execute(text("UPDATE disclosure SET look_at = 0"))
    with kept.write() as tx:
        assert tx.disclosures_due(at=NOW, after=None, limit=10) == (Due(SOON, nothing.id),)
        tx.look_at_disclosure(nothing.id, now=NOW, then=None)
        with pytest.raises(Contended):
            tx.look_at_disclosure(DisclosureId(nothing.id), now=NOW, then=LATER)


def test_once_is_once_for_each(kept: SqlStore) -> None:
    """Per subject and thing; what is rolled back was not told."""
    with kept.write() as tx:
        assert tx.tell_once(EMIL, "transition.18")
        assert not tx.tell_once(EMIL, "transition.18")
        assert tx.tell_once(EMIL, "transition.21")
        assert tx.tell_once(SARA, "transition.18")


def test_what_is_due_is_found_by_index(kept: SqlStore) -> None:
    """A tick costs what is due, however many consents there are."""
    query = "SELECT id FROM consent WHERE look_at <= 5 ORDER BY look_at, id LIMIT 10"
    postgres = kept.engine.dialect.name == "postgresql"
    with kept.engine.connect() as connection:
        if postgres:
            connection.execute(text("SET enable_seqscan = off"))
        plan = connection.execute(text(("EXPLAIN " if postgres else "EXPLAIN QUERY PLAN ") + query))
        assert "consent_look_at" in str(plan.all())
