"""Things to store, for the store's contract."""

import json
from datetime import datetime, timedelta
from typing import Any, Literal

from broker.domain.decisions import Decision, all_withheld
from broker.domain.facts import AskFacts, Facts, MeetingFacts, SubjectFacts
from broker.domain.ids import (
    DisclosureId,
    MeetingId,
    PersonKey,
    RecordId,
    SubjectHandle,
    SubjectId,
    UnitId,
)
from broker.ports import Transaction
from broker.stored import Disclosure, Meeting
from tests.consenting import NOW, identifier
from tillit.jose import b64u
from tillit.manifests import manifest_hash
from tillit.wire import (
    DepositItem,
    Event,
    Manifest,
    Obligations,
    Participant,
    PolicyRef,
    RecipientHeader,
    SealedField,
)

EMIL = SubjectId("sub_1")
SARA = SubjectId("sub_2")
NAV = UnitId("nav-larvik")
OT = UnitId("ot-vestfold")
SCHOOL = UnitId("thor-heyerdahl-vgs")
RATE = "education.attendance.rate"
POLICY = PolicyRef(version="1", digest="sha256:" + "0" * 64)
OBLIGATIONS = Obligations(
    notify="immediate", erase_after="P30D", onward_sharing=False, journal=True
)


def add_subjects(tx: Transaction) -> None:
    """Emil and Sara."""
    tx.add_subject(EMIL, PersonKey("a" * 64), at=NOW)
    tx.add_subject(SARA, PersonKey("d" * 64), at=NOW)


def record(number: int) -> RecordId:
    """A record's id."""
    return RecordId(identifier("rec", number))


def item(
    number: int, *, field: str = RATE, at: datetime = NOW, source: str = SCHOOL
) -> DepositItem:
    """A sealed value, as record ``number``."""
    said = {"v": 1, "field": field, "record": record(number), "source": source}
    sealed = SealedField(
        protected="eyJlbmMiOiJBMjU2R0NNIn0",
        header=RecipientHeader(alg="A256KW", kid="at-rest"),
        encrypted_key="k" * 54,
        aad=b64u(json.dumps(said).encode()),
        iv="i" * 16,
        ciphertext=f"c{number}",
        tag="t" * 22,
    )
    return DepositItem(observed_at=at, sealed=sealed)


def facts(**more: Any) -> Facts:
    """The facts of an ask by OT."""
    fields: dict[str, Any] = {
        "now": NOW,
        "ask": AskFacts(
            recipient=OT,
            actor_role="veileder",
            purpose="case_discussion",
            collaboration="ungdomsutvalget-larvik",
            meeting="",
            source="",
            fields=(RATE,),
        ),
        "subject": SubjectFacts(
            age=19, birthdays=(), guardians=0, address_protection="none", objects_to=()
        ),
        "consents": (),
        "deposited": {RATE: (SCHOOL,)},
        "meeting": MeetingFacts(
            id="", collaboration="", noticed=False, participants=(), opens=NOW, closes=NOW
        ),
    }
    return Facts.model_validate({**fields, **more})


def disclosure(number: int, *, subject: SubjectId = EMIL) -> Disclosure:
    """A refused ask."""
    asked = facts()
    decision: Decision = all_withheld(asked, reason="consent.none", policy=POLICY)
    identity = DisclosureId(identifier("dis", number))
    manifest = Manifest(
        v=1,
        disclosure=identity,
        recipient=OT,
        subject="hdl_" + "A" * 22,
        purpose="case_discussion",
        collaboration="ungdomsutvalget-larvik",
        meeting=None,
        fields={},
        consents=(),
        policy=POLICY,
        obligations=OBLIGATIONS,
        issued_at=NOW,
        expires_at=NOW + timedelta(days=1),
    )
    return Disclosure(
        id=identity,
        subject=subject,
        recipient=OT,
        at=NOW,
        facts=asked,
        decision=decision,
        manifest=manifest,
        manifest_hash=manifest_hash(manifest),
        receipt="receipt",
        leaf_hash=bytes([number]) * 32,
    )


def meeting(number: int) -> Meeting:
    """A meeting about Emil."""
    return Meeting(
        id=MeetingId(identifier("mtg", number)),
        subject=EMIL,
        collaboration="ungdomsutvalget-larvik",
        called_by=NAV,
        held_at=NOW + timedelta(days=7),
        noticed_at=NOW,
        participants=(Participant(unit=NAV, role="leader"), Participant(unit=OT, role="member")),
        agenda=("education", "functioning"),
    )


def event(number: int = 1, kind: Literal["consent.activated"] = "consent.activated") -> Event:
    """Something to tell a unit; ``number`` tells one from another."""
    at = NOW + timedelta(seconds=number)
    return Event(id=0, type=kind, at=at, subject=SubjectHandle("hdl_" + "A" * 22))
