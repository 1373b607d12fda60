"""Enrolment and erasure: what a unit registers, and what it signs about itself."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tillit.enrolment import KeysUnusable, PublicKeys, prove
from tillit.erasures import ErasureInvalid, attest, verify
from tillit.keys import ServiceKey
from tillit.wire import Attestation

KEY, OTHER = ServiceKey.generate("nav-larvik"), ServiceKey.generate("nav-larvik")
SIG, ENC = KEY.public_jwks()["keys"]
ATTESTED = Attestation(
    v=1, disclosure="dis_" + "D" * 22, erased_at=datetime(2026, 11, 23, tzinfo=UTC)
)


@pytest.mark.parametrize("hybrid", [False, True])
def test_a_units_public_keys_and_its_proof_are_taken(*, hybrid: bool) -> None:
    """Both kinds of reading key; the proof gives back the very code."""
    key = ServiceKey.generate("ot-vestfold", hybrid=hybrid)
    public = PublicKeys.parse(key.public_jwks())
    assert (public.sig["kid"], public.enc["kid"]) == (key.sig_kid, key.enc_kid)
    assert public.verify_possession(prove("a one-time code", key)) == b"a one-time code"


@pytest.mark.parametrize(
    "jwks",
    [
        {},
        {"keys": []},
        {"keys": [SIG]},
        {"keys": [SIG, SIG]},
        {"keys": [SIG, ENC, ENC]},
        {"keys": [SIG, {**ENC, "use": "other"}]},
        {"keys": [SIG, {**ENC, "kid": SIG["kid"]}]},
        {"keys": [SIG, {**ENC, "d": "secret"}]},
        {"keys": [SIG, {**ENC, "x": "A" * 43}]},
        {"keys": [{**SIG, "d": "secret"}, ENC]},
        {"keys": [{**SIG, "kid": ENC["kid"]}, ENC]},
        {"keys": "none"},
        {"keys": [1, 2]},
    ],
    ids=range(13),
)
def test_anything_but_two_usable_public_keys_is_refused(jwks: dict[str, Any]) -> None:
    """Two keys, public only, each under its thumbprint, each of a kind that can be used."""
    with pytest.raises(KeysUnusable):
        PublicKeys.parse(jwks)


def test_a_proof_by_another_key_proves_nothing() -> None:
    """Who registers a key must hold it."""
    with pytest.raises(KeysUnusable):
        PublicKeys.parse(KEY.public_jwks()).verify_possession(prove("code", OTHER))


def test_an_attestation_verifies_under_the_recipients_key_for_its_disclosure_only() -> None:
    """Signed by the recipient, about this disclosure, unaltered."""
    token = attest(ATTESTED, KEY)
    assert verify(token, KEY.public_jwks(), disclosure=ATTESTED.disclosure).attestation == ATTESTED
    for jwks, disclosure in (
        (OTHER.public_jwks(), ATTESTED.disclosure),
        (KEY.public_jwks(), "dis_" + "E" * 22),
    ):
        with pytest.raises(ErasureInvalid):
            verify(token, jwks, disclosure=disclosure)
    with pytest.raises(ErasureInvalid):
        verify(prove("code", KEY), KEY.public_jwks(), disclosure=ATTESTED.disclosure)
