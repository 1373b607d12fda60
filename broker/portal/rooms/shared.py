"""What was shared: who asked about me, when and why, what they were told and what not; and the receipt of each."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from broker.domain.ids import DisclosureId
from broker.errors import NotASubject
from broker.portal.pages import Answer, Pages, Saved, Visit, shown
from broker.portal.telling import given
from broker.usecases import me
from tillit.wire import MyDisclosure, MyDisclosures

pages = Pages()

PAGE = 25


class TimelineQuery(BaseModel):
    """Where the page begins: before which disclosure."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    before: Annotated[str, StringConstraints(pattern=r"^dis_[A-Za-z0-9_-]{22}$")] | None = None


@pages.get("/shared", "person", query=TimelineQuery)
def timeline(visit: Visit) -> Answer:
    """Newest first, a page at a time."""
    found = _disclosures(visit, visit.query.before, PAGE)
    return shown(
        "shared.html",
        disclosures=[given(one, visit) for one in found.disclosures],
        first=visit.query.before is None,
        next=found.next,
    )


@pages.get("/shared/{disclosure}", "person")
def disclosure(visit: Visit) -> Answer:
    """One of them, field by field."""
    one = _disclosure(visit)
    return shown("disclosure.html", one=given(one, visit))


@pages.get("/shared/{disclosure}/receipt", "person")
def receipt(visit: Visit) -> Answer:
    """The receipt, to keep: anybody with the broker's public key can check it."""
    one = _disclosure(visit)
    return Saved(one.receipt.encode(), "application/jose", f"{one.id}.receipt.jws")


def _disclosure(visit: Visit) -> MyDisclosure:
    identity = DisclosureId(visit.path["disclosure"])
    return me.disclosure(identity, person=visit.person, language=visit.language, ports=visit.ports)


def _disclosures(visit: Visit, before: str | None, limit: int) -> MyDisclosures:
    try:
        return me.disclosures(
            person=visit.person,
            before=before,
            limit=limit,
            language=visit.language,
            ports=visit.ports,
        )
    except NotASubject:
        return MyDisclosures(disclosures=(), next=None)
