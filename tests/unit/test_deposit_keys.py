"""The custodian's deposit keys: exchanged under running processes, admitted under until they are retired."""

import json
import pickle
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from keys import keyring, parting, rotation
from keys.boxes import seal
from keys.depositkeys import BEGINNING, MAX_KEYS, SETTLED, DepositKey, DepositKeys, Kind, first
from keys.errors import DepositKeyWrong, KeyChangeRefused, KeyringDamaged, KeyringMissing
from keys.keyring import CUSTODIAN, LocalCustodian
from keys.parts import root_of
from keys.roots import Passphrase
from tests.keyring_case import a_deposit
from tests.sealed_case import CHEAP, NOW, PASSPHRASE, admit, local_custodian

BACK = Passphrase(lambda: PASSPHRASE, cost=CHEAP)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where the keyring lies."""
    return tmp_path / "keyring"


@pytest.fixture
def custodian(home: Path) -> LocalCustodian:
    """A custodian that has its keyring open all along."""
    return local_custodian(home)


def renewed(home: Path, seed: bytes, kind: Kind = "hybrid") -> DepositKeys:
    """A new deposit key, as the commands make it."""
    return rotation.change_deposit_keys(home, BACK, lambda held: held.renewed(kind, seed, at=NOW))


def retired(home: Path, *, after: timedelta = SETTLED) -> DepositKeys:
    """Those before it destroyed, so long after it was made."""
    return rotation.change_deposit_keys(home, BACK, lambda held: held.retired(at=NOW + after))


def test_a_deposit_key_is_exchanged_while_sources_hold_the_one_before(
    home: Path, custodian: LocalCustodian
) -> None:
    """Whichever key a source still has, nothing is refused before the key is retired, and everything after."""
    early, other = a_deposit(custodian), LocalCustodian(home, lambda: PASSPHRASE)
    assert other.public_jwk()["kty"] == "OKP"
    renewed(home, b"n" * 32)
    late = a_deposit(custodian)
    for each in (custodian, other):
        assert each.public_jwk()["kid"] == late.key.kid != early.key.kid
        assert [len(admit(each, deposit)) for deposit in (early, late)] == [2, 2]
    rotation.rotate(home, BACK)
    assert len(admit(custodian, early)) == 2
    retired(home)
    for each in (custodian, other):
        assert len(admit(each, late)) == 2
        with pytest.raises(DepositKeyWrong):
            admit(each, early)
    renewed(home, b"m" * 32, "x25519")
    assert custodian.public_jwk()["kty"] == "OKP"


def test_what_a_source_may_still_be_sending_is_waited_for(
    home: Path, custodian: LocalCustodian
) -> None:
    """Retired too early, a deposit on its way would be refused; a refusal changes nothing."""
    with pytest.raises(KeyChangeRefused):
        retired(home)
    renewed(home, b"n" * 32)
    with pytest.raises(KeyChangeRefused):
        retired(home, after=SETTLED - timedelta(seconds=1))
    assert [key.kind for key in custodian.deposit_keys().keys] == ["hybrid", "x25519"]
    assert [line.split()[1] for line in custodian.deposit_keys().listed()] == [
        "published",
        "admits",
    ]


def test_a_retired_key_is_overwritten_where_it_lay(home: Path, custodian: LocalCustodian) -> None:
    """Who has the file open, as a disk's free blocks would, finds nothing of it."""
    custodian.public_jwk()
    with (home / CUSTODIAN).open("rb") as before:
        held = before.read()
        renewed(home, b"n" * 32)
        before.seek(0)
        assert before.read() not in {held, b""}


def test_a_keyring_from_before_opens_without_any_step(
    home: Path, custodian: LocalCustodian
) -> None:
    """It holds the 32 bytes of an X25519 key, and nothing else."""
    _, roots = root_of(home, BACK)
    seed = custodian.deposit_keys().newest.seed
    bare = seal(seed, key=roots.now, name=CUSTODIAN, randomness=bytes)
    (home / CUSTODIAN).write_bytes(bare)
    old = a_deposit(custodian)
    (only,) = custodian.deposit_keys().keys
    assert (only.kind, only.seed, old.key.kid) == ("x25519", seed, only.kid)
    renewed(home, b"n" * 32)
    assert len(admit(custodian, old)) == 2


@pytest.mark.parametrize("kind", ["x25519", "hybrid"])
def test_a_new_keyring_has_a_key_of_the_kind_that_was_asked_for(tmp_path: Path, kind: Kind) -> None:
    """Of the custodian's own, or one that it shares with a broker."""
    keyring.create(tmp_path / "whole", PASSPHRASE, deposits=kind, cost=CHEAP)
    issuers = LocalCustodian(tmp_path / "whole", lambda: PASSPHRASE)._open().issuers["keys"]
    parting.create_custodian(
        tmp_path / "own", PASSPHRASE, issuers=issuers, deposits=kind, cost=CHEAP
    )
    for name in ("whole", "own"):
        custodian = LocalCustodian(tmp_path / name, lambda: PASSPHRASE)
        assert custodian.deposit_keys().newest.kind == kind
        deposit = a_deposit(custodian)
        assert deposit.key.alg.startswith("HPKE") == (kind == "hybrid")
        assert len(admit(custodian, deposit)) == 2


def test_a_brokers_own_keyring_has_none(tmp_path: Path) -> None:
    """They are exchanged where the custodian is."""
    parting.create_broker(tmp_path / "own", PASSPHRASE, cost=CHEAP)
    with pytest.raises(KeyringMissing):
        renewed(tmp_path / "own", b"n" * 32)


def test_there_is_a_bound_on_keys_and_they_are_not_copied() -> None:
    """Who exchanges without ever retiring is told so."""
    held = DepositKeys.parse(bytes(range(32)), name=CUSTODIAN)
    for number in range(1, MAX_KEYS):
        held = held.renewed("hybrid", bytes([number]) * 32, at=NOW)
    with pytest.raises(KeyChangeRefused):
        held.renewed("hybrid", b"z" * 32, at=NOW)
    assert DepositKeys.parse(held.written(), name=CUSTODIAN).listed() == held.listed()
    with pytest.raises(TypeError):
        pickle.dumps(held)
    assert all(repr(key.seed) not in repr(held) for key in held.keys)


def _spoilt(change: Callable[[dict[str, Any]], object]) -> bytes:
    whole = json.loads(first("hybrid", b"n" * 32))
    change(whole["keys"][0])
    return json.dumps(whole).encode()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        bytes(31),
        bytes(64),
        b"{}",
        b'{"keys":[]}',
        b'{"keys":7}',
        b'{"keys":[7]}',
        _spoilt(lambda key: key.pop("seed")),
        _spoilt(lambda key: key.update(kind="rsa")),
        _spoilt(lambda key: key.update(seed="AAAA")),
        _spoilt(lambda key: key.update(since="soon")),
    ],
)
def test_a_file_that_holds_something_else_is_damage(raw: bytes) -> None:
    """It is told from a deposit that is wrong."""
    with pytest.raises(KeyringDamaged):
        DepositKeys.parse(raw, name=CUSTODIAN)


def test_the_same_bytes_make_the_same_key() -> None:
    """What the file holds is all there is."""
    for kind in ("x25519", "hybrid"):
        made = DepositKey.of(kind, b"s" * 32, BEGINNING)
        assert DepositKeys.parse(first(kind, b"s" * 32), name=CUSTODIAN).newest.kid == made.kid
