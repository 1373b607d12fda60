"""A subject's keys: exchanged without touching a ciphertext, destroyed with a certificate."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keys import boxes, files, keyring
from keys.errors import (
    ContentKeyBroken,
    KeyChangeRefused,
    KeyringDamaged,
    NoSubjectKey,
    NotShredded,
    PassphraseWrong,
    SubjectShredded,
    TooManyKeys,
)
from keys.keyring import SETTLED_SECONDS, LocalCustodian
from keys.roots import ROOT, Passphrase
from keys.rotation import rotate
from keys.subjects import SubjectKeys
from tests.keyring_case import a_deposit, release, subject_file
from tests.sealed_case import CHEAP, PASSPHRASE, SUBJECT, TWO_VALUES, admit
from tillit import shredding
from tillit.shredding import ShredInvalid
from tillit.wire import MAX_FIELDS

BOTH = len(TWO_VALUES)


class Clock:
    """The system's, but for what is added to it."""

    ahead = timedelta()

    def __call__(self) -> datetime:
        """The time."""
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock() -> Clock:
    """That of the custodian."""
    return Clock()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The directory of a fresh keyring."""
    keyring.create(tmp_path / "keyring", PASSPHRASE, cost=CHEAP)
    return tmp_path / "keyring"


@pytest.fixture
def custodian(home: Path, clock: Clock) -> LocalCustodian:
    """A custodian that knows the passphrase."""
    return LocalCustodian(home, lambda: PASSPHRASE, clock=clock)


# --- exchanged ---


def test_everything_is_readable_at_each_step_and_only_the_wrapping_changes(
    home: Path, custodian: LocalCustodian, clock: Clock
) -> None:
    """Before, between and after; by a process that has it open and by one that has not."""
    stored = admit(custodian, a_deposit(custodian))
    log = custodian.log_subject_key(subject=SUBJECT)
    custodian.renew(subject=SUBJECT)
    between = subject_file(home).read_bytes()
    custodian.renew(subject=SUBJECT)
    assert subject_file(home).read_bytes() == between
    fresh = custodian.rewrap(subject=SUBJECT, wrapped=stored)
    assert fresh.keys() == stored.keys()
    assert set(fresh.values()).isdisjoint(stored.values())
    assert custodian.rewrap(subject=SUBJECT, wrapped=fresh) == fresh
    later = admit(custodian, a_deposit(custodian))
    for each in (custodian, LocalCustodian(home, lambda: PASSPHRASE)):
        assert [release(each, wrapped) for wrapped in (stored, fresh, later)] == [BOTH] * 3
    with pytest.raises(KeyChangeRefused):
        custodian.retire(subject=SUBJECT)
    clock.ahead = timedelta(seconds=SETTLED_SECONDS)
    custodian.retire(subject=SUBJECT)
    custodian.retire(subject=SUBJECT)
    assert [release(custodian, wrapped) for wrapped in (fresh, later)] == [BOTH] * 2
    with pytest.raises(ContentKeyBroken):
        release(custodian, stored)
    assert custodian.log_subject_key(subject=SUBJECT) == log
    custodian.renew(subject=SUBJECT)
    assert release(custodian, custodian.rewrap(subject=SUBJECT, wrapped=later)) == BOTH
    assert custodian.log_subject_key(subject=SUBJECT) == log


def test_a_root_key_rotated_meanwhile_changes_nothing(
    home: Path, custodian: LocalCustodian
) -> None:
    """Each file is sealed anew with all that it holds."""
    stored = admit(custodian, a_deposit(custodian))
    custodian.renew(subject=SUBJECT)
    rotate(home, Passphrase(lambda: PASSPHRASE))
    assert release(custodian, stored) == BOTH


@pytest.mark.parametrize(
    "act",
    [
        lambda custodian: custodian.renew(subject=SUBJECT),
        lambda custodian: custodian.retire(subject=SUBJECT),
        lambda custodian: custodian.rewrap(subject=SUBJECT, wrapped={}),
    ],
)
def test_without_a_key_there_is_none_to_exchange(
    custodian: LocalCustodian, act: Callable[[LocalCustodian], object]
) -> None:
    """Neither before there was one nor after it was destroyed."""
    with pytest.raises(NoSubjectKey):
        act(custodian)
    custodian.shred(subject=SUBJECT)
    with pytest.raises(SubjectShredded):
        act(custodian)


def test_a_subject_shredded_while_its_key_is_exchanged_stays_shredded(
    custodian: LocalCustodian,
) -> None:
    """The new file was made from the old one, and must not take the mark's place: the mark waits."""
    admit(custodian, a_deposit(custodian))
    with ThreadPoolExecutor(1) as other:
        shredded = []

        def shred_on_the_way(keys: SubjectKeys) -> SubjectKeys:
            shredded.append(other.submit(custodian.shred, subject=SUBJECT))
            with pytest.raises(TimeoutError):
                shredded[0].result(0.1)
            return keys.renewed(bytes(32))

        custodian._exchange(SUBJECT, shred_on_the_way)
        shredded[0].result(20)
    with pytest.raises(SubjectShredded):
        custodian.rewrap(subject=SUBJECT, wrapped={})


def test_no_more_is_rewrapped_at_once_than_a_disclosure_can_have(
    custodian: LocalCustodian,
) -> None:
    """Every input has a bound."""
    wrapped = {str(number): "" for number in range(MAX_FIELDS + 1)}
    with pytest.raises(TooManyKeys):
        custodian.rewrap(subject=SUBJECT, wrapped=wrapped)


@pytest.mark.parametrize("raw", [b"", bytes(31), bytes(33), bytes(128)])
def test_a_file_that_holds_something_else_is_damage(raw: bytes) -> None:
    """One, two or three keys of 32 bytes."""
    with pytest.raises(KeyringDamaged):
        SubjectKeys.parse(raw, name="a file")


def test_a_subjects_keys_are_not_shown_or_copied() -> None:
    """A traceback or a pickle would carry them away."""
    keys = SubjectKeys.first(b"k" * 32)
    assert repr(keys) == "SubjectKeys()"
    with pytest.raises(TypeError):
        keys.__reduce__()


def test_the_key_that_is_retired_is_overwritten_where_it_lay(
    home: Path, custodian: LocalCustodian, clock: Clock
) -> None:
    """Whoever shreds the subject later destroys the key of today, but none that still lies on the disk."""
    admit(custodian, a_deposit(custodian))
    custodian.renew(subject=SUBJECT)
    clock.ahead = timedelta(seconds=SETTLED_SECONDS + 1)
    before = subject_file(home).read_bytes()
    with subject_file(home).open("rb") as old:
        custodian.retire(subject=SUBJECT)
        after = old.read()
    assert len(after) == len(before)
    assert after != before
    assert subject_file(home).read_bytes() != before


# --- destroyed ---


def test_a_certificate_says_whose_key_died_and_which_copy_still_holds_it(
    home: Path, custodian: LocalCustodian, clock: Clock
) -> None:
    """An operator looks through backups with it; nobody learns who it is about."""
    admit(custodian, a_deposit(custodian))
    copy = subject_file(home).read_bytes()
    rotate(home, Passphrase(lambda: PASSPHRASE))
    died = subject_file(home).read_bytes()
    custodian.shred(subject=SUBJECT)
    token = custodian.shred_certificate(subject=SUBJECT)
    clock.ahead = timedelta(days=1)
    custodian.shred(subject=SUBJECT)
    assert custodian.shred_certificate(subject=SUBJECT) == token
    verified = shredding.verify(token, custodian.releases_vkey())
    assert (verified.epoch, verified.sealed_sha256) == (2, hashlib.sha256(died).digest())
    assert datetime.now(UTC) - verified.at < timedelta(minutes=5)
    verified.check_subject(SUBJECT)
    verified.check_file(died)
    with pytest.raises(ShredInvalid):
        verified.check_subject("sub_two")
    with pytest.raises(ShredInvalid):
        verified.check_file(copy)


def test_only_what_is_destroyed_is_certified(custodian: LocalCustodian) -> None:
    """Neither a key that lives nor one that never was; and one destroyed before it was made says so."""
    with pytest.raises(NotShredded):
        custodian.shred_certificate(subject=SUBJECT)
    admit(custodian, a_deposit(custodian))
    with pytest.raises(NotShredded):
        custodian.shred_certificate(subject=SUBJECT)
    custodian.shred(subject="sub_two")
    token = custodian.shred_certificate(subject="sub_two")
    assert shredding.verify(token, custodian.releases_vkey()).sealed_sha256 is None


def test_a_mark_from_before_there_were_certificates_is_certified_by_its_time(
    home: Path, custodian: LocalCustodian
) -> None:
    """It says nothing of the key; that the key is gone it does say."""
    admit(custodian, a_deposit(custodian))
    files.destroy(subject_file(home), boxes.SHREDDED)
    token = custodian.shred_certificate(subject=SUBJECT)
    verified = shredding.verify(token, custodian.releases_vkey())
    assert (verified.epoch, verified.sealed_sha256) == (0, None)
    with pytest.raises(SubjectShredded):
        custodian.renew(subject=SUBJECT)


def test_a_locked_custodian_destroys_and_signs_later(home: Path, custodian: LocalCustodian) -> None:
    """Also where the root's own file is beyond help."""
    admit(custodian, a_deposit(custodian))
    root = (home / ROOT).read_bytes()
    locked = LocalCustodian(home, lambda: b"not the passphrase")
    (home / ROOT).write_bytes(b"garbled")
    locked.shred(subject=SUBJECT)
    (home / ROOT).write_bytes(root)
    with pytest.raises(PassphraseWrong):
        locked.shred_certificate(subject=SUBJECT)
    token = custodian.shred_certificate(subject=SUBJECT)
    assert shredding.verify(token, custodian.releases_vkey()).epoch == 0


def test_a_mark_that_is_damaged_certifies_nothing(home: Path, custodian: LocalCustodian) -> None:
    """It still destroys."""
    admit(custodian, a_deposit(custodian))
    custodian.shred(subject=SUBJECT)
    subject_file(home).write_bytes(b'{"v":1,"shredded":true,"at":7}')
    with pytest.raises(KeyringDamaged):
        custodian.shred_certificate(subject=SUBJECT)
    with pytest.raises(SubjectShredded):
        release(custodian, {})


def test_another_custodians_certificate_is_refused(
    tmp_path: Path, custodian: LocalCustodian
) -> None:
    """And one that was altered, and what is none."""
    custodian.shred(subject=SUBJECT)
    token = custodian.shred_certificate(subject=SUBJECT)
    keyring.create(tmp_path / "other", PASSPHRASE, cost=CHEAP)
    other = LocalCustodian(tmp_path / "other", lambda: PASSPHRASE).releases_vkey()
    head, payload, signature = token.split(".")
    altered = ".".join((head, payload[:-4] + "AAAA", signature))
    with pytest.raises(ShredInvalid):
        shredding.verify(token, other)
    for text in (altered, "", "a.b.c"):
        with pytest.raises(ShredInvalid):
            shredding.verify(text, custodian.releases_vkey())
