"""Subject keys: made once, shredded for good, in every thread and process alike."""

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from keys import files, keyring
from keys.errors import (
    CustodianError,
    KeyringUnreachable,
    NoSubjectKey,
    SubjectShredded,
)
from keys.keyring import LocalCustodian
from tests.keyring_case import a_deposit, release, subject_file
from tests.sealed_case import (
    CHEAP,
    PASSPHRASE,
    SUBJECT,
    TWO_VALUES,
    admit,
    local_custodian,
)
from tillit.wire import Deposit

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The directory of a fresh keyring."""
    directory = tmp_path / "keyring"
    keyring.create(directory, PASSPHRASE, cost=CHEAP)
    return directory


@pytest.fixture
def custodian(home: Path) -> LocalCustodian:
    """A custodian that knows the passphrase."""
    return LocalCustodian(home, lambda: PASSPHRASE)


# --- subjects ---


def test_nothing_admitted_means_nothing_to_release(custodian: LocalCustodian) -> None:
    """Releasing does not make keys."""
    with pytest.raises(NoSubjectKey):
        release(custodian, {})


@pytest.mark.parametrize(
    "subject", ["", "../root", "/etc/passwd", "a/b", "..", "x" * 10_000, "å\0\n", "con:"]
)
def test_no_subject_id_reaches_outside(home: Path, subject: str) -> None:
    """Ids are hashed into file names, so that none can name another place."""
    custodian = LocalCustodian(home, lambda: PASSPHRASE)
    outside = {path: path.read_bytes() for path in home.iterdir() if path.is_file()}
    stored = admit(custodian, a_deposit(custodian), subject)
    assert release(custodian, stored, subject) == len(TWO_VALUES)
    assert len(subject_file(home).name) == 64
    custodian.shred(subject=subject)
    assert {path: path.read_bytes() for path in home.iterdir() if path.is_file()} == outside


def test_shredding_is_final(home: Path, custodian: LocalCustodian) -> None:
    """Nothing about the subject is released or admitted again, also not after a restart."""
    deposit = a_deposit(custodian)
    stored = admit(custodian, deposit)
    key = subject_file(home).read_bytes()
    custodian.shred(subject=SUBJECT)
    custodian.shred(subject=SUBJECT)
    for each in (custodian, LocalCustodian(home, lambda: PASSPHRASE)):
        with pytest.raises(SubjectShredded):
            release(each, stored)
        with pytest.raises(SubjectShredded):
            admit(each, deposit)
    held = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    assert [data for data in held if key in data] == []


def test_shredding_before_anything_was_admitted_is_final_too(custodian: LocalCustodian) -> None:
    """An erased person stays erased, whatever order things arrive in."""
    custodian.shred(subject=SUBJECT)
    with pytest.raises(SubjectShredded):
        admit(custodian, a_deposit(custodian))


def test_shredding_one_leaves_the_others(custodian: LocalCustodian) -> None:
    """Each subject has a key of their own."""
    one = admit(custodian, a_deposit(custodian), "sub_one")
    two = admit(custodian, a_deposit(custodian), "sub_two")
    custodian.shred(subject="sub_one")
    with pytest.raises(SubjectShredded):
        release(custodian, one, "sub_one")
    assert release(custodian, two, "sub_two") == len(TWO_VALUES)


def test_shredding_needs_no_passphrase_and_ends_damage(home: Path) -> None:
    """Erasure must be possible when nothing else is."""
    custodian = LocalCustodian(home, lambda: PASSPHRASE)
    stored = admit(custodian, a_deposit(custodian))
    subject_file(home).write_bytes(b"garbled")
    LocalCustodian(home, lambda: b"not the passphrase").shred(subject=SUBJECT)
    with pytest.raises(SubjectShredded):
        release(custodian, stored)


def test_what_a_killed_writer_left_is_shredded_too(home: Path, custodian: LocalCustodian) -> None:
    """A draft that was never cleaned up holds the same key under another name."""
    admit(custodian, a_deposit(custodian))
    path = subject_file(home)
    draft = path.with_name(f".{path.name}.0123456789abcdef")
    draft.hardlink_to(path)
    custodian.shred(subject=SUBJECT)
    assert subject_file(home) == path


def test_the_old_key_is_overwritten_where_it_lay(home: Path, custodian: LocalCustodian) -> None:
    """Unlinking alone would leave it on the disk in one piece."""
    admit(custodian, a_deposit(custodian))
    before = subject_file(home).read_bytes()
    with subject_file(home).open("rb") as old:
        custodian.shred(subject=SUBJECT)
        after = old.read()
    assert len(after) == len(before)
    assert after != before


def test_shredding_waits_for_a_release_that_has_begun(tmp_path: Path) -> None:
    """Once ``shred`` has returned, no call that read the key before is still at work."""
    path = tmp_path / "file"
    assert files.write_first(path, b"old")
    shredder = threading.Thread(target=files.replace, args=(path, b"new"))
    with files.held(path) as data:
        shredder.start()
        shredder.join(0.2)
        assert (data, shredder.is_alive()) == (b"old", True)
        assert files.read(path) == b"new"
    shredder.join(5)
    assert not shredder.is_alive()


def test_a_reader_never_sees_what_is_being_overwritten(tmp_path: Path) -> None:
    """Who opened the old file just before it was replaced reads the new one."""
    path = tmp_path / "file"
    assert files.write_first(path, bytes(1))
    seen: set[bytes] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(files.read(path))

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        for number in range(1, 200):
            files.replace(path, bytes([number]))
        done.set()
        for reader in readers:
            reader.result(10)
    assert seen <= {bytes([number]) for number in range(200)}
    assert len(seen) > 1


# --- two processes on one directory ---


def _admit_in_a_process(home: Path, deposit: str) -> dict[str, str]:
    custodian = LocalCustodian(home, lambda: PASSPHRASE)
    return admit(custodian, Deposit.model_validate_json(deposit))


def test_processes_agree_on_a_new_subjects_key(home: Path, custodian: LocalCustodian) -> None:
    """Whoever comes second uses the first one's key: every admitted value can be released."""
    deposits = [a_deposit(custodian) for _ in range(4)]
    with SPAWN.Pool(4) as pool:
        given = [(home, deposit.model_dump_json()) for deposit in deposits]
        admitted = pool.starmap(_admit_in_a_process, given, chunksize=1)
    for stored in admitted:
        assert release(custodian, stored) == len(TWO_VALUES)
    assert subject_file(home).is_file()


def test_a_key_made_between_looking_and_writing_is_used(home: Path) -> None:
    """The race itself, played out: another writer is first after this one found no key."""
    other = LocalCustodian(home, lambda: PASSPHRASE)
    deposit = a_deposit(other)
    first: list[dict[str, str]] = []

    def late(size: int) -> bytes:
        if not first:
            first.append(admit(other, deposit))
        return os.urandom(size)

    slow = LocalCustodian(home, lambda: PASSPHRASE, randomness=late)
    second = admit(slow, deposit)
    assert release(slow, second) == release(other, first[0]) == len(TWO_VALUES)
    assert first == [second]


def test_a_key_shredded_in_another_process_is_gone_in_this_one(
    home: Path, custodian: LocalCustodian
) -> None:
    """Nothing is kept that would let a destroyed key be used."""
    stored = admit(custodian, a_deposit(custodian))
    assert release(custodian, stored) == len(TWO_VALUES)
    process = SPAWN.Process(target=_shred_in_a_process, args=(home,))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    with pytest.raises(SubjectShredded):
        release(custodian, stored)


def _shred_in_a_process(home: Path) -> None:
    LocalCustodian(home, lambda: b"no passphrase is needed").shred(subject=SUBJECT)


def test_shredding_wins_every_race(tmp_path: Path) -> None:
    """Admitting and shredding at once ends shredded, with an error of the custodian's or none."""
    custodian = local_custodian(tmp_path / "keyring")
    deposit = a_deposit(custodian)

    def attempt(act: Callable[[], object]) -> str:
        try:
            act()
        except CustodianError as error:
            return error.code
        return "done"

    for number in range(30):
        subject = f"sub_{number}"
        acts = [
            lambda s=subject: admit(custodian, deposit, s),
            lambda s=subject: custodian.shred(subject=s),
            lambda s=subject: admit(custodian, deposit, s),
        ]
        with ThreadPoolExecutor(3) as pool:
            ends = list(pool.map(attempt, acts))
        assert ends[1] == "done"
        assert {ends[0], ends[2]} <= {"done", SubjectShredded.code, KeyringUnreachable.code}
        with pytest.raises(SubjectShredded):
            release(custodian, {}, subject)
