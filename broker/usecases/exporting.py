"""Exporting: what is written about a person, as values that files are made of: the copy, its consents in full, proofs (N26).

Nothing is in it that the person is not shown elsewhere. Of whoever else answered a consent (a guardian) only that one did, when
and how; of a member of the family who was asked about the person's record not even that.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from broker.domain import ids
from broker.domain.consents import Consent
from broker.domain.grants import Grant
from broker.domain.ids import ConsentId, PersonKey, UnitId, fresh
from broker.domain.signatures import Method, Signature, SignerKind
from broker.ports import Ports
from broker.usecases import me
from broker.usecases.people import myself
from tillit import proof_files, receipts
from tillit.jose import unb64u
from tillit.leaves import leaf_hash
from tillit.proof_files import ProofFile
from tillit.wire import (
    ConsentView,
    FieldName,
    GrantId,
    GrantView,
    Language,
    MyCopy,
    MyDisclosure,
    ProofAnswer,
)

MOST_LINES = 10_000
"""So many lines of consents are exported at most, the latest consents first."""

Standing = Literal[
    "requested",
    "deferred",
    "given",
    "paused",
    "refused",
    "not_given",
    "withdrawn",
    "expired",
    "lapsed",
    "superseded",
]
"""Where one line stands. ``deferred``: put off, and still to be answered. ``not_given``: no yes holds, and no more is sure
(taken back or lapsed by the line, put off till it was over, or the no of somebody else)."""

Line = tuple[ConsentId, ids.GrantId]

_UNANSWERED = frozenset({"draft", "requested", "partly_signed", "active", "paused"})


@dataclass(frozen=True, slots=True)
class Answering:
    """That somebody answered: in what capacity and how, when, and to which lines. Never who."""

    by: SignerKind
    method: Method
    at: datetime
    yes: frozenset[GrantId]
    no: frozenset[GrantId]
    not_now: frozenset[GrantId]
    recorded_by: UnitId | None
    recorder_role: str


@dataclass(frozen=True, slots=True)
class Record:
    """A consent with what a record of it has and its view has not.

    ``answers`` and ``changed_at`` are None where the consent is a family member's: theirs to know. ``means``: line → the fields
    it gives. ``over``: lines whose time is over, though the consent's state does not say so: an event that came, a single use
    that was made, a last day that nobody has looked at yet.
    """

    view: ConsentView
    means: Mapping[GrantId, tuple[FieldName, ...]]
    over: frozenset[GrantId]
    answers: tuple[Answering, ...] | None
    changed_at: datetime | None

    def standing(self, line: GrantView) -> Standing:
        """Where a line of it stands; never ``given`` unless the line rests on a yes in force."""
        state = self.view.state
        if line.answer == "no":
            refused = any(line.id in one.no for one in self.answers or ())
            return "refused" if refused else "not_given"
        if line.answer == "not_now":
            return "deferred" if state in _UNANSWERED else "not_given"
        if state in {"draft", "requested", "partly_signed"} or (
            line.answer is None and state in _UNANSWERED
        ):
            return "requested"
        if state == "active":
            return "expired" if line.id in self.over else "given"
        return state  # type: ignore[return-value]  # what is left are the ends, refused and paused


@dataclass(frozen=True, slots=True)
class Export:
    """What is exported. ``person`` is how this one export calls whom it is about: two of them cannot be put together by it."""

    copy: MyCopy
    records: tuple[Record, ...]
    person: str
    language: Language
    complete: bool


def export(
    *, person: PersonKey, language: Language, ports: Ports, most_lines: int = MOST_LINES
) -> Export:
    """Everything the broker can show the person about themself but values, at one moment.

    Bounded: up to ``me.COPIED`` disclosures, meetings and notices, ``most_lines`` lines of consents.

    Raises:
        NotASubject: the broker holds nothing about them.
    """
    with ports.store.read() as tx:
        copy = me.copied(tx, person, language=language, ports=ports)
        subject = myself(tx, person)
        consents = sorted(me.all_of(tx, subject), key=_newest, reverse=True)
        kept = list(_within(consents, most_lines))
        used = tx.used_grants(consent.id for consent in kept)
    views = {view.id: view for view in copy.consents}
    return Export(
        copy=copy,
        records=tuple(
            _record(c, views[c.id], used, theirs=c.about == subject, at=copy.generated_at)
            for c in kept
        ),
        person=fresh("hdl", ports.randomness),
        language=language,
        complete=copy.complete and len(kept) == len(consents),
    )


def nothing(*, language: Language, ports: Ports) -> Export:
    """What is exported of somebody the broker holds nothing about."""
    copy = MyCopy(
        generated_at=ports.clock(),
        consents=(),
        disclosures=(),
        notices=(),
        objections=(),
        complete=True,
    )
    return Export(copy, (), fresh("hdl", ports.randomness), language, complete=True)


def proofs(export: Export, *, ports: Ports) -> Iterator[tuple[MyDisclosure, ProofFile | None]]:
    """Each disclosure, the latest first, with what proves it to anybody, None while it stands in no signed tree yet.

    Raises:
        StoreDown: the log cannot be read.
    """
    with ports.store.read() as tx:
        for one in export.copy.disclosures:
            found = tx.proof(_leaf_hash(one.receipt))
            yield one, None if found is None else _file(found, one.receipt)


def _file(found: ProofAnswer, receipt: str) -> ProofFile:
    path = tuple(unb64u(step) for step in found.path)
    return ProofFile(found.index, path, found.checkpoint, proof_files.of_receipt(receipt))


def _leaf_hash(receipt: str) -> bytes:
    read = receipts.read_unsafe(receipt)  # the broker's own, as it wrote it
    return leaf_hash(receipts.leaf_of(read.statement, read.promise))


def _newest(consent: Consent) -> tuple[datetime, str]:
    return consent.requested_at, consent.id


def _within(consents: Sequence[Consent], most_lines: int) -> Iterator[Consent]:
    lines = 0
    for consent in consents:
        lines += len(consent.grants)
        if lines > most_lines:
            return
        yield consent


def _record(
    consent: Consent, view: ConsentView, used: frozenset[Line], *, theirs: bool, at: datetime
) -> Record:
    past = at >= consent.valid_until
    return Record(
        view=view,
        means={grant.id: _meant(grant) for grant in consent.grants},
        over=frozenset(
            grant.id
            for grant in consent.grants
            if past or consent.over(grant) or (consent.id, grant.id) in used
        ),
        answers=None if theirs else tuple(_answering(s) for s in consent.signatures),
        changed_at=None if theirs else consent.changed_at,
    )


def _meant(grant: Grant) -> tuple[FieldName, ...]:
    return grant.fields or grant.covers


def _answering(signature: Signature) -> Answering:
    recorder = signature.recorded_by
    return Answering(
        by=signature.signer.kind,
        method=signature.method,
        at=signature.at,
        yes=frozenset(signature.yes),
        no=frozenset(signature.no),
        not_now=frozenset(signature.not_now),
        recorded_by=recorder.unit if recorder else None,
        recorder_role=recorder.role if recorder else "",
    )
