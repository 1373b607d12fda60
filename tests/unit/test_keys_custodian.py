"""The custodian's port: admit, release, and what it refuses to do."""

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from keys.errors import (
    ContentKeyBroken,
    CustodianError,
    DepositKeyWrong,
    RecipientKeyUnusable,
    TooManyKeys,
)
from keys.keyring import LocalCustodian
from tests.sealed_case import (
    SOURCE,
    SUBJECT,
    TWO_VALUES,
    admit,
    deposited,
    local_custodian,
    named,
    warrant_for,
)
from tillit.envelopes import open_key, unwrap
from tillit.jose import TokenInvalid, b64u, thumbprint
from tillit.keys import ServiceKey
from tillit.wire import MAX_FIELDS, Deposit


@pytest.fixture
def custodian(tmp_path: Path) -> LocalCustodian:
    """A custodian on a fresh keyring."""
    return local_custodian(tmp_path / "keyring")


@pytest.fixture
def deposit(custodian: LocalCustodian) -> Deposit:
    """Two values sealed to the custodian."""
    source = ServiceKey.generate(SOURCE)
    return deposited(TWO_VALUES, source=source, custodian_jwk=custodian.public_jwk())


def release(
    custodian: LocalCustodian, stored: dict[str, str], recipient: ServiceKey, **changes: Any
) -> Any:
    """Release to a recipient, for a manifest of no importance."""
    enc = recipient.public_jwks()["keys"][1]
    given: dict[str, Any] = {
        "subject": SUBJECT,
        "wrapped": stored,
        "recipient_jwk": enc,
        "kid": enc["kid"],
        **changes,
    }
    signer = custodian.broker_keys().receipts
    warrant = warrant_for(stored, given["kid"], signer)
    return custodian.release(**{"warrant": warrant, **given})


@pytest.mark.parametrize("hybrid", [False, True])
def test_only_the_recipient_gets_at_the_content_keys(
    custodian: LocalCustodian, deposit: Deposit, *, hybrid: bool
) -> None:
    """From deposit to release, content keys are never outside a wrapping."""
    stored = admit(custodian, deposit)
    recipient = ServiceKey.generate("nav-larvik", hybrid=hybrid)
    warrant = warrant_for(stored, recipient.enc_kid, custodian.broker_keys().receipts)
    released = release(custodian, stored, recipient, warrant=warrant)
    key = open_key(
        released.key,
        key=recipient.reader,
        kid=recipient.enc_kid,
        manifest_hash=hashlib.sha256(warrant.manifest).digest(),
    )
    content_keys = {unwrap(text, key=key) for text in released.wrapped.values()}
    assert released.wrapped.keys() == stored.keys()
    assert len(content_keys) == len(TWO_VALUES)


def test_every_disclosure_has_a_key_of_its_own(custodian: LocalCustodian, deposit: Deposit) -> None:
    """Two releases of one value to one recipient share nothing on the wire."""
    stored = admit(custodian, deposit)
    recipient = ServiceKey.generate("nav-larvik")
    one, two = (release(custodian, stored, recipient) for _ in range(2))
    assert one.key.jwe != two.key.jwe
    assert not set(one.wrapped.values()) & set(two.wrapped.values())


def test_a_deposit_for_another_custodian_is_not_admitted(
    tmp_path: Path, custodian: LocalCustodian
) -> None:
    """A value sealed to an old or foreign custodian would be lost if it were stored."""
    other = local_custodian(tmp_path / "other")
    source = ServiceKey.generate(SOURCE)
    foreign = deposited(TWO_VALUES, source=source, custodian_jwk=other.public_jwk())
    with pytest.raises(DepositKeyWrong):
        admit(custodian, foreign)
    relabelled = foreign.key.model_copy(update={"kid": custodian.public_jwk()["kid"]})
    with pytest.raises(DepositKeyWrong):
        admit(custodian, foreign.model_copy(update={"key": relabelled}))


def test_a_refused_deposit_makes_no_subject(tmp_path: Path, custodian: LocalCustodian) -> None:
    """Nothing changes on a deposit that does not hold."""
    source = ServiceKey.generate(SOURCE)
    stranger = ServiceKey.generate("x").public_jwks()["keys"][1]
    with pytest.raises(DepositKeyWrong):
        admit(custodian, deposited(TWO_VALUES, source=source, custodian_jwk=stranger))
    assert list((tmp_path / "keyring" / "subjects").iterdir()) == []


def test_one_subjects_content_keys_do_not_open_as_anothers(
    custodian: LocalCustodian, deposit: Deposit
) -> None:
    """A mixed-up subject id releases nothing."""
    stored = admit(custodian, deposit, "sub_one")
    admit(custodian, deposit, "sub_two")
    with pytest.raises(ContentKeyBroken):
        release(custodian, stored, ServiceKey.generate("nav-larvik"), subject="sub_two")


@pytest.mark.parametrize("text", ["", "A" * 54, "A" * 53, "=" * 54, "Å" * 54, "A" * 100_000])
def test_a_stored_content_key_that_is_damaged_is_found(
    custodian: LocalCustodian, deposit: Deposit, text: str
) -> None:
    """A damaged row stops the release, with an error of its own."""
    stored = admit(custodian, deposit)
    for record in stored:
        with pytest.raises(ContentKeyBroken):
            release(custodian, {**stored, record: text}, ServiceKey.generate("nav-larvik"))


_HYBRID_PUB = ServiceKey("x", sig=bytes(32), enc=bytes(32), hybrid=True).public_jwks()["keys"][1][
    "pub"
]


@pytest.mark.parametrize(
    "jwk",
    [
        {},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "oct", "k": "A" * 43},
        {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43},
        {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43},
        {"kty": "OKP", "crv": "X25519", "x": "A" * 42},
        {"kty": "OKP", "crv": "X25519", "x": "A" * 42 + "B"},
        {"kty": "OKP", "crv": "X25519", "x": 7},
        {"kty": "OKP", "crv": "X25519", "x": "A" * 43},
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": _HYBRID_PUB},
        {"kty": "AKP", "alg": "HPKE-MLKEM768-X25519", "pub": _HYBRID_PUB[:-4]},
        {"kty": "AKP", "alg": "HPKE-MLKEM768-X25519", "pub": b64u(b"\xff" * 1216)},
        {"kty": "AKP", "alg": "HPKE-MLKEM768-X25519", "pub": b64u(b"\xff" * 1248)},
    ],
    ids=lambda jwk: "-".join(str(member)[:12] for member in jwk.values()) or "empty",
)
def test_a_key_that_nobody_can_read_with_is_refused(
    custodian: LocalCustodian, deposit: Deposit, jwk: dict[str, Any]
) -> None:
    """Low-order points, other curves, other algorithms: nothing is released to them."""
    stored = admit(custodian, deposit)
    try:
        kid = thumbprint(jwk)
    except TokenInvalid:
        kid = ServiceKey.generate("x").enc_kid
    with pytest.raises(RecipientKeyUnusable):
        release(custodian, stored, ServiceKey.generate("x"), recipient_jwk=jwk, kid=kid)


def test_a_key_under_another_keys_name_is_refused(
    custodian: LocalCustodian, deposit: Deposit
) -> None:
    """The caller's idea of which key it is must fit the key itself."""
    stored = admit(custodian, deposit)
    other = ServiceKey.generate("ips-larvik")
    with pytest.raises(RecipientKeyUnusable):
        release(custodian, stored, ServiceKey.generate("nav-larvik"), kid=other.enc_kid)


def test_more_than_a_disclosure_can_hold_is_refused(
    custodian: LocalCustodian, deposit: Deposit
) -> None:
    """A bound on the work that one call can ask for."""
    stored = admit(custodian, deposit)
    (text, *_) = stored.values()
    many = {f"rec_{number:022}": text for number in range(MAX_FIELDS + 1)}
    recipient = ServiceKey.generate("nav-larvik")
    with pytest.raises(TooManyKeys):
        release(custodian, many, recipient)
    with pytest.raises(TooManyKeys):
        custodian.admit(subject=SUBJECT, key=deposit.key, wrapped=many, manifest_hash=bytes(32))
    most = dict(list(many.items())[:MAX_FIELDS])
    assert len(release(custodian, most, recipient).wrapped) == MAX_FIELDS


def test_what_is_deposited_twice_is_admitted_twice(
    custodian: LocalCustodian, deposit: Deposit
) -> None:
    """The custodian keeps no record of records.

    Whether one exists already is the broker's to know.
    """
    assert admit(custodian, deposit) == admit(custodian, deposit)
    assert named(deposit)[0].fields.keys() == {value.field for value in TWO_VALUES}


def test_every_error_has_a_code_of_its_own() -> None:
    """Codes end up in logs and problem documents, and must tell causes apart."""

    def tree(error: type[CustodianError]) -> list[type[CustodianError]]:
        return [error, *(each for sub in error.__subclasses__() for each in tree(sub))]

    codes = [error.code for error in tree(CustodianError)]
    assert len(codes) == len(set(codes))
    assert str(DepositKeyWrong()) == DepositKeyWrong.code
    assert os.linesep not in str(DepositKeyWrong("detail"))
