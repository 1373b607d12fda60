"""The store's contract, continued: statutes relied on, objections, and what the subject is told later."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.domain.ids import InvocationId
from broker.errors import Contended, StoreDown
from broker.ports import Store
from broker.store import tables
from broker.store.engine import open_engine
from broker.store.sql import SqlStore
from broker.stored import Notice, Objection
from broker.usecases.receipts import opened
from tests.consenting import NOW
from tests.invoking import invoked
from tests.log_keys import custodian
from tests.stored import EMIL, NAV, OT, SARA, add_subjects, disclosure

LATER = NOW + timedelta(days=1)


@pytest.fixture
def kept(store: SqlStore) -> SqlStore:
    """The store with Emil and Sara in it."""
    with store.write() as tx:
        add_subjects(tx)
    return store


def test_an_invocation_comes_back_as_it_was(kept: Store) -> None:
    """Who relied on what, towards whom, for how long; and nothing of why."""
    made = invoked(1)
    with kept.write() as tx:
        tx.add_invocation(made)
    with kept.read() as tx:
        assert tx.invocation(made.id) == made
        assert tx.invocation(InvocationId("inv_none")) is None


def test_a_changed_invocation_takes_the_place_of_the_version_it_was_read_at(kept: Store) -> None:
    """Two people who confirm at once do not both count as the second."""
    made = invoked(1, review=True)
    changed = replace(made, finding="justified", closes=LATER, version=2)
    with kept.write() as tx:
        tx.add_invocation(made)
    with kept.write() as tx:
        tx.save_invocation(changed, was=1)
    with pytest.raises(Contended), kept.write() as tx:
        tx.save_invocation(replace(changed, version=3), was=1)
    with kept.read() as tx:
        assert tx.invocation(made.id) == changed
        assert tx.invocations_by(NAV, after=None, limit=9, open_reviews=True) == ()


def test_a_recipient_finds_what_is_relied_on_towards_it(kept: Store) -> None:
    """Newest first, its own and this subject's only, and none that is long over."""
    mine = [invoked(n, recipient=OT, closes=LATER) for n in (1, 2)]
    others = [
        invoked(3, recipient=NAV, closes=LATER),
        invoked(4, subject=SARA, recipient=OT, closes=LATER),
        invoked(5, recipient=OT, closes=NOW),
    ]
    with kept.write() as tx:
        for each in (*mine, *others):
            tx.add_invocation(each)
    with kept.read() as tx:
        assert tx.invocations_towards(OT, EMIL, since=NOW) == tuple(mine[::-1])


def test_a_unit_pages_through_what_it_relied_on(kept: Store) -> None:
    """Oldest first; another unit's cursor gives nothing; on demand only what waits for a review."""
    mine = [invoked(n, unit=NAV, review=n != 2) for n in (1, 2, 4)]
    theirs = invoked(3, unit=OT)
    with kept.write() as tx:
        for each in (*mine[:2], theirs, mine[2]):
            tx.add_invocation(each)
    with kept.read() as tx:
        first = tx.invocations_by(NAV, after=None, limit=2, open_reviews=False)
        rest = tx.invocations_by(NAV, after=first[-1].id, limit=2, open_reviews=False)
        assert [*first, *rest] == mine
        assert tx.invocations_by(NAV, after=theirs.id, limit=9, open_reviews=False) == ()
        due = tx.invocations_by(NAV, after=None, limit=9, open_reviews=True)
        assert due == (mine[0], mine[2])


def test_an_invocation_that_cannot_be_read_back_is_a_fault(
    kept: SqlStore, database_url: str
) -> None:
    """Closed on doubt: a row that somebody damaged permits nothing."""
    made = invoked(1)
    with kept.write() as tx:
        tx.add_invocation(made)
    engine = open_engine(database_url)
    with engine.begin() as connection:
        connection.execute(tables.invocation.update().values(body="{}"))
    engine.dispose()
    with pytest.raises(StoreDown), kept.read() as tx:
        tx.invocation(made.id)


def test_an_objection_is_kept_once_and_taken_back_once(kept: Store) -> None:
    """Each subject's own, by category, with the unit that wrote it down."""
    health = Objection("health", NOW, NAV)
    education = Objection("education", LATER)
    with kept.write() as tx:
        assert tx.add_objection(EMIL, health)
        assert tx.add_objection(EMIL, education)
        assert not tx.add_objection(EMIL, Objection("health", LATER))
        assert tx.add_objection(SARA, Objection("health", LATER))
    with kept.write() as tx:
        assert tx.objections(EMIL) == (education, health)
        assert tx.remove_objection(EMIL, "health")
        assert not tx.remove_objection(EMIL, "health")
    with kept.read() as tx:
        assert tx.objections(EMIL) == (education,)
        assert [one.category for one in tx.objections(SARA)] == ["health"]


def test_what_is_to_be_told_later_is_not_there_before(kept: Store) -> None:
    """A duty to report may let the notice wait: until then neither the notice nor the disclosure is shown."""
    at_once = disclosure(1)
    waiting = replace(disclosure(2), told_at=LATER)
    early = Notice("released", NOW, OT, disclosure=waiting.id, told_at=LATER)
    late = Notice("requested", NOW + timedelta(hours=1), NAV)
    with kept.write() as tx:
        tx.add_disclosure(at_once)
        tx.add_disclosure(waiting)
        tx.add_notice(EMIL, early)
        tx.add_notice(EMIL, late)
    just_before = LATER - timedelta(microseconds=1)
    with kept.read() as tx:
        before = tx.disclosures_about(EMIL, before=None, limit=9, at=just_before)
        after = tx.disclosures_about(EMIL, before=None, limit=9, at=LATER)
        assert opened(before, custodian=custodian()) == [at_once]
        assert opened(after, custodian=custodian()) == [waiting, at_once]
        assert tx.notices(EMIL, limit=9, at=just_before) == (late,)
        assert tx.notices(EMIL, limit=1, at=LATER) == (early,)
