"""The store's contract, continued: anonymous cases, and the one act that links one to a subject."""

import hashlib
from dataclasses import replace

import pytest

from broker.domain.ids import CaseId
from broker.ports import Store
from broker.store.sql import SqlStore
from broker.stored import Case
from tests.consenting import NOW, identifier
from tests.stored import EMIL, NAV, SARA, add_subjects

CLAIM = hashlib.sha256(b"claim").digest()


@pytest.fixture
def kept(store: SqlStore) -> SqlStore:
    """The store with Emil and Sara in it."""
    with store.write() as tx:
        add_subjects(tx)
    return store


def case(number: int, collaboration: str = "ressursteam") -> Case:
    """A case that could be many people's."""
    return Case(
        id=CaseId(identifier("cas", number)),
        collaboration=collaboration,
        told_by=NAV,
        age_band="16-18",
        gender=None if number % 2 else "man",
        municipality="larvik",
        topics=("absence", "sleep"),
        needs=(),
    )


def add(store: Store, *cases: Case) -> None:
    """Keep them, each under a code of its own."""
    with store.write() as tx:
        for each in cases:
            tx.add_case(each, claim_sha256=hashlib.sha256(each.id.encode()).digest())


def test_cases_come_back_as_they_were_a_page_at_a_time(kept: Store) -> None:
    """In the order told; another collaboration's cursor gives nothing."""
    ours, theirs = [case(n) for n in (1, 2, 3)], case(4, "another")
    add(kept, *ours, theirs)
    with kept.read() as tx:
        first = tx.cases("ressursteam", after=None, limit=2)
        rest = tx.cases("ressursteam", after=first[-1].id, limit=2)
        assert [*first, *rest] == ours
        assert tx.cases("ressursteam", after=theirs.id, limit=2) == ()


def test_a_case_is_claimed_once_by_its_code(kept: Store) -> None:
    """Whoever comes second, and whoever guesses, gets nothing."""
    with kept.write() as tx:
        tx.add_case(case(1), claim_sha256=CLAIM)
    with kept.write() as tx:
        assert tx.claim_case(hashlib.sha256(b"guess").digest(), EMIL, at=NOW) is None
        assert tx.claim_case(CLAIM, EMIL, at=NOW) == case(1)
        assert tx.claim_case(CLAIM, SARA, at=NOW) is None
        assert tx.claim_case(CLAIM, EMIL, at=NOW) is None


def test_a_claimed_case_reads_as_before(kept: Store) -> None:
    """That it vanished or changed would tell the members that it was claimed."""
    add(kept, replace(case(1), gender="woman"))
    with kept.read() as tx:
        before = tx.cases("ressursteam", after=None, limit=9)
    with kept.write() as tx:
        tx.claim_case(hashlib.sha256(before[0].id.encode()).digest(), EMIL, at=NOW)
    with kept.read() as tx:
        assert tx.cases("ressursteam", after=None, limit=9) == before
