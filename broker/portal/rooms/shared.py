"""What was shared: who asked about me, when and why, what they were told and what not; its receipt, and what looks wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal
from urllib.parse import urlencode

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from broker.domain.ids import ComplaintId, DisclosureId
from broker.domain.ids import UnitId as Unit
from broker.errors import NotASubject
from broker.portal.forms import Form
from broker.portal.mistakes import N_
from broker.portal.pages import Answer, Onward, Pages, Saved, Visit, shown
from broker.portal.telling import given, named
from broker.portal.words import OSLO
from broker.stored import Sought
from broker.usecases import complaints, me, overview
from tillit.wire import (
    ComplaintFinding,
    ComplaintReason,
    ComplaintRequest,
    MyComplaint,
    MyDisclosure,
    MyDisclosures,
    UnitId,
)

pages = Pages()

PAGE = 25


def _a_day(text: str) -> str:
    """Refuses what looks like a day of the calendar and is none."""
    if text:
        date.fromisoformat(text)
    return text


Day = Annotated[
    str, StringConstraints(pattern=r"^(20[0-9]{2}-[0-9]{2}-[0-9]{2})?$"), AfterValidator(_a_day)
]
"""A day of this century in Norway, as a form sends it; empty: any."""


class TimelineQuery(BaseModel):
    """Where the page begins, before which disclosure; and what is looked for, empty where it does not matter."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    before: Annotated[str, StringConstraints(pattern=r"^dis_[A-Za-z0-9_-]{22}$")] | None = None
    since: Day = ""
    until: Day = ""
    service: UnitId | Literal[""] = ""
    only: Literal["", "refused", "emergency"] = ""

    @property
    def filters(self) -> dict[str, str]:
        """What is looked for, as it stands in an address."""
        named = {"since": self.since, "until": self.until, "service": self.service}
        return {name: value for name, value in (named | {"only": self.only}).items() if value}

    @property
    def sought(self) -> Sought:
        """What is looked for. Days begin and end in Norway; the last one is looked through to its end."""
        return Sought(
            since=_midnight(date.fromisoformat(self.since)) if self.since else None,
            until=_midnight(date.fromisoformat(self.until) + timedelta(days=1))
            if self.until
            else None,
            recipient=Unit(self.service) if self.service else None,
            only=self.only or None,
        )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=OSLO).astimezone(UTC)


FINDINGS: Mapping[ComplaintFinding, str] = {
    "right": N_("%(unit)s has looked at it, and says that it was right."),
    "wrong_stopped": N_("%(unit)s says that it was wrong, and that they have stopped it."),
    "not_ours": N_("%(unit)s says that it was not them."),
}
_WAITS = N_("%(unit)s has not answered yet. They have until %(day)s.")
_LATE = N_(
    "%(unit)s has not answered in time. They were reminded, and those who audit them see it."
)


class ComplaintForm(Form):
    """Why it looks wrong: a word of the catalogue."""

    reason: ComplaintReason


@dataclass(frozen=True, slots=True)
class Doubted:
    """What I said looks wrong, and what the service says to that."""

    text: str
    at: str
    answer: str
    is_closed: bool


@pages.get("/shared", "person", query=TimelineQuery)
def timeline(visit: Visit) -> Answer:
    """Newest first, a page at a time; all of them, or what is looked for."""
    query: TimelineQuery = visit.query
    found = _disclosures(visit)
    filters = query.filters
    return shown(
        "shared.html",
        disclosures=[given(one, visit) for one in found.disclosures],
        doubted={one.disclosure for one in _complaints(visit) if one.state != "closed"},
        first=query.before is None,
        sought=query,
        filtered=bool(filters),
        services=_askers(visit),
        newest="/shared" + (f"?{urlencode(filters)}" if filters else ""),
        older=found.next and f"/shared?{urlencode({**filters, 'before': found.next})}",
    )


@pages.get("/shared/{disclosure}", "person")
def disclosure(visit: Visit) -> Answer:
    """One of them, field by field."""
    return _shown(visit)


@pages.get("/shared/{disclosure}/receipt", "person")
def receipt(visit: Visit) -> Answer:
    """The receipt, to keep: anybody with the broker's public key can check it."""
    one = _disclosure(visit)
    return Saved(one.receipt.encode(), "application/jose", f"{one.id}.receipt.jws")


@pages.post("/shared/{disclosure}/wrong", "person", takes=ComplaintForm)
def wrong(visit: Visit) -> Answer:
    """Say that it looks wrong."""
    form: ComplaintForm = visit.form
    one = _disclosure(visit)
    said = ComplaintRequest(disclosure=one.id, reason=form.reason)
    complaints.complain(said, call=visit.call, ports=visit.ports)
    return Onward(f"/shared/{one.id}")


@pages.post("/shared/{disclosure}/settled", "person", takes=Form)
def settled(visit: Visit) -> Answer:
    """Be done with what looked wrong."""
    one = _disclosure(visit)
    found = [c for c in _complaints(visit) if c.disclosure == one.id and c.state != "closed"]
    if found:
        complaints.close(ComplaintId(found[0].id), call=visit.call, ports=visit.ports)
    return Onward(f"/shared/{one.id}")


def _shown(visit: Visit) -> Answer:
    one = _disclosure(visit)
    doubted = [c for c in _complaints(visit) if c.disclosure == one.id]
    reasons = visit.ports.catalogue.complaints
    return shown(
        "disclosure.html",
        one=given(one, visit),
        doubted=[doubt_of(c, visit) for c in doubted],
        may_doubt=not one.own and all(c.state == "closed" for c in doubted),
        reasons=[(reason, named("complaint", reason, visit)) for reason in reasons],
    )


def doubt_of(one: MyComplaint, visit: Visit) -> Doubted:
    """A complaint in words."""
    words, unit = visit.words, named("unit", one.unit, visit)
    if one.finding is not None:
        answer = words(FINDINGS[one.finding], unit=unit)
    elif one.answer_by <= visit.ports.clock():
        answer = words(_LATE, unit=unit)
    else:
        answer = words(_WAITS, unit=unit, day=words.day(one.answer_by))
    return Doubted(one.text, words.day(one.opened_at), answer, one.state == "closed")


def _complaints(visit: Visit) -> tuple[MyComplaint, ...]:
    try:
        return complaints.complaints(
            person=visit.person, language=visit.language, ports=visit.ports
        ).complaints
    except NotASubject:
        return ()


def _disclosure(visit: Visit) -> MyDisclosure:
    identity = DisclosureId(visit.path["disclosure"])
    return me.disclosure(identity, person=visit.person, language=visit.language, ports=visit.ports)


def _askers(visit: Visit) -> list[tuple[str, str]]:
    """The services to choose among, by name."""
    try:
        found = overview.askers(person=visit.person, ports=visit.ports)
    except NotASubject:
        return []
    named_so = ((unit, named("unit", unit, visit)) for unit in found)
    return sorted(named_so, key=lambda pair: pair[1].casefold())


def _disclosures(visit: Visit) -> MyDisclosures:
    query: TimelineQuery = visit.query
    try:
        return me.disclosures(
            person=visit.person,
            before=query.before,
            limit=PAGE,
            language=visit.language,
            ports=visit.ports,
            sought=query.sought,
        )
    except NotASubject:
        return MyDisclosures(disclosures=(), next=None)
