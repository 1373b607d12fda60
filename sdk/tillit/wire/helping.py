"""Helping: what passes between a subject, the broker and a trusted helper, who reads and changes nothing (N21)."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from tillit.wire.consents import ConsentView
from tillit.wire.terms import (
    CollaborationId,
    DisclosureId,
    FieldName,
    HelperId,
    Instant,
    PurposeId,
    UnitId,
    Wire,
    distinct,
)

Shown = Literal["consents", "disclosures", "special"]


def _something(shows: tuple[Shown, ...]) -> tuple[Shown, ...]:
    if not {"consents", "disclosures"} & set(shows):
        raise ValueError("consents, disclosures or both are shown")
    return shows


class HelperRequest(Wire):
    """``POST /v1/me/helpers``: invite a helper, and say what they may read.

    ``special``: also what tells of health, substances, child welfare or justice. No value is ever shown.
    """

    shows: Annotated[
        tuple[Shown, ...],
        Field(min_length=1, max_length=3),
        AfterValidator(distinct),
        AfterValidator(_something),
    ]


class HelperInvitation(Wire):
    """An invitation: the code to say or show to the helper, which lies nowhere, is good once, and until when."""

    id: HelperId
    code: str = Field(repr=False)
    code_until: Instant


class HelperAcceptance(Wire):
    """``POST /v1/me/helping``: take an invitation, by its code."""

    code: Annotated[str, StringConstraints(pattern=r"^[A-Z2-7]{4}(-[A-Z2-7]{4}){2}$")] = Field(
        repr=False
    )


class MyHelper(Wire):
    """A helper of the subject's: ``invited`` and not yet there, ``helping`` ``until``, or ``over``.

    Who it is the broker cannot say: it knows people by keyed hash.
    """

    id: HelperId
    standing: Literal["invited", "helping", "over"]
    shows: tuple[Shown, ...]
    invited_at: Instant
    code_until: Instant
    accepted_at: Instant | None
    until: Instant | None
    ended_at: Instant | None
    ended_by: Literal["subject", "helper"] | None


class MyHelpers(Wire):
    """The helpers that the subject invited, the latest first; at most one of them is not over."""

    helpers: tuple[MyHelper, ...]


class Helped(Wire):
    """Somebody whom the person helps: what may be read, since and until when. Who it is the helper knows."""

    helper: HelperId
    shows: tuple[Shown, ...]
    since: Instant
    until: Instant


class Helpings(Wire):
    """Everybody whom the person helps, the latest first."""

    helping: tuple[Helped, ...]


class HelpedConsents(Wire):
    """The consents that the helper is shown: of each the lines that the subject answers alone, and their text.

    ``text_sha256`` is of the text that is shown: nobody signs by it.
    """

    consents: tuple[ConsentView, ...]


class HelpedField(Wire):
    """One field of a disclosure: whether it was shared, and from which source. Never the value."""

    shared: bool
    source: UnitId | None


class HelpedDisclosure(Wire):
    """An ask about the subject as the helper is shown it: who asked, when, what for, and which fields came of it."""

    id: DisclosureId
    at: Instant
    recipient: UnitId
    purpose: PurposeId
    collaboration: CollaborationId | None
    fields: dict[FieldName, HelpedField]


class HelpedDisclosures(Wire):
    """A page of what the helper is shown, newest first; ``next`` is the cursor to pass as ``before``."""

    disclosures: tuple[HelpedDisclosure, ...]
    next: str | None
