"""Messages between a broker and a custodian in its own process: one definition for both sides.

JSON over HTTP, every call a POST whose path is the method's name. There is no message that could
hold a value, not even a sealed one.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from tillit.wire import SealedKey, Wire
from tillit.wire.terms import Base64Url

MAX_BODY_BYTES = 1024 * 1024
MAX_ANSWER_BYTES = 1024 * 1024
MAX_KEYS = 1000
"""What fits into a message. What a call may have is the custodian's to say, with its own error."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=512)]
Hash = Annotated[Base64Url, Field(min_length=43, max_length=43)]
Wrapped = Annotated[dict[str, str], Field(max_length=MAX_KEYS)]
Jwk = Annotated[dict[str, Any], Field(max_length=32)]


class Nothing(Wire):
    """Nothing is said, or nothing is left to say."""


class Subject(Wire):
    """Whom a call is about, by the broker's own id."""

    subject: Text


class Epoch(Wire):
    """An epoch of the log."""

    epoch: Text


class PublicKey(Wire):
    """A public key."""

    jwk: Jwk


class Admission(Wire):
    """See ``Custodian.admit``."""

    subject: Text
    key: SealedKey
    wrapped: Wrapped
    manifest_hash: Hash


class Admitted(Wire):
    """Content keys under the subject's key."""

    wrapped: Wrapped


class Release(Wire):
    """See ``Custodian.release``; ``manifest`` is the JCS form as text."""

    subject: Text
    wrapped: Wrapped
    recipient_jwk: Jwk
    kid: Text
    receipt: Annotated[str, StringConstraints(max_length=512 * 1024)]
    manifest: Annotated[str, StringConstraints(max_length=512 * 1024)]


class Released(Wire):
    """A disclosure key sealed to its recipient, and content keys under it."""

    key: SealedKey
    wrapped: Wrapped


class Certificate(Wire):
    """A compact JWS of ``tillit.shredding``."""

    token: Annotated[str, StringConstraints(max_length=4096)]


class Rewrapping(Wire):
    """See ``Custodian.rewrap``."""

    subject: Text
    wrapped: Wrapped


class Volume(Wire):
    """A wrapped volume key (``tillit.contents``)."""

    id: Text
    subject: Text | None
    sealed: Annotated[Base64Url, Field(max_length=8192)]


class Volumes(Wire):
    """See ``Custodian.open_log_volumes``."""

    volumes: Annotated[tuple[Volume, ...], Field(max_length=MAX_KEYS)]


class OpenedVolumes(Wire):
    """Volume keys, and why there is none for the others."""

    keys: dict[str, Hash]
    gone: dict[str, Literal["shredded", "ended", "no_key", "broken"]]


class Failure(Wire):
    """Why nothing was done: a code of ``keys.errors``, or of the messages themselves."""

    code: str
    detail: str = ""
    retry_after: int | None = None
