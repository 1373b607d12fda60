"""Undoing: what a consent was before somebody's latest act, for the few seconds in which they may take that act back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from broker.domain.errors import NothingToUndo, UndoTooLate
from broker.domain.grants import Grant, LineAnswer
from broker.domain.ids import GrantId
from broker.domain.signatures import Signature, Signer, SignerKind
from broker.domain.states import State

UNDO_WITHIN = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoable:
    """The act that made ``version``, and how to take it back.

    ``yes`` are the lines that it said yes to: what was given is taken back by withdrawing it, since it may have been
    released upon. An act that gave nothing is taken back to how it was: ``state``, ``answers`` of the lines it changed,
    so many ``signatures``, ``paused_by``.
    """

    by: Signer
    version: int
    until: datetime
    state: State
    answers: Mapping[GrantId, LineAnswer | None]
    signatures: int
    paused_by: SignerKind | None
    yes: tuple[GrantId, ...] = ()

    def is_theirs(self, by: Signer, *, version: int, at: datetime) -> bool:
        """Whether that signer may take it back now."""
        return (self.by, self.version) == (by, version) and at < self.until

    def before(self, grants: Iterable[Grant]) -> tuple[Grant, ...]:
        """The lines as they were answered before."""
        return tuple(replace(g, answer=self.answers.get(g.id, g.answer)) for g in grants)


class Changed(Protocol):
    """As much of a consent as the way back is made of."""

    @property
    def state(self) -> State:
        """Its state."""
        ...

    @property
    def version(self) -> int:
        """Its version."""
        ...

    @property
    def changed_at(self) -> datetime:
        """When it came to it."""
        ...

    @property
    def grants(self) -> tuple[Grant, ...]:
        """Its lines."""
        ...

    @property
    def signatures(self) -> tuple[Signature, ...]:
        """Those that it has."""
        ...

    @property
    def paused_by(self) -> SignerKind | None:
        """Who paused it."""
        ...


def way_back(
    before: Changed, after: Changed, *, by: Signer, yes: tuple[GrantId, ...] = ()
) -> Undoable:
    """How to take back the act that has made ``after`` of ``before``; ``yes``: the lines that it gave."""
    pairs = zip(before.grants, after.grants, strict=True)
    return Undoable(
        by=by,
        version=after.version,
        until=after.changed_at + UNDO_WITHIN,
        state=before.state,
        answers={old.id: old.answer for old, new in pairs if old.answer != new.answer},
        signatures=len(before.signatures),
        paused_by=before.paused_by,
        yes=yes,
    )


def check_undo(undoable: Undoable | None, by: Signer, *, version: int, at: datetime) -> Undoable:
    """What there is to take back.

    Raises:
        NothingToUndo: the latest change of the consent is not an act of theirs that can be taken back.
        UndoTooLate: it is, and its seconds are over.
    """
    if undoable is None or (undoable.by, undoable.version) != (by, version):
        raise NothingToUndo
    if at >= undoable.until:
        raise UndoTooLate
    return undoable
