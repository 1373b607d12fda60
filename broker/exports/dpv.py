"""Consents as consent records after ISO/IEC TS 27560:2023, in JSON-LD with the W3C Data Privacy Vocabulary (DPV 2.3).

By the DPVCG guide *Consent Records and Receipts as per ISO/IEC TS 27560:2023 using DPV* (profile ``dpv-27560:record``), whose
sections *Record Metadata*, *Notice*, *Processing*, *Entity* and *Consent Event Fields* name the terms here; clauses of the
standard (6.3.x) are those of its table of terms. ``broker/docs/exports.md`` has the whole mapping.

A record's state holds for every line in it. So a consent whose lines stand differently becomes a record for each state, parts
of one consent: nobody can read a no as a yes. What the standard asks for and the broker does not know stands in
``tillit:notStated``; nothing is made up.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from broker.exports import terms
from broker.ports import Ports
from broker.usecases.exporting import Answering, Export, Record, Standing
from tillit.wire import GrantView

MEDIA_TYPE: Final = "application/ld+json"
PROFILE: Final = "https://w3id.org/dpv/schema/dpv-27560#record"
_STATUS: Mapping[Standing, tuple[str, ...]] = {
    "requested": ("dpv:ConsentRequested",),
    "deferred": ("dpv:ConsentRequestDeferred",),
    "given": ("dpv:ConsentGiven", "dpv:ExplicitlyExpressedConsent"),
    # DPV has no word for a pause: ours, below the one that says that nothing may be shared on it.
    "paused": ("dpv:ConsentStatusInvalidForProcessing", "tillit:ConsentPaused"),
    "refused": ("dpv:ConsentRefused",),
    "not_given": ("dpv:ConsentStatusInvalidForProcessing",),
    "withdrawn": ("dpv:ConsentWithdrawn",),
    "expired": ("dpv:ConsentExpired",),
    # Its validity has ended, by age or by a successor: "temporal or contextual validity", as DPV has it.
    "lapsed": ("dpv:ConsentExpired", "tillit:ConsentLapsed"),
    "superseded": ("dpv:ConsentExpired", "tillit:ConsentSuperseded"),
}
_ENDS: frozenset[Standing] = frozenset({"withdrawn", "expired", "lapsed", "superseded"})
_METHODS = {"digital": "The person's own answer, logged in", "oral": "Said, and written down"}
_GAPS = ["storage_locations", "processing_locations", "impact_assessment", "codes_of_conduct"]
_UNKNOWN_END = "Each disclosure's own term: the recipient must have erased it by then (erase_after)"


def consents(export: Export, *, ports: Ports) -> dict[str, Any]:
    """Every consent of an export as one JSON-LD document with its context inside: nothing has to be fetched to read it."""
    records = [made for record in export.records for made in _records(record, export, ports)]
    words = terms.Words(ports.catalogue, export.language)
    return {
        "@context": dict(terms.CONTEXT),
        "@graph": [
            {"@id": ports.issuer, "@type": "dpv:Entity", "dpv:hasName": ports.issuer},
            *words.described(export.records),
            *records,
        ],
    }


def _records(record: Record, export: Export, ports: Ports) -> Iterator[dict[str, Any]]:
    """The records of one consent: one for each state that lines of it stand in."""
    by_standing: dict[Standing, list[GrantView]] = {}
    for line in record.view.grants:
        by_standing.setdefault(record.standing(line), []).append(line)
    for standing, lines in by_standing.items():
        yield _Part(record, standing, lines, export, ports).node()


class _Part:
    """The lines of one consent that stand alike."""

    def __init__(
        self,
        record: Record,
        standing: Standing,
        lines: Sequence[GrantView],
        export: Export,
        ports: Ports,
    ) -> None:
        self._record, self._view = record, record.view
        self._standing, self._lines = standing, lines
        self._export, self._issuer = export, ports.issuer
        self._catalogue = ports.catalogue
        self._consent = f"{ports.issuer}/v1/me/consents/{record.view.id}"
        self._ids = frozenset(line.id for line in lines)
        self._until = terms.duration("UntilTimeDuration", terms.instant(record.view.valid_until))

    def node(self) -> dict[str, Any]:
        """The record: its header, processing (6.3.4), parties (6.3.6), events (6.3.7)."""
        view = self._view
        name = f"{view.id}.{view.version}.{self._standing}"
        changed = self._record.changed_at
        return {
            "@id": f"{self._consent}#{self._standing}",
            "@type": "dpv:ConsentRecord",
            "dct:conformsTo": PROFILE,
            "dct:identifier": name,
            "dpv:hasIdentifier": name,
            "dct:isPartOf": self._consent,
            "dct:publisher": self._issuer,
            "dct:issued": terms.at(self._export.copy.generated_at),
            **({} if changed is None else {"dct:modified": terms.at(changed)}),
            "tillit:state": self._standing,
            "tillit:consentState": view.state,
            "dpv:hasDataSubject": self._principal(),
            "dpv:hasNotice": self._notice(),
            "dct:language": view.language,
            "dpv:hasLegalBasis": "dpv:ExplicitlyExpressedConsent",
            "dpv:hasJurisdiction": "loc:NO",
            "dpv:hasConsentControl": self._control(),
            "dpv:hasRight": list(self._rights()),
            "dpv:hasProcess": [self._process(line) for line in self._lines],
            "dpv:hasEntity": [terms.unit_id(unit) for unit in self._units()],
            "dpv:hasConsentStatus": list(self._events()),
            "tillit:notStated": list(_GAPS),
        }

    def _principal(self) -> dict[str, Any]:
        """Who it is about: by what this export calls them, or a family member, of whom no more is the reader's to know."""
        if self._record.answers is None:
            described = terms.text("A member of the family", "en")
            return {"@type": "dpv:DataSubject", "dct:description": described}
        return {
            "@id": f"urn:tillit:person:{self._export.person}",
            "@type": "dpv:DataSubject",
            "dct:identifier": self._export.person,
        }

    def _notice(self) -> dict[str, Any]:
        """What was shown or read out, word for word (6.3.4.1, 6.3.4.2)."""
        view = self._view
        return {
            "@id": f"{self._consent}#text",
            "@type": "dpv:ConsentNotice",
            "dct:date": terms.at(view.requested_at),
            "dct:language": view.language,
            "dct:description": terms.text(view.text, view.language),
            "tillit:sha256": view.text_sha256,
        }

    def _control(self) -> dict[str, Any]:
        """How to take it back (6.3.4.18)."""
        if self._record.answers is None:
            return {"@type": "dpv:WithdrawConsent", "tillit:notStated": ["withdrawal_method"]}
        return {"@type": "dpv:WithdrawConsent", "dpv:isExercisedAt": f"{self._consent}/withdraw"}

    def _rights(self) -> Iterator[dict[str, Any]]:
        """6.3.4.19: those that are exercised at the broker."""
        for title, path in (
            ("To see what is written about one, and what was shared", "/v1/me/copy"),
            ("To say that a value is not right", "/v1/me/contests"),
            ("To speak against sharing", "/v1/me/objections"),
        ):
            yield {
                "@type": "dpv:DataSubjectRight",
                "dct:title": terms.text(title, "en"),
                "dpv:isExercisedAt": f"{self._issuer}{path}",
            }

    def _process(self, line: GrantView) -> dict[str, Any]:
        """One line (6.3.4.3 to 6.3.4.17): who may be told what, by whom, what for."""
        source, recipient = terms.unit_id(line.source), terms.unit_id(line.recipient)
        data = [terms.field_id(name) for name in self._record.means.get(line.id, ())]
        return {
            "@id": f"{self._consent}#{line.id}",
            "@type": "dpv:Process",
            "dct:identifier": line.id,
            "dct:description": terms.text(line.text, self._view.language),
            "dpv:hasPurpose": terms.purpose_id(line.purpose),
            "dpv:hasPersonalData": data or [terms.category_id(line.category)],
            "dpv:hasProcessing": "dpv:Share",
            "dpv:hasDataSource": source,
            "dpv:hasDataController": [source, recipient],
            "dpv:hasRecipient": recipient,
            "dpv:hasStorageCondition": {
                "@type": "dpv:StorageDuration",
                "dpv:hasDuration": terms.duration(
                    "UntilEventDuration", terms.text(_UNKNOWN_END, "en")
                ),
            },
            **self._condition(line),
        }

    def _condition(self, line: GrantView) -> dict[str, Any]:
        """How long the line holds where that is not as long as the consent, and whether somebody is asked at each ask."""
        condition = line.condition
        found: dict[str, Any] = {}
        match condition.kind:
            case "once":
                once = {"@value": 1, "@type": "xsd:integer"}
                found["dpv:hasDuration"] = terms.duration("FixedOccurrencesDuration", once)
            case "meeting":
                ends = terms.text(f"The meeting {condition.meeting}", "en")
                found["dpv:hasDuration"] = terms.duration("UntilEventDuration", ends)
            case "until_event" if condition.event is not None:
                label = self._catalogue.text("event", condition.event, self._export.language)
                ends = terms.text(label, self._export.language)
                found["dpv:hasDuration"] = terms.duration("UntilEventDuration", ends)
        if condition.also is not None:
            found["tillit:askedAtEachAsk"] = condition.also
        return found

    def _units(self) -> list[str]:
        ends = [unit for line in self._lines for unit in (line.source, line.recipient)]
        return list(dict.fromkeys((self._view.requested_by, *ends)))

    # --- events (6.3.7)

    def _events(self) -> Iterator[dict[str, Any]]:
        """What happened with these lines, in time. Times that are not kept are named as not stated."""
        view = self._view
        yield self._event(
            "requested", view.requested_at, by=[terms.unit_id(view.requested_by)], until=self._until
        )
        yield from self._given()
        match self._standing:
            case "requested" | "given":
                return
            case "refused" | "deferred":
                yield from self._put_aside(self._standing)
            case _:
                yield self._ended()

    def _given(self) -> Iterator[dict[str, Any]]:
        """When lines came into force: with the consent, or later where their yes came later."""
        begins, at = self._view.valid_from, dict[datetime, list[str]]()
        answers = self._record.answers or ()
        if begins is None or any(line.answer != "yes" for line in self._lines):
            return
        for line in self._lines:
            said = [one.at for one in answers if line.id in one.yes]
            at.setdefault(max([begins, *said]), []).append(line.id)
        for when, lines in sorted(at.items()):
            by = [one for one in answers if one.yes & set(lines)]
            event = self._event(
                "given", when, by=_signers(by), how=self._how(by), until=self._until
            )
            yield event if len(at) == 1 else {**event, "tillit:lines": lines}

    def _put_aside(self, standing: Standing) -> Iterator[dict[str, Any]]:
        for one in self._record.answers or ():
            if (one.no if standing == "refused" else one.not_now) & self._ids:
                until = self._until if standing == "deferred" else None
                yield self._event(
                    standing, one.at, by=_signers([one]), how=self._how([one]), until=until
                )

    def _ended(self) -> dict[str, Any]:
        """How it came to stand as it does: when, where the consent as a whole ended; by whom, where that is sure."""
        whole = self._standing in _ENDS and self._view.state == self._standing
        at = self._record.changed_at if whole else None
        if self._standing == "withdrawn":
            guarded = any(one.by == "guardian" for one in self._record.answers or ())
            mine = self._record.answers is not None and not guarded
            return self._event("withdrawn", at, by=["dpv:DataSubject"] if mine else [])
        by_itself = self._standing in {"expired", "lapsed", "superseded"}
        return self._event(self._standing, at, by=[self._issuer] if by_itself else [])

    def _event(
        self,
        standing: Standing,
        at: datetime | None,
        *,
        by: Iterable[Any],
        how: Sequence[Any] = (),
        until: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        who = list(by)
        gaps = [*(["event_time"] if at is None else []), *([] if who else ["entity_id"])]
        return {
            "@type": list(_STATUS[standing]),
            **({} if at is None else {"dpv:isIndicatedAtTime": terms.at(at)}),
            "dpv:hasDuration": until or {"@type": "dpv:EndlessDuration"},
            **({"dpv:isIndicatedBy": who} if who else {}),
            **({"dpv:hasIndicationMethod": list(how)} if how else {}),
            **({"tillit:notStated": gaps} if gaps else {}),
        }

    def _how(self, answers: Iterable[Answering]) -> list[Any]:
        return list(
            {self._method(one): terms.text(self._method(one), "en") for one in answers}.values()
        )

    def _method(self, one: Answering) -> str:
        said = _METHODS[one.method]
        if one.recorded_by is None:
            return said
        unit = self._catalogue.text("unit", one.recorded_by, self._export.language)
        return f"{said} by {unit} ({one.recorder_role})"


def _signers(answers: Iterable[Answering]) -> list[Any]:
    """Who answered: the one it is about, or somebody as their guardian; never who."""
    kinds = {one.by for one in answers}
    said: list[Any] = ["dpv:DataSubject"] if "subject" in kinds else []
    return [*said, {"@type": "dpv:GuardianOfDataSubject"}] if "guardian" in kinds else said
