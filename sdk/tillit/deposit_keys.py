"""Deposit keys: the custodian vouches for each that sources are to seal to, by the key of its release log.

A source follows a custodian that it knows to its next key, and takes no other on the broker's word.
"""

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tillit.jcs import canonical
from tillit.jose import TokenInvalid, ed25519_jwk, members, sign_compact, thumbprint, verify_compact
from tillit.notes import NoteInvalid, Vkey
from tillit.releases import vkey

TYP = "tillit-deposit-key+jws"
MAX_CHARS = 1024

Jwk = Mapping[str, Any]


def vouched(jwk: Jwk, *, by: Ed25519PrivateKey) -> dict[str, Any]:
    """A deposit key with the custodian's word for it: who vouches (``releases``), and the word."""
    signer = str(ed25519_jwk(by.public_key())["kid"])
    said = canonical({"key": thumbprint(jwk), "v": 1})
    word = sign_compact(said, signer=by, kid=signer, typ=TYP)
    return {**jwk, "vouched": {"releases": str(vkey(by)), "word": word}}


def followed(trusted: Jwk, fetched: Jwk) -> Jwk:
    """The fetched deposit key, where the custodian of the trusted one vouches for it; else the trusted one."""
    return fetched if _follows(trusted, fetched) else trusted


def _follows(trusted: Jwk, fetched: Jwk) -> bool:
    known, given = trusted.get("vouched"), fetched.get("vouched")
    if not isinstance(known, Mapping) or not isinstance(given, Mapping):
        return False
    if given.get("releases") != known.get("releases"):
        return False
    try:
        custodian = Vkey.parse(str(known.get("releases"))).public_key
        jwks = {"keys": [ed25519_jwk(Ed25519PublicKey.from_public_bytes(custodian))]}
        word = str(given.get("word"))
        said = verify_compact(word, jwks=jwks, typ=TYP, max_chars=MAX_CHARS)
        return members(said, "key", "v") == {"key": thumbprint(fetched), "v": 1}
    except (TokenInvalid, NoteInvalid):
        return False
