"""My consents: what I said yes to, and how I pause it, take it up again or stop it, whole or a line."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field

from broker.domain.ids import ConsentId
from broker.portal.forms import ConsentForm, LinesForm
from broker.portal.pages import Answer, Onward, Pages, Visit, shown
from broker.portal.rooms.guarding import agreement, consent_of
from broker.portal.telling import ALIVE, WAITING, Asked, asked, named
from broker.usecases import me
from tillit.wire import MAX_GRANTS, ConditionsRequest, ConsentView, GrantId, Withdrawal

pages = Pages()

LOOKED_THROUGH = 25
"""So many disclosures are looked through for those of the seconds before an act was taken back."""


class ConditionsForm(LinesForm):
    """What to put beside lines. ``all``: the same beside every one."""

    lines: Annotated[
        Mapping[GrantId, Literal["ask_me_first", "only_when_present", "none"]],
        Field(max_length=MAX_GRANTS),
    ] = MappingProxyType({})
    all: Literal["", "ask_me_first"] = ""


@pages.get("/consents", "person")
def consents(visit: Visit) -> Answer:
    """All of them, those in use first."""
    views = me.consents(person=visit.person, ports=visit.ports).consents
    theirs = [view for view in views if view.as_guardian]
    views = tuple(view for view in views if not view.as_guardian)
    return shown(
        "consents.html",
        as_guardian=bool(theirs),
        waiting=[asked(view, visit) for view in views if view.state in WAITING],
        alive=[asked(view, visit) for view in views if view.state in ALIVE],
        over=[asked(view, visit) for view in views if view.state not in WAITING | ALIVE],
    )


@pages.get("/consents/{consent}", "person")
def consent(visit: Visit) -> Answer:
    """One of them, and what can be done with it."""
    found = _found(visit)
    return shown("consent.html", consent=found, agreement=agreement(found, visit))


@pages.get("/consents/{consent}/stop", "person")
def stopping(visit: Visit) -> Answer:
    """What stopping means, before it is done."""
    return shown("stop.html", consent=_found(visit))


@pages.post("/consents/{consent}/stop", "person", takes=ConsentForm)
def stop(visit: Visit) -> Answer:
    """Stop all of it. Once the page has answered, nothing is shared on it."""
    return _withdrawn(visit, Withdrawal())


@pages.post("/consents/{consent}/narrow", "person", takes=LinesForm, most=MAX_GRANTS + 8)
def narrow(visit: Visit) -> Answer:
    """Stop the lines that were chosen."""
    chosen = tuple(visit.form.lines)
    if not chosen:
        return Onward(f"/consents/{visit.path['consent']}")
    return _withdrawn(visit, Withdrawal(grants=chosen))


@pages.get("/consents/{consent}/conditions", "person")
def conditions(visit: Visit) -> Answer:
    """When the lines that were said yes to may be told: always, when one is asked first, when one is there."""
    found = _found(visit)
    if not found.stands:
        return Onward(f"/consents/{found.id}")
    return shown("conditions.html", consent=found)


@pages.post("/consents/{consent}/conditions", "person", takes=ConditionsForm, most=MAX_GRANTS + 8)
def choose(visit: Visit) -> Answer:
    """Be asked first, or not any more, where that is another choice than the one that stands."""
    form: ConditionsForm = visit.form
    found = _found(visit)
    stands = {
        line: choice.also or "none"
        for one in found.agreed
        for choice in one.choices
        for line in choice.lines
    }
    chosen = dict.fromkeys(stands, form.all) if form.all else form.lines
    changed = {line: word for line, word in chosen.items() if word != stands.get(line)}
    if changed:
        asked_for = ConditionsRequest(conditions=changed)
        identity = ConsentId(found.id)
        me.ask_first(
            identity, asked_for, call=visit.call, ports=visit.ports, shown=visit.form.version
        )
    return Onward(f"/consents/{found.id}")


@pages.post("/consents/{consent}/pause", "person", takes=ConsentForm)
def pause(visit: Visit) -> Answer:
    """Share nothing for now."""
    identity = ConsentId(visit.path["consent"])
    me.pause(identity, call=visit.call, ports=visit.ports, shown=visit.form.version)
    return Onward(f"/consents/{identity}")


@pages.post("/consents/{consent}/undo", "person", takes=ConsentForm)
def undo(visit: Visit) -> Answer:
    """Take back what was done last; and say who was told something meanwhile."""
    version = visit.form.version
    identity = ConsentId(visit.path["consent"])
    view = me.undo(identity, call=visit.call, ports=visit.ports, shown=version)
    told = [] if view.as_guardian else _told_at(view, version, visit)
    return shown("undone.html", consent=asked(view, visit), told=visit.words.listed(told))


def _told_at(view: ConsentView, version: int, visit: Visit) -> list[str]:
    """Who was told something at that version by lines that are taken back now, of the latest that were told anything."""
    over = view.state == "withdrawn"
    gone = {grant.id for grant in view.grants if over or grant.answer == "no"}
    found = me.disclosures(
        person=visit.person,
        before=None,
        limit=LOOKED_THROUGH,
        language=visit.language,
        ports=visit.ports,
    ).disclosures
    told = {
        one.recipient: named("unit", one.recipient, visit)
        for one in found
        for field in one.fields.values()
        for ground in field.grounds
        if (ground.id, ground.version) == (view.id, version) and ground.grant in gone
    }
    return list(told.values())


@pages.post("/consents/{consent}/resume", "person", takes=ConsentForm)
def resume(visit: Visit) -> Answer:
    """Share again."""
    identity = ConsentId(visit.path["consent"])
    me.resume(identity, call=visit.call, ports=visit.ports, shown=visit.form.version)
    return Onward(f"/consents/{identity}")


def _withdrawn(visit: Visit, withdrawal: Withdrawal) -> Answer:
    identity = ConsentId(visit.path["consent"])
    me.withdraw(identity, withdrawal, call=visit.call, ports=visit.ports, shown=visit.form.version)
    return Onward(f"/consents/{identity}")


def _found(visit: Visit) -> Asked:
    return asked(consent_of(visit), visit)
