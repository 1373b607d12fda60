"""Contents of log entries, sealed so that a person or a time can be forgotten (design.md § 7).

A leaf commits to its content under a salt (``tillit.leaves``). Both are kept apart from the tree::

    sealed content = 0x01 ‖ iv (12) ‖ AES-256-GCM(volume key, iv, salt (32) ‖ content, aad)
    aad            = the entry's leaf hash (32)

``content`` is the JCS form that the commitment was made over. A receipt is kept in the same form, with
``aad`` = "receipt" ‖ 0x00 ‖ leaf hash and the compact token as its content, no salt; so is the address that a subject is
reached at, with ``aad`` = "contact" ‖ 0x00 ‖ contact's id. A volume key seals what is written
about one subject (or about nobody) in one epoch for a short while. It lies wrapped beside the
contents, inside out::

    inner = HPKE(subject's log key, volume key, info("subject"))     nobody's volume: the volume key
    outer = HPKE(epoch's key, inner, info("epoch"))
    info(layer) = "tillit log volume v1" ‖ 0x00 ‖ layer ‖ 0x00 ‖ volume id

HPKE is RFC 9180's base mode with ML-KEM-768+X25519, HKDF-SHA256 and AES-256-GCM: what is erased
must not come back with a quantum computer. Writing needs the two public keys alone. Whoever
destroys the subject's key, or the epoch's, makes every copy of the content unreadable, and leaves
every commitment and proof as it was.

A volume's id is ``EPOCH.RANDOM``, the epoch ``CLASS-YYYY-MM``: what is kept equally long, and the
month (UTC) it is from.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey

from tillit import leaves
from tillit.envelopes import KEY_BYTES, Randomness, open_hybrid, seal_hybrid
from tillit.errors import VerificationError
from tillit.jose import TokenInvalid, b64u

_VERSION = b"\x01"
_IV_BYTES = 12
_TAG_BYTES = 16
_RANDOM_BYTES = 12
_RECEIPT = b"receipt\0"
_CONTACT = b"contact\0"
_EPOCH = r"[a-z]{1,20}-[0-9]{4}-(?:0[1-9]|1[0-2])"
_IS_EPOCH = re.compile(_EPOCH)
_IS_VOLUME = re.compile(rf"({_EPOCH})\.[A-Za-z0-9_-]{{16}}")


class ContentBroken(VerificationError):
    """A sealed content does not open, or is not what the leaf commits to."""

    code = "verification.content_broken"


@dataclass(frozen=True, slots=True)
class Volume:
    """A wrapped volume key: ``id`` says of which epoch, ``subject`` about whom, None: nobody."""

    id: str
    subject: str | None
    sealed: bytes = field(repr=False)

    @property
    def epoch(self) -> str:
        """The epoch that the volume is of. Raises ``TokenInvalid`` when the id is none."""
        match = _IS_VOLUME.fullmatch(self.id)
        if match is None:
            raise TokenInvalid("not the id of a volume")
        return match[1]


def is_epoch(text: str) -> bool:
    """Whether this is an epoch's name: ``CLASS-YYYY-MM``."""
    return _IS_EPOCH.fullmatch(text) is not None


def fresh_id(epoch: str, randomness: Randomness) -> str:
    """A volume's id that was never given before."""
    return f"{epoch}.{b64u(randomness(_RANDOM_BYTES))}"


# --- a volume key, to whom it may be opened by ---
def seal_volume(
    key: bytes,
    *,
    id: str,  # noqa: A002 - the member's name
    subject: str | None,
    subject_jwk: Mapping[str, Any] | None,
    epoch_jwk: Mapping[str, Any],
) -> Volume:
    """A volume key, wrapped for the epoch and, with ``subject_jwk``, for the subject inside it.

    Raises ``TokenInvalid`` for keys that cannot be sealed to.
    """
    inner = key
    if subject_jwk is not None:
        inner = seal_hybrid(key, reader=subject_jwk, info=_info("subject", id))
    return Volume(id, subject, seal_hybrid(inner, reader=epoch_jwk, info=_info("epoch", id)))


def open_volume(
    volume: Volume,
    *,
    epoch_key: MLKEM768X25519PrivateKey,
    subject_key: MLKEM768X25519PrivateKey | None,
) -> bytes:
    """The 32 bytes of a volume key. ``subject_key`` is None for a volume about nobody.

    Raises ``TokenInvalid``.
    """
    key = open_hybrid(volume.sealed, key=epoch_key, info=_info("epoch", volume.id))
    if subject_key is not None:
        key = open_hybrid(key, key=subject_key, info=_info("subject", volume.id))
    if len(key) != KEY_BYTES:
        raise TokenInvalid("not a key of the right length")
    return key


def _info(layer: str, volume: str) -> bytes:
    return b"\0".join((b"tillit log volume v1", layer.encode(), volume.encode()))


# --- a content ---
def seal_content(
    content: bytes, *, salt: bytes, leaf_hash: bytes, key: bytes, randomness: Randomness
) -> bytes:
    """A content in canonical form and its salt, sealed under a volume key to its leaf."""
    return _sealed(salt + content, aad=leaf_hash, key=key, randomness=randomness)


def open_content(sealed: bytes, *, leaf_hash: bytes, key: bytes) -> tuple[bytes, bytes]:
    """The salt and the content. Raises ``ContentBroken``.

    Not checked: that the leaf commits to them (``check_content``).
    """
    opened = _opened(sealed, aad=leaf_hash, key=key)
    if len(opened) < leaves.SALT_BYTES:
        raise ContentBroken("too short for a salt")
    return opened[: leaves.SALT_BYTES], opened[leaves.SALT_BYTES :]


def seal_receipt(receipt: str, *, leaf_hash: bytes, key: bytes, randomness: Randomness) -> bytes:
    """A receipt as the broker keeps it, which says what its entry says, and holds its salt."""
    return _sealed(receipt.encode(), aad=_RECEIPT + leaf_hash, key=key, randomness=randomness)


def open_receipt(sealed: bytes, *, leaf_hash: bytes, key: bytes) -> str:
    """The receipt. Raises ``ContentBroken``. Not checked: its signature (``tillit.receipts``)."""
    try:
        return _opened(sealed, aad=_RECEIPT + leaf_hash, key=key).decode("ascii")
    except UnicodeDecodeError:
        raise ContentBroken("not a receipt") from None


def seal_address(address: str, *, contact: str, key: bytes, randomness: Randomness) -> bytes:
    """The address that a subject is reached at, sealed to the id of their contact."""
    return _sealed(
        address.encode(), aad=_CONTACT + contact.encode(), key=key, randomness=randomness
    )


def open_address(sealed: bytes, *, contact: str, key: bytes) -> str:
    """The address. Raises ``ContentBroken``."""
    try:
        return _opened(sealed, aad=_CONTACT + contact.encode(), key=key).decode()
    except UnicodeDecodeError:
        raise ContentBroken("not an address") from None


def _sealed(data: bytes, *, aad: bytes, key: bytes, randomness: Randomness) -> bytes:
    iv = randomness(_IV_BYTES)
    return _VERSION + iv + AESGCM(key).encrypt(iv, data, aad)


def _opened(sealed: bytes, *, aad: bytes, key: bytes) -> bytes:
    start = len(_VERSION) + _IV_BYTES
    if sealed[: len(_VERSION)] != _VERSION or len(sealed) < start + _TAG_BYTES:
        raise ContentBroken("not sealed in version 1")
    try:
        return AESGCM(key).decrypt(sealed[len(_VERSION) : start], sealed[start:], aad)
    except InvalidTag:
        raise ContentBroken("altered, another entry's, or under another key") from None


def check_content(content: bytes, *, salt: bytes, leaf: leaves.Leaf) -> None:
    """Raise ``ContentBroken`` unless it is what the leaf commits to under the salt."""
    try:
        committed = leaves.commitment_to(salt, content)
    except ValueError as wrong:
        raise ContentBroken("no leaf commits to it") from wrong
    if committed != leaf.commitment:
        raise ContentBroken("the leaf does not commit to it")
