"""How our own vectors are written: accepted and refused examples of one form, and what they are made from.

Nothing here is random: keys follow from their names, times are fixed.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tillit.jose import b64u

FORMAT = 1


@dataclass(frozen=True)
class Accepted:
    """An example that must be accepted, and what is read from it."""

    id: str
    why: str
    given: Mapping[str, Any]
    expect: Mapping[str, Any]


@dataclass(frozen=True)
class Refused:
    """An example that must be refused: what was done to which accepted one, and why it must not pass."""

    id: str
    of: str
    why: str
    given: Mapping[str, Any]


@dataclass(frozen=True)
class Vectors:
    """One file of vectors."""

    form: str
    about: str
    specs: Sequence[str]
    accepted: Sequence[Accepted]
    refused: Sequence[Refused]

    def document(self) -> dict[str, Any]:
        """As it stands in its file."""
        return {
            "form": self.form,
            "format": FORMAT,
            "about": self.about,
            "specs": list(self.specs),
            "provenance": "made by `python -m tests.vectors.generate`; keys are public knowledge",
            "accepted": [vars(each) for each in self.accepted],
            "refused": [vars(each) for each in self.refused],
        }


def changed(
    of: Accepted, given: Mapping[str, Mapping[str, Any]], why: Mapping[str, str]
) -> list[Refused]:
    """Refused examples, each an accepted one with some members changed."""
    if given.keys() != why.keys():
        raise ValueError(
            f"examples without a reason, or the other way: {given.keys() ^ why.keys()}"
        )
    return [
        Refused(f"{of.id}-{name}", of.id, why[name], {**of.given, **members})
        for name, members in given.items()
    ]


def secret(name: str) -> bytes:
    """Thirty-two bytes that everybody knows."""
    return hashlib.sha256(b"tillit vectors: " + name.encode()).digest()


def signer(name: str) -> Ed25519PrivateKey:
    """A signing key that everybody knows."""
    return Ed25519PrivateKey.from_private_bytes(secret(name))


def compact(value: Any) -> str:
    """JSON without spaces, members in the order given."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def token(header: str | bytes, payload: str | bytes, key: Ed25519PrivateKey) -> str:
    """A compact JWS over whatever header and payload, good or not."""
    parts = [part.encode() if isinstance(part, str) else part for part in (header, payload)]
    text = ".".join(b64u(part) for part in parts)
    return f"{text}.{b64u(key.sign(text.encode('ascii')))}"


def stray(word: str) -> str:
    """Base64 of 32 bytes, padded or not, with a bit in its last letter that no byte has."""
    # Of the six bits of that letter two are none of a byte's: it is one of AEIMQUYcgkosw048.
    letters = word.rstrip("=")
    return letters[:-1] + chr(ord(letters[-1]) + 1) + word[len(letters) :]


def flipped(text: str, at: int, alphabet: str = "AB") -> str:
    """The text with one letter replaced by another of the alphabet."""
    return text[:at] + alphabet[text[at] == alphabet[0]] + text[at + 1 :]
