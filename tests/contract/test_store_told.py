"""The store's contract, continued: disclosures, meetings, notices, feeds, the log and time."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import update
from sqlalchemy.exc import StatementError

from audit.entries import Entry
from audit.sequencer import Sequencer
from broker.domain.decisions import Permit, Withhold
from broker.domain.ids import (
    ConsentId,
    DisclosureId,
    MeetingId,
)
from broker.ports import Store
from broker.store import tables
from broker.store.sql import SqlStore
from broker.stored import Disclosure, Notice, Sought
from broker.usecases.receipts import opened
from tests.consenting import NOW, identifier
from tests.databases import ORIGIN
from tests.log_keys import custodian
from tests.stored import (
    EMIL,
    NAV,
    OT,
    SARA,
    add_subjects,
    disclosure,
    event,
    facts,
    meeting,
)
from tillit.jose import unb64u
from tillit.leaves import commitment, leaf, leaf_hash
from tillit.notes import open_checkpoint
from tillit.proofs import verify_inclusion
from tillit.wire import Ground

LATER = NOW + timedelta(hours=1)
GRADES = "education.grades"


@pytest.fixture
def kept(store: SqlStore) -> SqlStore:
    """The store with Emil and Sara in it."""
    with store.write() as tx:
        add_subjects(tx)
    return store


# --- disclosures and meetings


def test_a_disclosure_comes_back_as_it_was(kept: Store) -> None:
    """Facts and decision, so that it can be decided again years later."""
    first = disclosure(1)
    with kept.write() as tx:
        tx.add_disclosure(first)
    with kept.read() as tx:
        found = tx.disclosure(first.id)
        assert tx.disclosure(DisclosureId("dis_none")) is None
    assert found is not None
    assert found.receipt == ""
    assert opened([found], custodian=custodian()) == [first]


def test_a_subject_pages_back_through_what_was_asked_about_them(kept: Store) -> None:
    """Newest first; another subject's cursor gives nothing."""
    mine = [disclosure(n) for n in (1, 2, 4, 5)]
    hers = disclosure(3, subject=SARA)
    with kept.write() as tx:
        for each in (*mine[:2], hers, *mine[2:]):
            tx.add_disclosure(each)
    with kept.read() as tx:
        first = tx.disclosures_about(EMIL, before=None, limit=3, at=NOW)
        rest = tx.disclosures_about(EMIL, before=first[-1].id, limit=3, at=NOW)
        assert opened([*first, *rest], custodian=custodian()) == mine[::-1]
        assert tx.disclosures_about(EMIL, before=hers.id, limit=3, at=NOW) == ()


def in_emergency(number: int) -> Disclosure:
    """Something that was shared since somebody was in danger."""
    refused = disclosure(number)
    ground = Ground(kind="emergency", id="S4", version=0, grant="", source="thor-heyerdahl-vgs")
    permits: dict[str, Permit | Withhold] = {
        name: Permit(effect="permit", grounds=(ground,)) for name in refused.decision.fields
    }
    shared = refused.decision.model_copy(update={"outcome": "released", "fields": permits})
    return replace(refused, decision=shared, at=NOW + timedelta(days=2))


def ids(found: Sequence[Disclosure]) -> list[str]:
    """Which they are."""
    return [one.id for one in found]


def test_a_subject_finds_what_they_look_for(kept: Store) -> None:
    """By time, by who asked, by what came of it; a page goes on within what is looked for."""
    first, second, emergency = disclosure(1), disclosure(2), in_emergency(3)
    by_nav = replace(disclosure(4), recipient=NAV, at=NOW + timedelta(days=3))
    with kept.write() as tx:
        for each in (first, second, emergency, by_nav, disclosure(5, subject=SARA)):
            tx.add_disclosure(each)
    with kept.read() as tx:

        def found(sought: Sought, *, before: str | None = None, limit: int = 9) -> list[str]:
            page = tx.disclosures_about(EMIL, before=before, limit=limit, at=NOW, sought=sought)
            return ids(page)

        assert found(Sought(only="emergency")) == [emergency.id]
        refused = Sought(only="refused")
        assert found(refused, limit=2) == ids([by_nav, second])
        assert found(refused, limit=2, before=second.id) == [first.id]
        assert found(Sought(recipient=NAV)) == [by_nav.id]
        assert found(Sought(recipient=OT, only="refused")) == ids([second, first])
        since = Sought(since=emergency.at)
        assert found(since) == ids([by_nav, emergency])
        assert found(Sought(since=emergency.at, until=by_nav.at)) == [emergency.id]
        assert found(Sought(until=NOW)) == []
        assert tx.recipients_about(EMIL, at=NOW) == (NAV, OT)


def test_what_may_not_be_told_yet_tells_not_who_asked_either(kept: Store) -> None:
    """A list of services to choose among would say it too early."""
    later = NOW + timedelta(days=1)
    with kept.write() as tx:
        tx.add_disclosure(replace(disclosure(1), told_at=later))
    with kept.read() as tx:
        assert tx.recipients_about(EMIL, at=NOW) == ()
        assert tx.recipients_about(EMIL, at=later) == (OT,)


def test_what_a_release_before_has_written_is_left_out_of_nothing(kept: SqlStore) -> None:
    """It says neither outcome nor emergency in words of their own: a refusal must not be hidden for that."""
    with kept.write() as tx:
        tx.add_disclosure(disclosure(1))
    with kept.engine.begin() as connection:
        connection.execute(update(tables.disclosure).values(outcome=None, emergency=None))
    with kept.read() as tx:
        for only in ("refused", "emergency"):
            sought = Sought(only=only)
            assert ids(tx.disclosures_about(EMIL, before=None, limit=9, at=NOW, sought=sought))


def test_a_meeting_comes_back_as_it_was(kept: Store) -> None:
    """Participants by unit and role."""
    with kept.write() as tx:
        tx.add_meeting(meeting(1))
    with kept.read() as tx:
        assert tx.meeting(meeting(1).id) == meeting(1)
        assert tx.meeting(MeetingId("mtg_none")) is None


# --- notices and feed


def test_notices_are_the_subjects_own_and_newest_first(kept: Store) -> None:
    """The latest is read first."""
    told = [
        Notice("requested", NOW, NAV, consent=ConsentId("con_1")),
        Notice("released", LATER, OT, disclosure=DisclosureId("dis_1")),
        Notice("meeting", LATER, NAV, meeting=MeetingId("mtg_1")),
    ]
    with kept.write() as tx:
        for notice in told:
            tx.add_notice(EMIL, notice)
        tx.add_notice(SARA, told[0])
    with kept.read() as tx:
        assert tuple(tx.notices(EMIL, limit=2, at=LATER)) == tuple(told[:0:-1])


def test_a_feed_is_read_by_cursor(store: Store) -> None:
    """In order, without gaps or repeats, and only one's own; ids are the store's."""
    with store.write() as tx:
        for number in (1, 2, 3):
            tx.add_event(NAV, event(number))
            tx.add_event(OT, event(number + 10))
    with store.write() as tx:
        tx.add_event(NAV, event(4))
        assert len(tx.events(NAV, after=0, limit=9)) == 4
    with store.read() as tx:
        first = tx.events(NAV, after=0, limit=3)
        rest = tx.events(NAV, after=first[-1].id, limit=3)
        read = [*first, *rest]
        assert tx.events(NAV, after=read[-1].id, limit=3) == ()
    assert [told.at for told in read] == [event(n).at for n in (1, 2, 3, 4)]
    ids = [told.id for told in read]
    assert ids == sorted(set(ids))
    assert read[0] == event(1).model_copy(update={"id": ids[0]})


# --- the log


def test_an_entry_is_promised_with_what_makes_its_leaf(kept: Store) -> None:
    """With the content, the promise gives the leaf that will stand in the tree."""
    entry = Entry("consent.activated", NOW, {"consent": identifier("con", 1)}, EMIL)
    with kept.write() as tx:
        promised = tx.append(entry)
        assert tx.proof(promised.leaf_hash) is None
    with kept.read() as tx:
        assert tx.proof(promised.leaf_hash) is None
    assert promised.origin == ORIGIN
    made = leaf(entry.type, entry.at, commitment(promised.salt, entry.content))
    assert promised.leaf_hash == leaf_hash(made)


def test_a_sequenced_entry_has_a_proof(kept: SqlStore) -> None:
    """It verifies against the root that the checkpoint signs."""
    with kept.write() as tx:
        promised = [tx.append(Entry("test", NOW, {"n": n}, EMIL)) for n in range(3)]
    key = Ed25519PrivateKey.generate()
    sequencer = Sequencer(kept.engine, origin=ORIGIN, signer=key, clock=lambda: LATER)
    assert sequencer.run_once() == 3
    with kept.read() as tx:
        proof = tx.proof(promised[1].leaf_hash)
    assert proof is not None
    tree = open_checkpoint(proof.checkpoint, sequencer.vkey)
    verify_inclusion(
        leaf_hash=promised[1].leaf_hash,
        index=proof.index,
        size=tree.size,
        path=[unb64u(node) for node in proof.path],
        root=tree.root,
    )


# --- time


def test_times_are_exact_and_of_any_zone(kept: Store) -> None:
    """Microseconds survive, and an instant is the same however it was written."""
    exact = NOW + timedelta(microseconds=123457)
    elsewhere = exact.astimezone(timezone(timedelta(hours=2)))
    with kept.write() as tx:
        tx.add_meeting(replace(meeting(1), held_at=elsewhere))
    with kept.read() as tx:
        found = tx.meeting(meeting(1).id)
    assert found is not None
    assert found.held_at == exact
    assert found.held_at.utcoffset() == timedelta(0)


def test_a_time_without_a_zone_is_refused(kept: Store) -> None:
    """A naive time is a bug, never a guess."""
    naive = datetime(2026, 11, 23)  # noqa: DTZ001 - that is the point
    with pytest.raises(StatementError, match="offset-naive"), kept.write() as tx:
        tx.add_meeting(replace(meeting(1), held_at=naive))


def test_facts_keep_their_instants(kept: Store) -> None:
    """Facts are replayed to the engine exactly as it had them."""
    kept_facts = facts()
    with kept.write() as tx:
        tx.add_disclosure(replace(disclosure(1), facts=kept_facts))
    with kept.read() as tx:
        found = tx.disclosure(disclosure(1).id)
    assert found is not None
    assert found.facts.model_dump_json() == kept_facts.model_dump_json()
