"""Contents of log entries, the same on SQLite and PostgreSQL: sealed as written, read back, forgotten by person and time."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, update

from audit import contents, sealing, storage
from audit.contents import Content, Unreadable
from audit.entries import Entry, Promised
from audit.retention import rules
from audit.sealing import HELD, LASTS, MOST, Sealer
from audit.storage import log_content, log_entry, log_sealed, log_subject, log_volume
from broker.store.log_keys import CustodiansLogKeys
from keys import keyring
from keys.custodian import Custodian
from keys.keyring import LocalCustodian
from tests.log_keys import custodian, log_keys
from tests.logs import ORIGIN, START, Log, opened
from tests.sealed_case import CHEAP, PASSPHRASE
from tillit.jcs import canonical
from tillit.leaves import SALT_BYTES

EPOCH = "sharing-2025-11"
MINE, YOURS = "sub_mine", "sub_yours"


@dataclass
class Stopwatch:
    """A monotonic clock that tests move."""

    seconds: float = 0.0

    def __call__(self) -> float:
        """Seconds."""
        return self.seconds


@dataclass
class Asked:
    """Log keys that count how often they are asked, and can be away."""

    real: sealing.LogKeys = field(default_factory=log_keys)
    times: int = 0
    away: bool = False

    def subject(self, subject: str) -> sealing.Jwk | None:
        """The real subject's key."""
        self._count()
        return self.real.subject(subject)

    def epoch(self, epoch: str) -> sealing.Jwk | None:
        """The real epoch's key."""
        self._count()
        return self.real.epoch(epoch)

    def _count(self) -> None:
        if self.away:
            raise ConnectionError
        self.times += 1


@pytest.fixture
def stopwatch() -> Stopwatch:
    """Seconds that pass when they are told to."""
    return Stopwatch()


@pytest.fixture
def asked() -> Asked:
    """The keys."""
    return Asked()


@pytest.fixture
def log(database_url: str, stopwatch: Stopwatch, asked: Asked) -> Iterator[Log]:
    """A log in a database of each kind, whose contents are sealed."""
    with opened(database_url) as log:
        log.sealer = Sealer(asked, epoch_of=rules().epoch_of, clock=stopwatch)
        yield log


def read(
    log: Log, promised: Sequence[Promised], keys: Custodian | None = None
) -> list[Content | Unreadable]:
    """What can be read of these entries, as a broker does it."""
    with log.engine.connect() as connection:
        found = contents.stored(connection, [each.leaf_hash for each in promised])
    volumes = {one.volume.id: one.volume for one in found if one.volume}
    answered = (keys or custodian()).open_log_volumes(volumes=list(volumes.values()))
    return [contents.opened(one, keys=answered.keys, gone=answered.gone) for one in found]


def said(log: Log, promised: Sequence[Promised]) -> list[Mapping[str, Any] | str]:
    """The contents, or why there are none."""
    return [one.content if isinstance(one, Content) else one.reason for one in read(log, promised)]


def count(log: Log, table: Any) -> int:
    """How many rows a table has."""
    with log.engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def proven(log: Log, promised: Sequence[Promised]) -> None:
    """Every entry stands in the tree that is signed now."""
    head = log.checkpoint()
    for each in promised:
        proof = log.inclusion(each)
        assert proof is not None
        head.check_inclusion(leaf_hash=each.leaf_hash, index=proof.index, path=proof.path)


def test_contents_are_read_back_as_they_were_written(log: Log) -> None:
    """About somebody and about nobody; each says what it is of, in the order asked for."""
    mine, nobody = log.append(2, subject=MINE), log.append(1)
    found = read(log, [nobody[0], mine[1], mine[0]])
    assert [one.content for one in found if isinstance(one, Content)] == [
        {"number": 3, "of": "nobody"},
        {"number": 2, "of": MINE},
        {"number": 1, "of": MINE},
    ]
    assert [one.subject for one in found if isinstance(one, Content)] == [None, MINE, MINE]
    assert {(one.type, one.at) for one in found[2:]} == {("disclosure.released", mine[0].at)}
    assert read(log, [Promised(ORIGIN, START, b"", bytes(32))]) == []


def test_nothing_lies_in_clear(log: Log) -> None:
    """Neither content nor salt is in any table."""
    promised = log.append(1, subject=MINE)
    with log.engine.connect() as connection:
        for table in storage.metadata.sorted_tables:
            for row in connection.execute(select(table)):
                assert "number" not in repr(tuple(row))
                assert promised[0].salt not in [bytes(c) for c in row if isinstance(c, bytes)]
    assert count(log, log_content) == 0


def test_one_volume_serves_until_it_is_old_or_full(log: Log, stopwatch: Stopwatch) -> None:
    """An entry costs no public-key work but the first of a while; a volume's contents are few enough for random IVs."""
    log.append(3, subject=MINE)
    log.append(1, subject=MINE)
    assert count(log, log_volume) == 1
    stopwatch.seconds = LASTS
    log.append(1, subject=MINE)
    assert count(log, log_volume) == 2
    assert log.sealer is not None
    log.sealer._volumes[MINE, EPOCH].left = 1
    promised = log.append(3, subject=MINE)
    assert count(log, log_volume) == 3
    assert said(log, promised) == [{"number": n, "of": MINE} for n in (6, 7, 8)]
    assert MOST == 2**20


def test_only_so_many_volume_keys_are_held(log: Log) -> None:
    """Memory is bounded, however many people events are about; the least used goes first."""
    assert log.sealer is not None
    log.append(1, subject=MINE)
    log.append(1, subject=YOURS)
    held = log.sealer._volumes[YOURS, EPOCH]
    log.sealer.keep({(f"sub_{n}", EPOCH): held for n in range(HELD - 1)}, 0)
    assert len(log.sealer._volumes) == HELD
    assert (MINE, EPOCH) not in log.sealer._volumes
    assert (YOURS, EPOCH) in log.sealer._volumes


def test_what_is_rolled_back_leaves_no_volume_in_use(log: Log) -> None:
    """A volume key that lies nowhere would seal contents that nobody can ever read."""
    assert log.sealer is not None
    with log.engine.connect() as connection:
        sealing_ = log.sealer.begin()
        entry = Entry("disclosure", START, {}, MINE)
        storage.append(connection, entry, origin=ORIGIN, salt=bytes(32), sealing=sealing_)
        connection.rollback()
    assert count(log, log_volume) == 0
    promised = log.append(1, subject=MINE)
    assert said(log, promised) == [{"number": 1, "of": MINE}]


def test_writing_works_while_the_custodian_is_away(
    log: Log, asked: Asked, stopwatch: Stopwatch
) -> None:
    """The log has to say why nothing was released: what it seals to is in the database."""
    log.append(1, subject=MINE)
    assert asked.times == 2
    asked.away = True
    stopwatch.seconds = LASTS + 1
    promised = log.append(1, subject=MINE)
    assert said(log, promised) == [{"number": 2, "of": MINE}]
    with pytest.raises(ConnectionError):
        log.append(1, subject="sub_new")
    assert count(log, log_entry) == 2


def test_another_process_seals_to_the_same_keys(log: Log) -> None:
    """Two replicas, one database: neither asks for what the other has found."""
    first = log.append(1, subject=MINE)
    asked = Asked(away=True)
    log.sealer = Sealer(asked, epoch_of=rules().epoch_of)
    second = log.append(1, subject=MINE)
    assert said(log, first + second) == [{"number": n, "of": MINE} for n in (1, 2)]


def test_forgetting_a_person_leaves_every_proof(log: Log) -> None:
    """Content, salt and volume are gone; the tree and everybody else's entries stay."""
    mine, yours = log.append(3, subject=MINE), log.append(2, subject=YOURS)
    log.sequencer.run_once()
    before = log.checkpoint()
    with log.engine.begin() as connection:
        assert contents.forget(connection, MINE) == 3
        assert contents.forget(connection, MINE) == 0
    assert said(log, mine) == ["erased"] * 3
    assert said(log, yours) == [{"number": n, "of": YOURS} for n in (4, 5)]
    assert all(one.forgotten for one in read(log, mine) if isinstance(one, Unreadable))
    proven(log, mine + yours)
    log.grow(1)
    log.checkpoint().check_continues(before, log.consistency(5, 6))


def test_after_a_person_is_forgotten_nothing_about_them_is_kept(log: Log) -> None:
    """What happens later is logged, and commits to something that lies nowhere."""
    log.append(1, subject=MINE)
    assert log.sealer is not None
    erasing = log.sealer.begin()
    with log.engine.begin() as connection:
        contents.forget(connection, MINE)
        erasing.forget(MINE)
    erasing.committed()
    after = log.append(1, subject=MINE)
    assert said(log, after) == ["erased"]
    assert (count(log, log_volume), count(log, log_sealed)) == (0, 0)
    log.sequencer.run_once()
    proven(log, after)


def test_what_another_process_writes_on_is_unreadable(log: Log, stopwatch: Stopwatch) -> None:
    """It holds a volume key for a while, and nobody else has that key any more; then it learns."""
    log.append(1, subject=MINE)
    with log.engine.begin() as connection:
        contents.forget(connection, MINE)
    on = log.append(1, subject=MINE)
    assert (count(log, log_sealed), count(log, log_volume)) == (1, 0)
    stopwatch.seconds = LASTS
    later = log.append(1, subject=MINE)
    assert (count(log, log_sealed), count(log, log_volume)) == (1, 0)
    assert said(log, on + later) == ["erased"] * 2


def test_forgetting_lets_go_of_keys_that_are_being_made(log: Log) -> None:
    """A transaction that began before a person was forgotten gives its volume key to nobody."""
    assert log.sealer is not None
    began = log.sealer.begin()
    with log.engine.begin() as connection:
        for subject in (MINE, YOURS):
            entry = Entry("disclosure", START, {"of": subject}, subject)
            salt = hashlib.sha256(subject.encode()).digest()
            storage.append(connection, entry, origin=ORIGIN, salt=salt, sealing=began)
        began.forget(YOURS)
        log.sealer.forget(MINE)
    began.committed()
    assert not log.sealer._volumes


def test_a_shredded_person_is_unreadable_where_the_rows_were_kept(
    log: Log, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A backup of the database, put beside the keyring after the shredding, shows nothing."""
    home = tmp_path_factory.mktemp("keyring") / "keyring"
    keyring.create(home, PASSPHRASE, cost=CHEAP)
    own = LocalCustodian(home, lambda: PASSPHRASE)
    log.sealer = Sealer(CustodiansLogKeys(own, clock=lambda: START), epoch_of=rules().epoch_of)
    mine, yours = log.append(1, subject=MINE), log.append(1, subject=YOURS)
    own.shred(subject=MINE)
    found = read(log, mine + yours, own)
    assert [one.reason if isinstance(one, Unreadable) else "read" for one in found] == [
        "erased",
        "read",
    ]
    own.end_log_epoch(epoch=EPOCH)
    found = read(log, mine + yours, own)
    assert [one.reason for one in found if isinstance(one, Unreadable)] == ["ended", "ended"]


def test_an_epochs_end_takes_its_contents_and_no_others(log: Log) -> None:
    """By time: everybody's, of that class and month, in pieces."""
    old = log.append(3, subject=MINE) + log.append(2)
    log.clock.forward(timedelta(days=40).total_seconds())
    new = log.append(1, subject=MINE)
    log.sequencer.run_once()
    with log.engine.begin() as connection:
        assert sealing.epochs(connection) == {EPOCH: True, "sharing-2026-01": True}
        assert sealing.end_epoch(connection, EPOCH)
        assert not sealing.end_epoch(connection, EPOCH)
        assert sealing.epochs(connection) == {EPOCH: False, "sharing-2026-01": True}
        assert [contents.forget_epoch(connection, EPOCH, limit=2) for _ in range(3)] == [2, 2, 1]
    assert said(log, old) == ["erased"] * 5
    assert said(log, new) == [{"number": 6, "of": MINE}]
    assert count(log, log_volume) == 1
    proven(log, old + new)


def test_nothing_is_kept_of_an_epoch_that_is_over(log: Log) -> None:
    """An entry dated back beyond its time commits to something that lies nowhere."""
    with log.engine.begin() as connection:
        sealing.end_epoch(connection, EPOCH)
    assert said(log, log.append(1)) == ["erased"]


def test_an_epoch_can_be_made_ahead(log: Log, asked: Asked) -> None:
    """So that the log writes on into the next month without the custodian."""
    jwk = asked.epoch(EPOCH)
    with log.engine.begin() as connection:
        sealing.add_epoch(connection, EPOCH, jwk)
        sealing.add_epoch(connection, EPOCH, None)
    asked.away = True
    assert said(log, log.append(1)) == [{"number": 1, "of": "nobody"}]


def test_what_was_altered_is_told_from_what_was_forgotten(log: Log) -> None:
    """Swapped, bent or cut contents, volumes and commitments are found, each by itself."""
    one, two, three, four, five = log.append(5)
    rows = dict.fromkeys((one, two, three, four, five), b"")
    with log.engine.begin() as connection:
        for each in rows:
            row = select(log_sealed.c.sealed).where(log_sealed.c.leaf_hash == each.leaf_hash)
            rows[each] = bytes(connection.execute(row).scalar_one())
        for each, sealed in ((one, rows[two]), (two, rows[two][:-1]), (three, b"")):
            where = log_sealed.c.leaf_hash == each.leaf_hash
            connection.execute(update(log_sealed).where(where).values(sealed=sealed))
        wrong = update(log_entry).where(log_entry.c.leaf_hash == four.leaf_hash)
        connection.execute(wrong.values(commitment=bytes(32)))
    assert said(log, [one, two, three, four]) == ["broken"] * 4
    assert said(log, [five]) == [{"number": 5, "of": "nobody"}]
    found = [each for each in read(log, [one]) if isinstance(each, Unreadable)]
    assert [each.forgotten for each in found] == [False]
    with log.engine.begin() as connection:
        connection.execute(update(log_volume).values(sealed=b"no key"))
    assert said(log, [five]) == ["broken"]
    with log.engine.begin() as connection:
        connection.execute(delete(log_volume))
    assert said(log, [five]) == ["erased"]


def test_a_volume_nobody_opened_gives_no_content(log: Log) -> None:
    """Whoever asks with too few keys is told that there was none."""
    (promised,) = log.append(1)
    with log.engine.connect() as connection:
        (found,) = contents.stored(connection, [promised.leaf_hash])
    answer = contents.opened(found, keys={}, gone={})
    assert isinstance(answer, Unreadable)
    assert answer.reason == "no_key"


# --- what the release before wrote


def in_clear(log: Log, subject: str | None, at: datetime = START) -> Promised:
    """An entry as the release before wrote it."""
    salt = hashlib.sha256(f"{subject} {at}".encode()).digest()
    content = {"of": subject or "nobody"}
    with log.engine.begin() as connection:
        entry = Entry("disclosure", at, content, subject)
        promised = storage.append(connection, entry, origin=ORIGIN, salt=salt)
        row = {
            "leaf_hash": promised.leaf_hash,
            "subject": subject,
            "salt": salt,
            "content": canonical(dict(content)).decode(),
        }
        connection.execute(insert(log_content).values(row))
    return promised


def sealed_in_full(log: Log, *, limit: int = 2) -> list[int]:
    """Seal what waits, piece by piece, as the clock's job does."""
    assert log.sealer is not None
    done: list[int] = []
    while not done or done[-1]:
        began = log.sealer.begin()
        with log.engine.begin() as connection:
            done.append(contents.seal_waiting(connection, began, limit=limit))
        began.committed()
    return done


def test_what_lay_in_clear_is_sealed(log: Log) -> None:
    """It can be read before and after, and lies in clear no longer."""
    promised = [in_clear(log, whose) for whose in (MINE, YOURS, None)]
    before = said(log, promised)
    assert before == [{"of": MINE}, {"of": YOURS}, {"of": "nobody"}]
    assert read(log, promised)[0].leaf_hash == promised[0].leaf_hash
    assert sealed_in_full(log) == [2, 1, 0]
    assert said(log, promised) == before
    assert (count(log, log_content), count(log, log_sealed)) == (0, 3)
    log.sequencer.run_once()
    proven(log, promised)


def test_what_is_over_is_not_sealed_but_erased(log: Log) -> None:
    """Of a person who was forgotten, and of a time that is out, nothing is taken over."""
    first, second = in_clear(log, MINE), in_clear(log, None)
    with log.engine.begin() as connection:
        assert contents.forget(connection, YOURS) == 0
        assert contents.forget(connection, MINE) == 1
    late = in_clear(log, MINE, START + timedelta(seconds=1))
    with log.engine.begin() as connection:
        sealing.end_epoch(connection, EPOCH)
    assert sealed_in_full(log) == [2, 0]
    assert said(log, [first, second, late]) == ["erased"] * 3
    assert count(log, log_content) == count(log, log_sealed) == 0


def test_a_bent_content_in_clear_is_found(log: Log) -> None:
    """The old rows are held against their leaves too."""
    promised = in_clear(log, None)
    log.run(update(log_content).values(content="{}"))
    assert said(log, [promised]) == ["broken"]
    log.run(update(log_content).values(content="no JSON", salt=bytes(SALT_BYTES)))
    assert said(log, [promised]) == ["broken"]


def test_two_transactions_may_meet_a_new_person_at_once(log: Log) -> None:
    """Both have asked the same custodian, so that whoever is second finds the same key."""
    with log.engine.begin() as connection:
        row = {"subject": MINE, "jwk": "{}"}
        connection.execute(insert(log_subject).values(row))
        sealing._add(connection, log_subject, {"subject": MINE, "jwk": None})
        assert connection.execute(select(log_subject.c.jwk)).scalar_one() == "{}"


def test_a_month_is_one_of_utc() -> None:
    """Midnight in Oslo is not where an epoch ends."""
    late = datetime(2026, 1, 1, 0, 30, tzinfo=UTC) - timedelta(hours=1)
    assert rules().epoch_of("disclosure", late) == "sharing-2025-12"
