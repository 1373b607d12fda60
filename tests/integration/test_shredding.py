"""A person erased: unreadable in every copy, every proof still holding, on both databases."""

import io
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.engine import make_url

from audit import fsck, paths, reads
from audit.contents import Content, Unreadable
from audit.files import write
from audit.sources import DirectorySource
from audit.storage import log_entry
from broker import change
from broker.domain.ids import SubjectId, UnitId
from broker.engine import bundle
from broker.errors import CustodianDown, NotASubject, UnknownHandle
from broker.ports import Store
from broker.store.contents import _everything
from broker.store.log_keys import CustodiansLogKeys
from broker.store.sql import SqlStore
from broker.store.tables import Row
from broker.usecases import asks, contents, feed, me, retention, shredding
from broker.usecases.shredding import Order, OrderUnfit
from keys.errors import SubjectShredded
from tests.canaries import dumped, files, search
from tests.databases import Postgres
from tests.house import EMIL, PASSPHRASE, SARA, House, build
from tests.integration.entries import entries_about
from tests.integration.test_broker_cli import run
from tests.integration.test_statutes import relied
from tillit.notes import VerifiedCheckpoint, Vkey, open_checkpoint
from tillit.wire import Actor

NAV, SCHOOL, HEALTH = "nav-larvik", "thor-heyerdahl-vgs", "larvikshjelpa"
RATE = "education.attendance.rate"
ORDER = Order(by="op7", case="2026/1312", reason="Den unge har bedt om å bli slettet.")
WRITTEN, ASKER = "kanarifugl i begrunnelsen", "gulfugl17"
CANARIES = (WRITTEN, ASKER)


@pytest.fixture
def lived(house: House) -> House:
    """Two people about whom much has happened, with words in the log that lie nowhere else."""
    for person in (EMIL, SARA):
        house.deposit(SCHOOL, person, {RATE: 0.62})
        house.answer(house.request(NAV, person), person)
        ask = house.ask(NAV, person, RATE)
        named = ask.model_copy(update={"actor": Actor(id=ASKER, role="veileder")})
        house.disclose(named, NAV)
        asks.check(named, call=house.call(NAV), ports=house.ports)
        reason = f"Fare for liv: {WRITTEN}"
        relied(house, HEALTH, person, "S4", reason=reason)
    house.sequencer.run_once()
    return house


def subject_of(house: House, person: str) -> SubjectId:
    """The subject that the person is."""
    return shredding.of_person(house.hashed(person), ports=house.ports)


def read(house: House, store: Store, about: SubjectId | None) -> list[Content | Unreadable]:
    """Every content of a store that was about somebody (None: of all), opened with the keyring as it is now."""
    assert isinstance(store, SqlStore)
    with store.engine.connect() as connection:
        hashes = connection.execute(select(log_entry.c.leaf_hash)).scalars().all()
    with store.read() as tx:
        stored = tx.stored_contents([bytes(each) for each in hashes])
    some = [one for one in stored if about is None or one.subject == about]
    return list(contents.opened(some, custodian=house.ports.custodian))


def said(found: list[Content | Unreadable]) -> Iterator[tuple[str, bytes]]:
    """What was read, to be searched."""
    for one in found:
        if isinstance(one, Content):
            yield one.type, repr(dict(one.content)).encode()


def backup(url: str, postgres: Postgres, directory: Path) -> str:
    """A copy of the whole database, as an operator's nightly job makes it."""
    if url.startswith("sqlite"):
        copy = directory / "backup.db"
        with (
            closing(sqlite3.connect(make_url(url).database or "")) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
        return f"sqlite:///{copy}"
    name = make_url(url).database
    postgres.run(f"CREATE DATABASE {name}_backup TEMPLATE {name}")
    return postgres.url(f"{name}_backup")


def exported(house: House, directory: Path) -> Path:
    """Everything that the log serves, as files."""
    head = checkpoint(house)
    with house.store.engine.connect() as connection:
        for path in (paths.CHECKPOINT, *map(str, paths.needed(head.size))):
            served = reads.resource(connection, path)
            assert served is not None
            write(directory / path, served)
    return directory


def checkpoint(house: House) -> VerifiedCheckpoint:
    """The newest one, verified."""
    with house.store.engine.connect() as connection:
        return open_checkpoint(reads.checkpoint(connection), vkey(house))


def vkey(house: House) -> Vkey:
    """What auditors trust."""
    return Vkey.of(house.ports.origin, house.ports.secrets.log)


def assert_proven(store: SqlStore, head: VerifiedCheckpoint) -> None:
    """Each entry under the head stands where it stood."""
    with store.engine.connect() as connection:
        query = select(log_entry.c.leaf_hash).where(log_entry.c.idx < head.size)
        hashes = [bytes(each) for each in connection.execute(query).scalars()]
        assert len(hashes) == head.size
        for leaf_hash in hashes:
            proof = reads.inclusion(connection, leaf_hash)
            assert proof is not None
            assert proof.checkpoint == head.note
            head.check_inclusion(leaf_hash=leaf_hash, index=proof.index, path=proof.path)


def test_a_shredded_person_is_unreadable_everywhere_and_every_proof_holds(
    lived: House, database_url: str, postgres: Postgres, tmp_path: Path
) -> None:
    """In the database, a backup of it from before, tiles, exports and the keyring; nobody else's contents are touched."""
    house, emil, sara = lived, subject_of(lived, EMIL), subject_of(lived, SARA)
    before = checkpoint(house)
    export_before = exported(house, tmp_path / "before")
    assert {one.canary for one in search(CANARIES, said(read(house, house.store, emil)))} == {
        *CANARIES
    }
    house.store.close()
    copy = backup(database_url, postgres, tmp_path)

    assert shredding.shred(emil, ORDER, ports=house.ports) > 0

    house.sequencer.run_once()
    after = checkpoint(house)
    export_after = exported(house, tmp_path / "after")
    restored = SqlStore(
        copy, origin=house.ports.origin, log_keys=CustodiansLogKeys(house.ports.custodian)
    )
    # Nothing that was said about Emil opens, in either database; what was said about Sara does.
    for store in (house.store, restored):
        found = read(house, store, None)
        about = [one for one in found if isinstance(one, Content) and one.subject == emil]
        assert about == []
        assert all(one.forgotten for one in found if isinstance(one, Unreadable))
        hers = read(house, store, sara)
        assert {one.canary for one in search(CANARIES, said(hers))} == {*CANARIES}
    in_backup = read(house, restored, emil)
    assert len(in_backup) > 5
    assert {one.reason for one in in_backup if isinstance(one, Unreadable)} == {"erased"}
    # Nor do the words lie anywhere in clear.
    keyring = tmp_path / "keyring"
    for place in (
        dumped(database_url),
        dumped(copy),
        files(export_before, export_after, keyring),
    ):
        assert search(CANARIES, place) == []
    # The log is what it was, and goes on from there.
    for head, store in ((after, house.store), (before, restored)):
        assert_proven(store, head)
    with house.store.engine.connect() as connection:
        path = reads.consistency(connection, before.size, after.size)
    after.check_continues(before, path)
    now = house.clock() + timedelta(seconds=1)
    for export, since in ((export_before, None), (export_after, before)):
        report = fsck.verify(DirectorySource(export), vkey(house), now=now, since=since)
        assert report.findings == ()
    restored.close()
    if copy.startswith("postgresql"):
        postgres.run(f"DROP DATABASE {make_url(copy).database} WITH (FORCE)")


def test_no_row_about_the_person_is_left(lived: House, database_url: str) -> None:
    """Everywhere, but the mark that nothing about them is to be kept again."""
    house, emil = lived, subject_of(lived, EMIL)
    assert len({f.where for f in search([emil], dumped(database_url))}) > 5
    shredding.shred(emil, ORDER, ports=house.ports)
    where = {found.where for found in search([emil], dumped(database_url))}
    assert where == {"a row of log_subject"}
    assert search([house.hashed(EMIL)], dumped(database_url)) == []


def test_every_table_that_leads_to_a_person_is_emptied() -> None:
    """A table that comes later and names a subject must be erased from too: it is found here."""
    leading = {
        table.name
        for table in Row.metadata.sorted_tables
        if "subject" in table.c
        or any(key.column.table.name == "subject" for key in table.foreign_keys)
        or {"consent", "disclosure"} & {key.column.table.name for key in table.foreign_keys}
    }
    erased = {str(each.table.name) for each in _everything(SubjectId("sub_1"))}
    assert leading | {"subject", "remembered"} == erased


def test_the_order_is_in_the_log_before_and_after(lived: House) -> None:
    """Who, in which case, why, whom by the broker's own id; and how much there was."""
    house, emil = lived, subject_of(lived, EMIL)
    rows = shredding.shred(emil, ORDER, ports=house.ports)
    ordered = {"by": "op7", "case": "2026/1312", "reason": ORDER.reason, "subject": emil}
    assert entries_about(house, "subject.erasing") == [ordered]
    signed = shredding.certificate(emil, ports=house.ports)
    ended = {**ordered, "certificate": signed, "rows": rows}
    assert entries_about(house, "subject.erased") == [ended]


def test_services_that_know_the_person_are_told(lived: House) -> None:
    """Each by its own handle: what it was given is to go too (personvernforordningen art. 19)."""
    house = lived
    handles = {unit: house.handle(unit, EMIL) for unit in (NAV, SCHOOL, HEALTH)}
    shredding.shred(subject_of(house, EMIL), ORDER, ports=house.ports)
    for unit, handle in handles.items():
        told = feed.events(unit=UnitId(unit), after=0, limit=100, ports=house.ports).events
        assert [(e.type, e.subject) for e in told][-1] == ("subject.erased", handle)


def test_a_shredded_person_is_nobody_and_may_become_somebody_again(lived: House) -> None:
    """What was is gone for good; a later follow-up begins with nothing, as for anybody."""
    house, emil = lived, subject_of(lived, EMIL)
    handle = house.handle(NAV, EMIL)
    shredding.shred(emil, ORDER, ports=house.ports)
    with pytest.raises(NotASubject):
        subject_of(house, EMIL)
    with pytest.raises(NotASubject):
        shredding.shred(emil, ORDER, ports=house.ports)
    with pytest.raises(UnknownHandle):
        shredding.of_handle(UnitId(NAV), handle, ports=house.ports)
    with pytest.raises(SubjectShredded):
        house.ports.custodian.log_subject_key(subject=emil)
    again = house.handle(NAV, EMIL)
    assert again != handle
    assert shredding.of_handle(UnitId(NAV), again, ports=house.ports) != emil
    house.deposit(SCHOOL, EMIL, {RATE: 0.5})
    shown = me.disclosures(
        before=None, limit=10, person=house.hashed(EMIL), language="nb", ports=house.ports
    )
    assert shown.disclosures == ()


def test_a_keyring_out_of_reach_leaves_everything_but_the_order(
    lived: House, tmp_path: Path
) -> None:
    """No row goes before the key does; the same order is given again when the keyring is back."""
    house, emil = lived, subject_of(lived, EMIL)
    retention.keep(ports=house.ports)
    keyring = tmp_path / "keyring"
    keyring.rename(tmp_path / "away")
    with pytest.raises(CustodianDown):
        shredding.shred(emil, ORDER, ports=house.ports)
    (tmp_path / "away").rename(keyring)
    assert len(entries_about(house, "subject.erasing")) == 1
    assert entries_about(house, "subject.erased") == []
    assert subject_of(house, EMIL) == emil
    shredding.shred(emil, ORDER, ports=house.ports)
    assert len(entries_about(house, "subject.erased")) == 1


def test_an_order_that_was_half_done_is_done_again(lived: House) -> None:
    """The key is destroyed, the process died: the rows are still there, and go the next time."""
    house, emil = lived, subject_of(lived, EMIL)
    house.ports.custodian.shred(subject=emil)
    assert shredding.shred(emil, ORDER, ports=house.ports) > 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"by": ""},
        {"by": "Ola Nordmann"},
        {"by": EMIL},
        {"case": ""},
        {"case": f"sak {EMIL}"},
        {"reason": "kort"},
        {"reason": f"Gjelder {EMIL}, som har bedt om det."},
        {"reason": "x" * 10_000},
    ],
)
def test_an_order_is_in_words_without_anybodys_number(wrong: dict[str, str]) -> None:
    """And its refusal repeats nothing of it."""
    with pytest.raises(OrderUnfit) as refused:
        replace(ORDER, **wrong)
    assert EMIL not in str(refused.value)
    assert refused.value.__cause__ is None


# --- the operator's command


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[House]:
    """A house on SQLite, for the command to find."""
    built = build(tmp_path)
    built.handle(NAV, EMIL)
    yield built
    built.store.close()


def command(house: House, directory: Path, *arguments: str, number: str = "") -> "tuple[int, str]":
    """Run ``tillit-broker shred`` on the house, with a number on its standard input; its code and what it said."""
    given = ("--by", "op7", "--case", "2026/1312", "--reason", ORDER.reason, *arguments)
    house.store.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.StringIO(f"{number}\n" if number else ""))
        told = run(
            directory,
            "shred",
            *given,
            database_url=f"sqlite:///{directory}/tillit.db",
            keyring_dir=f"{directory}/keyring",
            passphrase=PASSPHRASE.decode(),
        )
    return told.returncode, told.stdout + told.stderr


def test_the_operator_looks_before_shredding(alone: House, tmp_path: Path) -> None:
    """What cannot be taken back takes a second look, and says what lies elsewhere."""
    change.adopt(alone.store, bundle.load(), at=alone.clock())
    code, text = command(alone, tmp_path, number=EMIL)
    assert (code, "nothing was done" in text, EMIL in text) == (2, True, False)
    code, text = command(alone, tmp_path, "--yes", number=EMIL)
    assert (code, "erased, " in text, "keys rotate root" in text) == (0, True, True)
    code, text = command(alone, tmp_path, "--yes", number=EMIL)
    assert (code, "subject.none" in text) == (1, True)
    code, text = command(alone, tmp_path, "--yes")
    assert (code, "standard input" in text) == (2, True)


def test_the_operator_names_a_person_by_a_services_handle(alone: House, tmp_path: Path) -> None:
    """As a service's letter does; another service's handle leads nowhere."""
    change.adopt(alone.store, bundle.load(), at=alone.clock())
    handle = alone.handle(NAV, EMIL)
    code, text = command(alone, tmp_path, "--yes", "--handle", SCHOOL, handle)
    assert (code, "subject.unknown_handle" in text) == (1, True)
    code, _ = command(alone, tmp_path, "--yes", "--handle", NAV, handle)
    assert code == 0
    assert len(entries_about(alone, "subject.erased")) == 1


def test_the_operators_words_are_held_to_the_same(alone: House, tmp_path: Path) -> None:
    """A number in the reason is refused before anything is looked up."""
    code, text = command(alone, tmp_path, "--reason", f"Gjelder {EMIL}, sier hun.", number=EMIL)
    assert (code, EMIL in text) == (2, False)
