"""Leaves of the transparency log: a type, a time, a salted commitment (design.md § 7).

A leaf is the JCS form (RFC 8785) of ``{v: 1, type, at, commitment}``. ``commitment`` is base64url
of HMAC-SHA256(salt, JCS(content)): without the 32-byte salt nobody can test a guess at the content,
so a leaf may stay for ever when salt and content are erased.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tillit.errors import VerificationError
from tillit.jcs import canonical

SALT_BYTES = 32
MAX_LEAF_BYTES = 1024
MAX_CONTENT_BYTES = 1024 * 1024

_TYPE = re.compile(r"[a-z][a-z_]*(?:\.[a-z][a-z_]*)*")
_MAX_TYPE_CHARS = 64
_LEAF = re.compile(
    rb'\{"at":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)","commitment":"([A-Za-z0-9_-]{43})",'
    rb'"type":"([a-z_.]{1,64})","v":1\}'
)


class LeafInvalid(VerificationError):
    """The bytes are not a leaf in its one canonical form."""

    code = "verification.leaf_invalid"


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a leaf says: when (UTC, microseconds) what kind of event, committing to the rest."""

    type: str
    at: datetime
    commitment: bytes


def commitment(salt: bytes, content: Mapping[str, Any]) -> bytes:
    """HMAC-SHA256 over the canonical content. ValueError: wrong salt length, content too large."""
    if len(salt) != SALT_BYTES:
        raise ValueError(f"the salt has {len(salt)} bytes, not {SALT_BYTES}")
    return commitment_to(salt, canonical(dict(content)))


def commitment_to(salt: bytes, content: bytes) -> bytes:
    """As ``commitment``, over content in canonical form already (which is not checked)."""
    if len(content) > MAX_CONTENT_BYTES:
        raise ValueError("the content is too large")
    return hmac.digest(salt, content, "sha256")


def instant(at: datetime) -> str:
    """A leaf's time as text: UTC, always six decimals, so that texts sort as times do."""
    if at.tzinfo is None:
        raise ValueError("a time without its zone")
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def leaf(type: str, at: datetime, commitment: bytes) -> bytes:  # noqa: A002 - the member's name
    """The leaf's bytes. Raises ValueError when a part has not the form the log takes."""
    return leaf_at(type, instant(at), commitment)


def leaf_at(type: str, at: str, commitment: bytes) -> bytes:  # noqa: A002 - the member's name
    """As ``leaf``, for a time already written by ``instant``.

    Every part is plain ASCII without anything to escape, so that the template is the JCS form.
    """
    if len(type) > _MAX_TYPE_CHARS or not _TYPE.fullmatch(type):
        raise ValueError("not a type of entry")
    if len(commitment) != hashlib.sha256().digest_size:
        raise ValueError("a commitment is a SHA-256 MAC")
    word = _b64u(commitment)
    return f'{{"at":"{at}","commitment":"{word}","type":"{type}","v":1}}'.encode()


def leaf_hash(leaf: bytes) -> bytes:
    """The Merkle leaf hash (RFC 6962 § 2.1): SHA-256 over 0x00 and the leaf."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def parse_leaf(data: bytes) -> Leaf:
    """Read a leaf strictly: any byte but the canonical ones raises ``LeafInvalid``."""
    match = _LEAF.fullmatch(data[: MAX_LEAF_BYTES + 1])
    if match is None:
        raise LeafInvalid("not a leaf of version 1")
    at, word, kind = (part.decode("ascii") for part in match.groups())
    try:
        read = Leaf(kind, datetime.fromisoformat(at), base64.urlsafe_b64decode(word + "="))
        again = leaf_at(read.type, instant(read.at), read.commitment)
    except ValueError as wrong:
        raise LeafInvalid("a leaf with an impossible time or type") from wrong
    if again != data:
        raise LeafInvalid("a leaf in another than its canonical form")
    return read


def _b64u(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
