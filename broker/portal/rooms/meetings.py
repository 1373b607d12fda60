"""Meetings about me: those to come and those that were, who called them and who took part in which roles (N22)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from broker.errors import NotASubject
from broker.portal.codes import role_of
from broker.portal.pages import Answer, Pages, Visit, shown
from broker.portal.telling import named
from broker.usecases import overview
from tillit.wire import MyMeeting, MyMeetings

pages = Pages()

PAGE = 20


@dataclass(frozen=True, slots=True)
class Met:
    """A meeting in words. ``without_yes``: what of the agenda nobody there may know of."""

    at: str
    about: str
    by: str
    who: Sequence[str]
    holds: bool
    agenda: Sequence[str]
    without_yes: Sequence[str]


class MeetingsQuery(BaseModel):
    """Where the page of past meetings begins."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    before: Annotated[str, StringConstraints(pattern=r"^mtg_[A-Za-z0-9_-]{22}$")] | None = None


@pages.get("/meetings", "person", query=MeetingsQuery)
def meetings(visit: Visit) -> Answer:
    """The next one first; then what was, the latest first."""
    found = _found(visit)
    first = visit.query.before is None
    return shown(
        "meetings.html",
        coming=[met(one, visit) for one in found.coming] if first else [],
        past=[met(one, visit) for one in found.past],
        first=first,
        next=found.next,
    )


def met(one: MyMeeting, visit: Visit) -> Met:
    """A meeting in words."""
    return Met(
        at=visit.words.time(one.held_at),
        about=one.label,
        by=named("unit", one.called_by, visit),
        who=[
            f"{one.labels.get(p.unit, p.unit)} ({role_of(p.role, visit.words, visit.ports.catalogue)})"
            for p in one.participants
        ],
        holds=one.consent_holds,
        agenda=[item.label for item in one.agenda],
        without_yes=[item.label for item in one.agenda if not item.consent_holds],
    )


def _found(visit: Visit) -> MyMeetings:
    try:
        return overview.meetings(
            person=visit.person,
            before=visit.query.before,
            limit=PAGE,
            language=visit.language,
            ports=visit.ports,
        )
    except NotASubject:
        return MyMeetings(coming=(), past=(), next=None)
