"""Certificates of shredding: the custodian's signed word that a subject's key was destroyed.

A compact JWS by the key that signs the custodian's release log. It names the subject by the hash of
the broker's own id, the file that was destroyed by its SHA-256, and the epoch of the root key that it
was sealed under: a copy of the keyring from that epoch still holds the key until that root key is
destroyed too.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import Field

from tillit.errors import VerificationError
from tillit.jose import b64u, ed25519_jwk, sign_compact, strict_json, unb64u, verify_compact
from tillit.notes import Vkey
from tillit.wire.terms import Base64Url, Instant, Wire

TYP = "tillit-shred+jws"
MAX_CHARS = 4096

_Sha256 = Annotated[Base64Url, Field(min_length=43, max_length=43)]


class ShredInvalid(VerificationError):
    """The certificate is not the custodian's, or speaks of something else."""

    code = "verification.shred_invalid"


class ShredStatement(Wire):
    """What a certificate says. ``sealed`` is absent where the subject never had a key."""

    v: Literal[1]
    subject: _Sha256
    at: Instant
    epoch: Annotated[int, Field(ge=0)]
    sealed: _Sha256 | None


@dataclass(frozen=True, slots=True)
class VerifiedShred:
    """A certificate whose signature holds.

    *Not checked*: that no copy of the keyring from ``epoch`` or before can still be opened.
    """

    at: datetime
    epoch: int
    subject_sha256: bytes
    sealed_sha256: bytes | None
    token: str

    def check_subject(self, subject: str) -> None:
        """Raise ``ShredInvalid`` unless it is about the subject by that id of the broker's."""
        if hashlib.sha256(subject.encode()).digest() != self.subject_sha256:
            raise ShredInvalid("the certificate is about somebody else")

    def check_file(self, data: bytes) -> None:
        """Raise ``ShredInvalid`` unless this is a copy of the very file that was destroyed."""
        if hashlib.sha256(data).digest() != self.sealed_sha256:
            raise ShredInvalid("the file is not the one that was destroyed")


def issue(statement: ShredStatement, signer: Ed25519PrivateKey) -> str:
    """The certificate; its ``kid`` is the thumbprint of the signer's public key."""
    kid = str(ed25519_jwk(signer.public_key())["kid"])
    payload = statement.model_dump_json().encode()
    return sign_compact(payload, signer=signer, kid=kid, typ=TYP)


def verify(token: str, custodian: Vkey) -> VerifiedShred:
    """Check a certificate against the custodian's verifier key. Raises ``ShredInvalid``."""
    key = ed25519_jwk(Ed25519PublicKey.from_public_bytes(custodian.public_key))
    try:
        payload = verify_compact(token, jwks={"keys": [key]}, typ=TYP, max_chars=MAX_CHARS)
        said = ShredStatement.model_validate(strict_json(payload))
        subject = unb64u(said.subject, size=32)
        sealed = None if said.sealed is None else unb64u(said.sealed, size=32)
    except ValueError:
        raise ShredInvalid("not a certificate that this custodian has signed") from None
    return VerifiedShred(said.at, said.epoch, subject, sealed, token)


def digest(data: bytes) -> str:
    """How a certificate names a subject's id or a file."""
    return b64u(hashlib.sha256(data).digest())
