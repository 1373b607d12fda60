"""Answering: whose lines are whose, what an answer makes of them, and whether it is enough."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from broker.domain.consent_events import (
    ConsentActivated,
    ConsentPartlySigned,
    ConsentPutOff,
    ConsentRefused,
    SignatureGiven,
)
from broker.domain.errors import (
    LinesMissing,
    LinesNotForSigner,
    LinesUnknown,
    NothingAnswered,
    SignerHasSigned,
    SignerNotNeeded,
    named,
)
from broker.domain.grants import Grant, LineAnswer
from broker.domain.ids import GrantId
from broker.domain.signatures import Needed, Signature, Signer, needed_for, signed
from broker.domain.states import State
from tillit.wire import AskFirst

_STRONGEST: tuple[LineAnswer, ...] = ("no", "not_now", "yes")
_NOT_GIVEN = frozenset({"no", "not_now"})

ANSWERED: Mapping[State, type[SignatureGiven]] = {
    State.REQUESTED: ConsentPutOff,
    State.PARTLY_SIGNED: ConsentPartlySigned,
    State.ACTIVE: ConsentActivated,
    State.REFUSED: ConsentRefused,
}
"""What an answer is called, by the state that it leads to."""

Grants = tuple[Grant, ...]
Signatures = tuple[Signature, ...]


def check_say(
    signer: Signer,
    answers: Mapping[GrantId, LineAnswer],
    *,
    grants: Grants,
    signatures: Signatures,
    needed: Mapping[str, Needed],
) -> None:
    """Raise unless the signer answers exactly the lines that are theirs, or some that they have put off.

    Every line is the subject's; a guardian's are those whose category needs guardians today. Putting
    everything off is no answer.
    """
    lines = {grant.id: needed_for(grant.category, needed) for grant in grants}
    if unknown := answers.keys() - lines.keys():
        raise LinesUnknown(named(unknown))
    theirs = {
        line for line, need in lines.items() if signer.kind == "subject" or need.guardians > 0
    }
    if not theirs:
        raise SignerNotNeeded
    if has_signed(signer, signatures):
        theirs &= set(put_off(signer, grants=grants, signatures=signatures))
        if not theirs:
            raise SignerHasSigned
    elif missing := theirs - answers.keys():
        raise LinesMissing(named(missing))
    if beyond := answers.keys() - theirs:
        raise LinesNotForSigner(named(beyond))
    if not {"yes", "no"} & set(answers.values()):
        raise NothingAnswered


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


def has_signed(signer: Signer, signatures: Signatures) -> bool:
    """Whether this signer has answered before."""
    return any(_same(signer, signature.signer) for signature in signatures)


def put_off(signer: Signer, *, grants: Grants, signatures: Signatures) -> tuple[GrantId, ...]:
    """The lines that the signer has put off, and nobody has said no to: theirs to answer still."""
    own = [signature for signature in signatures if _same(signer, signature.signer)]
    open_ = {grant.id for grant in grants if grant.answer == "not_now"}
    return tuple(g.id for g in grants if g.id in open_ and _last_word(own, g.id) == "not_now")


def answered(grants: Grants, signatures: Signatures) -> Grants:
    """The lines after one more signature: a no by anyone stays a no, and what anyone puts off is no yes."""
    return tuple(replace(grant, answer=_answer(grant, signatures)) for grant in grants)


def state_after(grants: Grants, signatures: Signatures, needed: Mapping[str, Needed]) -> State:
    """Active when every line that is neither a no nor put off has its signatures.

    With no such line, requested as before where some are put off, and refused where every one is a no.
    """
    standing = [grant for grant in grants if grant.answer not in _NOT_GIVEN]
    if standing:
        return State.PARTLY_SIGNED if lacking(standing, signatures, needed) else State.ACTIVE
    later = any(grant.answer == "not_now" for grant in grants)
    return State.REQUESTED if later else State.REFUSED


def waiting(
    grants: Sequence[Grant], signatures: Signatures, needed: Mapping[str, Needed]
) -> frozenset[str]:
    """What the lines lack that were not said no to: first those that nobody has put off."""
    standing = [grant for grant in grants if grant.answer not in _NOT_GIVEN]
    later = [grant for grant in grants if grant.answer == "not_now"]
    return lacking(standing or later, signatures, needed)


def lacking(
    grants: Sequence[Grant], signatures: Signatures, needed: Mapping[str, Needed]
) -> frozenset[str]:
    """What these lines still lack: of ``subject``, ``guardian``, ``child_heard``."""
    lacks = (
        signed(signatures, grant.id).lacks(needed_for(grant.category, needed)) for grant in grants
    )
    return frozenset[str]().union(*lacks)


def _same(one: Signer, other: Signer) -> bool:
    return one == other or one.kind == other.kind == "subject"


def _answer(grant: Grant, signatures: Signatures) -> LineAnswer | None:
    if grant.answer == "no":
        return "no"
    by: dict[object, list[Signature]] = {}
    for signature in signatures:
        signer = signature.signer
        by.setdefault("subject" if signer.kind == "subject" else signer, []).append(signature)
    words = {_last_word(own, grant.id) for own in by.values()}
    return next((word for word in _STRONGEST if word in words), grant.answer)


def _last_word(own: Iterable[Signature], line: GrantId) -> LineAnswer | None:
    """What one signer has said last of a line."""
    word: LineAnswer | None = None
    for signature in own:
        said = {"yes": signature.yes, "no": signature.no, "not_now": signature.not_now}
        word = next((w for w in _STRONGEST if line in said[w]), word)
    return word
