"""Rotation of the root key: nobody waits, nothing is lost, nothing comes back."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from keys import files, keyring
from keys.errors import (
    KeyringDamaged,
    KeyringMissing,
    KeyringUnreachable,
    PassphraseUnfit,
    PassphraseWrong,
    RootBackMissing,
    RotationRunning,
    SubjectShredded,
)
from keys.keyring import CUSTODIAN, SUBJECTS, LocalCustodian
from keys.parts import RELEASES
from keys.roots import ROOT, Backs, Passphrase, RootFile
from keys.rotation import Rotated, rotate
from tests.keyring_case import a_deposit, release, subject_file
from tests.sealed_case import CHEAP, PASSPHRASE, SUBJECT, TWO_VALUES, admit, local_custodian
from tillit.notes import open_checkpoint

OTHER = b"another passphrase of the tests"
SECRET_FILES = 4
BACK = Passphrase(lambda: PASSPHRASE, cost=CHEAP)
NEXT = Backs(Passphrase(lambda: OTHER, cost=CHEAP), BACK)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The directory of a fresh keyring."""
    directory = tmp_path / "keyring"
    keyring.create(directory, PASSPHRASE, cost=CHEAP)
    return directory


@pytest.fixture
def custodian(home: Path) -> LocalCustodian:
    """A custodian that knows the passphrase, and is open all along."""
    return LocalCustodian(home, lambda: PASSPHRASE)


class _Crash(Exception):
    """Stands for kill -9: nothing that comes after is done."""


def _crash(*_: object) -> None:
    raise _Crash


def test_who_has_it_open_goes_on_with_the_same_keys(home: Path, custodian: LocalCustodian) -> None:
    """No restart, no ciphertext and no wrapped content key changes."""
    stored = admit(custodian, a_deposit(custodian))
    public, secrets = custodian.public_jwk(), custodian.broker_keys()
    before = {
        path: path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and path.parent.name != RELEASES
    }
    assert rotate(home, BACK) == Rotated(2, SECRET_FILES, (), destroyed=False)
    assert release(custodian, stored) == len(TWO_VALUES)
    assert custodian.public_jwk() == public
    assert custodian.broker_keys().person_mac == secrets.person_mac
    assert [path.name for path, data in before.items() if path.read_bytes() == data] == []
    assert rotate(home, BACK).epoch == 3
    assert release(LocalCustodian(home, lambda: PASSPHRASE), stored) == len(TWO_VALUES)


def test_the_release_log_goes_on(home: Path, custodian: LocalCustodian) -> None:
    """Its lines are no secrets and stay as they are; who signs its heads stays the same."""
    stored = admit(custodian, a_deposit(custodian))
    assert release(custodian, stored) == len(TWO_VALUES)
    vkey = custodian.releases_vkey()
    (segment,) = (home / RELEASES).glob("*.jsonl")
    before = segment.read_bytes()
    assert rotate(home, BACK).damaged == ()
    assert release(custodian, stored) == len(TWO_VALUES)
    assert segment.read_bytes().startswith(before)
    assert open_checkpoint(custodian.releases_head(), vkey).size == 2


def test_the_logs_keys_are_the_same_too(home: Path, custodian: LocalCustodian) -> None:
    """What is sealed in the log is read with keys of the same keyring."""
    subject, epoch = custodian.log_subject_key(subject=SUBJECT), _epoch_key(custodian)
    rotate(home, BACK)
    assert custodian.log_subject_key(subject=SUBJECT) == subject
    assert _epoch_key(custodian) == _epoch_key(LocalCustodian(home, BACK)) == epoch


def _epoch_key(custodian: LocalCustodian) -> dict[str, object]:
    return custodian.log_epoch_key(epoch="decision-2026-11")


def test_a_file_from_before_opens_no_more(home: Path, custodian: LocalCustodian) -> None:
    """Otherwise a shredded key would come back with any backup of its one file."""
    stored = admit(custodian, a_deposit(custodian))
    old = subject_file(home).read_bytes()
    custodian.shred(subject=SUBJECT)
    rotate(home, BACK)
    subject_file(home).write_bytes(old)
    with pytest.raises(KeyringDamaged):
        release(custodian, stored)


@pytest.mark.parametrize("back", [BACK, NEXT], ids=["the same", "another passphrase"])
def test_a_crash_half_way_leaves_everything_readable_and_is_ended_by_a_repeat(
    home: Path, custodian: LocalCustodian, back: Passphrase | Backs
) -> None:
    """A million files take minutes, and machines stop."""
    stored = admit(custodian, a_deposit(custodian))
    with pytest.raises(_Crash):
        rotate(home, back, progress=_crash)
    half = RootFile.parse((home / ROOT).read_bytes())
    assert (half.epoch, half.previous is not None) == (2, True)
    both = LocalCustodian(home, NEXT)
    assert release(both, stored) == len(TWO_VALUES)
    fresh = admit(both, a_deposit(both), "sub_fresh")
    seen: list[tuple[int, int]] = []
    rotated = rotate(home, back, progress=lambda done, total: seen.append((done, total)))
    assert (rotated.epoch, rotated.damaged, seen) == (2, (), [(3, 5), (5, 5)])
    ended = RootFile.parse((home / ROOT).read_bytes())
    assert (ended.epoch, ended.previous) == (2, None)
    assert release(both, stored) == release(both, fresh, "sub_fresh") == len(TWO_VALUES)


def test_a_crash_before_anything_was_written_changes_nothing(home: Path) -> None:
    """The first thing that is written is a root file that opens both."""
    before = (home / ROOT).read_bytes()
    unfit = Backs(Passphrase(lambda: b"short", cost=CHEAP), BACK)
    with pytest.raises(PassphraseUnfit):
        rotate(home, unfit)
    assert (home / ROOT).read_bytes() == before


def test_another_passphrase_shuts_the_first_one_out(home: Path) -> None:
    """Whoever learnt the old one opens nothing that was sealed after."""
    rotate(home, NEXT)
    LocalCustodian(home, lambda: OTHER).public_jwk()
    with pytest.raises(PassphraseWrong):
        LocalCustodian(home, lambda: PASSPHRASE).public_jwk()
    with pytest.raises(PassphraseWrong):
        LocalCustodian(home, Backs(BACK, BACK)).public_jwk()


def test_what_is_shredded_meanwhile_stays_shredded(home: Path, custodian: LocalCustodian) -> None:
    """The new file was made from the old one before the shredding, and must not take its place."""
    stored = admit(custodian, a_deposit(custodian))
    path = subject_file(home)
    draft = files.drafted(path, lambda data: data + b" ")
    assert draft is not None
    custodian.shred(subject=SUBJECT)
    assert files.take([draft]) == [path]
    two = admit(custodian, a_deposit(custodian), "sub_two")
    done: list[int] = []
    shredded_after: list[int] = []

    def shred_on_the_way(size: int) -> bytes:
        if done and not shredded_after:
            shredded_after.append(done[-1])
            custodian.shred(subject="sub_two")
        return os.urandom(size)

    rotate(home, BACK, progress=lambda now, _: done.append(now), randomness=shred_on_the_way)
    assert shredded_after == done[:1]
    for subject, wrapped in ((SUBJECT, stored), ("sub_two", two)):
        with pytest.raises(SubjectShredded):
            release(custodian, wrapped, subject)
    assert [path.name for path in home.rglob(".*")] == [".rotation"]


def test_one_rotation_at_a_time(home: Path) -> None:
    """Two would each end what the other has begun."""

    def again(*_: object) -> None:
        with pytest.raises(RotationRunning):
            rotate(home, BACK)

    assert rotate(home, BACK, progress=again).epoch == 2


def test_a_damaged_file_does_not_hold_up_the_others(home: Path, custodian: LocalCustodian) -> None:
    """A root key that leaked must go, also where one file is beyond help."""
    stored = admit(custodian, a_deposit(custodian))
    admit(custodian, a_deposit(custodian), "sub_two")
    broken, kept = sorted((home / SUBJECTS).iterdir(), key=lambda path: path == _of(home, SUBJECT))
    broken.write_bytes(b"garbled")
    (home / SUBJECTS / "huge").write_bytes(b"x" * 70_000)
    assert rotate(home, BACK).damaged == tuple(sorted([broken.name, "huge"]))
    assert release(custodian, stored) == len(TWO_VALUES)
    assert kept == _of(home, SUBJECT)


def _of(home: Path, subject: str) -> Path:
    return LocalCustodian(home, lambda: PASSPHRASE)._path(subject)


def test_a_keyring_that_is_not_there_is_told(tmp_path: Path, home: Path) -> None:
    """Nothing is made by rotating."""
    with pytest.raises(KeyringMissing):
        rotate(tmp_path / "nowhere", BACK)
    (home / ROOT).unlink()
    (home / ROOT).mkdir()
    with pytest.raises(KeyringUnreachable):
        rotate(home, BACK)


@pytest.mark.parametrize(
    "change",
    [
        lambda root: root | {"v": 2},
        lambda root: root | {"v": True},
        lambda root: root | {"epoch": 0},
        lambda root: root | {"epoch": "2"},
        lambda root: root | {"epoch": 2**31},
        lambda root: root | {"previous": 7},
        lambda root: root | {"previous": "AAAA"},
        lambda root: root | {"more": 1},
        lambda root: [root],
    ],
)
def test_a_root_file_of_another_form_is_damage(
    home: Path, change: Callable[[dict[str, object]], object]
) -> None:
    """Whatever it is, it is not taken for a wrong passphrase."""
    whole = json.loads((home / ROOT).read_bytes())
    (home / ROOT).write_text(json.dumps(change(whole)))
    with pytest.raises(KeyringDamaged):
        LocalCustodian(home, lambda: PASSPHRASE).public_jwk()


def test_an_epoch_cannot_be_told_otherwise(home: Path) -> None:
    """A certificate of shredding names it."""
    rotate(home, BACK)
    whole = json.loads((home / ROOT).read_bytes())
    (home / ROOT).write_text(json.dumps(whole | {"epoch": 3}))
    with pytest.raises(PassphraseWrong):
        LocalCustodian(home, lambda: PASSPHRASE).public_jwk()


def test_a_root_key_of_another_back_end_is_told(home: Path) -> None:
    """Whoever forgot a setting reads which."""
    (home / ROOT).write_text(json.dumps({"v": 1, "smartcard": {}}))
    with pytest.raises(RootBackMissing):
        LocalCustodian(home, Backs(BACK)).public_jwk()


def test_a_root_key_of_another_size_is_damage(home: Path) -> None:
    """A box may open and still not hold a key."""
    wrapped = BACK.wrap(bytes(33), name=ROOT, randomness=os.urandom)
    (home / ROOT).write_bytes(RootFile(wrapped).written())
    with pytest.raises(KeyringDamaged):
        LocalCustodian(home, lambda: PASSPHRASE).public_jwk()


def test_who_opens_while_it_is_rotated_opens_it(home: Path) -> None:
    """Root file of one epoch, another file of the next: read again, not damage."""
    asked: list[int] = []

    def ask() -> bytes:
        asked.append(1)
        if len(asked) == 1:
            rotate(home, BACK)
        return PASSPHRASE

    assert LocalCustodian(home, ask).public_jwk()["kty"] == "OKP"
    assert len(asked) == 2


def test_who_has_begun_before_a_rotation_ends_after_it(
    home: Path, custodian: LocalCustodian
) -> None:
    """A release that took the root key a moment ago still finds the subject's key."""
    admit(custodian, a_deposit(custodian))
    begun = custodian._open()
    rotate(home, BACK)
    with custodian._subject_keys(begun, SUBJECT) as keys:
        assert len(keys.now) == 32


def test_roots_are_not_shown_or_copied(home: Path) -> None:
    """A traceback or a pickle would carry them away."""
    rotate(home, BACK)
    opened = RootFile.parse((home / ROOT).read_bytes()).unwrapped(BACK)
    assert repr(opened) == "Roots(epoch=2)"
    with pytest.raises(TypeError):
        opened.__reduce__()


def test_a_passphrase_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    """Making a keyring under one ends before anything is written."""

    def ask() -> bytes:
        raise LookupError

    with pytest.raises(PassphraseWrong):
        keyring.create(tmp_path / "keyring", Passphrase(ask, cost=CHEAP))
    assert list(tmp_path.iterdir()) == []


def test_a_keyring_restored_from_before_needs_the_passphrase_from_before(
    home: Path, custodian: LocalCustodian, tmp_path: Path
) -> None:
    """What no passphrase can enforce: who has the old copy and the old passphrase reads it."""
    stored = admit(custodian, a_deposit(custodian))
    shutil.copytree(home, tmp_path / "backup")
    custodian.shred(subject=SUBJECT)
    rotate(home, NEXT)
    shutil.rmtree(home)
    shutil.copytree(tmp_path / "backup", home)
    with pytest.raises(PassphraseWrong):
        release(LocalCustodian(home, lambda: OTHER), stored)
    assert release(LocalCustodian(home, lambda: PASSPHRASE), stored) == len(TWO_VALUES)


def test_a_file_of_another_keyring_is_not_sealed_anew(home: Path, tmp_path: Path) -> None:
    """Rotating must not make a foreign key one's own."""
    other = local_custodian(tmp_path / "other")
    other.public_jwk()
    shutil.copy(tmp_path / "other" / CUSTODIAN, home / "stray")
    assert rotate(home, BACK).damaged == ("stray",)
