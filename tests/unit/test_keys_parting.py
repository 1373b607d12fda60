"""Custodian and broker apart: each has its own keyring, and neither can do the other's part."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keys import parting
from keys.broker_keyring import BrokerKeyring
from keys.errors import (
    IssuersUnfit,
    KeyringDamaged,
    KeyringExists,
    KeyringMissing,
    KeyringUnreachable,
    PassphraseWrong,
    ReleaseRateExceeded,
    WarrantInvalid,
)
from keys.keyring import BROKER, CUSTODIAN, LocalCustodian
from keys.parts import ISSUERS, RELEASES, SIGNER, broker_secrets, sized
from keys.rates import Rate
from keys.roots import Passphrase
from keys.rotation import _begun, change_signing, rotate
from keys.signing import LEAD, SIGNING
from tests.keyring_case import a_deposit, release_by
from tests.sealed_case import (
    CHEAP,
    NOW,
    PASSPHRASE,
    SUBJECT,
    TWO_VALUES,
    admit,
    local_custodian,
    warrant_for,
)
from tillit.envelopes import KEY_BYTES
from tillit.jose import ed25519_jwk, thumbprint
from tillit.keys import ServiceKey
from tillit.notes import open_checkpoint
from tillit.releases import HEAD

OTHER = b"the broker's own passphrase"


def jwk(key: Ed25519PrivateKey) -> dict[str, Any]:
    """The public half."""
    return ed25519_jwk(key.public_key())


@pytest.fixture
def apart(tmp_path: Path) -> tuple[LocalCustodian, Ed25519PrivateKey]:
    """A custodian of its own and the broker's signing key."""
    parting.create_broker(tmp_path / "broker", OTHER, cost=CHEAP)
    signer = broker_secrets(tmp_path / "broker", lambda: OTHER).receipts
    home = tmp_path / "custodian"
    parting.create_custodian(home, PASSPHRASE, issuers=[jwk(signer)], cost=CHEAP)
    return LocalCustodian(home, lambda: PASSPHRASE, clock=lambda: NOW), signer


def test_neither_keyring_holds_what_the_other_signs_with(
    tmp_path: Path, apart: tuple[LocalCustodian, Ed25519PrivateKey]
) -> None:
    """A custodian that could sign receipts would need no broker, and no entry."""
    custodian, _ = apart
    names = {path.name for path in (tmp_path / "custodian").iterdir()}
    assert names == {"root", CUSTODIAN, SIGNER, ISSUERS, RELEASES, "subjects"}
    assert {path.name for path in (tmp_path / "broker").iterdir()} == {"root", BROKER}
    with pytest.raises(KeyringMissing):
        custodian.broker_keys()
    with pytest.raises(KeyringMissing):
        broker_secrets(tmp_path / "custodian", lambda: PASSPHRASE)
    with pytest.raises(PassphraseWrong):
        broker_secrets(tmp_path / "broker", lambda: PASSPHRASE)
    with pytest.raises(KeyringDamaged):
        LocalCustodian(tmp_path / "broker", lambda: OTHER).public_jwk()


def test_it_releases_on_the_warrants_of_whom_it_trusts(
    apart: tuple[LocalCustodian, Ed25519PrivateKey],
) -> None:
    """And its log says so, under its own signature."""
    custodian, signer = apart
    stored = admit(custodian, a_deposit(custodian))
    assert release_by(signer, custodian, stored) == len(TWO_VALUES)
    with pytest.raises(WarrantInvalid):
        release_by(Ed25519PrivateKey.generate(), custodian, stored)
    head = open_checkpoint(custodian.releases_head(), custodian.releases_vkey())
    assert head.size == 1
    custodian.close()


def test_closing_what_was_never_opened_does_nothing(tmp_path: Path) -> None:
    """A process may end before it was asked for anything."""
    LocalCustodian(tmp_path, lambda: PASSPHRASE).close()
    assert list(tmp_path.iterdir()) == []


def test_a_key_follows_another_without_a_pause(
    tmp_path: Path, apart: tuple[LocalCustodian, Ed25519PrivateKey]
) -> None:
    """Both hold while one follows the other; then the old one is no warrant any more."""
    custodian, old = apart
    new = Ed25519PrivateKey.generate()
    stored = admit(custodian, a_deposit(custodian))
    parting.trust(tmp_path / "custodian", lambda: PASSPHRASE, [jwk(old), jwk(new)])
    for signer in (old, new):
        assert release_by(signer, custodian, stored) == len(TWO_VALUES)
    parting.trust(tmp_path / "custodian", lambda: PASSPHRASE, [jwk(new)])
    with pytest.raises(WarrantInvalid):
        release_by(old, custodian, stored)
    assert release_by(new, custodian, stored) == len(TWO_VALUES)


def test_a_keyring_that_holds_both_is_parted(tmp_path: Path) -> None:
    """An installation goes on with its keys, its values and its log."""
    home, broker = tmp_path / "keyring", tmp_path / "broker"
    together = local_custodian(home)
    signer, own = together.broker_keys().receipts, together.public_jwk()
    stored = admit(together, a_deposit(together))
    assert release_by(signer, together, stored) == len(TWO_VALUES)
    parting.part(home, lambda: PASSPHRASE, broker=broker, broker_protection=OTHER, cost=CHEAP)
    apart = LocalCustodian(home, lambda: PASSPHRASE, clock=lambda: NOW)
    assert apart.public_jwk() == own
    assert jwk(broker_secrets(broker, lambda: OTHER).receipts) == jwk(signer)
    assert not (home / BROKER).exists()
    for custodian in (apart, together):
        assert release_by(signer, custodian, stored) == len(TWO_VALUES)
    assert open_checkpoint(apart.releases_head(), apart.releases_vkey()).size == 3
    with pytest.raises(KeyringMissing):
        parting.part(home, lambda: PASSPHRASE, broker=broker, broker_protection=OTHER, cost=CHEAP)


def test_a_signing_key_that_follows_another_is_trusted_and_parted(tmp_path: Path) -> None:
    """Both keys of a rotation, whether the custodian is in the broker's process or apart."""
    home, broker = tmp_path / "keyring", tmp_path / "broker"
    together = local_custodian(home)
    first = together.broker_keys().receipts
    stored = admit(together, a_deposit(together))
    new = Ed25519PrivateKey.generate()
    change_signing(
        home,
        Passphrase(lambda: PASSPHRASE, cost=CHEAP),
        lambda keys: keys.rotated("receipts", new.private_bytes_raw(), at=NOW, lead=LEAD),
    )
    for signer in (first, new):
        assert release_by(signer, together, stored) == len(TWO_VALUES)
    parting.part(home, lambda: PASSPHRASE, broker=broker, broker_protection=OTHER, cost=CHEAP)
    assert {path.name for path in broker.iterdir()} == {"root", BROKER, SIGNING}
    assert not (home / SIGNING).exists()
    apart = LocalCustodian(home, lambda: PASSPHRASE, clock=lambda: NOW)
    for signer in (first, new):
        assert release_by(signer, apart, stored) == len(TWO_VALUES)


def test_a_brokers_keyring_is_opened_again_when_it_was_changed(tmp_path: Path) -> None:
    """A running broker takes up a key that was rotated beside it, and opens the keyring no more often."""
    parting.create_broker(tmp_path / "broker", OTHER, cost=CHEAP)
    asked: list[bytes] = []

    def ask() -> bytes:
        asked.append(OTHER)
        return OTHER

    own = BrokerKeyring(tmp_path / "broker", ask, clock=lambda: NOW + 2 * LEAD)
    first = own.broker_keys()
    assert own.broker_keys().signing is first.signing
    assert len(asked) == 1
    fresh = Ed25519PrivateKey.generate()
    change_signing(
        tmp_path / "broker",
        Passphrase(lambda: OTHER, cost=CHEAP),
        lambda keys: keys.rotated("receipts", fresh.private_bytes_raw(), at=NOW, lead=LEAD),
    )
    assert jwk(own.broker_keys().receipts) == jwk(fresh)
    (tmp_path / "broker").rename(tmp_path / "away")
    with pytest.raises(KeyringMissing):
        own.broker_keys()


def test_parting_that_was_interrupted_is_done_again(tmp_path: Path) -> None:
    """Nothing is lost between the two; another installation's keyring is not taken for one's own."""
    home, broker = tmp_path / "keyring", tmp_path / "broker"
    signer = local_custodian(home).broker_keys().receipts
    box = (home / BROKER).read_bytes()
    parting.create_broker(broker, OTHER, cost=CHEAP)
    with pytest.raises(KeyringExists):
        parting.part(home, lambda: PASSPHRASE, broker=broker, broker_protection=OTHER, cost=CHEAP)
    assert (home / BROKER).exists()
    mine = tmp_path / "mine"
    parting.part(home, lambda: PASSPHRASE, broker=mine, broker_protection=OTHER, cost=CHEAP)
    (home / BROKER).write_bytes(box)
    parting.part(home, lambda: PASSPHRASE, broker=mine, broker_protection=OTHER, cost=CHEAP)
    assert jwk(broker_secrets(mine, lambda: OTHER).receipts) == jwk(signer)
    assert not (home / BROKER).exists()


def test_where_there_is_no_keyring_nothing_is_done(tmp_path: Path) -> None:
    """A wrong path is told, not made."""
    with pytest.raises(KeyringMissing):
        parting.part(tmp_path, lambda: PASSPHRASE, broker=tmp_path / "b", broker_protection=OTHER)
    assert list(tmp_path.iterdir()) == []


def test_a_keyring_from_before_the_release_log_gets_one(tmp_path: Path) -> None:
    """Nothing has to be done by hand when a release brings it."""
    custodian = local_custodian(tmp_path / "keyring")
    signer = custodian.broker_keys().receipts
    stored = admit(custodian, a_deposit(custodian))
    (tmp_path / "keyring" / SIGNER).unlink()
    for path in (tmp_path / "keyring" / RELEASES).iterdir():
        path.unlink()
    (tmp_path / "keyring" / RELEASES).rmdir()
    for _ in range(2):
        again = LocalCustodian(tmp_path / "keyring", lambda: PASSPHRASE, clock=lambda: NOW)
        assert release_by(signer, again, stored) == len(TWO_VALUES)
    assert open_checkpoint(again.releases_head(), again.releases_vkey()).size == 2


def _rotating(home: Path, passphrase: bytes) -> Callable[[], bytes]:
    """A passphrase at whose first use the root key begins to be rotated."""
    begun: list[bool] = []

    def ask() -> bytes:
        if not begun:
            begun.append(True)
            _begun(home, Passphrase(lambda: passphrase, cost=CHEAP), os.urandom)
        return passphrase

    return ask


def test_a_root_key_that_is_rotated_meanwhile_seals_nothing_more(tmp_path: Path) -> None:
    """What is written while the root key changes is under the one that stays."""
    home = tmp_path / "keyring"
    local_custodian(home)
    (home / SIGNER).unlink()
    shutil.rmtree(home / RELEASES)
    vkey = LocalCustodian(home, _rotating(home, PASSPHRASE)).releases_vkey()
    rotate(home, Passphrase(lambda: PASSPHRASE, cost=CHEAP))
    assert LocalCustodian(home, lambda: PASSPHRASE).releases_vkey() == vkey
    new = Ed25519PrivateKey.generate()
    parting.trust(home, _rotating(home, PASSPHRASE), [jwk(new)])
    rotate(home, Passphrase(lambda: PASSPHRASE, cost=CHEAP))
    custodian = LocalCustodian(home, lambda: PASSPHRASE, clock=lambda: NOW)
    stored = admit(custodian, a_deposit(custodian))
    assert release_by(new, custodian, stored) == len(TWO_VALUES)


def test_a_release_log_that_was_taken_away_stops_releases(
    tmp_path: Path, apart: tuple[LocalCustodian, Ed25519PrivateKey]
) -> None:
    """No line, no release; and the cause is told, not that nothing was ever deposited."""
    custodian, signer = apart
    stored = admit(custodian, a_deposit(custodian))
    releases = tmp_path / "custodian" / RELEASES
    releases.rename(tmp_path / "away")
    with pytest.raises(KeyringUnreachable):
        release_by(signer, custodian, stored)
    releases.mkdir()
    with pytest.raises(KeyringDamaged):
        release_by(signer, custodian, stored)
    shutil.rmtree(releases)
    (tmp_path / "away").rename(releases)
    assert release_by(signer, custodian, stored) == len(TWO_VALUES)
    assert not (releases / HEAD).exists()


def test_a_secret_of_another_size_is_damage() -> None:
    """What opens and is not what it should be is no key."""
    with pytest.raises(KeyringDamaged):
        sized(bytes(KEY_BYTES - 1), KEY_BYTES, SIGNER)
    assert sized(bytes(KEY_BYTES), KEY_BYTES, SIGNER) == bytes(KEY_BYTES)


def test_a_recipient_waits_when_it_had_much(tmp_path: Path) -> None:
    """And what was refused for that is in no log, since nothing came out."""
    local_custodian(tmp_path / "keyring")
    rate = Rate(per_second=0.001, burst=2)
    custodian = LocalCustodian(
        tmp_path / "keyring", lambda: PASSPHRASE, clock=lambda: NOW, rate=rate
    )
    signer = custodian.broker_keys().receipts
    stored = admit(custodian, a_deposit(custodian))
    enc = ServiceKey.generate("nav-larvik").public_jwks()["keys"][1]
    given: dict[str, Any] = {
        "subject": SUBJECT,
        "wrapped": stored,
        "recipient_jwk": enc,
        "kid": enc["kid"],
        "warrant": warrant_for(stored, enc["kid"], signer),
    }
    for _ in range(2):
        custodian.release(**given)
    with pytest.raises(ReleaseRateExceeded) as caught:
        custodian.release(**given)
    assert caught.value.retry_after > 900
    assert open_checkpoint(custodian.releases_head(), custodian.releases_vkey()).size == 2


def test_who_may_sign_is_read_from_what_the_broker_publishes() -> None:
    """A JWK set, or the whole of what its address answers; private members are left behind."""
    one, two = (Ed25519PrivateKey.generate() for _ in range(2))
    keys = [jwk(one), {**jwk(two), "kid": "another name", "d": "secret"}]
    assert parting.issuers_from(json.dumps({"receipts": jwk(one)}).encode()) == [jwk(one)]
    for published in ({"keys": keys}, {"issuer": "x", "receipts": {"keys": keys}, "log": "y"}):
        found = parting.issuers_from(json.dumps(published).encode())
        assert found == [jwk(one), jwk(two)]
        assert [thumbprint(key) for key in found] == [key["kid"] for key in found]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys":[]}',
        b'{"keys":{}}',
        b'{"keys":["x"]}',
        b'{"keys":[{"kty":"OKP","crv":"X25519","x":"' + b"A" * 43 + b'"}]}',
        b'{"receipts":7}',
        b'{"kty":"OKP"}',
        json.dumps({"keys": [jwk(Ed25519PrivateKey.generate())] * 17}).encode(),
    ],
)
def test_what_names_no_signer_is_refused(data: bytes) -> None:
    """A custodian that trusts nobody, or anything, is a mistake found at once."""
    with pytest.raises(IssuersUnfit):
        parting.issuers_from(data)
