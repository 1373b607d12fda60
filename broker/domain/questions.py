"""Questions: an ask waits for a word from whoever wants to be asked first, and what becomes of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from broker.domain.errors import QuestionAnswered, QuestionOver, SignerNotNeeded
from broker.domain.grants import Answer
from broker.domain.ids import ConsentId, DisclosureId, GrantId, QuestionId, SubjectId, UnitId
from broker.domain.signatures import Needed, Signer
from tillit.wire import AskFirst

ANSWER_WITHIN = timedelta(hours=24)
"""For so long a question waits; then it is over, and the next ask may put it again."""
NOT_ASKED_AGAIN = timedelta(hours=24)
"""For so long after a no the same unit's asks for the same purpose put no other."""
MOST_OPEN = 20
"""So many questions wait for one person at most; an ask beyond them is withheld and puts none."""
LET_FOR: Mapping[AskFirst, timedelta] = {
    "ask_me_first": timedelta(hours=24),
    "only_when_present": timedelta(minutes=15),
}
"""For so long a yes lets what was asked: one release of it, or, to somebody who is there, every one."""


class QuestionState(StrEnum):
    """Where a question stands; the value is the word of the wire."""

    OPEN = "open"
    YES = "yes"
    NO = "no"
    USED = "used"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """May ``unit`` know these fields for this purpose, by these lines of this consent?

    ``subject`` gave the consent. ``also`` is what its lines wait for. ``closes``: when what it says stops to count: an open
    one waits until then, a yes lets what was asked, a no keeps from asking again. ``yes_by`` have said yes; with more than
    one needed it stays open until all have.
    """

    id: QuestionId
    subject: SubjectId
    unit: UnitId
    actor_role: str
    purpose: str
    collaboration: str | None
    consent: ConsentId
    lines: tuple[GrantId, ...]
    fields: tuple[str, ...]
    also: AskFirst
    asked_at: datetime
    closes: datetime
    state: QuestionState = QuestionState.OPEN
    yes_by: tuple[Signer, ...] = ()
    answered_at: datetime | None = None
    used_by: DisclosureId | None = None
    version: int = 1

    def counts(self, at: datetime) -> bool:
        """Whether what it says still counts."""
        return self.state in _COUNTING and at < self.closes

    def is_open(self, at: datetime) -> bool:
        """Whether it waits for an answer."""
        return self.state is QuestionState.OPEN and at < self.closes

    def lets(self, at: datetime) -> bool:
        """Whether what was asked may be released."""
        return self.state is QuestionState.YES and at < self.closes

    def keeps_from_asking(self, at: datetime) -> bool:
        """Whether it was answered no so lately that it is not put again."""
        return self.state is QuestionState.NO and at < self.closes

    def answer(
        self, said: Answer, *, signer: Signer, needed: Iterable[Needed], at: datetime
    ) -> "Question":
        """One signer's word: a no is final, a yes when everybody has said it whose yes the lines take today.

        Args:
            said: yes or no.
            signer: who answers. *Not checked*: that they are who they say.
            needed: the signatures that each of its lines needs today.
            at: now.

        Raises:
            QuestionAnswered: it is answered already, or by this signer.
            QuestionOver: its time has run out, or what it was about is not shared any more.
            SignerNotNeeded: the lines are not this signer's.
        """
        needs = tuple(needed)
        if self.state in _ANSWERED:
            raise QuestionAnswered
        if not self.is_open(at):
            raise QuestionOver
        if signer in self.yes_by:
            raise QuestionAnswered
        theirs = {n.subject if signer.kind == "subject" else n.guardians > 0 for n in needs}
        if theirs != {True}:
            raise SignerNotNeeded
        if said == "no":
            return self._moved(QuestionState.NO, answered_at=at, closes=at + NOT_ASKED_AGAIN)
        yes_by = (*self.yes_by, signer)
        if not all(_enough(yes_by, need) for need in needs):
            return self._moved(QuestionState.OPEN, yes_by=yes_by)
        closes = at + LET_FOR[self.also]
        return self._moved(QuestionState.YES, yes_by=yes_by, answered_at=at, closes=closes)

    def use(self, disclosure: DisclosureId) -> "Question":
        """A release has used its yes up."""
        return self._moved(QuestionState.USED, used_by=disclosure)

    def lapse(self) -> "Question":
        """What it was about is not shared any more, or not so."""
        return self._moved(QuestionState.LAPSED)

    def _moved(self, state: QuestionState, **changes: object) -> "Question":
        return replace(self, state=state, version=self.version + 1, **changes)  # type: ignore[arg-type]


_ANSWERED = frozenset({QuestionState.YES, QuestionState.NO, QuestionState.USED})
_COUNTING = frozenset({QuestionState.OPEN, QuestionState.YES, QuestionState.NO})


def _enough(yes_by: tuple[Signer, ...], need: Needed) -> bool:
    guardians = sum(signer.kind == "guardian" for signer in yes_by)
    subject = any(signer.kind == "subject" for signer in yes_by)
    return guardians >= need.guardians and (subject or not need.subject)
