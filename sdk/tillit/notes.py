"""Signed notes and checkpoints: what the log signs.

C2SP signed-note, tlog-checkpoint, tlog-cosignature. A checkpoint carries two signatures by the
log's key: the plain one of every C2SP log, and a timestamped one in the cosignature/v1 format,
which says when the log stood so. Monitors that know only the first ignore the second. While one key
of the log follows another both sign, by the same name, and whoever knows either verifies.
"""

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tillit.notelines import (
    ID_BYTES,
    KEY_BYTES,
    MAX_NAME_CHARS,
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    PLAIN,
    TIMED,
    TIMED_PREFIX,
    NoteInvalid,
    is_clean,
    is_name,
    key_id,
    plain_base64,
    signature_line,
    split,
    timed,
    timed_message,
    verified_time,
    verify,
)
from tillit.proofs import HASH_BYTES, MAX_SIZE, verify_consistency, verify_inclusion

__all__ = [
    "MAX_NOTE_BYTES",
    "MAX_SIGNATURES",
    "NoteInvalid",
    "UnsafeCheckpoint",
    "VerifiedCheckpoint",
    "VerifiedNote",
    "Vkey",
    "open_checkpoint",
    "open_note",
    "read_unsafe_checkpoint",
    "read_vkey",
    "sign_checkpoint",
    "sign_note",
    "written_vkey",
]

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_VKEY = re.compile(r"(?P<name>[^+]+)\+(?P<id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/=]{1,100})")


@dataclass(frozen=True, slots=True)
class Vkey:
    """A log's Ed25519 public key under its name, written ``name+id+base64`` (signed-note)."""

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        if not is_name(self.name) or len(self.public_key) != KEY_BYTES:
            raise NoteInvalid("not the name and key of a log")

    @classmethod
    def of(cls, name: str, key: Ed25519PrivateKey | Ed25519PublicKey) -> Self:
        """The vkey of a key, private or public."""
        public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
        return cls(name, public.public_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a vkey.

        Raises ``NoteInvalid`` for any other form and for an id that is not this key's.
        """
        return cls(*read_vkey(text, PLAIN))

    def __str__(self) -> str:
        return written_vkey(self.name, PLAIN, self.public_key)

    def id(self, kind: bytes) -> bytes:
        """The key's id for signatures of a type."""
        return key_id(self.name, kind, self.public_key)


def read_vkey(text: str, kind: bytes) -> tuple[str, bytes]:
    """Name and Ed25519 key of a vkey for signatures of a type.

    Raises ``NoteInvalid`` for any other form or type and for an id that is not this key's.
    """
    match = _VKEY.fullmatch(text.strip()[: MAX_NAME_CHARS * 2])
    if match is None:
        raise NoteInvalid("not a vkey")
    material = plain_base64(match["key"])
    if material[:1] != kind or len(material) != 1 + KEY_BYTES:
        raise NoteInvalid("not an Ed25519 vkey of the type that is wanted")
    name, public_key = match["name"], material[1:]
    if not is_name(name) or written_vkey(name, kind, public_key) != text.strip():
        raise NoteInvalid("the vkey's id is not that of its name and key")
    return name, public_key


def written_vkey(name: str, kind: bytes, public_key: bytes) -> str:
    """A key as ``name+id+base64`` for signatures of a type."""
    material = base64.b64encode(kind + public_key).decode()
    return f"{name}+{key_id(name, kind, public_key).hex()}+{material}"


@dataclass(frozen=True, slots=True)
class VerifiedNote:
    """A text whose signature by ``vkey`` holds.

    ``at`` is when it was signed, where the signer said so.
    """

    text: str
    vkey: Vkey
    at: datetime | None


@dataclass(frozen=True, slots=True)
class VerifiedCheckpoint:
    """A tree's size and root as the log has signed them. ``note`` is the whole signed text."""

    origin: str
    size: int
    root: bytes
    at: datetime | None
    note: str

    def check_inclusion(self, *, leaf_hash: bytes, index: int, path: Sequence[bytes]) -> None:
        """Raise ``ProofError`` unless the leaf stands at ``index`` in this tree."""
        verify_inclusion(
            leaf_hash=leaf_hash, index=index, size=self.size, path=path, root=self.root
        )

    def check_continues(self, older: "VerifiedCheckpoint", path: Sequence[bytes]) -> None:
        """Raise ``ProofError`` unless this tree begins with all of the older one."""
        verify_consistency(
            old_size=older.size,
            old_root=older.root,
            new_size=self.size,
            new_root=self.root,
            path=path,
        )


@dataclass(frozen=True, slots=True)
class UnsafeCheckpoint:
    """What a checkpoint says, whoever wrote it.

    Good for finding what to fetch, for nothing else.
    """

    origin: str
    size: int
    root: bytes


def sign_note(
    text: str,
    *,
    name: str,
    key: Ed25519PrivateKey,
    at: datetime | None = None,
    also: Sequence[Ed25519PrivateKey] = (),
) -> str:
    """Sign a text; with ``at``, also a timestamped signature (whole seconds).

    ``also``: keys by the same name that sign too, while one follows another. ValueError: no note
    can hold it.
    """
    if not text.endswith("\n") or not is_clean(text) or text.startswith(TIMED_PREFIX + "\n"):
        raise ValueError("a note's text ends in a newline and holds no other control characters")
    lines = [line for signer in (key, *also) for line in _signed(text, name, signer, at)]
    return text + "\n" + "".join(lines)


def _signed(text: str, name: str, key: Ed25519PrivateKey, at: datetime | None) -> Iterator[str]:
    vkey = Vkey.of(name, key)
    yield signature_line(name, vkey.id(PLAIN) + key.sign(text.encode()))
    if at is not None:
        seconds = int(at.timestamp())
        signed = timed(key.sign(timed_message(text, seconds)), seconds)
        yield signature_line(name, vkey.id(TIMED) + signed)


def sign_checkpoint(
    *,
    origin: str,
    size: int,
    root: bytes,
    key: Ed25519PrivateKey,
    at: datetime,
    also: Sequence[Ed25519PrivateKey] = (),
) -> str:
    """Sign a tree head; the key's name is the origin. ``also``: see ``sign_note``.

    That it continues earlier ones is the caller's duty.
    """
    if not 0 <= size <= MAX_SIZE or len(root) != HASH_BYTES:
        raise ValueError("not a tree's size and root")
    text = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    return sign_note(text, name=origin, key=key, at=at, also=also)


def open_note(note: str | bytes, vkey: Vkey) -> VerifiedNote:
    """Verify a note.

    Signatures of other keys are ignored; one bad signature of this key spoils the note.
    """
    text, signatures = split(note)
    at: datetime | None = None
    signed = False
    for name, blob in signatures:
        if name != vkey.name:
            continue
        known, signature = blob[:ID_BYTES], blob[ID_BYTES:]
        if known == vkey.id(PLAIN):
            verify(vkey.public_key, signature, text.encode())
            signed = True
        elif known == vkey.id(TIMED):
            at = max(filter(None, (at, verified_time(vkey.public_key, signature, text))))
    if not signed:
        raise NoteInvalid("the note is not signed by this key")
    return VerifiedNote(text, vkey, at)


def open_checkpoint(note: str | bytes, vkey: Vkey) -> VerifiedCheckpoint:
    """Verify a checkpoint of the log that ``vkey`` names: its origin must be the key's name."""
    opened = open_note(note, vkey)
    read = _checkpoint_body(opened.text)
    if read.origin != vkey.name:
        raise NoteInvalid("the checkpoint is another log's")
    whole = note if isinstance(note, str) else note.decode()
    return VerifiedCheckpoint(read.origin, read.size, read.root, opened.at, whole)


def read_unsafe_checkpoint(note: str | bytes) -> UnsafeCheckpoint:
    """Read a checkpoint without checking any signature."""
    return _checkpoint_body(split(note)[0])


def _checkpoint_body(text: str) -> UnsafeCheckpoint:
    lines = text.split("\n")[:-1]
    if len(lines) < 3 or not all(lines):  # noqa: PLR2004 - origin, size, root
        raise NoteInvalid("not a checkpoint")
    origin, size, root = lines[:3]
    hashed = plain_base64(root)
    if not _SIZE.fullmatch(size) or int(size) > MAX_SIZE or len(hashed) != HASH_BYTES:
        raise NoteInvalid("not a checkpoint's size and root")
    return UnsafeCheckpoint(origin, int(size), hashed)
