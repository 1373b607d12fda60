"""Responsibility: which one service has the ball in a case, why and since when; or that none has, and whom to turn to (N15)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from broker.domain.consents import Consent
from broker.domain.ids import UnitId
from broker.domain.shelves import Collaboration
from broker.domain.states import OPEN, State

Why = Literal["requested", "reporting_service", "coordinator", "stafettholder", "stage"]
"""It asked and waits for an answer; or the agreement's rule says so; or it said last how far the case has come."""

Gap = Literal["agreement_over", "not_chosen", "left", "not_named"]
"""The agreement is over; nobody was chosen; whoever has it by the rule is no member any more, or no yes names it."""

_IN_FORCE = frozenset({State.ACTIVE, State.PAUSED})


@dataclass(frozen=True, slots=True)
class Said:
    """Which unit said last what point of its pathway the case has reached, and when."""

    unit: UnitId
    at: datetime


@dataclass(frozen=True, slots=True)
class Responsible:
    """The one unit that has the ball, why, and since when."""

    unit: UnitId
    why: Why
    since: datetime


@dataclass(frozen=True, slots=True)
class Nobody:
    """No unit has the ball, and which to turn to until one has."""

    gap: Gap
    turn_to: UnitId


def alive(consent: Consent, now: datetime) -> bool:
    """Whether a consent holds, is paused or waits for an answer, and its time is not over."""
    return consent.state in _IN_FORCE | OPEN and now < consent.valid_until


def responsible(
    consents: Iterable[Consent], agreed: Collaboration | None, stage: Said | None, *, now: datetime
) -> Responsible | Nobody:
    """Who has the ball among a subject's living consents in one collaboration, at least one.

    Of several units that brought the case the first one keeps it. Before a yes it is whoever asked: the others know
    nothing of the subject yet. ``agreed`` is None where the catalogue no longer knows the collaboration.

    Raises:
        ValueError: without a consent.
    """
    living = sorted(consents, key=lambda c: (c.valid_from or c.requested_at, c.id))
    if not living:
        raise ValueError("where nothing lives there is no case")
    answered = [consent for consent in living if consent.state in _IN_FORCE]
    first = (answered or living)[0]
    if agreed is None or not agreed.in_force(now):
        return Nobody("agreement_over", first.requested_by)
    if not answered:
        return Responsible(first.requested_by, "requested", first.requested_at)
    found = _by_rule(first, agreed, stage)
    if found is None:
        return Nobody("not_chosen", _near(first, agreed, now))
    if found.unit not in agreed.members_at(now):
        return Nobody("left", _near(first, agreed, now))
    if found.unit not in _named(answered):
        return Nobody("not_named", _near(first, agreed, now))
    return found


def _by_rule(first: Consent, agreed: Collaboration, stage: Said | None) -> Responsible | None:
    since = first.changed_at if first.valid_from is None else first.valid_from
    rule = agreed.responsible.id
    if stage is not None:
        return Responsible(stage.unit, "stage", stage.at)
    if rule == "chosen_by_subject":
        return None
    unit = agreed.coordinator if rule == "coordinator" else first.requested_by
    return Responsible(UnitId(unit), rule, since)


def _named(answered: Iterable[Consent]) -> frozenset[str]:
    """Units that know of the subject by a yes, or because they asked."""
    ends = {
        unit
        for consent in answered
        for grant in consent.grants
        if grant.answer == "yes"
        for unit in (grant.source, grant.recipient)
    }
    return frozenset(ends | {consent.requested_by for consent in answered})


def _near(first: Consent, agreed: Collaboration, now: datetime) -> UnitId:
    """Whoever brought the case while it is a member, else the coordinator."""
    if first.requested_by in agreed.members_at(now):
        return first.requested_by
    return UnitId(agreed.coordinator)
