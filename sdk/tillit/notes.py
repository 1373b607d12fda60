"""Signed notes and checkpoints: what the log signs.

C2SP signed-note, tlog-checkpoint, tlog-cosignature. A checkpoint carries two signatures by the
log's one key: the plain one of every C2SP log, and a timestamped one in the cosignature/v1 format,
which says when the log stood so. Monitors that know only the first ignore the second.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tillit.errors import VerificationError
from tillit.proofs import HASH_BYTES, MAX_SIZE, verify_consistency, verify_inclusion

MAX_NOTE_BYTES = 64 * 1024
MAX_NAME_CHARS = 256
MAX_SIGNATURES = 64

_PLAIN = b"\x01"
_TIMED = b"\x04"
_KEY_BYTES = 32
_SIGNATURE_BYTES = 64
_ID_BYTES = 4
_TIME_BYTES = 8
_DASH = "\N{EM DASH} "
_TIMED_PREFIX = "cosignature/v1"
# The last second that datetime can tell: 9999-12-31T23:59:59Z.
_MAX_TIME = 253402300799
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_VKEY = re.compile(r"(?P<name>[^+]+)\+(?P<id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/=]{1,100})")


class NoteInvalid(VerificationError):
    """The text is no note, or is not signed by the key that is trusted."""

    code = "verification.note_invalid"


@dataclass(frozen=True, slots=True)
class Vkey:
    """A log's Ed25519 public key under its name, written ``name+id+base64`` (signed-note)."""

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        if not _is_name(self.name) or len(self.public_key) != _KEY_BYTES:
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
        match = _VKEY.fullmatch(text.strip()[: MAX_NAME_CHARS * 2])
        if match is None:
            raise NoteInvalid("not a vkey")
        material = _base64(match["key"])
        if material[:1] != _PLAIN:
            raise NoteInvalid("not an Ed25519 vkey")
        read = cls(match["name"], material[1:])
        if str(read) != text.strip():
            raise NoteInvalid("the vkey's id is not that of its key")
        return read

    def __str__(self) -> str:
        material = base64.b64encode(_PLAIN + self.public_key).decode()
        return f"{self.name}+{_key_id(self, _PLAIN).hex()}+{material}"


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


def sign_note(text: str, *, name: str, key: Ed25519PrivateKey, at: datetime | None = None) -> str:
    """Sign a text; with ``at``, also a timestamped signature (whole seconds).

    ValueError: no note can hold it.
    """
    vkey = Vkey.of(name, key)
    if not text.endswith("\n") or not _is_clean(text) or text.startswith(_TIMED_PREFIX + "\n"):
        raise ValueError("a note's text ends in a newline and holds no other control characters")
    lines = [_signature_line(vkey, _PLAIN, key.sign(text.encode()))]
    if at is not None:
        seconds = int(at.timestamp())
        timed = seconds.to_bytes(_TIME_BYTES, "big") + key.sign(_timed_message(text, seconds))
        lines.append(_signature_line(vkey, _TIMED, timed))
    return text + "\n" + "".join(lines)


def sign_checkpoint(
    *, origin: str, size: int, root: bytes, key: Ed25519PrivateKey, at: datetime
) -> str:
    """Sign a tree head; the key's name is the origin.

    That it continues earlier ones is the caller's duty.
    """
    if not 0 <= size <= MAX_SIZE or len(root) != HASH_BYTES:
        raise ValueError("not a tree's size and root")
    text = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    return sign_note(text, name=origin, key=key, at=at)


def open_note(note: str | bytes, vkey: Vkey) -> VerifiedNote:
    """Verify a note.

    Signatures of other keys are ignored; one bad signature of this key spoils the note.
    """
    text, signatures = _parse(note)
    at: datetime | None = None
    signed = False
    for name, blob in signatures:
        if name != vkey.name:
            continue
        key_id, signature = blob[:_ID_BYTES], blob[_ID_BYTES:]
        if key_id == _key_id(vkey, _PLAIN):
            _verify(vkey, signature, text.encode())
            signed = True
        elif key_id == _key_id(vkey, _TIMED):
            at = max(filter(None, (at, _verified_time(vkey, signature, text))))
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
    return _checkpoint_body(_parse(note)[0])


def _checkpoint_body(text: str) -> UnsafeCheckpoint:
    lines = text.split("\n")[:-1]
    if len(lines) < 3 or not all(lines):  # noqa: PLR2004 - origin, size, root
        raise NoteInvalid("not a checkpoint")
    origin, size, root = lines[:3]
    hashed = _base64(root)
    if not _SIZE.fullmatch(size) or int(size) > MAX_SIZE or len(hashed) != HASH_BYTES:
        raise NoteInvalid("not a checkpoint's size and root")
    return UnsafeCheckpoint(origin, int(size), hashed)


def _parse(note: str | bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """Text and signatures as (key name, id and signature), strictly as specified."""
    if len(note) > MAX_NOTE_BYTES:
        raise NoteInvalid("the note is too large")
    try:
        whole = note if isinstance(note, str) else note.decode("utf-8")
        size = len(whole.encode("utf-8"))
    except UnicodeError as wrong:
        raise NoteInvalid("the note is not UTF-8") from wrong
    head, blank, tail = whole.rpartition("\n\n")
    if size > MAX_NOTE_BYTES or not blank or not tail.endswith("\n") or not _is_clean(whole):
        raise NoteInvalid("not a signed note")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteInvalid("the note has too many signatures")
    return head + "\n", [_parse_signature(line) for line in lines]


def _parse_signature(line: str) -> tuple[str, bytes]:
    name, space, signature = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not _is_name(name):
        raise NoteInvalid("a line that is no signature")
    blob = _base64(signature)
    if len(blob) <= _ID_BYTES:
        raise NoteInvalid("an empty signature")
    return name, blob


def _verified_time(vkey: Vkey, signature: bytes, text: str) -> datetime:
    seconds = int.from_bytes(signature[:_TIME_BYTES], "big")
    _verify(vkey, signature[_TIME_BYTES:], _timed_message(text, seconds))
    if seconds > _MAX_TIME:
        raise NoteInvalid("a time out of range")
    return datetime.fromtimestamp(seconds, UTC)


def _verify(vkey: Vkey, signature: bytes, message: bytes) -> None:
    if len(signature) != _SIGNATURE_BYTES:
        raise NoteInvalid("not an Ed25519 signature")
    try:
        Ed25519PublicKey.from_public_bytes(vkey.public_key).verify(signature, message)
    except (InvalidSignature, ValueError) as wrong:
        raise NoteInvalid("the signature does not hold") from wrong


def _timed_message(text: str, seconds: int) -> bytes:
    return f"{_TIMED_PREFIX}\ntime {seconds}\n{text}".encode()


def _signature_line(vkey: Vkey, kind: bytes, signature: bytes) -> str:
    blob = base64.b64encode(_key_id(vkey, kind) + signature).decode()
    return f"{_DASH}{vkey.name} {blob}\n"


def _key_id(vkey: Vkey, kind: bytes) -> bytes:
    hashed = hashlib.sha256(vkey.name.encode() + b"\n" + kind + vkey.public_key)
    return hashed.digest()[:_ID_BYTES]


def _is_name(name: str) -> bool:
    """Whether a key may be called so.

    No spaces, no plus, and not the first line of a timestamped message.
    """
    if not 0 < len(name) <= MAX_NAME_CHARS or name == _TIMED_PREFIX:
        return False
    return "+" not in name and name.isprintable() and not any(c.isspace() for c in name)


def _is_clean(text: str) -> bool:
    return all(c >= " " or c == "\n" for c in text)


def _base64(text: str) -> bytes:
    """Standard base64 in its one canonical form."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise NoteInvalid("not base64") from wrong
    if base64.b64encode(data).decode() != text:
        raise NoteInvalid("base64 in another than its canonical form")
    return data
