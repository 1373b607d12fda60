"""Consents as HL7 FHIR R4 Consent resources (http://hl7.org/fhir/R4/consent.html), together in one Bundle.

The root provision has a period and no type: by the policy rule OPTIN nothing is let through but what a nested provision
permits, one for each line (actor, purpose, data); a line that nobody's yes stands for is a nested deny, one that was put off is
left out. R4 has no word for a pause: such a consent is ``inactive`` like one that has ended, and an extension
(``urn:tillit:consent-state``) has our own word.
Categories follow IHE PCF 1.1. Codes of fields, purposes and services are ours (``urn:tillit:…``): no terminology has them.
"""

import base64
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Final

from broker.exports.terms import at
from broker.ports import Ports
from broker.usecases.exporting import Export, Record
from tillit.wire import ConsentState, GrantView

MEDIA_TYPE: Final = "application/fhir+json"
STATE: Final = "urn:tillit:consent-state"
ALSO: Final = "urn:tillit:asked-at-each-ask"
CONDITION: Final = "urn:tillit:condition"

_ACTIONS = "http://terminology.hl7.org/CodeSystem/consentaction"
_ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
_STATUS: Mapping[ConsentState, str] = {
    "draft": "draft",
    "requested": "proposed",
    "partly_signed": "proposed",
    "active": "active",
    "paused": "inactive",
    "withdrawn": "inactive",
    "expired": "inactive",
    "superseded": "inactive",
    "lapsed": "inactive",
    "refused": "rejected",
}


def bundle(export: Export, *, ports: Ports) -> dict[str, Any]:
    """Every consent of an export.

    *Not there*: who a family member is, and who a guardian is; where and how long a recipient keeps what it is told.
    """
    entries = [_Consent(record, export, ports).entry() for record in export.records]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": at(export.copy.generated_at),
        **({"entry": entries} if entries else {}),
    }


class _Consent:
    """One consent."""

    def __init__(self, record: Record, export: Export, ports: Ports) -> None:
        self._record, self._view = record, record.view
        self._person = _by("urn:tillit:person", export.person)
        self._issuer: str = ports.issuer
        self._catalogue = ports.catalogue
        self._language = export.language

    def entry(self) -> dict[str, Any]:
        """The resource in its place in the bundle; its id follows from the broker's address and the consent's."""
        name = uuid.uuid5(uuid.NAMESPACE_URL, f"{self._issuer}/v1/me/consents/{self._view.id}")
        return {"fullUrl": f"urn:uuid:{name}", "resource": {**self._resource(), "id": str(name)}}

    def _resource(self) -> dict[str, Any]:
        view = self._view
        mine = self._record.answers is not None
        return {
            "resourceType": "Consent",
            "meta": {"versionId": str(view.version)},
            "extension": [{"url": STATE, "valueCode": view.state}],
            "identifier": [{"system": "urn:tillit:consent", "value": view.id}],
            "status": self._status(),
            "scope": {"coding": [{"system": _SCOPE, "code": "patient-privacy"}]},
            "category": [
                {"coding": [{"system": "http://loinc.org", "code": "59284-0"}]},
                {"coding": [{"system": _ACT, "code": "IDSCL"}]},
            ],
            **({"patient": {"type": "Patient", **self._person}} if mine else {}),
            "dateTime": at(view.requested_at),
            **self._performers(),
            "organization": [self._unit(view.requested_by)],
            "sourceAttachment": {
                "contentType": "text/plain; charset=utf-8",
                "language": view.language,
                "data": base64.b64encode(view.text.encode()).decode(),
            },
            "policyRule": {"coding": [{"system": _ACT, "code": "OPTIN"}]},
            "provision": self._provision(),
        }

    def _status(self) -> str:
        """``active`` only while a line of it is in force."""
        standings = {self._record.standing(line) for line in self._view.grants}
        over = self._view.state == "active" and "given" not in standings
        return "inactive" if over else _STATUS[self._view.state]

    def _performers(self) -> dict[str, Any]:
        """Who answered with a yes; R4 leaves open which of them did which line."""
        kinds = {one.by for one in self._record.answers or () if one.yes}
        people = [{"type": "Patient", **self._person}] if "subject" in kinds else []
        if "guardian" in kinds:
            people.append({"type": "RelatedPerson", "display": "A guardian"})
        return {"performer": people} if people else {}

    def _provision(self) -> dict[str, Any]:
        view = self._view
        begins = view.valid_from or view.requested_at
        unsaid = {"deferred"} | ({"requested"} if view.state == "active" else set[str]())
        said = [line for line in view.grants if self._record.standing(line) not in unsaid]
        return {
            "period": {"start": at(begins), "end": at(view.valid_until)},
            **({"provision": [self._line(line) for line in said]} if said else {}),
        }

    def _line(self, line: GrantView) -> dict[str, Any]:
        """One line: permitted as long as the consent's status says so, or denied. Its end is the consent's, or nearer."""
        standing = self._record.standing(line)
        denied = standing in {"refused", "not_given"} or line.id in self._record.over
        extensions = list(self._conditions(line))
        names = self._record.means.get(line.id, ())
        codes = [self._code("field", name) for name in names]
        return {
            "id": line.id,
            **({"extension": extensions} if extensions else {}),
            "type": "deny" if denied else "permit",
            "actor": [
                _actor("IRCP", self._unit(line.recipient)),
                _actor("CST", self._unit(line.source)),
            ],
            "action": [{"coding": [{"system": _ACTIONS, "code": "disclose"}]}],
            "purpose": [self._coding("purpose", line.purpose)],
            "code": codes or [self._code("category", line.category)],
        }

    def _conditions(self, line: GrantView) -> Iterator[dict[str, Any]]:
        condition = line.condition
        if condition.kind != "standing":
            until = condition.meeting or condition.event
            text = f"{condition.kind} {until}" if until else condition.kind
            yield {"url": CONDITION, "valueString": text}
        if condition.also is not None:
            yield {"url": ALSO, "valueString": condition.also}

    def _unit(self, unit: str) -> dict[str, Any]:
        label = self._catalogue.text("unit", unit, self._language)
        return {"type": "Organization", **_by("urn:tillit:unit", unit), "display": label}

    def _code(self, kind: Any, key: str) -> dict[str, Any]:
        return {"coding": [self._coding(kind, key)]}

    def _coding(self, kind: Any, key: str) -> dict[str, str]:
        label = self._catalogue.text(kind, key, self._language)
        return {"system": f"urn:tillit:{kind}", "code": key, "display": label}


def _actor(role: str, reference: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "role": {"coding": [{"system": _PARTICIPATION, "code": role}]},
        "reference": dict(reference),
    }


def _by(system: str, value: str) -> dict[str, Any]:
    return {"identifier": {"system": system, "value": value}}
