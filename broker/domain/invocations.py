"""Invocations: a statute relied on about one subject towards one recipient, confirmed and reviewed by other people.

What was written as its reason is in the log only, whose content dies with the subject.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from broker.domain.errors import (
    HoursTooMany,
    InvocationState,
    NecessityMissing,
    NothingToConfirm,
    NothingToReview,
    NoticeDelayTooLong,
    OutsideStatute,
    OutsideStatuteAges,
    RoleNotAllowed,
    SamePerson,
    WrongSide,
    named,
)
from broker.domain.ids import InvocationId, SubjectId, UnitId
from broker.domain.shelves import FieldDef, Side, Statute, Unit

Finding = Literal["justified", "not_justified"]


@dataclass(frozen=True, slots=True)
class Invocation:
    """``told_at``: when the subject is told, of it and of what is released on it; ``source`` None: any source may answer.

    ``review``: whether one is wanted at all. ``version`` grows with every change.
    """

    id: InvocationId
    subject: SubjectId
    statute: str
    unit: UnitId
    actor: str
    role: str
    source: UnitId | None
    recipient: UnitId
    fields: tuple[str, ...]
    necessary: tuple[str, ...]
    opens: datetime
    closes: datetime
    told_at: datetime
    second_person: bool
    review: bool
    confirmed_by: str | None = None
    reviewed_by: str | None = None
    finding: Finding | None = None
    version: int = 1

    @property
    def confirmed(self) -> bool:
        """Whether a second person stands behind it."""
        return self.confirmed_by is not None

    @property
    def stands(self) -> bool:
        """Whether it needs nobody's word any more before something may be released on it."""
        return self.confirmed or not self.second_person

    @property
    def review_due(self) -> bool:
        """Whether somebody must still review it."""
        return self.review and self.finding is None

    def open_at(self, at: datetime) -> bool:
        """Whether its time has not run out."""
        return self.opens <= at < self.closes

    def confirm(self, *, by: str, role: str, statute: Statute, at: datetime) -> "Invocation":
        """A second person stands behind it.

        Raises:
            NothingToConfirm: the statute wants no second person.
            InvocationState: confirmed already, or its time has run out.
            SamePerson: the second person is the first.
            RoleNotAllowed: the statute does not trust that role.
        """
        if not self.second_person:
            raise NothingToConfirm
        if self.confirmed or not self.open_at(at):
            raise InvocationState
        if by == self.actor:
            raise SamePerson
        check_role(role, statute)
        return replace(self, confirmed_by=by, version=self.version + 1)

    def reviewed(self, *, by: str, finding: Finding, at: datetime) -> "Invocation":
        """Somebody else has judged it. That ends it: nothing is released on it from then on.

        Raises:
            NothingToReview: no review is wanted, or there is one already.
            SamePerson: the reviewer invoked or confirmed it.
        """
        if not self.review_due:
            raise NothingToReview
        if by in (self.actor, self.confirmed_by):
            raise SamePerson
        return replace(
            self,
            reviewed_by=by,
            finding=finding,
            closes=min(self.closes, at),
            version=self.version + 1,
        )


def ends(
    statute: Statute,
    *,
    unit: UnitId,
    source: str | None,
    recipient: str | None,
    units: Mapping[str, Unit],
) -> tuple[UnitId | None, UnitId]:
    """Source and recipient: the calling unit at the end that the statute lets invoke it, the other as named.

    Raises:
        WrongSide: the calling unit is not at that end, or an end is missing, unknown or not one of the statute's.
    """
    giving = statute.invoked_by == "source"
    gives = source or (unit if giving else None)
    takes = recipient or (None if giving else unit)
    if takes is None or unit != (gives if giving else takes) or gives == takes:
        raise WrongSide
    taker = _at(statute.recipient_side, takes, units)
    if gives is None:
        return None, UnitId(takes)
    giver = _at(statute.source_side, gives, units)
    if statute.same_type and giver.type != taker.type:
        raise WrongSide
    return UnitId(gives), UnitId(takes)


def _at(side: Side, end: str, units: Mapping[str, Unit]) -> Unit:
    unit = units.get(end)
    if unit is None or not side.holds(unit):
        raise WrongSide
    return unit


def check_role(role: str, statute: Statute) -> None:
    """Raises ``RoleNotAllowed`` unless the statute trusts the role; one that names none trusts any."""
    if statute.roles and role not in statute.roles:
        raise RoleNotAllowed


def check_fields(
    fields: Iterable[str],
    necessity: Iterable[str],
    statute: Statute,
    *,
    known: Mapping[str, FieldDef],
) -> None:
    """Raise unless the fields are the statute's to share, each with its necessity where that is wanted.

    Raises:
        OutsideStatute: an unknown field, or one that the statute does not name.
        NecessityMissing: a field without a stated necessity, or a necessity of a field that is not named.
    """
    asked, needed = set(fields), set(necessity)
    bounded = bool(statute.fields or statute.categories)
    beyond = {
        name
        for name in asked
        if name not in known
        or (
            bounded
            and name not in statute.fields
            and known[name].category not in statute.categories
        )
    }
    if beyond:
        raise OutsideStatute(named(beyond))
    if needed - asked or (statute.necessity and asked - needed):
        raise NecessityMissing(named(needed ^ asked))


def check_age(age: int, statute: Statute) -> None:
    """Raises ``OutsideStatuteAges`` unless the statute is about people of that age."""
    if not statute.ages.min <= age <= statute.ages.max:
        raise OutsideStatuteAges


def closes(statute: Statute, hours: int | None, *, at: datetime) -> datetime:
    """When an invocation ends: after so many hours, by default as many as the statute allows. Raises ``HoursTooMany``."""
    if hours is not None and hours > statute.hours:
        raise HoursTooMany
    return at + timedelta(hours=statute.hours if hours is None else hours)


def told_at(statute: Statute, days: int | None, *, at: datetime) -> datetime:
    """When the subject is told: at once unless a delay is asked for that the statute allows. Raises ``NoticeDelayTooLong``."""
    if days is None:
        return at
    if days > statute.max_delay_days:
        raise NoticeDelayTooLong
    return at + timedelta(days=days)
