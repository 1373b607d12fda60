"""Taking along: everything about a person as the files of one archive, for them to read and for other software.

The page among them stands by itself: its looks are inside, and nothing in it is fetched from anywhere.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from broker.errors import NotASubject
from broker.exports import archive, dpv, fhir
from broker.exports.archive import File
from broker.portal.mistakes import N_
from broker.portal.pages import Visit
from broker.portal.rooms import values
from broker.portal.rooms.meetings import met
from broker.portal.rooms.shared import Doubted, doubt_of
from broker.portal.telling import Given, asked, given, named, noticed
from broker.usecases import exporting, trust
from broker.usecases.exporting import Export
from tillit.opening import OpenedValue
from tillit.own import OwnReading
from tillit.wire import MyQuestion

PAGE, README = "tillit.html", "README.txt"
QUESTIONS = {
    "open": N_("waits for your answer"),
    "yes": N_("answered yes"),
    "used": N_("answered yes"),
    "no": N_("answered no"),
    "lapsed": N_("over"),
    "over": N_("nobody answered in time"),
}
_README = (
    N_("This is everything Tillit has about you. Open tillit.html to read it."),
    N_("copy.json: all of it but the values, for other programs."),
    N_("values.json: what they have written about you, and your own words."),
    N_("consents.jsonld: every yes and no as consent records (ISO/IEC TS 27560, W3C DPV)."),
    N_("consents.fhir.json: the same for programs in the health service (HL7 FHIR R4)."),
    N_("receipts: a proof of each time something was shared or refused."),
    N_("log.vkey: the public key of the log that the proofs are from."),
    N_("Keep the file to yourself: whoever has it can read it."),
)


@dataclass(frozen=True, slots=True)
class Proven:
    """A disclosure in words, what was said against it, and the file with its proof, empty where there was no room for one."""

    given: Given
    doubted: Sequence[Doubted]
    file: str


def files(visit: Visit, *, most: int = archive.MOST_BYTES) -> list[File]:
    """Every file, the one to read first at the beginning.

    What is held is read first, as a reading of one's own like any other: so that reading stands in the copy too.

    Raises:
        as ``own_reading.read`` and ``exporting.export``.
    """
    reading = values.everything_held(visit)
    export = _export(visit)
    machine = [
        _json("copy.json", export.copy.model_dump(mode="json")),
        _json("values.json", _values(reading)),
        _json("consents.jsonld", dpv.consents(export, ports=visit.ports)),
        _json("consents.fhir.json", fhir.bundle(export, ports=visit.ports)),
        File("log.vkey", f"{trust.keys(visit.ports).log}\n".encode()),
    ]
    receipts = list(archive.fitting(_receipts(export, visit), beside=machine, most=most))
    page = _page(export, reading, receipts, visit)
    return [_readme(export, receipts, visit), File(PAGE, page.encode()), *machine, *receipts]


def _export(visit: Visit) -> Export:
    language, ports = visit.language, visit.ports
    try:
        return exporting.export(person=visit.person, language=language, ports=ports)
    except NotASubject:
        return exporting.nothing(language=language, ports=ports)


def _receipts(export: Export, visit: Visit) -> Iterator[File]:
    """Each disclosure's proof, or, until the log has signed a tree with it, its receipt."""
    for one, proof in exporting.proofs(export, ports=visit.ports):
        if proof is None:
            yield File(f"receipts/{one.id}.receipt.jws", one.receipt.encode())
        else:
            yield File(f"receipts/{one.id}.tlog-proof", str(proof).encode())


def _readme(export: Export, receipts: Sequence[File], visit: Visit) -> File:
    lines = [visit.words(line) for line in _README]
    if not _whole(export, receipts):
        lines.append(visit.words(_CUT))
    made = visit.words(_MADE, at=visit.words.time(export.copy.generated_at))
    return File(README, "\r\n".join(["Tillit", made, "", *lines, ""]).encode())


_MADE = N_("Saved %(at)s")
_CUT = N_("There is more than one file holds: the latest is in it. The rest is in the portal.")


def _whole(export: Export, receipts: Sequence[File]) -> bool:
    return export.complete and len(receipts) == len(export.copy.disclosures)


def _page(
    export: Export, reading: OwnReading | None, receipts: Sequence[File], visit: Visit
) -> str:
    copy, words = export.copy, visit.words
    contested = {one.record: one for one in copy.contests}
    proofs = {one.name.partition("/")[2].partition(".")[0]: one.name for one in receipts}
    looks = visit.hall.looks
    context: dict[str, Any] = {
        "style": looks.files["portal.css"].content.decode(),
        "made": words.time(copy.generated_at),
        "whole": _whole(export, receipts),
        "consents": [
            asked(view, visit)
            for view in sorted(copy.consents, key=lambda v: (v.requested_at, v.id), reverse=True)
        ],
        "disclosures": [
            Proven(
                given(one, visit),
                [doubt_of(c, visit) for c in copy.complaints if c.disclosure == one.id],
                proofs.get(one.id, ""),
            )
            for one in copy.disclosures
        ],
        "shelves": [] if reading is None else values.shelves_of(reading, contested, visit),
        "earlier": values.earlier_of(reading, contested, visit),
        "unproven": 0 if reading is None else len(reading.unproven),
        "withheld": [] if reading is None else [named("field", n, visit) for n in reading.withheld],
        "own": [one for one in values.own_of(reading, visit) if one.text],
        "meetings": [met(one, visit) for one in copy.meetings],
        "questions": [_question(one, visit) for one in copy.questions],
        "notices": [noticed(one, visit) for one in copy.notices],
        "objections": [
            (named("category", one.category, visit), words.day(one.at)) for one in copy.objections
        ],
        "hidden": [(one.label, words.day(one.at)) for one in copy.hidden],
        "helpers": [
            (words.day(one.invited_at), words.day(one.ended_at) if one.ended_at else "")
            for one in copy.helpers
        ],
        "daily": [
            named("unit", one.unit, visit) for one in copy.notice_choices if one.how == "digest"
        ],
    }
    return looks.page("everything.html", visit.language, context)


def _question(one: MyQuestion, visit: Visit) -> tuple[str, str, str, str]:
    fields = " · ".join(named("field", name, visit) for name in one.fields)
    asked_at = visit.words.time(one.asked_at)
    return named("unit", one.unit, visit), fields, asked_at, visit.words(QUESTIONS[one.state])


def _values(reading: OwnReading | None) -> dict[str, Any]:
    """What is held, as the sources signed it; ``unproven``: left out, since no key of its source vouches for it."""
    if reading is None:
        return {"values": {}, "withheld": {}, "unproven": []}
    return {
        "values": {
            name: [_value(one) for one in found] for name, found in sorted(reading.values.items())
        },
        "withheld": {
            name: [reason.model_dump() for reason in reasons]
            for name, reasons in sorted(reading.withheld.items())
        },
        "unproven": [
            {"field": one.field, "source": one.source, "record": one.record}
            for one in reading.unproven
        ],
    }


def _value(one: OpenedValue) -> dict[str, Any]:
    said = one.contested
    contested = (
        {} if said is None else {"contested": {"text": said.text, "at": said.at.isoformat()}}
    )
    return {
        "value": one.value,
        "source": one.source,
        "observed_at": one.observed_at.isoformat(),
        "basis": one.basis,
        "author_role": one.author_role,
        "record": one.record,
        **contested,
    }


def _json(name: str, content: object) -> File:
    return File(name, json.dumps(content, ensure_ascii=False, indent=2).encode())
