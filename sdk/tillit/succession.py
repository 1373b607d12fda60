"""Succession: a broker's key vouches for the one that comes after it, so that whoever trusts the one may trust the other.

A client that has the broker's keys from long ago, or pinned, follows it to its keys of today without
believing whoever answers. A key that was revoked vouches for nothing afterwards: then the keys are
compared anew, out of band.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tillit.jcs import canonical
from tillit.jose import (
    TokenInvalid,
    b64u,
    ed25519_jwk,
    members,
    sign_compact,
    unb64u,
    verify_compact,
)
from tillit.leaves import instant
from tillit.notes import NoteInvalid, Vkey
from tillit.wire import BrokerKeys

TYP = "tillit-key+jws"
MAX_CHARS = 1024

Kind = Literal["receipts", "tokens", "log"]


def vouch(kind: Kind, public: Ed25519PublicKey, *, since: datetime, by: Ed25519PrivateKey) -> str:
    """The word of a key of this kind for the next one, which signs from ``since``."""
    said = {"key": b64u(public.public_bytes_raw()), "kind": kind, "since": instant(since), "v": 1}
    kid = str(ed25519_jwk(by.public_key())["kid"])
    return sign_compact(canonical(said), signer=by, kid=kid, typ=TYP)


def followed(trusted: BrokerKeys, fetched: BrokerKeys) -> BrokerKeys:
    """The keys that are trusted, with those of the fetched ones that are vouched for in their place.

    Only keys that the broker has now remain, unless none of them is vouched for: then nothing changes.
    The issuer stays as it was, and so does the custodian's key (``tillit.deposit_keys``).
    """
    statements = fetched.succession
    believed = _vouched(trusted.receipts.get("keys", ()), statements, "receipts")
    now = [jwk for jwk in fetched.receipts.get("keys", ()) if str(jwk.get("kid")) in believed]
    if fetched.issuer != trusted.issuer or not now:
        return trusted
    return trusted.model_copy(
        update={"receipts": {"keys": now}, "log": _log(trusted, fetched), "succession": statements}
    )


def _log(trusted: BrokerKeys, fetched: BrokerKeys) -> str:
    try:
        old, new = Vkey.parse(trusted.log), Vkey.parse(fetched.log)
    except NoteInvalid:
        return trusted.log
    vouched = _vouched([_jwk(old.public_key)], fetched.succession, "log")
    follows = old.name == new.name and _jwk(new.public_key)["kid"] in vouched
    return fetched.log if follows else trusted.log


def _vouched(
    trusted: Iterable[Mapping[str, Any]], statements: Iterable[str], kind: Kind
) -> Mapping[str, Mapping[str, Any]]:
    """The trusted keys by their ids, and all that they, or one that they vouch for, vouch for."""
    believed = {str(jwk.get("kid")): jwk for jwk in trusted}
    waiting = list(statements)
    while True:
        found = [jwk for jwk in (_next(text, believed, kind) for text in waiting) if jwk]
        fresh = {str(jwk["kid"]): jwk for jwk in found if jwk["kid"] not in believed}
        if not fresh:
            return believed
        believed |= fresh


def _next(
    statement: str, believed: Mapping[str, Mapping[str, Any]], kind: Kind
) -> dict[str, Any] | None:
    jwks = {"keys": list(believed.values())}
    try:
        payload = verify_compact(statement, jwks=jwks, typ=TYP, max_chars=MAX_CHARS)
        said = members(payload, "key", "kind", "since", "v")
        key = unb64u(str(said["key"]), size=32)
    except TokenInvalid:
        return None
    return _jwk(key) if (said["v"], said["kind"]) == (1, kind) else None


def _jwk(public: bytes) -> dict[str, Any]:
    return ed25519_jwk(Ed25519PublicKey.from_public_bytes(public))
