"""Own access: the subject's side of reading what is written about themself.

A key is made for one reading and kept nowhere. What comes is checked as a service checks it, but for
whom a value is about: who reads about themself has no national identity number to hold against it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from tillit.enrolment import KeysUnusable, reading_key
from tillit.errors import ManifestMismatch, SourceSignatureInvalid
from tillit.keys import ServiceKey
from tillit.opening import OpenedValue, checked_receipt, sealed_values
from tillit.receipts import VerifiedReceipt
from tillit.wire import (
    ONESELF,
    OWN_ACCESS,
    SUBJECT,
    Ask,
    BrokerKeys,
    DisclosureAnswer,
    FieldName,
    OwnAccess,
    OwnValues,
    Reason,
)

__all__ = ["KeysUnusable", "OwnReading", "Unproven", "open_own_values", "own_access", "reading_key"]


@dataclass(frozen=True, slots=True)
class Unproven:
    """A value that is not shown, since no key of its source vouches for it (any more)."""

    field: str
    source: str
    record: str


@dataclass(frozen=True, slots=True)
class OwnReading:
    """What is written about oneself: per field each source's newest value, the newest first.

    ``withheld``: why the rest was not given. ``receipts``: one for each disclosure.
    """

    values: Mapping[FieldName, tuple[OpenedValue, ...]]
    withheld: Mapping[FieldName, tuple[Reason, ...]]
    unproven: tuple[Unproven, ...]
    receipts: tuple[VerifiedReceipt, ...]


def own_access(key: ServiceKey, fields: Iterable[str] | None = None) -> OwnAccess:
    """What to send to read these fields, or everything, under a key that was made for it."""
    _, enc = key.public_jwks()["keys"]
    return OwnAccess(jwk=enc, fields=None if fields is None else tuple(fields))


def open_own_values(
    answer: OwnValues,
    *,
    key: ServiceKey,
    asked: OwnAccess,
    source_keys: Mapping[str, Mapping[str, Any]],
    broker_keys: BrokerKeys,
    now: datetime | None = None,
) -> OwnReading:
    """Check every disclosure against what was asked and against everybody's keys, then open it.

    ``key`` is ``ServiceKey.generate(SUBJECT)``, made for this reading. ``source_keys``: unit → its
    public JWK set. A value whose source's signature does not hold is left out and named; anything
    else that does not hold is an error, and nothing is opened.

    Raises ``ReceiptInvalid``, ``ManifestMismatch`` or ``SealBroken``. Not checked: whom a value is
    about (``subject_tag``); the texts of reasons; that the receipts' leaves are in the log.
    """
    receipts = tuple(
        checked_receipt(
            one, recipient=SUBJECT, broker_keys=broker_keys, asked=_ask(one, names), now=now
        )
        for one, names in _rounds(answer, asked)
    )
    values: dict[FieldName, list[OpenedValue]] = {}
    unproven = []
    for one in answer.disclosures:
        for name, sealed in sealed_values(one, key, source_keys, broker_keys, None):
            try:
                values.setdefault(name, []).append(sealed.value())
            except SourceSignatureInvalid:
                named = sealed.named
                unproven.append(Unproven(name, named.source, named.record))
    return OwnReading(
        values=MappingProxyType({name: tuple(found) for name, found in values.items() if found}),
        withheld=MappingProxyType(_withheld(answer)),
        unproven=tuple(unproven),
        receipts=receipts,
    )


def _rounds(
    answer: OwnValues, asked: OwnAccess
) -> Iterable[tuple[DisclosureAnswer, tuple[str, ...]]]:
    """Each disclosure with the fields that it must answer: all that was asked, then what has more sources.

    Raises ``ManifestMismatch`` where a value comes twice, or one after another does not follow.
    """
    seen: set[str] = set()
    given: set[str] = set()
    subjects = set()
    for number, one in enumerate(answer.disclosures):
        records = {field.record for field in one.manifest.fields.values()}
        answered = (*one.manifest.fields, *one.withheld)
        if records & seen or (number and not given.issuperset(answered)):
            raise ManifestMismatch("a value that was not to be asked for, or that came before")
        seen |= records
        given = set(one.manifest.fields)
        subjects.add(one.manifest.subject)
        yield one, asked.fields if not number and asked.fields is not None else answered
    if len(subjects) > 1:
        raise ManifestMismatch("the disclosures are not about one subject")
    if asked.fields is not None and not answer.disclosures:
        raise ManifestMismatch("not every field that was asked for is answered")


def _ask(one: DisclosureAnswer, names: tuple[str, ...]) -> Ask:
    return Ask(subject=one.manifest.subject, fields=names, purpose=OWN_ACCESS, actor=ONESELF)


def _withheld(answer: OwnValues) -> dict[FieldName, tuple[Reason, ...]]:
    return dict(answer.disclosures[0].withheld) if answer.disclosures else {}
