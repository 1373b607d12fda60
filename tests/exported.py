"""Exported consents, and what others' software makes of them: a JSON-LD processor that fetches nothing, a FHIR R4 parser."""

import json
from collections.abc import Iterator
from typing import Any

from fhir.resources.R4B.bundle import Bundle
from pyld import jsonld

from broker.exports import dpv, fhir
from broker.usecases import exporting
from broker.usecases.exporting import Export
from tests.house import EMIL, House

DPV = "https://w3id.org/dpv#"
# The words of DPV 2.3 that records may use: whatever else stood in one would mean nothing to anybody.
WORDS = frozenset(
    {
        "ConsentExpired",
        "ConsentGiven",
        "ConsentNotice",
        "ConsentRecord",
        "ConsentRefused",
        "ConsentRequestDeferred",
        "ConsentRequested",
        "ConsentStatusInvalidForProcessing",
        "ConsentWithdrawn",
        "DataSubject",
        "DataSubjectRight",
        "EndlessDuration",
        "Entity",
        "ExplicitlyExpressedConsent",
        "FixedOccurrencesDuration",
        "GuardianOfDataSubject",
        "OrganisationalUnit",
        "PersonalData",
        "Process",
        "Purpose",
        "SensitivePersonalData",
        "Share",
        "SpecialCategoryPersonalData",
        "StorageDuration",
        "UntilEventDuration",
        "UntilTimeDuration",
        "WithdrawConsent",
        "hasConsentControl",
        "hasConsentStatus",
        "hasDataController",
        "hasDataSource",
        "hasDataSubject",
        "hasDuration",
        "hasEntity",
        "hasIdentifier",
        "hasIndicationMethod",
        "hasJurisdiction",
        "hasLegalBasis",
        "hasName",
        "hasNotice",
        "hasPersonalData",
        "hasProcess",
        "hasProcessing",
        "hasPurpose",
        "hasRecipient",
        "hasRight",
        "hasStorageCondition",
        "isExercisedAt",
        "isIndicatedAtTime",
        "isIndicatedBy",
    }
)
OF_A_RECORD = frozenset(
    {
        "http://purl.org/dc/terms/conformsTo",
        "http://purl.org/dc/terms/identifier",
        "http://purl.org/dc/terms/language",
        *(
            f"{DPV}{word}"
            for word in (
                "hasIdentifier",
                "hasDataSubject",
                "hasNotice",
                "hasProcess",
                "hasConsentControl",
                "hasJurisdiction",
                "hasRight",
                "hasEntity",
                "hasConsentStatus",
                "hasLegalBasis",
            )
        ),
    }
)
"""What the guide's profile has in every record, at least once (its cardinalities 1 and 1..*)."""
OF_A_PROCESS = frozenset(
    f"{DPV}{word}"
    for word in (
        "hasPurpose",
        "hasPersonalData",
        "hasDataController",
        "hasRecipient",
        "hasStorageCondition",
    )
)


def exported(house: House, person: str = EMIL, **more: Any) -> Export:
    """What is exported of a person."""
    return exporting.export(person=house.hashed(person), language="nb", ports=house.ports, **more)


def document(house: House, person: str = EMIL) -> dict[str, Any]:
    """Their consents in JSON-LD, as a file has it."""
    made = dpv.consents(exported(house, person), ports=house.ports)
    return dict(json.loads(json.dumps(made)))


def nothing_is_fetched(url: str, _: object) -> dict[str, Any]:
    """What a JSON-LD processor calls for a context that is elsewhere."""
    raise AssertionError(url)


def graph(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The document as a JSON-LD processor reads it."""
    nodes: list[dict[str, Any]] = jsonld.expand(
        found, {"documentLoader": nothing_is_fetched, "keepFreeFloatingNodes": True}
    )
    return nodes


def inside(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in an expanded document."""
    if isinstance(value, dict):
        yield value
        for part in value.values():
            yield from inside(part)
    if isinstance(value, list):
        for part in value:
            yield from inside(part)


def records(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The records among the document's nodes."""
    return [node for node in found["@graph"] if node["@type"] == "dpv:ConsentRecord"]


def states(house: House, person: str = EMIL) -> list[str]:
    """In which states a person's records stand, the latest consent first."""
    return [record["tillit:state"] for record in records(document(house, person))]


def events(record: dict[str, Any]) -> list[list[str]]:
    """What happened, in DPV's words and ours."""
    return [event["@type"] for event in record["dpv:hasConsentStatus"]]


def statuses(house: House, person: str = EMIL) -> list[str]:
    """The statuses of their FHIR resources, each resource as R4 has it."""
    bundle = fhir.bundle(exported(house, person), ports=house.ports)
    read = Bundle.model_validate_json(json.dumps(bundle))
    assert json.loads(read.model_dump_json()) == json.loads(json.dumps(bundle))
    return [entry["resource"]["status"] for entry in bundle.get("entry", [])]


def check(found: dict[str, Any]) -> None:
    """A JSON-LD processor reads all of it, it uses DPV's words alone, and every record has what the profile asks for."""
    nodes = graph(found)
    assert len(nodes) == len(found["@graph"])
    ids = {node["@id"] for node in nodes}
    for one in inside(nodes):
        for key, value in one.items():
            assert key.startswith("@") or ":" in key
            named = value if key == "@type" and isinstance(value, list) else [key]
            named += [value] if key == "@id" else []
            for word in named:
                assert not word.startswith(DPV) or word.removeprefix(DPV) in WORDS, word
                assert not word.startswith("dpv:")
    for node in nodes:
        if f"{DPV}ConsentRecord" not in node["@type"]:
            continue
        assert OF_A_RECORD - node.keys() == set()
        for process in node[f"{DPV}hasProcess"]:
            assert OF_A_PROCESS - process.keys() == set()
            units = [*process[f"{DPV}hasRecipient"], *process[f"{DPV}hasDataSource"]]
            data = process[f"{DPV}hasPersonalData"]
            for one in (*units, *data, *process[f"{DPV}hasPurpose"]):
                assert one["@id"] in ids
        for status in node[f"{DPV}hasConsentStatus"]:
            assert f"{DPV}hasDuration" in status
            told = {f"{DPV}isIndicatedAtTime", f"{DPV}isIndicatedBy"} & status.keys()
            gaps = status.get("urn:tillit:terms:notStated", [])
            assert len(told) + len(gaps) == 2
    rdf = jsonld.to_rdf(found, {"documentLoader": nothing_is_fetched})["@default"]
    assert len(rdf) > len(nodes)
