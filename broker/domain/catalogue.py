"""The catalogue: what exists to be shared, by whom, why and how far, as the bundle's facts say it.

Typed and frozen; parsed once when a bundle is loaded. It answers what *exists* and what a
category-wide grant can reach; whether something may be shared is the policy engine's answer alone.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Literal

from broker.domain.anonymity import Vocabulary
from broker.domain.entries import Entry, Labelled
from broker.domain.shelves import (
    Ages18,
    CategoryDef,
    CeilingRule,
    Code,
    Collaboration,
    ComplaintDef,
    EventDef,
    FieldDef,
    Giver,
    LawLimits,
    Purpose,
    Reason,
    Regime,
    ServiceType,
    Statute,
    Unit,
)
from tillit.wire import (
    SUBJECT,
    CategoryId,
    CollaborationId,
    EventName,
    FieldName,
    GiverCode,
    Language,
    PurposeId,
    StatuteId,
    UnitId,
)

OLDEST = 120
"""An age that a group of all ages ends with: no birthday after it changes anything."""

_THE_SUBJECT: Mapping[Language, str] = {
    "nb": "Ungdommen selv",
    "nn": "Ungdommen sjølv",
    "en": "The youth in person",
}

Kind = Literal[
    "service_type",
    "category",
    "field",
    "purpose",
    "reason",
    "unit",
    "collaboration",
    "regime",
    "statute",
    "event",
    "complaint",
    "value",
    "role",
]


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
    statutes: dict[StatuteId, Statute]
    limits: LawLimits
    events: dict[EventName, EventDef]
    anonymous: Vocabulary
    givers: dict[GiverCode, Giver]
    complaints: dict[str, ComplaintDef]
    values: dict[str, Code]
    roles: dict[str, Code]

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

    def kin(self, unit: str) -> frozenset[str]:
        """The units that this one is easily taken for (its type's family), itself among them; itself alone where unknown."""
        known = self.units.get(unit)
        if known is None:
            return frozenset({unit})
        return self._families[self.service_types[known.type].family]

    @cached_property
    def _families(self) -> Mapping[str, frozenset[str]]:
        families: dict[str, set[str]] = {}
        for unit in self.units.values():
            families.setdefault(self.service_types[unit.type].family, set()).add(unit.id)
        return {family: frozenset(units) for family, units in families.items()}

    def triggers(self, purpose: str) -> tuple[FieldName, ...]:
        """The fields whose deposit sets off a statute that may serve this purpose."""
        found = (self.statutes[one].trigger for one in self._statutes_for(purpose))
        return tuple(trigger for trigger in found if trigger is not None)

    def invoked_for(self, purpose: str) -> bool:
        """Whether any statute that may serve this purpose must be invoked first."""
        return any(self.statutes[one].invoked_by != "nobody" for one in self._statutes_for(purpose))

    def age_thresholds(self, purpose: str = "", collaboration: str = "") -> tuple[int, ...]:
        """Ascending ages at which a birthday can change the answer to an ask for this purpose in this collaboration."""
        ages = {self.ages.adult, self.ages.heard_from, self.ages.weight_from}
        ages |= {self.ages.default.age, *(rule.age for rule in self.ages.categories.values())}
        serving = [self.statutes[one] for one in self._statutes_for(purpose)]
        groups = [statute.ages for statute in serving if statute.in_use]
        if agreed := self.collaborations.get(collaboration):
            groups.append(agreed.ages)
            ages |= set(agreed.signing_ages.values())
        ages |= {edge for group in groups for edge in (group.min, group.max + 1)}
        return tuple(sorted(age for age in ages if 0 < age <= OLDEST))

    def text(self, kind: Kind, key: str, language: Language) -> str:
        """What ``key`` is called in ``language``; the key itself where nothing is known by it."""
        if kind == "unit" and key == SUBJECT:
            return _THE_SUBJECT[language]
        entry = self._shelf(kind).get(key)
        return key if entry is None else str(getattr(entry.labels, language))

    def _statutes_for(self, purpose: str) -> tuple[str, ...]:
        known = self.purposes.get(purpose)
        return known.statutes if known else ()

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
            "statute": self.statutes,
            "event": self.events,
            "complaint": self.complaints,
            "value": self.values,
            "role": self.roles,
        }
        return shelves[kind]
