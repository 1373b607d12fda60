"""Log keys of the custodian: made once, derived from what is shredded, ended with their time."""

import copy
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from keys import boxes, keyring, logkeys
from keys.epochs import EPOCHS
from keys.errors import (
    EpochEnded,
    EpochInvalid,
    KeyringDamaged,
    KeyringMissing,
    PassphraseWrong,
    SubjectShredded,
    TooManyKeys,
)
from keys.keyring import LocalCustodian
from tests.keyring_case import a_deposit
from tests.sealed_case import CHEAP, PASSPHRASE, SUBJECT, admit
from tillit.contents import Volume, seal_volume

EPOCH, OTHER = "sharing-2026-11", "traffic-2026-12"
KEY = bytes(range(32))


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


def volume(
    custodian: LocalCustodian,
    subject: str | None = SUBJECT,
    *,
    epoch: str = EPOCH,
    letter: str = "A",
) -> Volume:
    """A volume key wrapped with what the custodian publishes."""
    return seal_volume(
        KEY,
        id=f"{epoch}.{letter * 16}",
        subject=subject,
        subject_jwk=None if subject is None else custodian.log_subject_key(subject=subject),
        epoch_jwk=custodian.log_epoch_key(epoch=epoch),
    )


@contextmanager
def moved_away(path: Path) -> Iterator[None]:
    """Without a part of the keyring for a while."""
    away = path.with_name(f"{path.name}.away")
    path.rename(away)
    yield
    away.rename(path)


def test_keys_are_the_same_in_every_process(home: Path, custodian: LocalCustodian) -> None:
    """Replicas that share a keyring seal to the same keys."""
    other = LocalCustodian(home, lambda: PASSPHRASE)
    for each in (custodian, other, custodian):
        assert each.log_subject_key(subject=SUBJECT) == other.log_subject_key(subject=SUBJECT)
        assert each.log_epoch_key(epoch=EPOCH) == custodian.log_epoch_key(epoch=EPOCH)
    assert other.log_subject_key(subject="sub_two") != other.log_subject_key(subject=SUBJECT)
    assert other.log_epoch_key(epoch=OTHER) != other.log_epoch_key(epoch=EPOCH)


def test_a_key_that_was_made_for_the_log_takes_deposits(custodian: LocalCustodian) -> None:
    """A subject is known before anything is deposited: it is the same key then."""
    before = custodian.log_subject_key(subject=SUBJECT)
    admit(custodian, a_deposit(custodian))
    assert custodian.log_subject_key(subject=SUBJECT) == before


def test_volumes_open_until_their_subject_or_their_time_is_over(custodian: LocalCustodian) -> None:
    """Shredding and time each end what they should and nothing else."""
    volumes = [
        volume(custodian),
        volume(custodian, "sub_two", letter="B"),
        volume(custodian, None, letter="C"),
        volume(custodian, epoch=OTHER, letter="D"),
        volume(custodian, "sub_two", epoch=OTHER, letter="E"),
    ]
    mine, other, nobody, later, both = (each.id for each in volumes)
    opened = custodian.open_log_volumes(volumes=volumes)
    assert (opened.keys, opened.gone) == (dict.fromkeys((each.id for each in volumes), KEY), {})
    custodian.shred(subject=SUBJECT)
    opened = custodian.open_log_volumes(volumes=volumes)
    assert opened.gone == {mine: "shredded", later: "shredded"}
    custodian.end_log_epoch(epoch=EPOCH)
    custodian.end_log_epoch(epoch=EPOCH)
    opened = custodian.open_log_volumes(volumes=volumes)
    assert opened.keys == {both: KEY}
    assert opened.gone == {
        mine: "ended",
        other: "ended",
        nobody: "ended",
        later: "shredded",
    }


def test_ends_are_final(custodian: LocalCustodian) -> None:
    """No key is made again where one was destroyed, used before or not."""
    custodian.log_epoch_key(epoch=EPOCH)
    for epoch in (EPOCH, OTHER):
        custodian.end_log_epoch(epoch=epoch)
        with pytest.raises(EpochEnded):
            custodian.log_epoch_key(epoch=epoch)
    custodian.shred(subject=SUBJECT)
    with pytest.raises(SubjectShredded):
        custodian.log_subject_key(subject=SUBJECT)


def test_what_never_had_a_key_or_was_altered_does_not_open(
    home: Path, custodian: LocalCustodian, tmp_path: Path
) -> None:
    """Rows from another broker's database, or with a bit turned, are told apart from erased ones."""
    shutil.copytree(home, tmp_path / "copy")
    foreign = LocalCustodian(tmp_path / "copy", lambda: PASSPHRASE)
    good = volume(foreign)
    foreign_epoch = volume(foreign, None, epoch=OTHER, letter="B")
    custodian.log_epoch_key(epoch=EPOCH)
    unknown = volume(custodian, None, letter="C")
    nameless = Volume("sharing.C", None, unknown.sealed)
    bent = Volume(f"{EPOCH}.{'D' * 16}", None, unknown.sealed)
    volumes = [good, foreign_epoch, nameless, bent]
    opened = custodian.open_log_volumes(volumes=volumes)
    assert opened.keys == {}
    assert opened.gone == {
        good.id: "no_key",
        foreign_epoch.id: "no_key",
        nameless.id: "broken",
        bent.id: "broken",
    }


def test_ending_an_epoch_overwrites_its_key(home: Path, custodian: LocalCustodian) -> None:
    """As shredding does; and it needs no passphrase."""
    custodian.log_epoch_key(epoch=EPOCH)
    file = home / EPOCHS / EPOCH
    before = file.read_bytes()
    with file.open("rb") as old:
        LocalCustodian(home, lambda: b"not the passphrase").end_log_epoch(epoch=EPOCH)
        assert old.read() != before
    assert before not in {path.read_bytes() for path in home.rglob("*") if path.is_file()}


@pytest.mark.parametrize("epoch", ["", "../root", "root", "sharing-2026-00", "x" * 10_000])
def test_no_epoch_names_another_place(home: Path, custodian: LocalCustodian, epoch: str) -> None:
    """An epoch's name is a file's name, so it must be nothing else."""
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    for attempt in (custodian.log_epoch_key, custodian.end_log_epoch):
        with pytest.raises(EpochInvalid):
            attempt(epoch=epoch)
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


def test_epoch_files_are_the_owners_alone_and_bound_to_their_name(
    home: Path, custodian: LocalCustodian
) -> None:
    """As every file of the keyring."""
    for epoch in (EPOCH, OTHER):
        custodian.log_epoch_key(epoch=epoch)
    files = [home / EPOCHS / epoch for epoch in (EPOCH, OTHER)]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert (home / EPOCHS).stat().st_mode & 0o777 == 0o700
    files[0].write_bytes(files[1].read_bytes())
    with pytest.raises(KeyringDamaged):
        custodian.log_epoch_key(epoch=EPOCH)


def test_a_file_that_holds_something_else_is_damage(home: Path, custodian: LocalCustodian) -> None:
    """A box of ours with too short a secret in it is no epoch's key."""
    custodian.log_epoch_key(epoch=EPOCH)
    root = custodian._open().roots.now
    box = boxes.seal(bytes(20), key=root, name=EPOCH, randomness=bytes)
    (home / EPOCHS / EPOCH).write_bytes(box)
    with pytest.raises(KeyringDamaged):
        custodian.log_epoch_key(epoch=EPOCH)


def test_a_locked_keyring_opens_nothing_and_ends_everything(home: Path) -> None:
    """Erasure must be possible when nothing else is."""
    custodian = LocalCustodian(home, lambda: PASSPHRASE)
    mine = volume(custodian)
    locked = LocalCustodian(home, lambda: b"not the passphrase")
    for attempt in (
        lambda: locked.open_log_volumes(volumes=[mine]),
        lambda: locked.log_subject_key(subject=SUBJECT),
        lambda: locked.log_epoch_key(epoch=EPOCH),
    ):
        with pytest.raises(PassphraseWrong):
            attempt()
    locked.end_log_epoch(epoch=EPOCH)
    assert custodian.open_log_volumes(volumes=[mine]).gone == {mine.id: "ended"}
    with moved_away(home), pytest.raises(KeyringMissing):
        locked.end_log_epoch(epoch=OTHER)


def test_only_so_many_volumes_open_in_one_call(custodian: LocalCustodian) -> None:
    """One request cannot make the custodian work without end."""
    volumes = [Volume("", None, b"")] * (logkeys.MAX_VOLUMES + 1)
    with pytest.raises(TooManyKeys):
        custodian.open_log_volumes(volumes=volumes)


def test_opened_keys_are_neither_printed_nor_copied(custodian: LocalCustodian) -> None:
    """They leave the custodian for one reading only."""
    opened = custodian.open_log_volumes(volumes=[volume(custodian)])
    assert "keys" not in repr(opened)
    with pytest.raises(TypeError):
        copy.copy(opened)
