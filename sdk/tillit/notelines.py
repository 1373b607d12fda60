"""What notes are made of: key names and ids, signature lines, base64, bounds (C2SP signed-note, tlog-cosignature).

``tillit.notes`` and ``tillit.witnesses`` say whose signatures count.
"""

import base64
import binascii
import hashlib
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tillit.errors import VerificationError

MAX_NOTE_BYTES = 64 * 1024
MAX_NAME_CHARS = 256
MAX_SIGNATURES = 64

PLAIN = b"\x01"
"""Signature type of an Ed25519 signature over the note's text."""

TIMED = b"\x04"
"""Signature type of an Ed25519 cosignature/v1: it says when, and signs that with the text."""

TIMED_PREFIX = "cosignature/v1"
KEY_BYTES = 32
ID_BYTES = 4

_SIGNATURE_BYTES = 64
_TIME_BYTES = 8
_DASH = "\N{EM DASH} "
# The last second that datetime can tell: 9999-12-31T23:59:59Z.
_MAX_TIME = 253402300799


class NoteInvalid(VerificationError):
    """The text is no note, or is not signed by the key that is trusted."""

    code = "verification.note_invalid"


def split(note: str | bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """Text and signatures as (key name, id and signature), strictly as specified. Raises ``NoteInvalid``.

    No signature is checked.
    """
    if len(note) > MAX_NOTE_BYTES:
        raise NoteInvalid("the note is too large")
    try:
        whole = note if isinstance(note, str) else note.decode("utf-8")
        size = len(whole.encode("utf-8"))
    except UnicodeError as wrong:
        raise NoteInvalid("the note is not UTF-8") from wrong
    head, blank, tail = whole.rpartition("\n\n")
    if size > MAX_NOTE_BYTES or not blank or not tail.endswith("\n") or not is_clean(whole):
        raise NoteInvalid("not a signed note")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteInvalid("the note has too many signatures")
    return head + "\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes]:
    name, space, signature = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not is_name(name):
        raise NoteInvalid("a line that is no signature")
    blob = plain_base64(signature)
    if len(blob) <= ID_BYTES:
        raise NoteInvalid("an empty signature")
    return name, blob


def signature_line(name: str, blob: bytes) -> str:
    """The line for a key's id and signature, with its newline."""
    return f"{_DASH}{name} {base64.b64encode(blob).decode()}\n"


def timed_message(text: str, seconds: int) -> bytes:
    """What a cosignature/v1 on ``text`` at so many seconds since the epoch signs."""
    return f"{TIMED_PREFIX}\ntime {seconds}\n{text}".encode()


def timed(signature: bytes, seconds: int) -> bytes:
    """A signature over a ``timed_message`` as it is written in its line."""
    return seconds.to_bytes(_TIME_BYTES, "big") + signature


def verified_time(public_key: bytes, signature: bytes, text: str) -> datetime:
    """When a cosignature/v1 was made, if it holds. Raises ``NoteInvalid``."""
    seconds = int.from_bytes(signature[:_TIME_BYTES], "big")
    verify(public_key, signature[_TIME_BYTES:], timed_message(text, seconds))
    if seconds > _MAX_TIME:
        raise NoteInvalid("a time out of range")
    return datetime.fromtimestamp(seconds, UTC)


def verify(public_key: bytes, signature: bytes, message: bytes) -> None:
    """Raise ``NoteInvalid`` unless the Ed25519 signature (RFC 8032) holds."""
    if len(signature) != _SIGNATURE_BYTES:
        raise NoteInvalid("not an Ed25519 signature")
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError) as wrong:
        raise NoteInvalid("the signature does not hold") from wrong


def key_id(name: str, kind: bytes, public_key: bytes) -> bytes:
    """The first four bytes of SHA-256 over name, newline, signature type and key."""
    return hashlib.sha256(name.encode() + b"\n" + kind + public_key).digest()[:ID_BYTES]


def is_name(name: str) -> bool:
    """Whether a key may be called so.

    No spaces, no plus, and not the first line of a timestamped message.
    """
    if not 0 < len(name) <= MAX_NAME_CHARS or name == TIMED_PREFIX:
        return False
    return "+" not in name and name.isprintable() and not any(c.isspace() for c in name)


def is_clean(text: str) -> bool:
    """Whether the text holds no control characters but newlines."""
    return all(c >= " " or c == "\n" for c in text)


def plain_base64(text: str) -> bytes:
    """The bytes of standard base64 in its one canonical form. Raises ``NoteInvalid``."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise NoteInvalid("not base64") from wrong
    if base64.b64encode(data).decode() != text:
        raise NoteInvalid("base64 in another than its canonical form")
    return data
