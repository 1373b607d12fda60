"""The catalogue: what exists to be shared, by whom, why and how far, as the bundle's facts say it.

Typed and frozen; parsed once when a bundle is loaded. It answers what *exists* and what a
category-wide grant can reach; whether something may be shared is the policy engine's answer alone.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from tillit.wire import CategoryId, CollaborationId, FieldName, Language, PurposeId, UnitId

Sensitivity = Literal["ordinary", "confidential", "special", "justice", "third_party"]
Kind = Literal[
    "service_type", "category", "field", "purpose", "reason", "unit", "collaboration", "regime"
]
Days = Annotated[int, Field(ge=1, le=366)]


class Entry(BaseModel):
    """Frozen and closed: a misspelt member of a facts file is an error when it is loaded."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Labels(Entry):
    """One thing said plainly in Bokmål, Nynorsk and English."""

    nb: Annotated[str, Field(min_length=1)]
    nn: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]


class Labelled(Entry):
    """Anything that can be named to a person."""

    labels: Labels


class Sourced(Entry):
    """Where a legal parameter comes from; ``reviewed_by`` is null until a lawyer has signed."""

    source: str
    as_of: str
    reviewed_by: str | None


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
    """Why. ``basis``: what it can rest on; ``control`` purposes never learn of refusals."""

    id: PurposeId
    basis: Literal["consent", "statute", "emergency", "none"]
    control: bool


class CeilingRule(Entry):
    """What one group of recipients can reach for a purpose.

    ``recipients`` are service types, ``@members`` (of the collaboration asked in) or ``@health``
    (types that give health care).
    """

    recipients: tuple[str, ...]
    categories: tuple[CategoryId, ...] = ()
    fields: tuple[FieldName, ...] = ()


class Reason(Labelled):
    """Why something is withheld, in words that need no training."""

    code: str


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
    """A unit's membership of a collaboration, from and until (exclusive); null while it lasts."""

    unit: UnitId
    attendance: Literal["fixed", "on_demand"]
    valid_from: AwareDatetime
    valid_until: AwareDatetime | None


class Ages(Entry):
    """Target group, both ends included."""

    min: int
    max: int


class Cadence(Entry):
    """How often a forum meets, how long, and how many cases it takes."""

    every: Literal["day", "week", "fortnight", "month", "quarter", "ad_hoc"]
    minutes: int | None = None
    cases_min: int | None = None
    cases_max: int | None = None


class ConsentForm(Entry):
    """How consent is given here, and whether a case may be listed before it."""

    forms: tuple[Literal["oral", "written", "digital"], ...]
    before_listing: bool
    condition: Literal["standing", "once", "meeting"]


class ResponsibleRule(Labelled):
    """Who keeps the ball: the rule's id and how it is explained."""

    id: Literal["reporting_service", "coordinator", "chosen_by_subject"]


class Collaboration(Labelled):
    """A named agreement between services; ``categories`` bound its category-wide grants."""

    id: CollaborationId
    members: tuple[Member, ...]
    coordinator: UnitId
    purposes: tuple[PurposeId, ...]
    categories: tuple[CategoryId, ...]
    ages: Ages
    arena: Literal["forum", "meeting_place", "individual", "panel"]
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

    def members_at(self, at: datetime) -> frozenset[str]:
        """The units that are members at that moment."""
        return frozenset(m.unit for m in self.members if _within(at, m.valid_from, m.valid_until))

    def in_force(self, at: datetime) -> bool:
        """Whether the agreement itself holds at that moment."""
        return _within(at, self.valid_from, self.valid_until)


class AgeRule(Sourced):
    """From which age the subject signs alone in a category."""

    age: Annotated[int, Field(ge=7, le=18)]


class Ages18(Entry):
    """The ages of law.md: per category, and the general ones."""

    adult: int
    heard_from: int
    weight_from: int
    default: AgeRule
    categories: dict[CategoryId, AgeRule]


class Catalogue(Entry):
    """Everything the bundle's facts name, keyed by id."""

    service_types: dict[str, ServiceType]
    categories: dict[CategoryId, CategoryDef]
    fields: dict[FieldName, FieldDef]
    purposes: dict[PurposeId, Purpose]
    ceilings: dict[PurposeId, tuple[CeilingRule, ...]]
    reasons: dict[str, Reason]
    regimes: dict[str, Regime]
    units: dict[UnitId, Unit]
    collaborations: dict[CollaborationId, Collaboration]
    ages: Ages18

    def reach(
        self, purpose: str, recipient: Unit, collaboration: Collaboration | None = None
    ) -> frozenset[str]:
        """The fields a category-wide grant to ``recipient`` can reach for ``purpose``.

        Not checked here: hard limits, membership, validity; those are decided at each ask.
        """
        rules = [
            rule
            for rule in self.ceilings.get(purpose, ())
            if self._applies(rule, recipient, inside=collaboration is not None)
        ]
        return frozenset(
            name
            for name, field in self.fields.items()
            if (collaboration is None or field.category in collaboration.categories)
            and any(field.category in rule.categories or name in rule.fields for rule in rules)
        )

    def age_thresholds(self) -> tuple[int, ...]:
        """Ascending ages at which a birthday changes what the law says about signing."""
        ages = {self.ages.adult, self.ages.heard_from, self.ages.weight_from}
        ages |= {self.ages.default.age, *(rule.age for rule in self.ages.categories.values())}
        return tuple(sorted(ages))

    def text(self, kind: Kind, key: str, language: Language) -> str:
        """What ``key`` is called in ``language``; the key itself where nothing is known by it."""
        entry = self._shelf(kind).get(key)
        return key if entry is None else str(getattr(entry.labels, language))

    def _applies(self, rule: CeilingRule, recipient: Unit, *, inside: bool) -> bool:
        health = recipient.type in self.service_types and self.service_types[recipient.type].health
        return (
            recipient.type in rule.recipients
            or (inside and "@members" in rule.recipients)
            or (health and "@health" in rule.recipients)
        )

    def _shelf(self, kind: Kind) -> Mapping[str, Labelled]:
        shelves: dict[Kind, Mapping[str, Labelled]] = {
            "service_type": self.service_types,
            "category": self.categories,
            "field": self.fields,
            "purpose": self.purposes,
            "reason": self.reasons,
            "unit": self.units,
            "collaboration": self.collaborations,
            "regime": self.regimes,
        }
        return shelves[kind]


def _within(at: datetime, start: datetime, end: datetime | None) -> bool:
    return start <= at and (end is None or at < end)
