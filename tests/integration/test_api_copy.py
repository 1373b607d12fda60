"""The files of one's copy over HTTP: for the person alone, each in the media type of its standard."""

import json
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from pyld import jsonld

from tests.integration.bad_input import NAV, a_request, refused
from tests.integration.world import EMIL, STRANGER, World

FILES = {
    "/v1/me/copy/consents.jsonld": "application/ld+json",
    "/v1/me/copy/consents.fhir.json": "application/fhir+json",
}


@pytest.fixture(scope="module")
def asked(world: World) -> str:
    """A consent that Emil was asked for."""
    made = world.post("/v1/consents", a_request(world.handle(NAV)), unit=NAV)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def test_other_software_reads_both(world: World, asked: str) -> None:
    """A JSON-LD processor with nothing but the file, and a FHIR R4 parser; each finds the consent."""
    records, bundle = (_file(world, path) for path in FILES)
    (expanded,) = (
        node
        for node in jsonld.expand(records)
        if node["@type"] == ["https://w3id.org/dpv#ConsentRecord"]
    )
    assert expanded["@id"].endswith(f"/v1/me/consents/{asked}#requested")
    (entry,) = json.loads(Bundle.model_validate(bundle).model_dump_json())["entry"]
    assert [one["value"] for one in entry["resource"]["identifier"]] == [asked]


@pytest.mark.parametrize("path", FILES)
def test_a_file_is_for_the_person_alone(world: World, asked: str, path: str) -> None:
    """With their own token; whoever the broker knows nothing of has nothing to fetch."""
    refused(world, world.get(path), status=401, code="token.missing", logged=False)
    refused(world, world.get(path, unit=NAV), status=401, code="token.invalid", logged=False)
    answer = world.get(path, person=STRANGER)
    assert (answer.status_code, answer.json()["code"]) == (404, "subject.none")
    assert asked not in answer.text


@pytest.mark.parametrize("path", FILES)
def test_the_description_says_of_what_media_type_a_file_is(world: World, path: str) -> None:
    """And of no other: a generated client reads it by that."""
    told = world.get("/openapi.json").json()["paths"][path]["get"]["responses"]["200"]
    assert list(told["content"]) == [FILES[path]]


def _file(world: World, path: str) -> dict[str, Any]:
    answer = world.get(path, person=EMIL)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == FILES[path]
    assert answer.headers["cache-control"] == "no-store"
    assert EMIL not in answer.text
    return dict(json.loads(answer.content))
