"""What people call for the files of their copy: the consents in formats of their own standards."""

from typing import Any

from broker.api.endpoints import Endpoints, Exchange, Reply, as_json
from broker.errors import NotASubject
from broker.exports import dpv, fhir
from broker.usecases import exporting
from broker.usecases.exporting import Export

endpoints = Endpoints()


@endpoints.get(
    "/v1/me/copy/consents.jsonld", "person", refuses=(NotASubject,), media=dpv.MEDIA_TYPE
)
def my_consent_records(given: Exchange[Any]) -> Reply:
    """The person's consents as consent records after ISO/IEC TS 27560:2023, in JSON-LD with the W3C Data Privacy Vocabulary."""
    return as_json(dpv.consents(_export(given), ports=given.ports), media_type=dpv.MEDIA_TYPE)


@endpoints.get(
    "/v1/me/copy/consents.fhir.json", "person", refuses=(NotASubject,), media=fhir.MEDIA_TYPE
)
def my_fhir_consents(given: Exchange[Any]) -> Reply:
    """The person's consents as HL7 FHIR R4 Consent resources in one Bundle."""
    return as_json(fhir.bundle(_export(given), ports=given.ports), media_type=fhir.MEDIA_TYPE)


def _export(given: Exchange[Any]) -> Export:
    return exporting.export(person=given.person, language=given.language, ports=given.ports)
