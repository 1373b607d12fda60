"""Receipts: the broker's signed word on a disclosure, which recipient and subject both hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tillit import leaves
from tillit.errors import ReceiptInvalid
from tillit.jcs import canonical_words
from tillit.jose import ed25519_jwk, members, sign_compact, strict_json, unb64u, verify_compact
from tillit.wire import Promise, Receipt, Statement

TYP = "tillit-receipt+jws"
MAX_CHARS = 256 * 1024


@dataclass(frozen=True, slots=True)
class VerifiedReceipt:
    """A receipt whose signature holds.

    Whether its leaf stands in the log is a proof's matter, not checked here.
    """

    issuer: str
    statement: Statement
    promise: Promise
    token: str

    def leaf(self) -> bytes:
        """The log leaf that the broker promised, computed anew from the statement and the salt."""
        return leaf_of(self.statement, self.promise)

    @property
    def leaf_hash(self) -> bytes:
        """The Merkle hash of ``leaf``, to check an inclusion proof against."""
        return leaves.leaf_hash(self.leaf())


def leaf_of(statement: Statement, promise: Promise) -> bytes:
    """The leaf of what a receipt says, whoever signed it. ValueError: no leaf commits to it."""
    content = canonical_words(statement.model_dump(mode="json"))
    salt = unb64u(promise.salt, size=leaves.SALT_BYTES)
    return leaves.leaf(statement.type, promise.at, leaves.commitment_to(salt, content))


def issue(receipt: Receipt, signer: Ed25519PrivateKey) -> str:
    """The receipt as a compact JWS; its ``kid`` is the thumbprint of the signer's public key."""
    kid = str(ed25519_jwk(signer.public_key())["kid"])
    payload = receipt.model_dump_json().encode()
    return sign_compact(payload, signer=signer, kid=kid, typ=TYP)


def verify(token: str, jwks: Mapping[str, Any]) -> VerifiedReceipt:
    """Check a receipt's form and signature against the broker's keys. Raises ``ReceiptInvalid``.

    Not checked: that it speaks of what was asked (``tillit.sealing.open_disclosure`` does), and
    that its leaf is in the log.
    """
    try:
        payload = verify_compact(token, jwks=jwks, typ=TYP, max_chars=MAX_CHARS)
        receipt = _as_signed(strict_json(payload))
        unb64u(receipt.promise.salt, size=leaves.SALT_BYTES)
    except ValueError:
        raise ReceiptInvalid("the receipt is not one that the broker signed") from None
    return VerifiedReceipt(receipt.iss, receipt.statement, receipt.promise, token)


def _as_signed(said: Any) -> Receipt:
    """A receipt that is read as it was written; read otherwise, its leaf would be another."""
    receipt = Receipt.model_validate(said)
    # To Python, true and 1.0 are 1 as well.
    if receipt.model_dump(mode="json") != said or type(said["v"]) is not int:
        raise ValueError("the receipt is not written as the broker writes it")
    return receipt


def signed_by(token: str) -> str | None:
    """The id of the key that a receipt says it is signed with; None when it says none."""
    try:
        kid = members(unb64u(token.split(".", 1)[0]), "alg", "kid", "typ")["kid"]
    except ValueError:
        return None
    return kid if isinstance(kid, str) else None


def read_unsafe(token: str) -> Receipt:
    """What a receipt says, whoever signed it. Raises ``ReceiptInvalid``.

    Good for who keeps receipts to find one's way in them, for nothing else.
    """
    try:
        return Receipt.model_validate(strict_json(unb64u(token.split(".", 2)[1])))
    except (ValueError, IndexError):
        raise ReceiptInvalid("not a receipt") from None
