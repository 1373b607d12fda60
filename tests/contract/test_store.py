"""The store's contract: what every use case relies on, on SQLite and on PostgreSQL."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from audit.entries import Entry
from broker.domain.consents import Consent
from broker.domain.ids import (
    ConsentId,
    DisclosureId,
    GrantId,
    PersonKey,
    RecordId,
    SubjectHandle,
    SubjectId,
    UnitId,
)
from broker.domain.service_keys import ServiceKey
from broker.errors import Contended
from broker.ports import Store
from broker.store.sql import SqlStore
from broker.stored import Deposited, Remembered
from tests.consenting import EMIL as EMIL_SIGNS
from tests.consenting import NOW, active, asked, line
from tests.stored import (
    EMIL,
    NAV,
    OT,
    RATE,
    SARA,
    SCHOOL,
    add_subjects,
    event,
    item,
    record,
)

LATER = NOW + timedelta(hours=1)
GRADES = "education.grades"


@pytest.fixture
def kept(store: SqlStore) -> SqlStore:
    """The store with Emil and Sara in it."""
    with store.write() as tx:
        add_subjects(tx)
    return store


class Broken(Exception):
    """Something went wrong in the middle."""


# --- transactions


def test_nothing_of_a_broken_transaction_is_kept(kept: Store) -> None:
    """All or nothing: the entry stands with the change, or neither does."""
    with suppress(Broken), kept.write() as tx:
        tx.add_handle(NAV, EMIL, SubjectHandle("hdl_1"))
        tx.append(Entry("test", NOW, {"a": 1}, EMIL))
        tx.add_event(NAV, event())
        raise Broken
    with kept.read() as tx:
        assert tx.handle(NAV, EMIL) is None
        assert tx.events(NAV, after=0, limit=10) == ()


def test_a_read_sees_one_moment(kept: Store) -> None:
    """What is committed meanwhile is not mixed in: facts are of one instant."""
    with kept.read() as tx:
        assert tx.handle(NAV, EMIL) is None
        with kept.write() as other:
            other.add_handle(NAV, EMIL, SubjectHandle("hdl_1"))
        assert tx.handle(NAV, EMIL) is None
    with kept.read() as tx:
        assert tx.handle(NAV, EMIL) == "hdl_1"


# --- subjects and handles


def test_a_subject_is_found_by_keyed_hash_and_back(kept: Store) -> None:
    """The only two ways between a person and an id."""
    with kept.read() as tx:
        assert tx.subject_by_person(PersonKey("a" * 64)) == EMIL
        assert tx.subject_by_person(PersonKey("e" * 64)) is None
        assert tx.person_of(SARA) == "d" * 64
        with pytest.raises(KeyError):
            tx.person_of(SubjectId("sub_9"))


def test_a_person_is_one_subject(kept: Store) -> None:
    """Two services that resolve the same number at once get one subject: the second tries again."""
    with pytest.raises(Contended), kept.write() as tx:
        tx.add_subject(SubjectId("sub_3"), PersonKey("a" * 64), at=NOW)


def test_a_handle_is_its_units_own(kept: Store) -> None:
    """Handles are pairwise: another unit's is not found, even when it reads the same."""
    with kept.write() as tx:
        tx.add_handle(NAV, EMIL, SubjectHandle("hdl_1"))
        tx.add_handle(OT, SARA, SubjectHandle("hdl_1"))
    with kept.read() as tx:
        assert tx.subject_of(NAV, SubjectHandle("hdl_1")) == EMIL
        assert tx.subject_of(OT, SubjectHandle("hdl_1")) == SARA
        assert tx.subject_of(SCHOOL, SubjectHandle("hdl_1")) is None
        assert tx.handle(OT, EMIL) is None
    with pytest.raises(Contended), kept.write() as tx:
        tx.add_handle(NAV, EMIL, SubjectHandle("hdl_2"))


# --- services


def test_an_enrolment_code_works_once_in_time_for_its_unit(store: Store) -> None:
    """The operator's one-time code is no more than that."""
    with store.write() as tx:
        tx.add_enrolment(NAV, b"code", expires_at=LATER)
        tx.add_enrolment(OT, b"late", expires_at=LATER)
    with store.write() as tx:
        assert not tx.spend_enrolment(OT, b"code", at=NOW)
        assert not tx.spend_enrolment(NAV, b"other", at=NOW)
        assert not tx.spend_enrolment(OT, b"late", at=LATER)
        assert tx.spend_enrolment(NAV, b"code", at=NOW)
        assert not tx.spend_enrolment(NAV, b"code", at=NOW)


def test_keys_come_back_in_the_order_of_their_registration(store: Store) -> None:
    """The newest key is the last; a key that is registered again stays where it is."""
    keys = [ServiceKey(NAV, f"k{n}", "enc", {"kty": "OKP", "x": str(n)}) for n in (2, 1, 3)]
    with store.write() as tx:
        tx.add_service_keys(keys[:2], at=NOW)
        tx.add_service_keys([keys[0], keys[2]], at=LATER)
        tx.add_service_keys([ServiceKey(OT, "k2", "sig", {})], at=LATER)
    with store.read() as tx:
        assert tuple(tx.service_keys(NAV)) == tuple(keys)
        assert tx.service_keys(SCHOOL) == ()


def test_an_assertion_is_spent_once_per_client(store: Store) -> None:
    """A replayed assertion is recognised."""
    with store.write() as tx:
        assert tx.spend_assertion("nav", "j1", expires_at=LATER)
        assert tx.spend_assertion("ot", "j1", expires_at=LATER)
    with store.write() as tx:
        assert not tx.spend_assertion("nav", "j1", expires_at=LATER)


def test_an_answer_is_remembered_once_per_client_and_key(store: Store) -> None:
    """The same key of another client is another key; a second answer to one is a lost race."""
    first, other = Remembered(b"h" * 32, '{"a":1}'), Remembered(b"i" * 32, "{}")
    with store.write() as tx:
        assert tx.remembered("nav", "k") is None
        tx.remember("nav", "k", first, at=NOW)
        tx.remember("ot", "k", other, at=NOW)
    with store.read() as tx:
        assert tx.remembered("nav", "k") == first
        assert tx.remembered("ot", "k") == other
    with pytest.raises(Contended), store.write() as tx:
        tx.remember("nav", "k", other, at=NOW)


def test_sweeping_removes_only_what_has_served(store: SqlStore) -> None:
    """Nothing that still guards against a replay goes."""
    with store.write() as tx:
        tx.spend_assertion("nav", "old", expires_at=NOW)
        tx.spend_assertion("nav", "new", expires_at=LATER)
        tx.add_enrolment(NAV, b"over", expires_at=NOW)
        tx.add_enrolment(NAV, b"open", expires_at=LATER)
        tx.remember("nav", "old", Remembered(b"", ""), at=NOW - timedelta(seconds=1))
        tx.remember("nav", "new", Remembered(b"", ""), at=NOW)
    assert store.sweep(at=NOW, remembered_before=NOW) == 3
    with store.write() as tx:
        assert not tx.spend_assertion("nav", "new", expires_at=LATER)
        assert tx.spend_enrolment(NAV, b"open", at=NOW)
        assert tx.remembered("nav", "new") is not None
    assert store.sweep(at=NOW, remembered_before=NOW) == 1


# --- records


def test_newest_is_the_last_observed_of_each_source(kept: Store) -> None:
    """A value that comes late does not hide a newer one."""
    with kept.write() as tx:
        tx.add_records(EMIL, SCHOOL, [item(1, at=LATER), item(2, field=GRADES)], at=NOW)
        tx.add_records(EMIL, SCHOOL, [item(3, at=NOW)], at=LATER)
        tx.add_records(EMIL, OT, [item(4, at=NOW)], at=LATER)
        tx.add_records(SARA, SCHOOL, [item(5, at=LATER)], at=LATER)
    with kept.read() as tx:
        assert tx.newest(EMIL, [RATE, "work.cv"]) == {
            RATE: [Deposited(record(4), OT, NOW), Deposited(record(1), SCHOOL, LATER)]
        }
        assert tx.newest(EMIL, []) == {}


def test_of_two_values_of_one_moment_the_later_deposit_counts(kept: Store) -> None:
    """A correction of the same observation takes its place."""
    with kept.write() as tx:
        tx.add_records(EMIL, SCHOOL, [item(1)], at=NOW)
        tx.add_records(EMIL, SCHOOL, [item(2)], at=LATER)
    with kept.read() as tx:
        assert [found.record for found in tx.newest(EMIL, [RATE])[RATE]] == [record(2)]


def test_a_sealed_value_comes_back_as_it_was_and_only_for_its_subject(kept: Store) -> None:
    """A record of somebody else is not found, whatever id is asked for."""
    with kept.write() as tx:
        tx.add_records(EMIL, SCHOOL, [item(1)], at=NOW)
        tx.add_records(SARA, SCHOOL, [item(2)], at=NOW)
    with kept.read() as tx:
        assert tx.sealed(EMIL, [record(1), record(2)]) == {record(1): item(1).sealed}
        assert tx.has_record(record(2))
        assert not tx.has_record(RecordId("rec_none"))


def test_a_record_id_is_taken_once(kept: Store) -> None:
    """Nothing is written over."""
    with kept.write() as tx:
        tx.add_records(EMIL, SCHOOL, [item(1)], at=NOW)
    with pytest.raises(Contended), kept.write() as tx:
        tx.add_records(SARA, SCHOOL, [item(1)], at=NOW)


# --- consents


def test_a_consent_comes_back_as_it_was(kept: Store) -> None:
    """Every member, every signature, every answer."""
    consent = active(line(1), line(2, "health", fields=("health.diagnosis",)))
    with kept.write() as tx:
        tx.add_consent(consent)
    with kept.read() as tx:
        assert tx.consent(consent.id) == consent
        assert tx.consents_of(EMIL) == (consent,)
        assert tx.consents_of(SARA) == ()
        assert tx.consent(ConsentId("con_none")) is None


def test_a_changed_consent_takes_the_place_of_the_version_it_was_made_from(kept: Store) -> None:
    """Two changes of one version: the second has lost."""
    consent = active()
    paused, _ = consent.pause(at=LATER, by=EMIL_SIGNS)
    withdrawn, _ = consent.withdraw(at=LATER, by=EMIL_SIGNS)
    with kept.write() as tx:
        tx.add_consent(consent)
    with kept.write() as tx:
        tx.save_consent(withdrawn, was=consent.version)
    with pytest.raises(Contended), kept.write() as tx:
        tx.save_consent(paused, was=consent.version)
    with kept.read() as tx:
        assert tx.consent(consent.id) == withdrawn


def test_a_change_that_was_rolled_back_is_not_read(kept: Store) -> None:
    """The same version may be written with another content later; neither is mistaken for the other."""
    consent = active()
    with kept.write() as tx:
        tx.add_consent(consent)
    with suppress(Broken), kept.write() as tx:
        paused, _ = consent.pause(at=LATER, by=EMIL_SIGNS)
        tx.save_consent(paused, was=consent.version)
        assert tx.consent(consent.id) == paused
        raise Broken
    with kept.read() as tx:
        assert tx.consent(consent.id) == consent


def test_a_unit_pages_through_what_concerns_it(kept: Store) -> None:
    """As requester, source or recipient; in the order of the asking; nobody else's cursor works."""
    concerned = [asked(number=n) for n in (5, 2, 9, 4)]
    other = asked(
        line(1, source=UnitId("ot-vestfold"), recipient=UnitId("larvikshjelpa")),
        number=7,
        requested_by=UnitId("ot-vestfold"),
    )
    with kept.write() as tx:
        for consent in (*concerned[:2], other, *concerned[2:]):
            tx.add_consent(consent)
    with kept.read() as tx:
        first = tx.consents_party(NAV, after=None, limit=3)
        rest = tx.consents_party(NAV, after=first[-1].id, limit=3)
        assert [*first, *rest] == concerned
        assert tuple(tx.consents_party(UnitId("larvikshjelpa"), after=None, limit=9)) == (other,)
        assert tx.consents_party(NAV, after=other.id, limit=9) == ()
        assert tx.consents_party(NAV, after="con_none", limit=9) == ()
        late = tx.consents_lately(NAV, before=None, limit=3)
        early = tx.consents_lately(NAV, before=late[-1].id, limit=9)
        assert (*late, *early) == tuple(reversed((*first, *rest)))
        assert tx.consents_lately(NAV, before=other.id, limit=9) == ()


def test_a_single_use_grant_is_used_once(kept: Store) -> None:
    """By one disclosure, at whatever version."""
    consent, other = active(), active(number=2)
    with kept.write() as tx:
        tx.add_consent(consent)
        tx.add_consent(other)
        assert tx.use_grant(consent.id, 2, GrantId("g1"), DisclosureId("dis_1"))
        assert not tx.use_grant(consent.id, 3, GrantId("g1"), DisclosureId("dis_2"))
        assert tx.use_grant(other.id, 2, GrantId("g1"), DisclosureId("dis_2"))
    with kept.read() as tx:
        assert tx.used_grants([consent.id]) == {(consent.id, "g1")}
        assert tx.used_grants([]) == frozenset()


@pytest.mark.parametrize(
    ("change", "held"),
    [
        ({}, True),
        ({"version": 1}, False),
        ({"version": 3}, False),
        ({"id": ConsentId("con_none")}, False),
    ],
)
def test_only_an_active_consent_at_its_version_is_held(
    kept: Store, change: dict[str, Any], held: bool
) -> None:
    """What the decision rested on must be what stands now."""
    consent, steady = active(), active(number=2)
    with kept.write() as tx:
        tx.add_consent(consent)
        tx.add_consent(steady)
    wanted = replace(consent, **change)
    with kept.hold([(steady.id, steady.version), (wanted.id, wanted.version)]) as tx_or_none:
        assert (tx_or_none is not None) == held


def paused(consent: Consent) -> Consent:
    """A pause of it."""
    return consent.pause(at=LATER, by=EMIL_SIGNS)[0]


def test_a_consent_that_is_not_active_is_not_held(kept: Store) -> None:
    """Paused is not in force."""
    consent = paused(active())
    with kept.write() as tx:
        tx.add_consent(consent)
    with kept.hold([(consent.id, consent.version)]) as tx_or_none:
        assert tx_or_none is None


def test_a_hold_reads_and_a_hold_on_nothing_holds(kept: Store) -> None:
    """Sealed values are read in the very transaction that holds."""
    consent = active()
    with kept.write() as tx:
        tx.add_consent(consent)
        tx.add_records(EMIL, SCHOOL, [item(1)], at=NOW)
    for named in ([(consent.id, consent.version)], []):
        with kept.hold(named) as held:
            assert held is not None
            assert held.sealed(EMIL, [record(1)]) == {record(1): item(1).sealed}
