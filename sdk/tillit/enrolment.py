"""Enrolment: the public keys a unit registers, and the proof that it holds the private ones."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from tillit.envelopes import KEY_BYTES, seal_key
from tillit.errors import VerificationError
from tillit.jcs import canonical
from tillit.jose import ed25519_public, sign_compact, thumbprint, verify_compact
from tillit.keys import ServiceKey
from tillit.wire.service_keys import KeyRotation

TYP = "tillit-enrolment+jws"
ROTATION_TYP = "tillit-key-rotation+jws"
MAX_CHARS = 4096
_PRIVATE = frozenset({"d", "priv", "k"})


class KeysUnusable(VerificationError):
    """The keys are not one signing and one encryption key, public only, each under its thumbprint; or the proof fails."""

    code = "verification.keys_unusable"


def prove(code: str, key: ServiceKey) -> str:
    """The proof of possession: the one-time code, signed by the unit's own signing key."""
    return sign_compact(code.encode(), signer=key.signer, kid=key.sig_kid, typ=TYP)


def rotation(old: ServiceKey, new: ServiceKey) -> KeyRotation:
    """What a unit hands in to have its keys exchanged: the new public ones, with both signing keys' word for it."""
    stated = _stated(new.unit, new.sig_kid, new.enc_kid, replaces=old.sig_kid)
    return KeyRotation(
        jwks=new.public_jwks(),
        proof=sign_compact(stated, signer=new.signer, kid=new.sig_kid, typ=ROTATION_TYP),
        endorsement=sign_compact(stated, signer=old.signer, kid=old.sig_kid, typ=ROTATION_TYP),
    )


def verify_rotation(
    rotation: KeyRotation, *, unit: str, present: Mapping[str, Mapping[str, Any]]
) -> tuple["PublicKeys", str]:
    """The new keys of a unit, and the id of the present one (of those by ``kid``) that vouches for them.

    Raises:
        KeysUnusable: the keys, or either signature, do not hold.
    """
    public = PublicKeys.parse(rotation.jwks)
    new = {"keys": [public.sig]}
    for kid, jwk in present.items():
        stated = _stated(unit, public.sig["kid"], public.enc["kid"], replaces=kid)
        with contextlib.suppress(ValueError):
            endorsed = _verified(rotation.endorsement, {"keys": [jwk]})
            if endorsed == stated == _verified(rotation.proof, new):
                return public, kid
    raise KeysUnusable


def _stated(unit: str, sig: str, enc: str, *, replaces: str) -> bytes:
    return canonical({"enc": enc, "replaces": replaces, "sig": sig, "unit": unit, "v": 1})


def _verified(token: str, jwks: Mapping[str, Any]) -> bytes:
    return verify_compact(token, jwks=jwks, typ=ROTATION_TYP, max_chars=MAX_CHARS)


@dataclass(frozen=True, slots=True)
class PublicKeys:
    """A unit's two public keys as JWKs, each checked to be usable."""

    sig: Mapping[str, Any]
    enc: Mapping[str, Any]

    @classmethod
    def parse(cls, jwks: Mapping[str, Any]) -> Self:
        """Read a JWK Set of exactly one ``sig`` and one ``enc`` key, without a private member.

        Raises:
            KeysUnusable: anything else. Whose keys they are is not checked here.
        """
        try:
            keys = {jwk["use"]: jwk for jwk in jwks["keys"]}
            sig, enc = keys["sig"], keys["enc"]
            if len(jwks["keys"]) != len(keys) or len(keys) != 2:  # noqa: PLR2004 - sig and enc
                raise KeysUnusable
            ed25519_public(sig)
            reading_key(enc)
            if _PRIVATE & sig.keys() or thumbprint(sig) != sig["kid"]:
                raise KeysUnusable
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise KeysUnusable from error
        return cls(sig, enc)

    def verify_possession(self, proof: str) -> bytes:
        """The code that ``sig`` has signed.

        Raises:
            KeysUnusable: not signed by it.
        """
        try:
            return verify_compact(proof, jwks={"keys": [self.sig]}, typ=TYP, max_chars=MAX_CHARS)
        except ValueError as error:
            raise KeysUnusable from error


def reading_key(enc: Mapping[str, Any]) -> str:
    """The id of a public reading key, which is its thumbprint.

    Something is sealed to it, once: a key that nothing can be sealed to is found now and not at the first disclosure.

    Raises:
        KeysUnusable: nothing can be sealed to it, it has a private member, or another id.
    """
    try:
        seal_key(bytes(KEY_BYTES), reader=enc, manifest_hash=bytes(32))
        kid = thumbprint(enc)
        if _PRIVATE & enc.keys() or enc["kid"] != kid:
            raise KeysUnusable
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise KeysUnusable from error
    return kid
