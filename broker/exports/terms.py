"""Terms of consent records: the JSON-LD context, and what the catalogue calls the services, purposes and fields in them.

DPV 2.3 (https://w3id.org/dpv) and Dublin Core; what DPV has no word for is ours, ``urn:tillit:terms:``.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from broker.domain.catalogue import Catalogue
from broker.usecases.exporting import Record
from tillit.wire import FieldName, Language

CONTEXT: Final[Mapping[str, Any]] = {
    "@version": 1.1,
    "dct": "http://purl.org/dc/terms/",
    "dpv": "https://w3id.org/dpv#",
    "loc": "https://w3id.org/dpv/loc#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "tillit": "urn:tillit:terms:",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    **{
        term: {"@type": "@id"}
        for term in (
            "dct:conformsTo",
            "dct:isPartOf",
            "dct:publisher",
            "dpv:hasConsentControl",
            "dpv:hasConsentStatus",
            "dpv:hasDataController",
            "dpv:hasDataSource",
            "dpv:hasDataSubject",
            "dpv:hasEntity",
            "dpv:hasJurisdiction",
            "dpv:hasLegalBasis",
            "dpv:hasNotice",
            "dpv:hasPersonalData",
            "dpv:hasProcess",
            "dpv:hasProcessing",
            "dpv:hasPurpose",
            "dpv:hasRecipient",
            "dpv:hasRight",
            "dpv:hasStorageCondition",
            "dpv:isExercisedAt",
            "dpv:isIndicatedBy",
            "skos:broader",
        )
    },
    **{
        term: {"@type": "xsd:dateTime"}
        for term in ("dct:date", "dct:issued", "dct:modified", "dpv:isIndicatedAtTime")
    },
}

_ARTICLE_9: frozenset[str] = frozenset({"health", "substance"})
"""Categories of fields that are special ones in GDPR Article 9; others of ours that need a yes of their own are sensitive."""
_PARTY_GAPS = ["party_address", "party_contact"]


class Words:
    """What the catalogue calls the services, purposes and fields that records name, each once."""

    def __init__(self, catalogue: Catalogue, language: Language) -> None:
        self._catalogue, self._language = catalogue, language

    def described(self, records: Iterable[Record]) -> Iterator[dict[str, Any]]:
        """A node for each, in the order of their names."""
        views = [record.view for record in records]
        lines = [line for view in views for line in view.grants]
        units = {view.requested_by for view in views}
        units |= {unit for line in lines for unit in (line.source, line.recipient)}
        named = {name for record in records for names in record.means.values() for name in names}
        yield from (self._unit(unit) for unit in sorted(units))
        yield from (self._purpose(purpose) for purpose in sorted({g.purpose for g in lines}))
        yield from (self._category(category) for category in sorted({g.category for g in lines}))
        yield from (self._field(name) for name in sorted(named))

    def _unit(self, unit: str) -> dict[str, Any]:
        """A party (6.3.6): a unit, not the body that it belongs to, which the broker does not know."""
        return {
            "@id": unit_id(unit),
            "@type": "dpv:OrganisationalUnit",
            "dpv:hasName": self._catalogue.text("unit", unit, self._language),
            "dpv:hasIdentifier": unit,
            "tillit:notStated": list(_PARTY_GAPS),
        }

    def _purpose(self, purpose: str) -> dict[str, Any]:
        label = self._catalogue.text("purpose", purpose, self._language)
        return {
            "@id": purpose_id(purpose),
            "@type": "dpv:Purpose",
            "dct:identifier": purpose,
            "dct:title": text(label, self._language),
        }

    def _category(self, category: str) -> dict[str, Any]:
        known = self._catalogue.categories.get(category)
        special = known is None or known.special
        label = self._catalogue.text("category", category, self._language)
        return {
            "@id": category_id(category),
            "@type": "dpv:PersonalData",
            "dct:identifier": category,
            "dct:title": text(label, self._language),
            "skos:broader": _broader(category, sensitive=special),
        }

    def _field(self, name: FieldName) -> dict[str, Any]:
        """6.3.5. One that the catalogue has no more counts as sensitive."""
        known = self._catalogue.fields.get(name)
        category = name.partition(".")[0] if known is None else known.category
        sensitive = known is None or known.sensitivity != "ordinary"
        label = self._catalogue.text("field", name, self._language)
        return {
            "@id": field_id(name),
            "@type": "dpv:PersonalData",
            "dct:identifier": name,
            "dct:title": text(label, self._language),
            "skos:broader": [category_id(category), *_broader(category, sensitive=sensitive)],
        }


def unit_id(unit: str) -> str:
    """A service's IRI."""
    return f"urn:tillit:unit:{unit}"


def purpose_id(purpose: str) -> str:
    """A purpose's IRI."""
    return f"urn:tillit:purpose:{purpose}"


def category_id(category: str) -> str:
    """A category's IRI."""
    return f"urn:tillit:category:{category}"


def field_id(name: str) -> str:
    """A field's IRI."""
    return f"urn:tillit:field:{name}"


def _broader(category: str, *, sensitive: bool) -> list[str]:
    if category in _ARTICLE_9:
        return ["dpv:SpecialCategoryPersonalData"]
    return ["dpv:SensitivePersonalData" if sensitive else "dpv:PersonalData"]


def duration(kind: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """How long something lasts (DPV's kinds of duration)."""
    return {"@type": f"dpv:{kind}", "rdf:value": dict(value)}


def text(said: str, language: Language) -> dict[str, str]:
    """A text in its language."""
    return {"@value": said, "@language": language}


def instant(when: datetime) -> dict[str, str]:
    """A time as a typed value."""
    return {"@value": at(when), "@type": "xsd:dateTime"}


def at(when: datetime) -> str:
    """A time: RFC 3339, UTC."""
    return when.isoformat().replace("+00:00", "Z")
