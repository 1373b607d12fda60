"""Signatures over a directory of policies: who has read these very files, in the form of OPA's bundle signatures.

``.signatures.json`` holds one token per signer: a compact JWS (EdDSA) over the list of files with their SHA-256, and over the
bundle's digest as its revision. Every rule, fact and decision table is in the list. OPA itself does not check it, since what it
serves is written anew by ``policy export``.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tillit.jose import (
    TokenInvalid,
    b64u,
    ed25519_jwk,
    ed25519_public,
    members,
    sign_compact,
    strict_json,
    unb64u,
    verify_compact,
)

FILE = ".signatures.json"
MAX_SIGNATURES = 20
MAX_CHARS = 500_000
_TYPE = "JWT"
_SUFFIXES = frozenset({".rego", ".yaml", ".json"})
_WHO = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-._")


class SignatureWrong(ValueError):
    """A signature or a key is not what it must be; the text says which, and why."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Somebody's own key for signing policies; ``who`` is how they are known."""

    who: str
    private: Ed25519PrivateKey

    def public_jwk(self) -> dict[str, Any]:
        """What goes into the file of signers."""
        return {**ed25519_jwk(self.private.public_key()), "kid": self.who}


def new_signer(who: str, file: Path) -> Signer:
    """Make a key in a file that only its owner reads.

    Raises:
        SignatureWrong: the name is none.
        FileExistsError: there is such a file already.
    """
    if not who or len(who) > 64 or not _WHO.issuperset(who):  # noqa: PLR2004 (a name's longest)
        raise SignatureWrong("a signer's name is small letters, digits, dots and hyphens")
    signer = Signer(who, Ed25519PrivateKey.generate())
    content = {**signer.public_jwk(), "d": b64u(signer.private.private_bytes_raw())}
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(handle, "w", encoding="utf-8") as out:  # noqa: PTH123 (a descriptor)
        json.dump(content, out)
    return signer


def read_signer(file: Path) -> Signer:
    """The key in a file.

    Raises:
        SignatureWrong: the file holds none.
        OSError: it cannot be read.
    """
    try:
        jwk = strict_json(file.read_bytes())
        return Signer(
            str(jwk["kid"]), Ed25519PrivateKey.from_private_bytes(unb64u(jwk["d"], size=32))
        )
    except (TokenInvalid, KeyError, TypeError, AttributeError):
        raise SignatureWrong(f"{file} holds no signer's key") from None


def read_signers(file: Path | None) -> Mapping[str, Any]:
    """The public keys of whoever may sign, a JWK set whose kid says who; nobody where there is no file.

    Raises:
        SignatureWrong: it is no such set, or two of its keys are one.
        OSError: it cannot be read.
    """
    if file is None:
        return {"keys": []}
    try:
        keys = strict_json(file.read_bytes())["keys"]
        known = {str(jwk["kid"]): ed25519_public(jwk).public_bytes_raw() for jwk in keys}
    except (TokenInvalid, KeyError, TypeError, ValueError):
        raise SignatureWrong(f"{file} is no JWK set of Ed25519 keys, each with its kid") from None
    if not len(keys) == len(known) == len(set(known.values())):
        raise SignatureWrong(f"{file} has a signer or a key twice")
    return {"keys": [{**jwk, "use": "sig"} for jwk in keys]}


def sign(directory: Path, signer: Signer, *, digest: str) -> Path:
    """Add a signature over the directory as it is, beside those of others that still hold for it."""
    listed = _listed(directory)
    payload = json.dumps({"files": listed, "keyid": signer.who, "revision": digest}, sort_keys=True)
    token = sign_compact(payload.encode(), signer=signer.private, kid=signer.who, typ=_TYPE)
    others = [one for one in tokens(directory) if _about(one) == listed and _who(one) != signer.who]
    path = directory / FILE
    path.write_text(json.dumps({"signatures": [*others, token]}, indent=1), encoding="utf-8")
    return path


def tokens(directory: Path) -> tuple[str, ...]:
    """The signatures that lie with a directory, not looked at.

    Raises:
        SignatureWrong: the file holds no list of them.
    """
    path = directory / FILE
    if not path.exists():
        return ()
    try:
        found = members(path.read_bytes(), "signatures")["signatures"]
    except TokenInvalid:
        raise SignatureWrong(f"{FILE} holds no list of signatures") from None
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise SignatureWrong(f"{FILE} holds no list of signatures")
    if len(found) > MAX_SIGNATURES:
        raise SignatureWrong(f"{FILE} has more than {MAX_SIGNATURES} signatures")
    return tuple(found)


def signers(directory: Path, known: Mapping[str, Any], *, digest: str) -> tuple[str, ...]:
    """Who has signed the directory as it is. Nobody where it is unsigned.

    Raises:
        SignatureWrong: a signature is not by somebody who may sign, or is about other files.
    """
    listed, who = _listed(directory), []
    for token in tokens(directory):
        try:
            payload = verify_compact(token, jwks=known, typ=_TYPE, max_chars=MAX_CHARS)
            said = members(payload, "files", "keyid", "revision")
        except TokenInvalid as error:
            raise SignatureWrong(f"a signature is wrong: {error}") from None
        if said["files"] != listed or said["revision"] != digest:
            raise SignatureWrong(
                f"the signature of {said['keyid']} is about other files than these"
            )
        if said["keyid"] != _who(token):
            raise SignatureWrong("a signature is in another's name")
        who.append(str(said["keyid"]))
    return tuple(sorted(set(who)))


def _listed(directory: Path) -> list[dict[str, str]]:
    """Every file that is decided or judged by, with its hash."""
    return [
        {
            "algorithm": "SHA-256",
            "hash": hashlib.sha256(path.read_bytes()).hexdigest(),
            "name": path.relative_to(directory).as_posix(),
        }
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.suffix in _SUFFIXES and not path.name.startswith(".")
    ]


def _part(token: str, number: int) -> Any:
    try:
        return strict_json(unb64u(token.split(".")[number]))
    except (TokenInvalid, IndexError):
        return {}


def _who(token: str) -> Any:
    header = _part(token, 0)
    return header.get("kid") if isinstance(header, dict) else None


def _about(token: str) -> Any:
    payload = _part(token, 1)
    return payload.get("files") if isinstance(payload, dict) else None
