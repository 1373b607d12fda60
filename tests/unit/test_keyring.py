"""The keyring: how it is made, what it refuses and what it survives."""

import json
import os
import resource
import shutil
import stat
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from keys import boxes, keyring
from keys.boxes import Cost
from keys.errors import (
    KeyringDamaged,
    KeyringExists,
    KeyringLocked,
    KeyringMissing,
    KeyringUnreachable,
    PassphraseUnfit,
    PassphraseWrong,
)
from keys.keyring import BROKER, CUSTODIAN, SUBJECTS, LocalCustodian
from keys.parts import RELEASES, SIGNER
from keys.roots import ROOT
from tests.keyring_case import a_deposit, release, subject_file
from tests.sealed_case import (
    CHEAP,
    PASSPHRASE,
    SUBJECT,
    TWO_VALUES,
    admit,
    local_custodian,
)


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


# --- making one ---


def test_only_its_owner_may_enter_or_read(home: Path, custodian: LocalCustodian) -> None:
    """Another account on the same machine gets nothing, not even names."""
    admit(custodian, a_deposit(custodian))
    for path in (home, *home.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600)


def test_nothing_is_left_lying_about(home: Path, custodian: LocalCustodian) -> None:
    """Drafts hold key material too."""
    stored = admit(custodian, a_deposit(custodian))
    assert release(custodian, stored) == len(TWO_VALUES)
    custodian.shred(subject=SUBJECT)
    assert sorted(path.name for path in home.parent.iterdir()) == ["keyring"]
    assert sorted(path.name for path in home.iterdir()) == sorted(
        [ROOT, CUSTODIAN, BROKER, SIGNER, RELEASES, SUBJECTS]
    )
    assert len(list((home / SUBJECTS).iterdir())) == 1


def test_a_keyring_is_never_made_over_something_else(tmp_path: Path, home: Path) -> None:
    """Over an older keyring, it would make everything under that unreadable."""
    before = (home / ROOT).read_bytes()
    with pytest.raises(KeyringExists):
        keyring.create(home, PASSPHRASE, cost=CHEAP)
    assert (home / ROOT).read_bytes() == before
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyringExists):
        keyring.create(tmp_path / "file", PASSPHRASE, cost=CHEAP)
    (tmp_path / "empty").mkdir()
    keyring.create(tmp_path / "empty", PASSPHRASE, cost=CHEAP)
    keyring.create(tmp_path / "not" / "yet" / "there", PASSPHRASE, cost=CHEAP)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_keyring_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    """A file where a directory should be is the operator's to sort out, without a traceback."""
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyringUnreachable):
        keyring.create(tmp_path / "file" / "keyring", PASSPHRASE, cost=CHEAP)
    with pytest.raises(KeyringUnreachable):
        keyring.create(tmp_path / ("x" * 300), PASSPHRASE, cost=CHEAP)


@pytest.mark.parametrize("passphrase", [b"", b"1234567", b"x" * 1025])
def test_a_passphrase_that_protects_nothing_is_refused(tmp_path: Path, passphrase: bytes) -> None:
    """An empty one is a forgotten setting."""
    with pytest.raises(PassphraseUnfit):
        keyring.create(tmp_path / "keyring", passphrase, cost=CHEAP)
    assert list(tmp_path.iterdir()) == []


def test_each_keyring_has_keys_of_its_own(tmp_path: Path) -> None:
    """Two installations with the same passphrase share nothing."""
    one, two = local_custodian(tmp_path / "1"), local_custodian(tmp_path / "2")
    assert one.public_jwk() != two.public_jwk()
    assert one.broker_keys().person_mac != two.broker_keys().person_mac


def test_the_brokers_secrets_outlive_the_process(home: Path, custodian: LocalCustodian) -> None:
    """Receipts, tokens, log and person hashes hold across a restart."""
    again = LocalCustodian(home, lambda: PASSPHRASE).broker_keys()
    first = custodian.broker_keys()
    for name in ("receipts", "tokens", "log"):
        assert getattr(first, name).private_bytes_raw() == getattr(again, name).private_bytes_raw()
    assert first.person_mac == again.person_mac
    secrets = [first.receipts, first.tokens, first.log]
    raw = {secret.private_bytes_raw() for secret in secrets} | {first.person_mac}
    assert len(raw) == len(secrets) + 1


# --- locked, damaged, gone, and back again ---


def _raise(error: Exception) -> bytes:
    raise error


@pytest.mark.parametrize(
    "passphrase",
    [
        lambda: b"not the passphrase",
        lambda: b"",
        lambda: b"x" * 5000,
        lambda: _raise(FileNotFoundError("the passphrase file")),
        lambda: _raise(KeyError("TILLIT_PASSPHRASE")),
    ],
)
def test_a_wrong_passphrase_is_told_apart_and_can_be_put_right(
    home: Path, passphrase: Callable[[], bytes]
) -> None:
    """The service resumes by itself once the passphrase is there."""
    asked: list[Callable[[], bytes]] = [passphrase]

    def ask() -> bytes:
        return asked[-1]()

    custodian = LocalCustodian(home, ask)
    with pytest.raises(PassphraseWrong):
        custodian.public_jwk()
    with pytest.raises(KeyringLocked):
        custodian.broker_keys()
    asked.append(lambda: PASSPHRASE)
    assert custodian.public_jwk()["crv"] == "X25519"


def test_every_truncation_of_every_file_is_found_and_survived(
    home: Path, custodian: LocalCustodian
) -> None:
    """A half-written or cut file never yields a key, and putting it back is enough."""
    stored = admit(custodian, a_deposit(custodian))
    for path in (home / ROOT, home / CUSTODIAN, home / BROKER, subject_file(home)):
        whole = path.read_bytes()
        for cut in range(len(whole) - 1):
            path.write_bytes(whole[:cut])
            with pytest.raises(KeyringDamaged):
                release(LocalCustodian(home, lambda: PASSPHRASE), stored)
        path.write_bytes(whole)
        assert release(custodian, stored) == len(TWO_VALUES)


def test_every_garbled_byte_of_every_file_is_found(home: Path, custodian: LocalCustodian) -> None:
    """Altered files end in an error of the keyring's own, whatever the byte."""
    stored = admit(custodian, a_deposit(custodian))
    for path in (home / ROOT, home / CUSTODIAN, home / BROKER, subject_file(home)):
        whole = path.read_bytes()
        for at in range(len(whole) - 1):
            for bit in (0, 4, 7):
                changed = bytearray(whole)
                changed[at] ^= 1 << bit
                path.write_bytes(changed)
                with pytest.raises((KeyringDamaged, PassphraseWrong)):
                    release(LocalCustodian(home, lambda: PASSPHRASE), stored)
        path.write_bytes(whole)


def test_a_running_custodian_notices_damage_to_the_root(
    home: Path, custodian: LocalCustodian
) -> None:
    """What was opened once is not trusted when the file has changed since."""
    stored = admit(custodian, a_deposit(custodian))
    whole = (home / ROOT).read_bytes()
    (home / ROOT).write_bytes(b"")
    with pytest.raises(KeyringDamaged):
        release(custodian, stored)
    (home / ROOT).write_bytes(whole)
    assert release(custodian, stored) == len(TWO_VALUES)


@pytest.mark.parametrize(
    "parameters",
    [
        {"n": 2**30, "r": 8, "p": 1},
        {"n": 2**14, "r": 10**6, "p": 1},
        {"n": 2**14, "r": 8, "p": 10**6},
        {"n": 1000, "r": 8, "p": 1},
        {"n": 1, "r": 8, "p": 1},
        {"n": 0, "r": 8, "p": 1},
        {"n": -16, "r": 8, "p": 1},
        {"n": 16, "r": 0, "p": 1},
        {"n": 16, "r": 1, "p": 0},
        {"n": True, "r": 1, "p": 1},
        {"n": "16", "r": 1, "p": 1},
        {"n": 16.0, "r": 1, "p": 1},
        {"n": 16, "r": 1},
        {"n": 16, "r": 1, "p": 1, "salt": 7},
        {"n": 16, "r": 1, "p": 1, "salt": "AAAA"},
        None,
    ],
    ids=str,
)
def test_a_file_cannot_ask_for_endless_work(home: Path, parameters: object) -> None:
    """Whoever can write the file must not be able to make opening it cost gigabytes."""
    whole = json.loads((home / ROOT).read_text())
    if isinstance(parameters, dict):
        whole["scrypt"] = {"salt": whole["scrypt"]["salt"], **parameters}
    else:
        whole["scrypt"] = parameters
    (home / ROOT).write_text(json.dumps(whole))
    with pytest.raises(KeyringDamaged):
        LocalCustodian(home, lambda: PASSPHRASE).public_jwk()


@pytest.mark.parametrize("content", [b"x" * 70_000, b"{}", b"[]", b'{"v":1,"box":7}', b"\xff"])
def test_a_file_that_is_something_else_is_damage(home: Path, content: bytes) -> None:
    """Nor does its size matter."""
    (home / CUSTODIAN).write_bytes(content)
    with pytest.raises(KeyringDamaged):
        LocalCustodian(home, lambda: PASSPHRASE).public_jwk()


def test_a_secret_of_another_size_is_damage(home: Path) -> None:
    """A box may open and still not hold a key."""
    root = boxes.unseal_root((home / ROOT).read_bytes(), passphrase=PASSPHRASE, name=ROOT)
    box = boxes.seal(bytes(33), key=root, name=CUSTODIAN, randomness=os.urandom)
    (home / CUSTODIAN).write_bytes(box)
    with pytest.raises(KeyringDamaged):
        LocalCustodian(home, lambda: PASSPHRASE).public_jwk()


def test_files_cannot_be_swapped(home: Path, custodian: LocalCustodian, tmp_path: Path) -> None:
    """Each box is bound to its file's name: no subject's key passes for another's."""
    one = admit(custodian, a_deposit(custodian), "sub_one")
    admit(custodian, a_deposit(custodian), "sub_two")
    first, second = sorted((home / SUBJECTS).iterdir())
    other = local_custodian(tmp_path / "other")
    foreign = admit(other, a_deposit(other), "sub_one")
    swapped = first.read_bytes(), second.read_bytes()
    first.write_bytes(swapped[1])
    second.write_bytes(swapped[0])
    for subject in ("sub_one", "sub_two"):
        with pytest.raises(KeyringDamaged):
            release(custodian, one, subject)
    shutil.copytree(tmp_path / "other" / SUBJECTS, home / SUBJECTS, dirs_exist_ok=True)
    with pytest.raises(KeyringDamaged):
        release(custodian, foreign, "sub_one")


def test_a_keyring_that_goes_away_and_comes_back(home: Path, custodian: LocalCustodian) -> None:
    """An unmounted volume stops everything; mounting it again is all it takes."""
    stored = admit(custodian, a_deposit(custodian))
    away = home.with_name("away")
    home.rename(away)
    for attempt in (
        lambda: release(custodian, stored),
        custodian.public_jwk,
        lambda: custodian.shred(subject=SUBJECT),
        LocalCustodian(home, lambda: PASSPHRASE).broker_keys,
    ):
        with pytest.raises(KeyringMissing):
            attempt()
    away.rename(home)
    assert release(custodian, stored) == len(TWO_VALUES)


def test_parts_that_are_gone_are_damage(home: Path, custodian: LocalCustodian) -> None:
    """A keyring without its subjects is not one where nothing was ever admitted."""
    stored = admit(custodian, a_deposit(custodian))
    (home / SUBJECTS).rename(home / "elsewhere")
    with pytest.raises(KeyringDamaged):
        release(custodian, stored)
    with pytest.raises(KeyringUnreachable):
        custodian.shred(subject=SUBJECT)
    (home / "elsewhere").rename(home / SUBJECTS)
    (home / BROKER).unlink()
    with pytest.raises(KeyringDamaged):
        LocalCustodian(home, lambda: PASSPHRASE).broker_keys()


def test_what_is_no_file_cannot_be_read(tmp_path: Path, home: Path) -> None:
    """A directory or a link in a file's place is an error of the keyring's own."""
    (home / CUSTODIAN).unlink()
    (home / CUSTODIAN).mkdir()
    with pytest.raises(KeyringUnreachable):
        LocalCustodian(home, lambda: PASSPHRASE).public_jwk()
    (home / CUSTODIAN).rmdir()
    (home / CUSTODIAN).symlink_to(home / BROKER)
    with pytest.raises(KeyringUnreachable):
        LocalCustodian(home, lambda: PASSPHRASE).public_jwk()
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyringUnreachable):
        LocalCustodian(tmp_path / "file", lambda: PASSPHRASE).public_jwk()


def test_a_full_disk_admits_nothing_and_leaves_nothing(
    home: Path, custodian: LocalCustodian
) -> None:
    """A limit on file size stands in for the full disk; the next try succeeds."""
    deposit = a_deposit(custodian)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(KeyringUnreachable):
            admit(custodian, deposit)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list((home / SUBJECTS).iterdir()) == []
    assert admit(custodian, deposit)


# --- many at once ---


def test_many_threads_open_the_keyring_once(home: Path) -> None:
    """Opening costs a fifth of a second of work by design; it is not done twice at once."""
    asked: list[int] = []

    def passphrase() -> bytes:
        asked.append(1)
        time.sleep(0.05)
        return PASSPHRASE

    custodian = LocalCustodian(home, passphrase)
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: custodian.public_jwk()["kid"], range(32)))
    assert (len(set(keys)), len(asked)) == (1, 1)


def test_the_default_cost_is_that_of_a_keyring_in_earnest() -> None:
    """Tests use a cheap keyring; nobody else should (OWASP's scrypt parameters for 32 MiB)."""
    assert Cost() == Cost(n=2**15, r=8, p=3)
