"""The store's contract, continued: addresses outside the portal, sealed, and what is to be sent there."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from audit.storage import log_volume
from broker.domain.contacts import ASKED_WITHIN, CODE_LASTS, LEASE, Contact
from broker.domain.ids import ContactId, SubjectId
from broker.errors import Contended
from broker.ports import Store
from broker.store.sql import SqlStore
from broker.stored import Notice
from tests.consenting import NOW, identifier
from tests.contract.test_store_schema import everything
from tests.stored import EMIL, NAV, SARA, add_subjects

LATER = NOW + timedelta(hours=1)
ADDRESS = "emil.canary@example.no"
REQUESTED = Notice("requested", NOW, NAV)


def contact(number: int = 1, subject: SubjectId = EMIL, at: datetime = NOW) -> Contact:
    """One that waits for its code."""
    return Contact(
        id=ContactId(identifier("ctc", number)),
        subject=subject,
        version=1,
        channel="email",
        language="nn",
        asked_at=at,
        code_until=at + CODE_LASTS,
        try_at=at,
    )


@pytest.fixture
def kept(store: SqlStore) -> SqlStore:
    """The store with Emil and Sara in it."""
    with store.write() as tx:
        add_subjects(tx)
    return store


def add(store: Store, *contacts: Contact, to: str = ADDRESS) -> None:
    """Keep contacts."""
    with store.write() as tx:
        for one in contacts:
            assert tx.add_contact(one, to)


def due(store: Store, at: datetime = NOW, *, limit: int = 50, channel: str = "email") -> list[str]:
    """Where something waits to be sent."""
    with store.read() as tx:
        found = tx.contacts_due(at=at, channels=[channel], limit=limit)  # type: ignore[list-item]  # one of them
        return [one.contact.id for one in found]


def test_a_contact_is_kept_as_it_was_given(kept: Store) -> None:
    """In every version; of one subject and no other's."""
    waits = contact()
    add(kept, waits)
    with kept.write() as tx:
        (found,) = tx.contacts_of(EMIL)
        assert found.contact == waits
        assert found.volume is not None
        assert found.volume.subject == EMIL
        assert tx.contacts_of(SARA) == ()
        told = waits.confirm(at=LATER - timedelta(minutes=40)).begin("msg_1", at=LATER)
        tx.save_contact(told, was=1)
    with kept.read() as tx:
        assert [one.contact for one in tx.contacts_of(EMIL)] == [told]


def test_an_address_lies_nowhere_in_clear(kept: SqlStore, database_url: str) -> None:
    """Sealed while it is used, and gone when it is not."""
    add(kept, contact())
    assert ADDRESS not in everything(database_url)
    with kept.read() as tx:
        (found,) = tx.contacts_of(EMIL)
    assert ADDRESS.encode() not in found.sealed
    assert ADDRESS not in repr(found)
    with kept.write() as tx:
        tx.save_contact(found.contact.end(at=LATER), was=1)
        assert tx.contacts_of(EMIL) == ()
    assert found.sealed.hex() not in everything(database_url).encode().hex()
    assert repr(found.sealed) not in everything(database_url)


def test_one_waits_and_one_stands(kept: Store) -> None:
    """Of two that come at the same moment one is told that the other was first."""
    add(kept, contact(1).confirm(at=NOW), contact(2))
    for another in (contact(3), contact(4).confirm(at=NOW)):
        with pytest.raises(Contended):
            add(kept, another)
    add(kept, contact(5, SARA))
    with kept.read() as tx:
        assert [one.contact.id[-1] for one in tx.contacts_of(EMIL)] == [
            identifier("ctc", n)[-1] for n in (1, 2)
        ]


def test_a_contact_is_saved_over_the_version_that_was_read(kept: Store) -> None:
    """Of two who change it, or send to it, at the same moment, one does."""
    add(kept, contact())
    with kept.write() as tx:
        tx.save_contact(contact().begin("msg_1", at=NOW), was=1)
    with pytest.raises(Contended), kept.write() as tx:
        tx.save_contact(contact().begin("msg_2", at=NOW), was=1)


def test_codes_are_counted_whatever_became_of_them(kept: Store) -> None:
    """Also of what was replaced; what is older than that is forgotten."""
    for number in range(3):
        at = NOW + timedelta(hours=number)
        add(kept, contact(number, at=at))
        with kept.write() as tx:
            (found,) = tx.contacts_of(EMIL)
            tx.save_contact(found.contact.end(at=at), was=1)
    with kept.read() as tx:
        assert tx.codes_asked(EMIL, since=NOW - timedelta(hours=1)) == 3
        assert tx.codes_asked(EMIL, since=NOW) == 2
        assert tx.codes_asked(SARA, since=NOW - timedelta(hours=1)) == 0
    add(kept, contact(9, at=NOW + ASKED_WITHIN + timedelta(minutes=1)))
    with kept.read() as tx:
        assert tx.codes_asked(EMIL, since=NOW - timedelta(hours=1)) == 3


def test_a_code_waits_to_be_sent_once(kept: Store) -> None:
    """Until it was, or is no longer good; by a channel that there is."""
    waits = contact()
    add(kept, waits)
    assert due(kept) == [waits.id]
    assert due(kept, channel="sms") == []
    assert due(kept, waits.code_until) == []
    with kept.write() as tx:
        tx.save_contact(begun := waits.begin("msg_1", at=NOW), was=1)
    assert due(kept) == []
    assert due(kept, NOW + LEASE) == [waits.id]
    with kept.write() as tx:
        tx.save_contact(begun.told(at=NOW), was=2)
    assert due(kept, NOW + LEASE) == []


def test_news_waits_where_a_notice_is_due(kept: Store) -> None:
    """Nobody else's; not where the address was refused, and not sooner than it may be tried."""
    mine = contact().confirm(at=NOW)
    add(kept, mine, contact(2, SARA).confirm(at=NOW))
    assert due(kept) == []
    with kept.write() as tx:
        tx.add_notice(EMIL, replace(REQUESTED, at=LATER))
        tx.add_notice(EMIL, REQUESTED)
    assert due(kept, NOW - timedelta(seconds=1)) == []
    assert due(kept) == [mine.id]
    assert due(kept, limit=0) == []
    with kept.write() as tx:
        assert tx.notices_unreached(at=NOW, limit=9) == ()
        assert tx.hand_on_notices_of(EMIL, due_by=NOW, at=NOW) == 1
        assert tx.hand_on_notices_of(EMIL, due_by=NOW, at=NOW) == 0
        assert tx.hand_on_notices_of(SARA, due_by=NOW, at=NOW) == 0
    assert due(kept) == []
    assert due(kept, LATER) == [mine.id]
    with kept.write() as tx:
        tx.save_contact(mine.refuse(at=NOW), was=2)
    assert due(kept, LATER) == []
    with kept.read() as tx:
        assert len(tx.notices_unreached(at=LATER, limit=9)) == 1


def test_who_gave_no_address_is_told_in_the_portal(kept: Store) -> None:
    """Also who asked for a code that never came back."""
    add(kept, contact())
    with kept.write() as tx:
        for subject in (EMIL, SARA):
            tx.add_notice(subject, REQUESTED)
    with kept.read() as tx:
        assert tx.notices_unreached(at=NOW - timedelta(seconds=1), limit=9) == ()
        assert len(tx.notices_unreached(at=NOW, limit=1)) == 1
        assert len(tx.notices_unreached(at=NOW, limit=9)) == 2


def test_no_address_of_an_erased_subject_is_kept(kept: SqlStore) -> None:
    """Neither the one that lay there nor another."""
    add(kept, contact())
    with kept.write() as tx:
        tx.erase_subject(EMIL)
        assert tx.contacts_of(EMIL) == ()
        assert not tx.add_contact(contact(2), ADDRESS)
    with kept.engine.connect() as connection:
        left = connection.execute(log_volume.select().where(log_volume.c.subject == EMIL)).all()
    assert left == []


def test_an_address_whose_time_is_out_has_no_key(kept: Store) -> None:
    """The contact stands, so that it can be ended; what it was is unreadable."""
    add(kept, contact())
    with kept.write() as tx:
        (found,) = tx.contacts_of(EMIL)
        assert found.volume is not None
        tx.erase_log_epoch(found.volume.epoch, limit=9)
    with kept.read() as tx:
        (left,) = tx.contacts_of(EMIL)
    assert (left.contact, left.volume) == (found.contact, None)
