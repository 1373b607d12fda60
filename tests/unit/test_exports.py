"""Exports: whole or not at all, no formula in a spreadsheet, and FHIR as R4 and IHE BALP have it."""

import base64
import csv
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from audit.errors import SourceUnavailable
from audit.exports import COLUMNS, FormatMissing, cell, export
from audit.fhir import DISCLOSURE, audit_event
from tillit.jose import b64u
from tillit.wire.auditing import AuditedEvent

BROKER = "https://broker.example"
NAV, SCHOOL = "nav-larvik", "thor-heyerdahl-vgs"
AT = datetime(2026, 11, 23, 9, 0, 1, 500, tzinfo=UTC)


def event(index: int = 7, **changes: Any) -> AuditedEvent:
    """A release by the school to Nav, but for the changes."""
    sound = {
        "index": index,
        "type": "disclosure",
        "at": AT,
        "commitment": b64u(bytes([index]) * 32),
        "leaf_hash": b64u(bytes([255 - index]) * 32),
        "facets": {
            "service": (NAV, SCHOOL),
            "purpose": ("case_discussion",),
            "outcome": ("partly_released",),
            "ground": ("consent",),
            "reason": ("consent.no_grant",),
        },
    }
    return AuditedEvent.model_validate({**sound, **changes})


def coded(element: Any) -> tuple[str, str]:
    """A coding's system and code."""
    return element["system"].rpartition("/")[2], element["code"]


def test_a_release_is_a_privacy_disclosure_at_its_source() -> None:
    """Every element that BALP's profile requires, as Disclose.fsh of IHE ITI.BasicAudit 1.1 has it."""
    resource = audit_event(event(), broker=BROKER)
    assert resource["resourceType"] == "AuditEvent"
    assert resource["meta"]["profile"] == [DISCLOSURE]
    assert "modifierExtension" not in resource
    assert (coded(resource["type"]), resource["action"]) == (("DCM", "110106"), "R")
    assert ("iso-21089-lifecycle", "disclose") in [coded(each) for each in resource["subtype"]]
    assert (resource["recorded"], resource["outcome"]) == ("2026-11-23T09:00:01.000500Z", "0")
    assert resource["outcomeDesc"] == "consent.no_grant"
    by_type = {
        coded(agent["type"]["coding"][0]): agent for agent in resource["agent"] if "type" in agent
    }
    source, recipient = by_type["DCM", "110153"], by_type["DCM", "110152"]
    # Invariant val-audit-source: the audit source is this agent too.
    assert source["who"] == resource["source"]["observer"]
    assert recipient["who"]["identifier"]["value"] == NAV
    assert all(agent["network"]["type"] == "5" for agent in (source, recipient))
    assert all(isinstance(agent["requestor"], bool) for agent in resource["agent"])
    patient, entry = resource["entity"]
    assert (coded(patient["type"]), coded(patient["role"])) == (
        ("audit-entity-type", "1"),
        ("object-role", "1"),
    )
    assert patient["what"]["type"] == "Patient"
    assert patient["what"]["extension"][0]["valueCode"] == "masked"
    assert entry["what"]["identifier"]["value"] == "urn:sha256:" + (bytes([248]) * 32).hex()
    detail = {(each["type"], each["valueString"]) for each in entry["detail"]}
    assert {("index", "7"), ("ground", "consent")} <= detail


def test_a_refusal_is_no_disclosure_that_happened() -> None:
    """It claims no profile, and says that it failed and why."""
    refused = event(facets={"service": (NAV,), "outcome": ("refused",), "reason": ("ceiling.a",)})
    resource = audit_event(refused, broker=BROKER)
    assert "meta" not in resource
    assert (resource["outcome"], resource["outcomeDesc"]) == ("4", "ceiling.a")
    assert len(resource["agent"]) == 2


def test_whatever_else_is_an_application_activity() -> None:
    """Also one that no service did; R4 wants an agent, a source and a type in each."""
    resource = audit_event(event(type="policy.loaded", facets={}), broker=BROKER)
    assert coded(resource["type"]) == ("DCM", "110100")
    assert resource["subtype"] == [{"system": "urn:tillit:entry", "code": "policy.loaded"}]
    assert [agent["who"]["identifier"]["value"] for agent in resource["agent"]] == [BROKER]
    assert resource["source"]["observer"]["identifier"]["value"] == BROKER
    assert len(resource["entity"]) == 1
    assert "purposeOfEvent" not in resource


def test_one_entry_has_one_id() -> None:
    """However often it is exported; another broker's has another."""
    ids = [audit_event(event(n), broker=b)["id"] for n in (1, 1, 2) for b in (BROKER, "https://b")]
    assert ids[0] == ids[2]
    assert len(set(ids)) == 4


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\tx", "\rx", "\nx", "|x", "%x"])
def test_no_cell_is_a_formula(text: str) -> None:
    """Who opens the file in a spreadsheet runs nothing of it."""
    assert cell(text) == "'" + text
    assert cell("nav-larvik") == "nav-larvik"


def test_csv_is_read_back(tmp_path: Path) -> None:
    """A row each, hashes in hex, words of a kind beside each other."""
    count = export([event(1), event(2)], tmp_path / "a.csv", form="csv", broker=BROKER)
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert (count, tuple(rows[0])) == (2, COLUMNS)
    assert rows[0]["service"] == f"{NAV} {SCHOOL}"
    assert rows[0]["leaf_hash"] == (bytes([254]) * 32).hex()
    assert not any(value.startswith(("=", "+", "-", "@")) for value in rows[1].values())


@pytest.mark.parametrize("form", ["jsonl", "fhir"])
def test_lines_are_json(tmp_path: Path, form: str) -> None:
    """A document a line, so that millions can be read one by one."""
    path = tmp_path / "a"
    assert export([event(1), event(2)], path, form=form, broker=BROKER) == 2
    assert len([json.loads(line) for line in path.read_text().splitlines()]) == 2


@pytest.mark.parametrize("form", ["jsonl", "csv", "fhir", "parquet"])
def test_no_event_is_an_empty_file_and_no_failure(tmp_path: Path, form: str) -> None:
    """A search that finds nothing has an answer too."""
    assert export([], tmp_path / "a", form=form, broker=BROKER) == 0
    assert (tmp_path / "a").exists()


def test_a_file_is_whole_or_as_it_was(tmp_path: Path) -> None:
    """What breaks off leaves what was there, and nothing beside it."""

    def broken() -> Iterator[AuditedEvent]:
        yield event()
        raise SourceUnavailable("gone")

    path = tmp_path / "a.jsonl"
    path.write_text("before")
    with pytest.raises(SourceUnavailable):
        export(broken(), path, form="jsonl", broker=BROKER)
    assert (path.read_text(), [each.name for each in tmp_path.iterdir()]) == ("before", ["a.jsonl"])
    with pytest.raises(SourceUnavailable, match="cannot be written"):
        export([], tmp_path / "no" / "a", form="jsonl", broker=BROKER)
    path.unlink()
    path.mkdir()
    (path / "in").touch()
    with pytest.raises(SourceUnavailable, match="cannot be written"):
        export([], path, form="jsonl", broker=BROKER)


def test_parquet_without_its_library_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is large, and most auditors need it not."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(FormatMissing, match="tillit-audit\\[parquet\\]"):
        export([event()], tmp_path / "a", form="parquet", broker=BROKER)
    assert list(tmp_path.iterdir()) == []


def test_hashes_are_thirty_two_bytes() -> None:
    """What the wire promises is what a fixed-width column takes."""
    assert len(base64.urlsafe_b64decode(event().leaf_hash + "=")) == 32
