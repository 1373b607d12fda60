"""The store's contract about policies: bundles in force, recorded decisions, gaps; on SQLite and on PostgreSQL."""

from datetime import timedelta

from broker.ports import Store
from broker.store.policies import MANY, MAX_GAPS
from broker.stored import Gap, Loaded
from tests.consenting import NOW
from tests.stored import EMIL, NAV, OT, SARA, add_subjects, disclosure

LATER = NOW + timedelta(hours=1)
FIRST = Loaded("sha256:1", "2026.1", "{}", (), NOW)
SECOND = Loaded("sha256:2", "2026.2", '{"a":1}', ("token", "another"), LATER)


def test_the_newest_bundle_is_in_force_and_the_others_are_kept(store: Store) -> None:
    """A decision names the bundle that made it: it must be found again years later."""
    with store.read() as tx:
        assert (tx.in_force(), tx.bundle("sha256:1")) == (None, None)
    with store.write() as tx:
        tx.add_bundle(FIRST)
        tx.add_bundle(SECOND)
    with store.read() as tx:
        assert tx.in_force() == SECOND.digest
        assert (tx.bundle("sha256:1"), tx.bundle("sha256:2")) == (FIRST, SECOND)
    with store.write() as tx:
        tx.add_bundle(FIRST)
    with store.read() as tx:
        assert tx.in_force() == FIRST.digest


def test_recorded_decisions_come_in_pages(store: Store) -> None:
    """A hundred thousand do not fit in one answer."""
    given = [disclosure(1), disclosure(2, subject=SARA), disclosure(3)]
    with store.write() as tx:
        add_subjects(tx)
        for one in given:
            tx.add_disclosure(one)
    with store.read() as tx:
        page = tx.recorded(after=0, limit=2)
        rest = tx.recorded(after=page[-1].position, limit=2)
    assert [r.disclosure for r in (*page, *rest)] == [one.id for one in given]
    assert [r.subject for r in (*page, *rest)] == [EMIL, SARA, EMIL]
    assert page[0].facts == given[0].facts.model_dump_json()


def test_a_gap_is_counted_by_whom_it_was_asked(store: Store) -> None:
    """First, last, how often."""
    with store.write() as tx:
        tx.count_gap("gap.field", "a.b", NAV, at=NOW)
        tx.count_gap("gap.field", "a.b", NAV, at=LATER)
        tx.count_gap("gap.purpose", "whim", OT, at=NOW)
    with store.read() as tx:
        assert tx.gaps() == (
            Gap("gap.field", "a.b", NAV, NOW, LATER, 2),
            Gap("gap.purpose", "whim", OT, NOW, NOW, 1),
        )


def test_ever_new_names_do_not_fill_the_table(store: Store) -> None:
    """One confused system must not make a report that nobody reads."""
    with store.write() as tx:
        for number in range(MAX_GAPS + 3):
            tx.count_gap("gap.field", f"a.b{number}", NAV, at=NOW)
    with store.read() as tx:
        found = tx.gaps()
    assert len(found) == MAX_GAPS + 1
    assert found[0] == Gap("gap.field", MANY, NAV, NOW, NOW, 3)
