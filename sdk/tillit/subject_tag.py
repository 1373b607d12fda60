"""Subject tags.

How a recipient who knows the national identity number finds that a value is about somebody else.

The tag is HMAC-SHA256 over the number under a random salt, and both travel inside the sealed value.
It tells two numbers apart; it does not hide one from somebody who can open the value, since there
are few enough numbers to try them all.
"""

import hmac
import re
from typing import Any

from tillit.errors import SubjectMismatch
from tillit.jose import b64u, unb64u

SALT_BYTES = 16
OWN_TAG = "own words"
"""In place of a tag, in what the subject wrote themself: the broker signs that, and keeps no number.

That it is this subject's rests on the broker's word, as the receipt does that it comes with.
"""
_NATIONAL_ID = re.compile(r"[0-9]{11}", re.ASCII)


def subject_tag(national_id: str, salt: bytes) -> dict[str, str]:
    """The tag of a person under a salt.

    Raises ValueError for what is no national identity number or salt.
    """
    if not _NATIONAL_ID.fullmatch(national_id):
        raise ValueError("not a national identity number")
    if len(salt) != SALT_BYTES:
        raise ValueError("not a salt")
    tag = hmac.digest(salt, national_id.encode("ascii"), "sha256")
    return {"salt": b64u(salt), "tag": b64u(tag)}


def require_about(tag: Any, national_id: str) -> None:
    """Raises ``SubjectMismatch`` for another person's tag, ``TokenInvalid`` for what is no tag."""
    salt = tag.get("salt") if isinstance(tag, dict) and tag.keys() == {"salt", "tag"} else None
    again = subject_tag(national_id, unb64u(salt if isinstance(salt, str) else "", size=SALT_BYTES))
    if not hmac.compare_digest(str(tag["tag"]).encode(), again["tag"].encode()):
        raise SubjectMismatch("a value is about another person than the one asked about")
