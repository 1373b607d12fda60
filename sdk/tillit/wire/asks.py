"""Asks: who wants to know what about whom, and why; grounds and reasons."""

from typing import Annotated, Literal

from pydantic import AfterValidator, StringConstraints

from tillit.wire.terms import (
    CollaborationId,
    FieldNames,
    MeetingId,
    PurposeId,
    ReasonCode,
    SubjectHandle,
    UnitId,
    Wire,
    no_national_id,
)

ActorId = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$"),
    AfterValidator(no_national_id),
]
RoleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,39}$")]


class Actor(Wire):
    """The person at a service, as the service vouches for: an opaque id and a role, never a name or number."""

    id: ActorId
    role: RoleName


class Ask(Wire):
    """A service's request for fields about a subject for a purpose.

    ``source`` narrows the ask to what one unit has deposited; ``meeting`` names the meeting it is for.
    """

    subject: SubjectHandle
    fields: FieldNames
    purpose: PurposeId
    actor: Actor
    collaboration: CollaborationId | None = None
    meeting: MeetingId | None = None
    source: UnitId | None = None


class Reason(Wire):
    """Why a field is withheld: a code of the closed list and its text in the caller's language."""

    code: ReasonCode
    text: str


class Ground(Wire):
    """Why a field may be shared.

    For ``consent``, ``id`` and ``version`` name the consent, ``grant`` its line. For ``statute`` and ``emergency``, ``id`` is
    the statute's, ``version`` is 0 and ``grant`` the invocation that relies on it, or empty where none is needed.
    """

    kind: Literal["consent", "statute", "emergency", "own_access"]
    id: str
    version: int
    grant: str
    source: UnitId


class Obligations(Wire):
    """What the recipient takes on with the values. ``erase_after`` is an ISO 8601 duration."""

    notify: Literal["immediate", "digest", "delayed", "none"]
    erase_after: Annotated[str, StringConstraints(pattern=r"^P[1-9][0-9]{0,3}D$")]
    onward_sharing: bool
    journal: bool


class PolicyRef(Wire):
    """The bundle that decided: its version and ``sha256:`` digest in hex."""

    version: str
    digest: Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
