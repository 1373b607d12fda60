"""A unit's own keys over time: rotation, revocation, and the history that everybody can check against the log."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from tillit.wire.answers import ProofAnswer
from tillit.wire.terms import Instant, UnitId, Wire

Kid = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
KeyChangeType = Literal["service.enrolled", "service.keys_rotated", "service.key_revoked"]
KeyState = Literal["current", "retired", "revoked"]
RevocationReason = Literal["compromised", "lost", "superseded"]


class KeyRotation(Wire):
    """New public keys of a unit, in the place of those it has.

    ``proof`` and ``endorsement`` are compact JWS over the same statement (``tillit.enrolment``), by the new signing key and by
    the present one.
    """

    jwks: dict[str, Any]
    proof: Annotated[str, StringConstraints(max_length=4096)]
    endorsement: Annotated[str, StringConstraints(max_length=4096)]


class KeyRevocation(Wire):
    """Why a key is not to be believed or sealed to any more."""

    reason: RevocationReason


class KeyView(Wire):
    """A registered key. ``retired``: only what it signed or was sealed to before is of use; ``revoked``: nothing is."""

    kid: Kid
    use: Literal["sig", "enc"]
    state: KeyState
    added_at: Instant
    ends_at: Instant | None = None


class KeysAnswer(Wire):
    """A unit's keys after a change."""

    unit: UnitId
    keys: tuple[KeyView, ...]


class KeyChange(Wire):
    """One change of a unit's keys: what the log's leaf commits to, the salt that shows it, and where the leaf stands.

    ``proof`` is absent while the entry waits for its place.
    """

    type: KeyChangeType
    at: Instant
    content: dict[str, Any]
    salt: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
    proof: ProofAnswer | None


class KeyHistory(Wire):
    """Every change of a unit's keys, oldest first."""

    unit: UnitId
    changes: Annotated[tuple[KeyChange, ...], Field(max_length=1000)]
