"""Events as FHIR R4 AuditEvent, by IHE Basic Audit Log Patterns (BALP) where it has a pattern.

A disclosure that released something is ``IHE.BasicAudit.PrivacyDisclosure.Source``: the broker discloses to the service whose
act it was. Whom it is about is masked (data-absent-reason), since events name nobody. Whatever BALP has no pattern for is a
plain R4 AuditEvent of type *Application Activity*, the entry's own type as its subtype.
"""

import uuid
from typing import Any

from tillit.jose import unb64u
from tillit.wire.auditing import AuditedEvent

DISCLOSURE = (
    "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PrivacyDisclosure.Source"
)

_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_LIFECYCLE = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
_OUTCOME = "http://terminology.hl7.org/CodeSystem/audit-event-outcome"
_ENTITY = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
_SOURCE = "http://terminology.hl7.org/CodeSystem/security-source-type"
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_URI = "5"
_RELEASED = frozenset({"released", "partly_released"})
_SUCCESS, _MINOR = "0", "4"


def audit_event(event: AuditedEvent, *, broker: str) -> dict[str, Any]:
    """The resource. ``broker`` is the address of the one that recorded it; the id follows from that and the index.

    *Not there*: the person and the actor, whom events do not name; the proof, for which ``tillit-audit proof`` is.
    """
    disclosed = event.type == "disclosure"
    released = disclosed and bool(_RELEASED.intersection(event.facets.get("outcome", ())))
    refused = "refused" in event.facets.get("outcome", ()) or event.type.endswith("refused")
    resource: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{broker}#{event.index}")),
        "type": _coding(_DCM, "110106", "Export")
        if disclosed
        else _coding(_DCM, "110100", "Application Activity"),
        "subtype": [
            *([_coding(_LIFECYCLE, "disclose", "Disclose Record Lifecycle Event")] * disclosed),
            _coding("urn:tillit:entry", event.type),
        ],
        "action": "R" if disclosed else "E",
        "recorded": event.at.isoformat().replace("+00:00", "Z"),
        "outcome": _MINOR if refused else _SUCCESS,
        "agent": _agents(event, broker),
        "source": {
            "observer": _who("urn:tillit:broker", broker),
            "type": [_coding(_SOURCE, "4", "Application Server")],
        },
        "entity": [*([_patient()] * disclosed), _entry(event)],
    }
    if released:
        resource["meta"] = {"profile": [DISCLOSURE]}
    if reasons := event.facets.get("reason"):
        resource["outcomeDesc"] = " ".join(reasons)
    if purposes := event.facets.get("purpose"):
        resource["purposeOfEvent"] = [
            {"coding": [_coding("urn:tillit:purpose", p)]} for p in purposes
        ]
    return resource


def _agents(event: AuditedEvent, broker: str) -> list[dict[str, Any]]:
    """The broker, from which things come, and the service whose act it was; others that are named take part beside them."""
    first, *others = event.facets.get("service", ("",))
    agents = [_agent("110153", "Source Role ID", "urn:tillit:broker", broker, broker)]
    if first:
        there = f"urn:tillit:unit:{first}"
        agents.append(_agent("110152", "Destination Role ID", "urn:tillit:unit", first, there))
        agents[-1]["requestor"] = True
    agents += [{"who": _who("urn:tillit:unit", unit), "requestor": False} for unit in others]
    return agents


def _agent(code: str, display: str, system: str, value: str, address: str) -> dict[str, Any]:
    return {
        "type": {"coding": [_coding(_DCM, code, display)]},
        "who": _who(system, value),
        "requestor": False,
        "network": {"address": address, "type": _URI},
    }


def _who(system: str, value: str) -> dict[str, Any]:
    return {"identifier": {"system": system, "value": value}, "display": value}


def _patient() -> dict[str, Any]:
    masked = {"extension": [{"url": _ABSENT, "valueCode": "masked"}], "type": "Patient"}
    return {
        "what": masked,
        "type": _coding(_ENTITY, "1", "Person"),
        "role": _coding(_ROLE, "1", "Patient"),
    }


def _entry(event: AuditedEvent) -> dict[str, Any]:
    """The log's entry, found by its leaf's hash."""
    hashed = unb64u(event.leaf_hash).hex()
    found_by = [
        {"type": kind, "valueString": word}
        for kind, words in event.facets.items()
        for word in words
    ]
    detail = [{"type": "index", "valueString": str(event.index)}, *found_by]
    what = {"identifier": {"system": "urn:tillit:leaf", "value": f"urn:sha256:{hashed}"}}
    return {
        "what": what,
        "type": _coding(_ENTITY, "2", "System Object"),
        "role": _coding(_ROLE, "3", "Report"),
        "detail": detail,
    }


def _coding(system: str, code: str, display: str = "") -> dict[str, str]:
    return {"system": system, "code": code, **({"display": display} if display else {})}
