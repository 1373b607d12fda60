"""Witnesses: which of them have cosigned a checkpoint, and when (C2SP tlog-cosignature, Ed25519).

A witness cosigns only what continues all that it cosigned before, so that a log which enough of them watch cannot show two
trees. Whether those that have cosigned are enough is ``tillit.quorums``' matter.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tillit.notelines import (
    ID_BYTES,
    KEY_BYTES,
    TIMED,
    NoteInvalid,
    is_name,
    key_id,
    signature_line,
    split,
    verified_time,
)
from tillit.notes import read_vkey, written_vkey


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness's Ed25519 public key under its name, written as a vkey with signature type 0x04."""

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        if not is_name(self.name) or len(self.public_key) != KEY_BYTES:
            raise NoteInvalid("not the name and key of a witness")

    @classmethod
    def of(cls, name: str, key: Ed25519PublicKey) -> Self:
        """The witness that has this key."""
        return cls(name, key.public_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a vkey. Raises ``NoteInvalid``, also for keys of other types, the post-quantum 0x06 among them."""
        return cls(*read_vkey(text, TIMED))

    @property
    def id(self) -> bytes:
        """What its signature lines begin with."""
        return key_id(self.name, TIMED, self.public_key)

    def __str__(self) -> str:
        return written_vkey(self.name, TIMED, self.public_key)


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A witness's word that the checkpoint was the largest it had seen of that log at ``at`` (whole seconds, UTC).

    ``line`` is the signature as it stands in the note, newline and all.
    """

    witness: Witness
    at: datetime
    line: str


def cosignatures(note: str | bytes, witnesses: Iterable[Witness]) -> tuple[Cosignature, ...]:
    """What these witnesses say of a checkpoint, the latest of each, in their order.

    Lines of anybody else are ignored; one bad line of a known witness raises ``NoteInvalid``. *Not checked*: the log's own
    signature, whether those who signed are enough, and whether their times are plausible.
    """
    text, signatures = split(note)
    found: list[Cosignature] = []
    for witness in witnesses:
        known = (witness.name, witness.id)
        own = [
            Cosignature(
                witness,
                verified_time(witness.public_key, blob[ID_BYTES:], text),
                signature_line(name, blob),
            )
            for name, blob in signatures
            if (name, blob[:ID_BYTES]) == known
        ]
        if own:
            found.append(max(own, key=lambda each: each.at))
    return tuple(found)
