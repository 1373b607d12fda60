"""Answering: whose lines are whose, what an answer makes of them, and whether it is enough."""

from collections.abc import Mapping
from dataclasses import replace

from broker.domain.errors import (
    LinesMissing,
    LinesNotForSigner,
    LinesUnknown,
    SignerHasSigned,
    SignerNotNeeded,
    named,
)
from broker.domain.grants import Answer, Grant
from broker.domain.ids import GrantId
from broker.domain.signatures import Needed, Signature, Signer, needed_for, signed
from broker.domain.states import State
from tillit.wire import AskFirst

Grants = tuple[Grant, ...]
Signatures = tuple[Signature, ...]


def check_say(
    signer: Signer,
    answers: Mapping[GrantId, Answer],
    *,
    grants: Grants,
    signatures: Signatures,
    needed: Mapping[str, Needed],
) -> None:
    """Raise unless the signer answers exactly the lines that are theirs, for the first time.

    Every line is the subject's; a guardian's are those whose category needs guardians today.
    """
    lines = {grant.id: needed_for(grant.category, needed) for grant in grants}
    if unknown := answers.keys() - lines.keys():
        raise LinesUnknown(named(unknown))
    theirs = {
        line for line, need in lines.items() if signer.kind == "subject" or need.guardians > 0
    }
    if not theirs:
        raise SignerNotNeeded
    if any(_same(signer, signature.signer) for signature in signatures):
        raise SignerHasSigned
    if missing := theirs - answers.keys():
        raise LinesMissing(named(missing))
    if beyond := answers.keys() - theirs:
        raise LinesNotForSigner(named(beyond))


def check_also(
    signer: Signer,
    also: Mapping[GrantId, AskFirst | None],
    *,
    grants: Grants,
    needed: Mapping[str, Needed],
) -> None:
    """Raise unless each line is the signer's to put that beside, and where something stands, theirs to exchange."""
    beyond = set()
    for grant in grants:
        if grant.id in also:
            need = needed_for(grant.category, needed)
            theirs = need.subject if signer.kind == "subject" else need.guardians > 0
            opens = also[grant.id] is None or grant.condition.also is not None
            if not theirs and (signer.kind == "guardian" or opens):
                beyond.add(grant.id)
    if beyond:
        raise LinesNotForSigner(named(beyond))


def answered(grants: Grants, signature: Signature) -> Grants:
    """The lines after one more signature: a no by anyone stays a no."""
    return tuple(replace(grant, answer=_answer(grant, signature)) for grant in grants)


def state_after(grants: Grants, signatures: Signatures, needed: Mapping[str, Needed]) -> State:
    """Refused when every line is a no; active when every other has its signatures."""
    standing = [grant for grant in grants if grant.answer != "no"]
    if not standing:
        return State.REFUSED
    return State.PARTLY_SIGNED if lacking(standing, signatures, needed) else State.ACTIVE


def lacking(
    grants: Grants | list[Grant], signatures: Signatures, needed: Mapping[str, Needed]
) -> frozenset[str]:
    """What these lines still lack: of ``subject``, ``guardian``, ``child_heard``."""
    lacks = (
        signed(signatures, grant.id).lacks(needed_for(grant.category, needed)) for grant in grants
    )
    return frozenset[str]().union(*lacks)


def _same(one: Signer, other: Signer) -> bool:
    return one == other or one.kind == other.kind == "subject"


def _answer(grant: Grant, signature: Signature) -> Answer | None:
    if grant.answer == "no" or grant.id in signature.no:
        return "no"
    return "yes" if grant.id in signature.yes else grant.answer
