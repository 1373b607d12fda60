"""Shelves: what an entry of each shelf of the catalogue says, from service types to statutes."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from broker.domain.entries import Entry, Labelled, Labels, Sourced
from tillit.wire import (
    CategoryId,
    CollaborationId,
    ComplaintReason,
    EventName,
    FieldName,
    GiverCode,
    Language,
    PurposeId,
    StatuteId,
    UnitId,
)

Sensitivity = Literal["ordinary", "confidential", "special", "justice", "third_party"]
Days = Annotated[int, Field(ge=1, le=366)]


class ServiceType(Labelled):
    """A kind of service; ``health`` types are reached where a ceiling says ``@health``.

    Units of one ``family`` are easily taken for one another (the two sides of Nav).
    """

    id: str
    family: str
    health: bool


class CategoryDef(Labelled):
    """A category of fields. ``special`` ones need a yes of their own."""

    id: CategoryId
    special: bool


class FieldDef(Labelled):
    """The smallest thing that can be shared.

    ``derived_from`` names the field that a generalised value is made from; ``authored_by`` says who
    alone may write it.
    """

    name: FieldName
    category: CategoryId
    sensitivity: Sensitivity
    source_types: tuple[str, ...]
    json_schema: dict[str, Any]
    third_party: bool
    derived_from: FieldName | None = None
    authored_by: Literal["subject"] | None = None


class Purpose(Labelled):
    """Why. ``basis``: what it mainly rests on; ``control`` purposes never learn of refusals.

    ``statutes`` may serve as its ground, whatever its basis.
    """

    id: PurposeId
    basis: Literal["consent", "statute", "emergency", "none"]
    control: bool
    statutes: tuple[StatuteId, ...] = ()


class CeilingRule(Entry):
    """What one group of recipients can reach for a purpose.

    ``recipients`` are service types, ``@members`` (of the collaboration asked in) or ``@health``
    (types that give health care).
    """

    recipients: tuple[str, ...]
    categories: tuple[CategoryId, ...] = ()
    fields: tuple[FieldName, ...] = ()


class Told(Labelled):
    """Something said about the subject to others; ``own`` is how the subject is told, where that differs."""

    own: Labels | None = None

    def said(self, language: Language, *, to_subject: bool) -> str:
        """The text for one reader."""
        labels = self.own if to_subject and self.own else self.labels
        return str(getattr(labels, language))


class Giver(Told):
    """Who could give what is missing, in a sentence."""

    code: GiverCode


class Reason(Told):
    """Why something is withheld, in words that need no training; what is ``missing``, and who could give it.

    ``law``: the legal entries it rests on, if any.
    """

    code: str
    missing: Labels
    giver: GiverCode
    law: Literal["ages", "limits", "regimes", "statutes"] | None = None


class Regime(Labelled, Sourced):
    """A source's confidentiality; ``consent``: a category grant lifts it, or only one by name."""

    id: str
    consent: Literal["category", "by_name"]
    pledge: bool


class Place(Entry):
    """Where a unit answers for people; ``municipality`` is null for a county-wide unit."""

    county: str
    municipality: str | None = None


class Unit(Labelled):
    """An organisational unit that can send or receive; ``pledge_until`` under regime ``pledge``."""

    id: UnitId
    type: str
    place: Place
    sector: Literal["state", "county", "municipal", "private", "voluntary"]
    regime: str
    roles: tuple[str, ...]
    pledge_until: AwareDatetime | None = None


class Member(Entry):
    """A unit's membership of a collaboration, from and until (exclusive); null while it lasts.

    ``from_stage``: it takes part once a case has reached that point (0: from the start).
    """

    unit: UnitId
    attendance: Literal["fixed", "on_demand"]
    valid_from: AwareDatetime
    valid_until: AwareDatetime | None
    from_stage: Annotated[int, Field(ge=0, le=99)] = 0


class Ages(Entry):
    """Target group, both ends included."""

    min: int
    max: int


class Cadence(Entry):
    """How often a forum meets, how long, and how many cases it takes."""

    every: Literal["day", "week", "fortnight", "month", "quarter", "year", "ad_hoc"]
    minutes: int | None = None
    cases_min: int | None = None
    cases_max: int | None = None


class ConsentForm(Entry):
    """How consent is given here, and whether a case may be listed before it.

    ``condition``: what every grant in the collaboration is bound to; ``until_event`` names the ``event`` that ends it.
    """

    forms: tuple[Literal["oral", "written", "digital"], ...]
    before_listing: bool
    condition: Literal["standing", "once", "meeting", "until_event"]
    event: EventName | None = None


class ResponsibleRule(Labelled):
    """Who keeps the ball: the rule's id and how it is explained."""

    id: Literal["reporting_service", "coordinator", "chosen_by_subject", "stafettholder"]


class Kept(Entry):
    """What is kept back: whole categories, and single fields."""

    categories: tuple[CategoryId, ...] = ()
    fields: tuple[FieldName, ...] = ()

    def holds(self, field: FieldDef) -> bool:
        """Whether the field is among them."""
        return field.category in self.categories or field.name in self.fields


class LocalLimits(Entry):
    """What the services agreed to keep back, on top of the law's own limits.

    ``never``: not even by name. ``by_name_only``: service type → categories that it gets by name only.
    """

    never: Kept = Kept()
    by_name_only: dict[str, Kept] = Field(default={})


class ProtectedAddress(Entry):
    """What a protected address keeps back: fields from everybody, categories unless granted by name."""

    never: tuple[FieldName, ...]
    by_name_only: tuple[CategoryId, ...]


class LawLimits(Sourced):
    """What no consent passes (law.md): per recipient's type never, or by name only; purposes and arenas about nobody."""

    never: dict[str, Kept]
    by_name_only: dict[str, Kept]
    protected_address: ProtectedAddress
    no_identified_field: tuple[PurposeId, ...]
    no_identified_arena: tuple[str, ...]


class Code(Labelled):
    """A code of a value or a role, as a person reads it."""

    code: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$", max_length=60)]


class ComplaintDef(Labelled):
    """Why a disclosure may look wrong to a subject, in the subject's own words."""

    id: ComplaintReason


class EventDef(Labelled):
    """An event that ends a grant; its labels end the sentence "only until …"."""

    id: EventName


class Collaboration(Labelled):
    """A named agreement between services; ``categories`` bound its category-wide grants.

    ``signing_ages``: category (or ``default``) → the age at which the subject signs alone here, never below the law's floor.
    ``ends_with``: no consent outlasts the school year. ``stages``: the last point of its pathway, 0 where it has none.
    """

    id: CollaborationId
    members: tuple[Member, ...]
    coordinator: UnitId
    purposes: tuple[PurposeId, ...]
    categories: tuple[CategoryId, ...]
    ages: Ages
    arena: Literal["forum", "meeting_place", "individual", "panel", "system"]
    subject_present: bool
    cadence: Cadence
    consent: ConsentForm
    responsible: ResponsibleRule
    rules: tuple[Labels, ...]
    meeting_required_for: tuple[PurposeId, ...]
    default_days: Days
    max_days: Days
    guardians_rule: Literal["one", "all"]
    cooldown_days: int
    erase_after: str
    valid_from: AwareDatetime
    valid_until: AwareDatetime | None
    source: str
    signing_ages: dict[str, Annotated[int, Field(ge=7, le=18)]] = Field(default={})
    limits: LocalLimits = LocalLimits()
    ends_with: Literal["school_year"] | None = None
    stages: Annotated[int, Field(ge=0, le=99)] = 0

    def members_at(self, at: datetime) -> frozenset[str]:
        """The units that are members at that moment."""
        return frozenset(m.unit for m in self.members if _within(at, m.valid_from, m.valid_until))

    def in_force(self, at: datetime) -> bool:
        """Whether the agreement itself holds at that moment."""
        return _within(at, self.valid_from, self.valid_until)


class AgeRule(Sourced):
    """From which age the subject signs alone in a category; a collaboration may say another, not below ``floor``."""

    age: Annotated[int, Field(ge=7, le=18)]
    floor: Annotated[int, Field(ge=7, le=18)]


class Ages18(Entry):
    """The ages of law.md: per category, and the general ones. At ``transitions`` a change is proposed ahead, never made."""

    adult: int
    heard_from: int
    weight_from: int
    default: AgeRule
    categories: dict[CategoryId, AgeRule]
    transitions: tuple[Annotated[int, Field(ge=7, le=40)], ...]


class Side(Entry):
    """Units at one end of a statute: each list that is not empty must hold the unit's own."""

    types: tuple[str, ...] = ()
    regimes: tuple[str, ...] = ()
    sectors: tuple[str, ...] = ()

    def holds(self, unit: Unit) -> bool:
        """Whether the unit may stand at this end."""
        ends = (
            (self.types, unit.type),
            (self.regimes, unit.regime),
            (self.sectors, unit.sector),
        )
        return all(not allowed or own in allowed for allowed, own in ends)


class Statute(Labelled, Sourced):
    """A legal ground other than consent. Off where ``in_use`` is false.

    ``from`` and ``to`` are sources and recipients; ``fields`` and ``categories`` what may be shared, both empty where whoever
    invokes names the fields. ``same_type`` and ``same_county`` bind the two ends to each other; ``trigger``: only a source
    that has deposited this field about the subject tells anything. ``invoked_by`` nobody: the ask alone is enough. ``hours``
    bounds an invocation; ``roles`` who may invoke, empty for any. ``notice`` is how the subject is told, ``max_delay_days``
    how long that may wait.
    """

    id: StatuteId
    name: str
    ground: Literal["statute", "emergency"]
    in_use: bool
    source_side: Annotated[Side, Field(alias="from")]
    recipient_side: Annotated[Side, Field(alias="to")]
    same_type: bool
    same_county: bool
    trigger: FieldName | None
    categories: tuple[CategoryId, ...]
    fields: tuple[FieldName, ...]
    ages: Ages
    invoked_by: Literal["nobody", "source", "recipient"]
    roles: tuple[str, ...]
    second_person: bool
    necessity: bool
    unless_objected: bool
    hours: Annotated[int, Field(ge=0, le=24 * 366)]
    notice: Literal["immediate", "digest", "delayed", "none"]
    max_delay_days: Annotated[int, Field(ge=0, le=30)]
    review: bool


def _within(at: datetime, start: datetime, end: datetime | None) -> bool:
    return start <= at and (end is None or at < end)
