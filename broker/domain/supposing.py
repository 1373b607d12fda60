"""Supposing: the consent that would be, if it were answered like this. Nothing becomes of it."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from broker.domain.consents import Consent
from broker.domain.errors import IllegalTransition, LinesUnknown, OutOfTime, named
from broker.domain.grants import Grant, LineAnswer
from broker.domain.ids import GrantId, PersonKey
from broker.domain.signatures import Needed, Signature, Signer, needed_for
from broker.domain.states import OPEN, OVER, State


def supposed(
    consent: Consent,
    answers: Mapping[GrantId, LineAnswer] | None,
    *,
    without: Collection[GrantId],
    needed: Mapping[str, Needed],
    at: datetime,
) -> Consent:
    """The consent as it would be at ``at``: answered like this, and by everybody else who must sign with a yes.

    Args:
        consent: open, in force or paused. What is paused stays so.
        answers: yes, no or not now by line; those not among them stand, unanswered ones as a no. None:
            as they stand, unanswered ones as a yes. A no stays a no.
        without: lines that are taken back.
        needed: category → signatures needed today.
        at: now.

    Raises:
        LinesUnknown: the consent has no such lines.
        IllegalTransition: the consent is over.
        OutOfTime: its time is over.
    """
    if unknown := {*(answers or ()), *without} - {grant.id for grant in consent.grants}:
        raise LinesUnknown(named(unknown))
    if consent.state in OVER:
        raise IllegalTransition(f"a consent that is {consent.state} gives nothing more")
    if at >= consent.valid_until:
        raise OutOfTime
    grants = tuple(
        replace(grant, answer="no" if grant.id in without else _answer(grant, answers))
        for grant in consent.grants
    )
    yes = [grant for grant in grants if grant.answer == "yes"]
    if not yes:
        ended = State.REFUSED if consent.state in OPEN else State.WITHDRAWN
        return replace(consent, state=ended, grants=grants)
    stood = {grant.id for grant in consent.grants if grant.answer == "yes"}
    added = [grant for grant in yes if consent.state in OPEN or grant.id not in stood]
    signatures = consent.signatures
    if added:
        signatures = (*signatures, *_everybody(consent, added, needed, at))
    if consent.state not in OPEN:
        return replace(consent, grants=grants, signatures=signatures)
    return replace(consent, state=State.ACTIVE, valid_from=at, grants=grants, signatures=signatures)


def _answer(grant: Grant, answers: Mapping[GrantId, LineAnswer] | None) -> LineAnswer:
    if grant.answer == "no":
        return "no"
    if answers is None:
        return grant.answer or "yes"
    return answers.get(grant.id, grant.answer or "no")


def _everybody(
    consent: Consent, yes: list[Grant], needed: Mapping[str, Needed], at: datetime
) -> Iterator[Signature]:
    """The subject's yes, and as many guardians' as are lacking."""
    lines = tuple(grant.id for grant in yes)
    there = {s.signer.key for s in consent.signatures if s.signer.kind == "guardian"} - {None}
    most = max(needed_for(grant.category, needed).guardians for grant in yes)
    signers = [Signer("subject", PersonKey("supposed"))]
    signers += [Signer("guardian", PersonKey(f"supposed {n}")) for n in range(len(there), most)]
    for signer in signers:
        yield Signature(
            signer=signer,
            method="digital",
            at=at,
            read=consent.text_sha256,
            yes=lines,
            no=(),
            child_heard=True,
        )
