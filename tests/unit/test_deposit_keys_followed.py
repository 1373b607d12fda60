"""A source follows the custodian that it knows to its next deposit key, and no other's."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tillit.deposit_keys import TYP, followed, vouched
from tillit.jose import ed25519_jwk, sign_compact
from tillit.keys import ServiceKey
from tillit.releases import vkey

CUSTODIAN, STRANGER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()


def _jwk(*, hybrid: bool = False) -> dict[str, Any]:
    jwk: dict[str, Any] = ServiceKey.generate("x", hybrid=hybrid).public_jwks()["keys"][1]
    return jwk


OLD = vouched(_jwk(), by=CUSTODIAN)
NEW = vouched(_jwk(hybrid=True), by=CUSTODIAN)


def test_the_next_key_of_the_same_custodian_is_followed() -> None:
    """Of whichever kind, and back."""
    assert followed(OLD, NEW) == NEW
    assert followed(NEW, OLD) == OLD
    assert followed(OLD, OLD) == OLD


def _saying(payload: bytes, typ: str = TYP) -> dict[str, Any]:
    kid = ed25519_jwk(CUSTODIAN.public_key())["kid"]
    word = sign_compact(payload, signer=CUSTODIAN, kid=kid, typ=typ)
    return {**NEW, "vouched": {"releases": str(vkey(CUSTODIAN)), "word": word}}


@pytest.mark.parametrize(
    "fetched",
    [
        _jwk(),
        {**_jwk(), "vouched": "yes"},
        vouched(_jwk(), by=STRANGER),
        {**_jwk(), "vouched": NEW["vouched"]},
        {**NEW, "vouched": {**NEW["vouched"], "releases": str(vkey(STRANGER))}},
        {
            **NEW,
            "vouched": {
                **vouched(NEW, by=STRANGER)["vouched"],
                "releases": NEW["vouched"]["releases"],
            },
        },
        {**NEW, "vouched": {"releases": NEW["vouched"]["releases"]}},
        {"kty": "RSA", "vouched": NEW["vouched"]},
        _saying(b"{}"),
        _saying(b'{"key":"x","v":1}'),
        _saying(b'{"key":"%s","v":2}' % NEW["kid"].encode()),
        _saying(b'{"key":"%s","v":1}' % NEW["kid"].encode(), typ="JWT"),
    ],
)
def test_a_key_that_the_custodian_has_not_vouched_for_is_not_sealed_to(
    fetched: dict[str, Any],
) -> None:
    """A broker that puts a key of its own in the custodian's place would read what is deposited."""
    assert followed(OLD, fetched) == OLD


@pytest.mark.parametrize("known", [None, {}, {"releases": "no key"}])
def test_without_a_word_from_the_first_day_nobody_is_followed(known: object) -> None:
    """Keys that were pinned before there was one are compared anew, out of band."""
    trusted = {**_jwk(), "vouched": known}
    given = {**NEW, "vouched": {**NEW["vouched"], **(known if isinstance(known, dict) else {})}}
    for fetched in (NEW, given):
        assert followed(trusted, fetched) == trusted
