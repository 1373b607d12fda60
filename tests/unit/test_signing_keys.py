"""The broker's signing keys: which sign, which are believed, and what each change does to them."""

import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keys import parting, signing
from keys.errors import KeyChangeRefused, KeyringDamaged, KeyringMissing, WarrantInvalid
from keys.files import MAX_FILE_BYTES
from keys.keyring import LocalCustodian
from keys.parts import BrokerSecrets, broker_secrets
from keys.roots import Passphrase
from keys.rotation import change_signing
from keys.signing import GRACE, KINDS, LEAD, SIGNING, Kind, SigningKey, SigningKeys
from tests.keyring_case import a_deposit, release_by
from tests.sealed_case import CHEAP, PASSPHRASE, TWO_VALUES, admit, local_custodian
from tillit.jose import ed25519_jwk

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
LATER = AT + LEAD
SEEDS: dict[Kind, bytes] = {"receipts": b"r" * 32, "tokens": b"t" * 32, "log": b"l" * 32}
FIRST = SigningKeys.first(SEEDS)


def _states(keys: SigningKeys, kind: Kind, at: datetime) -> list[str]:
    return [key.state(at) for key in keys.keys if key.kind == kind]


def _signs(keys: SigningKeys, kind: Kind, at: datetime) -> list[bytes]:
    return [key.private_bytes_raw() for key in keys.signers(kind, at)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_key_is_published_before_it_signs(kind: Kind) -> None:
    """Every replica knows it by then, and so does whoever fetches the keys."""
    keys = FIRST.rotated(kind, b"n" * 32, at=AT)
    assert _states(keys, kind, AT) == ["signs", "coming"]
    assert _signs(keys, kind, AT) == [SEEDS[kind]]
    assert [key.state(AT) for key in keys.believed(kind, AT)] == ["coming", "signs"]
    assert _signs(keys, kind, LATER)[0] == b"n" * 32
    others = [other for other in KINDS if other != kind]
    assert [_signs(keys, other, LATER) for other in others] == [[SEEDS[o]] for o in others]


@pytest.mark.parametrize(("kind", "believed"), [("receipts", 2), ("tokens", 1)])
def test_what_an_old_key_has_signed_is_believed_as_long_as_it_must(
    kind: Kind, believed: int
) -> None:
    """A receipt is kept for years, a token for two minutes."""
    keys = FIRST.rotated(kind, b"n" * 32, at=AT)
    assert _states(keys, kind, LATER) == ["retired", "signs"]
    assert len(keys.believed(kind, LATER)) == 2
    assert len(keys.believed(kind, LATER + GRACE)) == believed


def test_both_keys_of_the_log_sign_until_the_old_one_is_retired() -> None:
    """Auditors who know the old one alone still verify."""
    keys = FIRST.rotated("log", b"n" * 32, at=AT)
    assert _signs(keys, "log", LATER) == [b"n" * 32, SEEDS["log"]]
    old = next(key for key in keys.keys if key.kind == "log")
    retired = keys.retired("log", old.kid, at=LATER)
    assert _signs(retired, "log", LATER) == [b"n" * 32]
    assert [key.private for key in retired.keys if key.kid == old.kid] == [None]
    assert [key.kid == old.kid for key in retired.believed("log", LATER)] == [False]


@pytest.mark.parametrize("kind", KINDS)
def test_a_revoked_key_is_believed_no_more_and_another_signs_at_once(kind: Kind) -> None:
    """There is no moment in which nothing can be signed."""
    (old,) = (key for key in FIRST.keys if key.kind == kind)
    keys = FIRST.revoked(kind, old.kid, b"n" * 32, at=AT)
    assert _states(keys, kind, AT) == ["revoked", "signs"]
    assert _signs(keys, kind, AT) == [b"n" * 32]
    assert [key.kid == old.kid for key in keys.believed(kind, AT)] == [False]
    with pytest.raises(KeyChangeRefused):
        keys.revoked(kind, old.kid, b"m" * 32, at=AT)


def test_revoking_one_of_two_makes_no_third() -> None:
    """The other one signs already."""
    keys = FIRST.rotated("log", b"n" * 32, at=AT)
    old = keys.keys[KINDS.index("log")]
    assert _states(keys.revoked("log", old.kid, b"m" * 32, at=LATER), "log", LATER) == [
        "revoked",
        "signs",
    ]


def test_the_last_key_is_not_retired_and_none_that_is_not_there() -> None:
    """Each with what to do instead."""
    old = FIRST.keys[KINDS.index("log")]
    with pytest.raises(KeyChangeRefused, match="rotate first"):
        FIRST.retired("log", old.kid, at=AT)
    with pytest.raises(KeyChangeRefused, match="no such key"):
        FIRST.retired("receipts", old.kid, at=AT)
    coming = FIRST.rotated("log", b"n" * 32, at=AT)
    with pytest.raises(KeyChangeRefused):
        coming.retired("log", coming.keys[-1].kid, at=AT)
    with pytest.raises(KeyChangeRefused, match="on its way"):
        coming.rotated("log", b"m" * 32, at=AT)


def test_there_is_an_end_to_how_many_are_kept() -> None:
    """A file of the keyring has a bound."""
    keys, at = FIRST, AT
    for number in range(signing.MAX_KEYS - len(FIRST.keys)):
        keys, at = keys.rotated("tokens", number.to_bytes(32, "big"), at=at), at + LEAD
    with pytest.raises(KeyChangeRefused, match="at most"):
        keys.rotated("tokens", b"n" * 32, at=at)
    assert len(keys.written()) < MAX_FILE_BYTES * 3 / 4


def test_no_key_that_signs_is_damage() -> None:
    """It is not gone on without."""
    with pytest.raises(KeyringDamaged):
        SigningKeys(()).signers("receipts", AT)


def test_each_key_has_the_word_of_the_one_before() -> None:
    """Those that are believed, of receipts and of the log; a fresh one after a revocation has none."""
    keys = FIRST.rotated("receipts", b"n" * 32, at=AT).rotated("log", b"m" * 32, at=AT)
    keys = keys.rotated("tokens", b"o" * 32, at=AT)
    assert len(keys.succession(AT)) == 2
    fresh = FIRST.revoked("receipts", FIRST.keys[0].kid, b"k" * 32, at=AT)
    assert fresh.succession(AT) == ()
    assert FIRST.gone("receipts", AT) == ()
    assert fresh.gone("receipts", AT) == (FIRST.keys[0].public,)
    assert fresh.gone("receipts", AT + GRACE) == ()


def test_they_are_kept_sealed_and_read_as_they_were(tmp_path: Path) -> None:
    """In the keyring, under its root key; there is no file before the first change."""
    custodian = local_custodian(tmp_path / "keyring")
    home, before = tmp_path / "keyring", custodian.broker_keys()
    back = Passphrase(lambda: PASSPHRASE)
    assert not (home / SIGNING).exists()
    old = FIRST.keys[KINDS.index("receipts")]
    changed = FIRST.rotated("log", b"n" * 32, at=AT).revoked("receipts", old.kid, b"m" * 32, at=AT)
    for keys in (changed, changed.rotated("tokens", b"k" * 32, at=AT)):
        change_signing(home, back, partial(_exchanged, by=keys))
        again = custodian.broker_keys().signing
        assert [(k.kid, k.since, k.retired, k.revoked) for k in again.keys] == [
            (k.kid, k.since, k.retired, k.revoked) for k in keys.keys
        ]
        assert _signs(again, "log", LATER) == _signs(keys, "log", LATER)
    assert b"n" * 32 not in (home / SIGNING).read_bytes()
    assert custodian.broker_keys().person_mac == before.person_mac


def _exchanged(_: SigningKeys, *, by: SigningKeys) -> SigningKeys:
    return by


def test_a_keyring_without_the_brokers_secrets_has_none_to_change(tmp_path: Path) -> None:
    """They lie in a keyring of their own."""
    home = tmp_path / "custodian"
    key = Ed25519PrivateKey.generate().public_key()
    parting.create_custodian(home, PASSPHRASE, issuers=[ed25519_jwk(key)], cost=CHEAP)
    with pytest.raises(KeyringMissing):
        change_signing(home, Passphrase(lambda: PASSPHRASE), lambda keys: keys)


def test_a_warrant_is_good_until_its_signer_is_revoked(tmp_path: Path) -> None:
    """The custodian believes an old receipt, and none by a key that somebody else may have."""
    home, custodian = tmp_path / "keyring", local_custodian(tmp_path / "keyring")
    back, old = Passphrase(lambda: PASSPHRASE), custodian.broker_keys()
    stored = admit(custodian, a_deposit(custodian))
    assert release_by(old.receipts, custodian, stored) == len(TWO_VALUES)
    change_signing(home, back, lambda keys: keys.rotated("receipts", b"n" * 32, at=AT))
    new = custodian.broker_keys()
    assert kid_of(new) != kid_of(old)
    for signer in (old, new):
        assert release_by(signer.receipts, custodian, stored) == len(TWO_VALUES)
    change_signing(
        home, back, lambda keys: keys.revoked("receipts", kid_of(old), b"m" * 32, at=LATER)
    )
    with pytest.raises(WarrantInvalid):
        release_by(old.receipts, custodian, stored)
    assert release_by(new.receipts, custodian, stored) == len(TWO_VALUES)


def kid_of(secrets: BrokerSecrets) -> str:
    """The id of the key that receipts are signed with."""
    return secrets.kids[0]


def _issuers(custodian: LocalCustodian) -> list[str]:
    return [jwk["kid"] for jwk in custodian._open().issuers["keys"]]


def test_parting_takes_them_along(tmp_path: Path) -> None:
    """What was rotated or revoked stays so in the broker's own keyring, and the custodian believes the same."""
    custodian = local_custodian(tmp_path / "both")
    back = Passphrase(lambda: PASSPHRASE)
    change_signing(tmp_path / "both", back, lambda keys: keys.rotated("receipts", b"n" * 32, at=AT))
    issuers, kids = _issuers(custodian), custodian.broker_keys().kids
    parting.part(
        tmp_path / "both", back, broker=tmp_path / "own", broker_protection=PASSPHRASE, cost=CHEAP
    )
    assert broker_secrets(tmp_path / "own", back).kids == kids
    assert not (tmp_path / "both" / SIGNING).exists()
    assert _issuers(custodian) == issuers


@pytest.mark.parametrize(
    "change", [{"kind": "other"}, {"since": 7}, {"since": "never"}, {"public": "AA"}]
)
def test_what_was_never_written_is_damage(change: dict[str, object]) -> None:
    """Also under the right root key."""
    whole = json.loads(FIRST.written())
    whole["keys"][0] |= change
    with pytest.raises(KeyringDamaged):
        SigningKeys.parse(json.dumps(whole).encode())
    with pytest.raises(KeyringDamaged):
        SigningKeys.parse(b"[]")


def test_a_signing_key_is_not_shown_or_copied() -> None:
    """A traceback or a pickle would carry it away."""
    key = SigningKey.of("log", b"l" * 32, AT)
    assert "private" not in repr(key)
    with pytest.raises(TypeError):
        key.__reduce__()
