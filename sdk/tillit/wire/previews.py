"""Previews on the wire: what each service would get, if; and what would change (N12)."""

from typing import Annotated

from pydantic import AfterValidator, Field

from tillit.wire.asks import PolicyRef
from tillit.wire.consents import Answers
from tillit.wire.terms import (
    MAX_GRANTS,
    ConsentId,
    FieldName,
    GrantId,
    PurposeId,
    UnitId,
    Wire,
    distinct,
)


class Preview(Wire):
    """``POST /v1/me/preview``: if a consent were answered like this, and without those lines.

    With no ``answers``, every line stands as it is answered, and those that nobody has answered are a yes. With some, lines
    that are not among them and that nobody has answered are a no. A line that was answered no stays a no, and what is put off
    gives nothing.
    """

    consent: ConsentId
    answers: Answers | None = None
    without: Annotated[
        tuple[GrantId, ...], Field(max_length=MAX_GRANTS), AfterValidator(distinct)
    ] = ()


class PreviewField(Wire):
    """A field that a service would be given, what it is called, and from whom."""

    name: FieldName
    label: str
    sources: tuple[UnitId, ...]


class PreviewService(Wire):
    """One service and one purpose: what it gets ``now``, and what it would get ``then``.

    ``label`` is the service's name, ``why`` the purpose in words. ``in_meeting``: only in a meeting that the subject knows of.
    """

    recipient: UnitId
    label: str
    purpose: PurposeId
    why: str
    in_meeting: bool
    now: tuple[PreviewField, ...]
    then: tuple[PreviewField, ...]
    gains: tuple[FieldName, ...]
    losses: tuple[FieldName, ...]


class PreviewAnswer(Wire):
    """Every service and purpose that the lines name. No values: the broker cannot read them."""

    services: tuple[PreviewService, ...]
    policy: PolicyRef
