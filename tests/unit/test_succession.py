"""A client follows its broker from key to key, and nobody else."""

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tillit.jose import ed25519_jwk, sign_compact
from tillit.notes import Vkey
from tillit.receipts import signed_by
from tillit.succession import TYP, Kind, followed, vouch
from tillit.wire import BrokerKeys

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
A, B, C, STRANGER = (Ed25519PrivateKey.generate() for _ in range(4))
OLD_LOG, NEW_LOG = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()


def _keys(
    *receipts: Ed25519PrivateKey,
    log: Ed25519PrivateKey = OLD_LOG,
    words: tuple[str, ...] = (),
    issuer: str = "https://tillit.example",
    origin: str = "tillit.example/log",
) -> BrokerKeys:
    return BrokerKeys(
        issuer=issuer,
        receipts={"keys": [ed25519_jwk(key.public_key()) for key in receipts]},
        custodian={},
        log=str(Vkey.of(origin, log)),
        succession=words,
    )


def _word(by: Ed25519PrivateKey, of: Ed25519PrivateKey, kind: Kind = "receipts") -> str:
    return vouch(kind, of.public_key(), since=AT, by=by)


def _kids(keys: BrokerKeys) -> list[str]:
    return [jwk["kid"] for jwk in keys.receipts["keys"]]


def test_a_client_follows_over_several_steps() -> None:
    """It slept through two rotations; the words come in any order."""
    now = _keys(C, B, log=NEW_LOG, words=(_word(B, C), _word(A, B), _word(OLD_LOG, NEW_LOG, "log")))
    seen = followed(_keys(A), now)
    assert (_kids(seen), seen.log) == (_kids(now), now.log)


@pytest.mark.parametrize(
    "words",
    [
        (),
        (_word(STRANGER, B),),
        (_word(A, B, "log"),),
        ("no token",),
        (sign_compact(b"{}", signer=A, kid=ed25519_jwk(A.public_key())["kid"], typ=TYP),),
    ],
)
def test_what_no_trusted_key_has_vouched_for_is_not_believed(words: tuple[str, ...]) -> None:
    """Whoever answers in the broker's name does not become it."""
    trusted = _keys(A)
    assert followed(trusted, _keys(B, words=words)) == trusted
    assert _kids(followed(trusted, _keys(A, B, words=words))) == _kids(trusted)


def test_a_revoked_key_is_dropped_and_another_issuer_never_followed() -> None:
    """What the broker no longer gives out is no longer believed."""
    now = _keys(B, words=(_word(A, B),))
    assert _kids(followed(_keys(A), now)) == _kids(now)
    other = _keys(B, words=(_word(A, B),), issuer="https://other.example")
    assert followed(_keys(A), other) == _keys(A)


def test_the_logs_key_is_followed_by_its_own_words_alone() -> None:
    """Under the same name, from a key of the log."""
    words = (_word(A, B), _word(A, NEW_LOG, "log"))
    assert followed(_keys(A), _keys(B, log=NEW_LOG, words=words)).log == _keys(A).log
    words = (_word(A, B), _word(OLD_LOG, NEW_LOG, "log"))
    renamed = _keys(B, log=NEW_LOG, words=words, origin="other.example/log")
    assert followed(_keys(A), renamed).log == _keys(A).log
    broken = _keys(B, words=words).model_copy(update={"log": ""})
    assert followed(_keys(A), broken).log == _keys(A).log


@pytest.mark.parametrize("token", ["", "a.b.c", "e30.e30.AA"])
def test_what_is_no_receipt_names_no_key(token: str) -> None:
    """It is refused where it is checked."""
    assert signed_by(token) is None


def test_a_receipt_whose_key_is_no_text_names_none() -> None:
    """JSON lets anything stand there."""
    header = "eyJhbGciOiJFZERTQSIsImtpZCI6NywidHlwIjoieCJ9"
    assert signed_by(f"{header}.e30.AA") is None
