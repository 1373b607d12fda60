"""Consents for the tests: requested ones of a few lines, and who must sign them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from broker.domain.consents import Consent
from broker.domain.grants import Grant, LineAnswer
from broker.domain.ids import ConsentId, GrantId, PersonKey, SubjectId, UnitId
from broker.domain.requesting import requested
from broker.domain.signatures import Recorder, Signer
from tillit.wire import Condition

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
HALF_A_YEAR = timedelta(days=182)

EMIL = Signer("subject", PersonKey("a" * 64))
MOTHER = Signer("guardian", PersonKey("b" * 64))
FATHER = Signer("guardian", PersonKey("c" * 64))
SOMEBODY = Signer("guardian")
RECORDER = Recorder(UnitId("nav-larvik"), "a17", "veileder")


@dataclass(frozen=True)
class Need:
    """Signatures that one category needs."""

    subject: bool = True
    guardians: int = 0
    child_heard: bool = False


ALONE = Need()
ONE_GUARDIAN = Need(subject=False, guardians=1, child_heard=True)
BOTH_GUARDIANS = Need(subject=False, guardians=2, child_heard=True)
TOGETHER = Need(subject=True, guardians=1)


def line(number: int, category: str = "education", **more: Any) -> Grant:
    """Line ``g<number>``, from the school to Nav."""
    fields: dict[str, Any] = {
        "source": UnitId("thor-heyerdahl-vgs"),
        "recipient": UnitId("nav-larvik"),
        "fields": (),
        "purpose": "case_discussion",
        "condition": Condition(),
        "special": category == "health",
    }
    return Grant(id=GrantId(f"g{number}"), category=category, **{**fields, **more})


def identifier(prefix: str, number: int) -> str:
    """An id of the wire's form."""
    return f"{prefix}_{number:022d}"


def asked(
    *grants: Grant,
    number: int = 1,
    subject: str = "sub_1",
    rule: Literal["one", "all"] = "all",
    **more: Any,
) -> Consent:
    """A consent that has been asked for; two lines about school and health unless given."""
    lines = grants or (line(1), line(2, "health"))
    fields: dict[str, Any] = {
        "id": ConsentId(identifier("con", number)),
        "subject": SubjectId(subject),
        "collaboration": "ungdomsutvalget-larvik",
        "requested_by": UnitId("nav-larvik"),
        "actor": "a17",
        "actor_role": "veileder",
        "at": NOW,
        "valid_until": NOW + HALF_A_YEAR,
        "language": "nb",
        "text": "Thor Heyerdahl vgs kan dele skole med NAV Larvik.",
        "guardians_rule": rule,
        "grants": lines,
    }
    return requested(**{**fields, **more})[0]


def answers(
    yes: Iterable[int] = (), no: Iterable[int] = (), not_now: Iterable[int] = ()
) -> dict[GrantId, LineAnswer]:
    """Answers by line number."""
    said: dict[GrantId, LineAnswer] = {GrantId(f"g{n}"): "yes" for n in yes}
    said |= {GrantId(f"g{n}"): "no" for n in no}
    return said | {GrantId(f"g{n}"): "not_now" for n in not_now}


def active(*grants: Grant, **more: Any) -> Consent:
    """A consent that the subject has said yes to, every line."""
    consent = asked(*grants, **more)
    said = answers(yes=range(1, len(consent.grants) + 1))
    return consent.answer(
        said,
        signer=EMIL,
        method="digital",
        at=NOW + timedelta(minutes=1),
        read=consent.text_sha256,
        needed={grant.category: ALONE for grant in consent.grants},
    )[0]
