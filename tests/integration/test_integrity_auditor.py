"""An auditor of the role integrity runs every check, and no identifier of anybody passes over the wire."""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import httpx
import pyarrow.parquet
import pytest
from sqlalchemy import select

from audit import cli
from audit.exports import COLUMNS
from audit.fhir import DISCLOSURE
from audit.sources import Credentials
from broker.domain.ids import UnitId
from broker.domain.service_keys import ServiceKey as Registered
from broker.store import tables
from broker.usecases import asks, counting, signalling
from keys.keyring import LocalCustodian
from tests import canaries
from tests.house import EMIL, FATHER, MOTHER, SARA, House, build
from tests.recording import Wire, recorded
from tests.serving import serving
from tillit.keys import ServiceKey
from tillit.wire import Actor
from tillit.wire.auditing import AuditedEvent, EventContent, SignalContent

INTEGRITY, CONTENT = "auditor-riksrevisjonen", "auditor-datatilsynet"
NAV, SCHOOL, HEALTH = "nav-larvik", "thor-heyerdahl-vgs", "larvikshjelpa"
RATE, DIAGNOSIS = "education.attendance.rate", "health.diagnosis"
ACTORS = ("saksbehandler-7731-kari", "saksbehandler-9952-ola")
LOOK = {"case": "2026/1234-5", "reason": "A complaint by the person concerned."}


@dataclass
class Audited:
    """A broker over HTTP that has been used for months, and two auditors' keys."""

    house: House
    url: str
    directory: Path
    identifiers: tuple[str, ...]

    @property
    def month(self) -> str:
        """The month in which most of it happened."""
        return f"{self.house.clock.at.year - 1}-06"


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    """Deposits, a consent, releases, refusals, checks, signals; a month of them counted."""
    directory = tmp_path_factory.mktemp("audited")
    house = build(directory)
    now = datetime.now(UTC)
    house.clock.at = now.replace(year=now.year - 1, month=6, day=10, hour=10)
    used(house)
    house.clock.at = now - timedelta(minutes=5)
    used(house, SARA)
    house.clock.at = now
    house.sequencer.run_once()
    while counting.count_due(ports=house.ports):
        pass
    while signalling.look_for(ports=house.ports):
        pass
    house.clock.go()
    house.sequencer.run_once()
    for unit in (INTEGRITY, CONTENT):
        enrolled(house, unit, directory)
    with serving(house, directory) as url:
        yield Audited(house, url, directory, identifiers(house))
    house.store.close()


def used(house: House, whom: str = EMIL) -> None:
    """What a few weeks are, about one youth, by two people at Nav."""
    kari, ola = (Actor(id=actor, role="veileder") for actor in ACTORS)
    house.deposit(SCHOOL, whom, {RATE: 0.62})
    view = house.request(NAV, whom, actor=kari)
    house.answer(view, whom, lambda line: "no" if line.special else "yes")
    for actor in (kari, kari, kari, kari, ola):
        house.disclose(house.ask(NAV, whom, RATE, DIAGNOSIS, actor=actor), NAV)
        house.disclose(house.ask(NAV, whom, DIAGNOSIS, actor=actor), NAV)
        ask = house.ask(NAV, whom, RATE, actor=actor)
        asks.check(ask, call=house.call(NAV), ports=house.ports)


def enrolled(house: House, unit: str, directory: Path) -> None:
    """An auditor with a key in a file."""
    key = ServiceKey.generate(unit)
    key.save(directory / f"{unit}.jwk")
    rows = [
        Registered(UnitId(unit), jwk["kid"], jwk["use"], jwk) for jwk in key.public_jwks()["keys"]
    ]
    with house.store.write() as tx:
        tx.add_service_keys(rows, at=house.clock.at)
        tx.set_auditor(
            UnitId(unit), "content" if unit == CONTENT else "integrity", at=house.clock.at
        )


def identifiers(house: House) -> tuple[str, ...]:
    """Everything that is somebody's, or leads to them."""
    columns = (
        tables.subject.c.id,
        tables.subject.c.person,
        tables.handle.c.handle,
        tables.consent.c.id,
        tables.disclosure.c.id,
        tables.record.c.id,
    )
    found = [EMIL, SARA, MOTHER, FATHER, *ACTORS]
    with house.store.engine.connect() as connection:
        for column in columns:
            found += connection.execute(select(column)).scalars().all()
    assert len(found) > 40
    return tuple(found)


def leaks(wire: Wire, audited: Audited) -> list[canaries.Found]:
    """What of anybody's has passed, in any form."""
    passed = [("sent", bytes(wire.sent)), ("received", bytes(wire.received))]
    return canaries.search(audited.identifiers, passed)


def run(audited: Audited, wire: Wire, *arguments: str) -> int:
    """Run the command as the integrity auditor."""
    key = audited.directory / f"{INTEGRITY}.jwk"
    command, *rest = arguments
    return cli.main([command, wire.url, *rest, "--key", str(key)])


def _verify(audited: Audited, wire: Wire) -> None:
    assert run(audited, wire, "verify", "--vkey", str(audited.house.sequencer.vkey)) == 0


def _mirror(audited: Audited, wire: Wire) -> None:
    assert run(audited, wire, "mirror", str(audited.directory / "copy")) == 0


def _search(audited: Audited, wire: Wire) -> None:
    by = {
        "type": "disclosure",
        "service": NAV,
        "purpose": "case_discussion",
        "outcome": "refused",
        "ground": "consent",
        "collaboration": "ungdomsutvalget-larvik",
        "reason": "consent.no_grant",
        "since": "2020-01-01T00:00:00Z",
        "until": "2099-01-01T00:00:00Z",
    }
    for name, value in by.items():
        assert run(audited, wire, "search", f"--{name}", value) == 0
        assert run(audited, wire, "search", f"--{name}", value, "--json") == 0


def _report(audited: Audited, wire: Wire) -> None:
    assert run(audited, wire, "report", audited.month) == 0
    assert run(audited, wire, "report", audited.month, "--json") == 0


def _export(audited: Audited, wire: Wire) -> None:
    for form in ("jsonl", "csv", "parquet", "fhir"):
        file = str(audited.directory / f"export.{form}")
        assert run(audited, wire, "export", file, "--format", form) == 0


def _watch(audited: Audited, wire: Wire) -> None:
    vkey, state = str(audited.house.sequencer.vkey), str(audited.directory / "seen")
    for _ in range(2):
        assert run(audited, wire, "watch", "--vkey", vkey, "--state", state, "--once") == 0


def _proof(audited: Audited, wire: Wire) -> None:
    vkey = str(audited.house.sequencer.vkey)
    for index in ("0", "20"):
        assert run(audited, wire, "proof", "--vkey", vkey, "--index", index) == 0


def _reconcile(audited: Audited, wire: Wire) -> None:
    custodian = audited.house.ports.custodian
    assert isinstance(custodian, LocalCustodian)
    custodian.releases_head()
    releases = audited.directory / "keyring" / "releases"
    given = {
        "--vkey": str(audited.house.sequencer.vkey),
        "--releases": str(releases),
        "--releases-vkey": str(custodian.releases_vkey()),
    }
    assert run(audited, wire, "reconcile", *(part for pair in given.items() for part in pair)) == 0
    assert canaries.search(audited.identifiers, canaries.files(releases)) == []


CHECKS: dict[str, Callable[[Audited, Wire], None]] = {
    "verify": _verify,
    "mirror": _mirror,
    "search": _search,
    "watch": _watch,
    "proof": _proof,
    "reconcile": _reconcile,
    "report": _report,
    "export": _export,
}


OFFLINE = {"certificate"}
"""Asks nobody: it reads files that the operator hands over."""


def commands() -> set[str]:
    """Every command that ``tillit-audit`` has."""
    parser = cli._parser()
    (found,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return set(found.choices)


def test_every_check_of_the_command_is_run_here() -> None:
    """A new one is held against the wire as well."""
    assert commands() == set(CHECKS) | OFFLINE


@pytest.mark.parametrize("command", CHECKS)
def test_an_integrity_auditor_is_told_of_nobody(
    audited: Audited, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not one identifier of a person, in any form, in either direction, over a whole check."""
    with recorded(audited.url) as wire:
        CHECKS[command](audited, wire)
    assert len(wire.received) > 1000
    assert leaks(wire, audited) == []
    said = capsys.readouterr()
    assert canaries.search(audited.identifiers, [("said", said.out.encode())]) == []


def test_what_would_leak_would_be_found(audited: Audited) -> None:
    """The same wire with an auditor of contents on it: the identifiers are there, and seen."""
    with recorded(audited.url) as wire:
        event = looked_at(audited, wire)
    assert event.content is not None
    found = {leak.canary for leak in leaks(wire, audited)}
    assert event.content["id"] in found
    assert event.content["subject"] in found
    assert ACTORS[0] in found


def looked_at(audited: Audited, wire: Wire) -> EventContent:
    """The newest release, and a signal, as an auditor of contents sees them."""
    released = "/audit/v1/events?type=disclosure&outcome=partly_released"
    with Content(audited, wire) as auditor:
        (event, *_) = auditor.get(released)["events"]
        (signal, *_) = auditor.get("/audit/v1/signals?rule=outside_case")["signals"]
        told = auditor.look(f"/audit/v1/signals/{signal['id']}/content")
        shown = auditor.look(f"/audit/v1/events/{event['index']}/content")
    assert SignalContent.model_validate(told).actor == ACTORS[1]
    return EventContent.model_validate(shown)


class Content:
    """An auditor of contents, over a wire."""

    def __init__(self, audited: Audited, wire: Wire) -> None:
        key = ServiceKey.load(str(audited.directory / f"{CONTENT}.jwk"))
        self._client = httpx.Client(base_url=wire.url, trust_env=False)
        token = Credentials(self._client, wire.url, key, "audit audit.content")()
        self._client.headers["authorization"] = f"Bearer {token}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str) -> Any:
        """A page."""
        answer = self._client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def look(self, path: str) -> Any:
        """A look."""
        answer = self._client.post(path, json=LOOK)
        assert answer.status_code == 200, answer.text
        return answer.json()


def test_exports_hold_the_same_entries(audited: Audited) -> None:
    """In each format, as the log has them: none left out, none twice."""
    with recorded(audited.url) as wire:
        _export(audited, wire)
    lines = (audited.directory / "export.jsonl").read_text().splitlines()
    events = [AuditedEvent.model_validate_json(line) for line in lines]
    assert [event.index for event in events] == list(range(len(events)))
    cells = (audited.directory / "export.csv").read_text().splitlines()
    assert cells[0] == ",".join(COLUMNS)
    table = pyarrow.parquet.read_table(audited.directory / "export.parquet").to_pylist()
    resources = [
        json.loads(line) for line in (audited.directory / "export.fhir").read_text().splitlines()
    ]
    assert len(cells) - 1 <= len(table) <= len(resources)
    assert [row["index"] for row in table][: len(events)] == [event.index for event in events]
    assert table[0]["type"] == events[0].type
    assert table[0]["at"] == events[0].at
    disclosed = [event for event in events if event.type == "disclosure"]
    of_profile = [r for r in resources if DISCLOSURE in r.get("meta", {}).get("profile", [])]
    assert len(disclosed) == 20
    assert len(of_profile) == 5


def test_a_report_says_the_month_on_a_page(
    audited: Audited, capsys: pytest.CaptureFixture[str]
) -> None:
    """Counts, reasons, answers and what was unusual; a month that is not over says so."""
    with recorded(audited.url) as wire:
        assert run(audited, wire, "report", audited.month) == 0
        page = capsys.readouterr().out
        this = f"{audited.house.clock.at:%Y-%m}"
        assert run(audited, wire, "report", this) == 0
        running = capsys.readouterr().out
    assert f"The log in {audited.month}" in page
    # One youth is all that is in it: nothing of it may be passed on.
    assert NAV not in page
    assert "Days to an answer: median not told, nine of ten within not told" in page
    assert "The month has not been counted: it is, a day after its end." in running
    assert "Its answers have not been counted: they are, 31 days after its end." in running
    assert "Unusual access: " in running
    assert "Noen som ikke har fulgt saken" in running
