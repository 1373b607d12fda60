"""Compiling a request into the enumerated grants that the subject answers one by one (N1, N4, N9).

"You may all talk" becomes: this unit may give that unit this, for that purpose. A line stands only
where the source's type can have the information and the purpose's ceiling lets the recipient reach
it; what is granted by name passes the ceiling, and nothing passes a limit. A collaboration binds its
lines to its own condition. Whether a line is ever used is the policy's answer, at each ask.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from broker.domain.catalogue import Catalogue
from broker.domain.errors import (
    ConditionNotHere,
    FamilyConsentInvalid,
    MeetingMissing,
    NotAboutAnyone,
    NotAMember,
    NothingToGrant,
    PurposeNotByConsent,
    RequesterNotAmongServices,
    TooManyLines,
    UnknownCategory,
    UnknownCollaboration,
    UnknownField,
    UnknownPurpose,
    UnknownUnit,
    named,
)
from broker.domain.grants import Grant
from broker.domain.ids import GrantId, UnitId
from broker.domain.limits import by_name_only, never
from broker.domain.shelves import Collaboration, FieldDef, Unit
from broker.domain.wording import consent_text, line_text
from tillit.wire import MAX_GRANTS, Condition, ConsentRequest

__all__ = ["SPECIAL", "compile_grants", "consent_text", "line_text"]

SPECIAL = frozenset({"special", "justice"})
"""Sensitivities that need a yes of their own (GDPR art. 9 and 10)."""


@dataclass(frozen=True, slots=True)
class Line:
    """A grant to be: everything but its number and condition."""

    source: str
    recipient: str
    category: str
    covers: tuple[str, ...]
    purpose: str
    special: bool
    by_name: bool


def compile_grants(
    request: ConsentRequest, catalogue: Catalogue, *, requester: UnitId, at: datetime
) -> tuple[Grant, ...]:
    """The lines ``g1`` … ``gn`` of a request, in the order in which they are read.

    Raises:
        ConsentError: the one that names what the catalogue does not know, who is no member, or that
            there is nothing to grant, or too much.
    """
    collaboration = _checked(request, catalogue, requester=requester, at=at)
    lines = []
    for line in _lines(request, catalogue, collaboration):
        lines.append(line)
        if len(lines) > MAX_GRANTS:
            raise TooManyLines(f"at most {MAX_GRANTS}; name fewer services, purposes or categories")
    if not lines:
        raise NothingToGrant
    condition = _condition(request, collaboration)
    return tuple(
        Grant(
            id=GrantId(f"g{number}"),
            source=UnitId(line.source),
            recipient=UnitId(line.recipient),
            category=line.category,
            fields=line.covers if line.by_name else (),
            purpose=line.purpose,
            condition=condition,
            special=line.special,
            covers=line.covers,
            asked_with=condition.also,
        )
        for number, line in enumerate(lines, start=1)
    )


def _checked(
    request: ConsentRequest, catalogue: Catalogue, *, requester: UnitId, at: datetime
) -> Collaboration | None:
    if requester not in request.services:
        raise RequesterNotAmongServices
    _known(request.services, catalogue.units, UnknownUnit)
    _known(request.categories, catalogue.categories, UnknownCategory)
    _known(request.fields, catalogue.fields, UnknownField)
    _known(request.purposes, catalogue.purposes, UnknownPurpose)
    other = [p for p in request.purposes if catalogue.purposes[p].basis != "consent"]
    if other:
        raise PurposeNotByConsent(named(other))
    if request.about is not None:
        _check_family(request, catalogue)
    return None if request.collaboration is None else _agreement(request, catalogue, at)


def _check_family(request: ConsentRequest, catalogue: Catalogue) -> None:
    if request.categories or not all(catalogue.fields[name].third_party for name in request.fields):
        raise FamilyConsentInvalid("only fields about the family, by name")


def _agreement(request: ConsentRequest, catalogue: Catalogue, at: datetime) -> Collaboration:
    collaboration = catalogue.collaborations.get(request.collaboration or "")
    if collaboration is None or not collaboration.in_force(at):
        raise UnknownCollaboration(request.collaboration or "")
    if collaboration.arena in catalogue.limits.no_identified_arena:
        raise NotAboutAnyone
    if outside := set(request.services) - collaboration.members_at(at):
        raise NotAMember(named(outside))
    _known(request.purposes, collaboration.purposes, UnknownPurpose)
    return collaboration


def _condition(request: ConsentRequest, collaboration: Collaboration | None) -> Condition:
    """What every line is bound to: the collaboration's own condition where it has one, else what was asked for.

    What is asked for beside it stands either way.
    """
    form = None if collaboration is None else collaboration.consent
    if form is not None and form.condition in {"once", "until_event"}:
        return Condition(kind=form.condition, event=form.event, also=request.condition.also)
    asked = request.condition
    if asked.kind == "until_event" or asked.event is not None:
        raise ConditionNotHere
    if (asked.kind == "meeting") != (asked.meeting is not None):
        raise MeetingMissing
    if form is not None and form.condition == "meeting" and asked.kind != "meeting":
        raise MeetingMissing
    return asked


def _known(
    ids: Iterable[str],
    among: Iterable[str],
    error: type[UnknownUnit | UnknownCategory | UnknownField | UnknownPurpose],
) -> None:
    if unknown := set(ids) - set(among):
        raise error(named(unknown))


def _lines(
    request: ConsentRequest, catalogue: Catalogue, collaboration: Collaboration | None
) -> Iterator[Line]:
    for source in request.services:
        for recipient in request.services:
            if source == recipient:
                continue
            for purpose in request.purposes:
                yield from _between(request, catalogue, collaboration, source, recipient, purpose)


def _between(
    request: ConsentRequest,
    catalogue: Catalogue,
    collaboration: Collaboration | None,
    source: str,
    recipient: str,
    purpose: str,
) -> Iterator[Line]:
    """Category-wide lines, then those by name; special ones apart from the rest in both."""
    giver, taker = catalogue.units[source], catalogue.units[recipient]
    reach = catalogue.reach(purpose, taker, collaboration)
    by_name = [
        field
        for field in _held(catalogue, giver, request.fields)
        if not never(field, taker, catalogue, collaboration)
    ]
    reachable = [
        field
        for field in _held(catalogue, giver, reach)
        if field.category in request.categories
        and not never(field, taker, catalogue, collaboration)
        and not by_name_only(field, taker, catalogue, collaboration)
    ]
    explicit = catalogue.regimes[giver.regime].consent == "by_name"
    wide = [field for field in reachable if field.name not in request.fields]
    for category, special, names in _grouped(catalogue, wide):
        # A category-wide yes means all of it: where part has a line of its own, the rest is named,
        # or a no to that part would be passed by.
        everything = len(names) == sum(field.category == category for field in reachable)
        named_too = explicit or not everything
        yield Line(source, recipient, category, names, purpose, special, named_too)
    for category, special, names in _grouped(catalogue, by_name):
        yield Line(source, recipient, category, names, purpose, special, by_name=True)


def _grouped(
    catalogue: Catalogue, fields: Iterable[FieldDef]
) -> Iterator[tuple[str, bool, tuple[str, ...]]]:
    def key(field: FieldDef) -> tuple[str, bool]:
        return field.category, _special(catalogue, field)

    for (category, special), group in groupby(sorted(fields, key=key), key=key):
        yield category, special, tuple(field.name for field in group)


def _special(catalogue: Catalogue, field: FieldDef) -> bool:
    return field.sensitivity in SPECIAL or catalogue.categories[field.category].special


def _held(catalogue: Catalogue, giver: Unit, names: Iterable[str]) -> list[FieldDef]:
    """Those of ``names`` that the unit's type can be the source of, by name."""
    fields = (catalogue.fields[name] for name in sorted(names))
    return [field for field in fields if giver.type in field.source_types]
