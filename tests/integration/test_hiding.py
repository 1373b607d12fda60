"""Hiding, through the use cases on both databases: no other is told that the service is involved; the youth alone decides."""

from datetime import timedelta
from typing import Any

import pytest

from broker.domain.ids import ConsentId, DisclosureId, SubjectHandle, UnitId
from broker.errors import DisclosureGone, MeetingWithoutConsent, NotASubject, UnknownService
from broker.usecases import consents, disclosures, helped, hiding, me, meetings, overview, requests
from tests.house import ACTOR, EMIL, FATHER, LARVIK, MOTHER, SARA, House
from tests.integration.entries import entries_about
from tests.integration.test_helping import helper
from tillit.wire import (
    ConsentView,
    DisclosureAnswer,
    HiddenRequest,
    MeetingRequest,
    MyHidden,
)

NAV, SCHOOL, HEALTH = "nav-larvik", "thor-heyerdahl-vgs", "larvikshjelpa"
KNOWS = "involvement.health"
CONTACT = "involvement.contact_person"
DAILY = "functioning.capacity"


def said(house: House, unit: str = HEALTH, *, hidden: bool = True, by: str = EMIL) -> MyHidden:
    """A person hides a service, or shows it again."""
    request = HiddenRequest(unit=unit, hidden=hidden)
    return hiding.hide(request, call=house.person(by), ports=house.ports)


def involved(house: House, **asked: Any) -> ConsentView:
    """The clinic and the school have told that they are there, and Emil has said yes to sharing it."""
    house.deposit(HEALTH, EMIL, {KNOWS: True, CONTACT: "Kari", DAILY: "moderate"})
    house.deposit(SCHOOL, EMIL, {CONTACT: "Per"})
    terms = {"categories": ["involvement", "functioning"], **asked}
    return house.answer(house.request(NAV, EMIL, **terms), EMIL)


def ask(house: House, *fields: str, **more: Any) -> DisclosureAnswer:
    """Nav asks who is there."""
    return house.disclose(house.ask(NAV, EMIL, *(fields or (KNOWS, CONTACT)), **more), NAV)


def test_nobody_is_told_that_a_hidden_service_is_involved(house: House) -> None:
    """N19: the others' contact persons are told still; shown again, the clinic's is too."""
    involved(house)
    assert ask(house).outcome == "released"
    said(house)
    answer = ask(house)
    assert answer.outcome == "partly_released"
    assert [r.code for r in answer.withheld[KNOWS]] == ["subject.hidden"]
    assert answer.manifest.fields[CONTACT].source == SCHOOL
    named = ask(house, CONTACT, source=HEALTH)
    assert [r.code for r in named.withheld[CONTACT]] == ["subject.hidden"]
    said(house, hidden=False)
    assert ask(house).outcome == "released"


def test_what_else_it_knows_is_shared_as_the_youth_said(house: House) -> None:
    """A yes to how the day works is its own; who sent it stands beside it, which the youth is told."""
    involved(house)
    said(house)
    assert ask(house, DAILY).outcome == "released"


def test_what_was_given_is_not_handed_out_again(house: House) -> None:
    """Before the value is fetched once more the youth has hidden it; what does not tell it is given still."""
    involved(house)
    told, other = ask(house), ask(house, DAILY)

    def again(answer: DisclosureAnswer) -> None:
        disclosures.again(
            DisclosureId(answer.id), unit=UnitId(NAV), language="nb", ports=house.ports
        )

    again(told)
    said(house)
    again(other)
    with pytest.raises(DisclosureGone):
        again(told)
    said(house, hidden=False)
    again(told)


def party(house: House, unit: str) -> ConsentView:
    """A unit's view of the one consent."""
    (view,) = consents.party(unit=UnitId(unit), after=None, limit=9, ports=house.ports).consents
    return view


def shown(view: ConsentView, source: str) -> set[str | None]:
    """The answers to the lines that tell Nav that a source is involved."""
    return {
        line.answer
        for line in view.grants
        if (line.source, line.recipient, line.category) == (source, NAV, "involvement")
    }


def test_the_list_that_others_read_does_not_tell_it(house: House) -> None:
    """Who asked sees no answer to such a line; another who is named sees no such line; the clinic sees its own."""
    involved(house)
    assert shown(party(house, NAV), HEALTH) == {"yes"}
    said(house)
    assert shown(party(house, NAV), HEALTH) == {None}
    assert shown(party(house, NAV), SCHOOL) == {"yes"}
    lines = [g for g in party(house, SCHOOL).grants if g.category == "involvement"]
    assert {g.source for g in lines} == {NAV, SCHOOL}
    assert shown(party(house, HEALTH), HEALTH) == {"yes"}
    (own,) = me.consents(person=house.hashed(EMIL), ports=house.ports).consents
    assert shown(own, HEALTH) == {"yes"}


def test_the_pages_of_who_asked_do_not_tell_it(house: House) -> None:
    """Where employees look at what their unit asked for, in each of the ways; its other lines stand as they are."""
    identity = ConsentId(involved(house).id)
    said(house)
    at, handle, ports = UnitId(NAV), SubjectHandle(house.handle(NAV, EMIL)), house.ports
    (listed,) = requests.asked_by(at, before=None, ports=ports).consents
    (of_emil,) = requests.asked_of(handle, unit=at, ports=ports)
    one = requests.request_of(identity, unit=at, ports=ports)
    read_out = requests.to_record(identity, signer="subject", unit=at, ports=ports)
    for view in (listed, of_emil, one, read_out):
        assert shown(view, HEALTH) == {None}
        assert shown(view, SCHOOL) == {"yes"}


def call(house: House, unit: str) -> str:
    """Nav calls a meeting with one other service."""
    request = MeetingRequest.model_validate(
        {
            "collaboration": LARVIK,
            "subject": house.handle(NAV, EMIL),
            "held_at": house.clock.at + timedelta(days=7),
            "participants": [{"unit": u, "role": "veileder"} for u in (NAV, unit)],
            "actor": ACTOR,
        }
    )
    return meetings.call_meeting(request, call=house.call(NAV), ports=house.ports).id


def test_a_hidden_service_is_on_no_list_of_a_meeting(house: House) -> None:
    """The same answer as without a yes; and the youth sees that a meeting called before no longer holds."""
    involved(house)
    call(house, HEALTH)
    said(house)
    with pytest.raises(MeetingWithoutConsent):
        call(house, HEALTH)
    assert call(house, SCHOOL)
    found = overview.meetings(
        person=house.hashed(EMIL), before=None, limit=9, language="nb", ports=house.ports
    )
    assert {m.participants[1].unit: m.consent_holds for m in found.coming} == {
        HEALTH: False,
        SCHOOL: True,
    }
    (case,) = overview.cases(person=house.hashed(EMIL), language="nb", ports=house.ports).cases
    assert case.next_meeting is not None


def test_a_helper_does_not_see_whom_the_youth_hides(house: House) -> None:
    """Not even one who is shown what is special."""
    involved(house)
    identity = helper(house, "consents", "disclosures", "special")

    def seen() -> str:
        person = house.hashed(FATHER)
        return helped.consents(identity, person=person, ports=house.ports).model_dump_json()

    assert HEALTH in seen()
    said(house)
    assert HEALTH not in seen()


def test_hiding_is_an_act_of_the_youths_and_logged(house: House) -> None:
    """Said twice it is said once; the youth sees what is hidden, and it is in the copy."""
    house.handle(NAV, EMIL)
    made = said(house)
    assert [(h.unit, h.at) for h in made.hidden] == [(HEALTH, house.clock.at)]
    house.clock.step(minutes=1)
    assert said(house) == made
    person, ports = house.hashed(EMIL), house.ports
    assert hiding.hidden(person=person, language="nb", ports=ports) == made
    assert me.copy(person=person, language="nb", ports=ports).hidden == made.hidden
    assert said(house, hidden=False).hidden == ()
    assert said(house, hidden=False).hidden == ()
    assert entries_about(house, "involvement.hidden") == [{"unit": HEALTH}]
    assert entries_about(house, "involvement.shown") == [{"unit": HEALTH}]


def test_nobody_hides_for_another(house: House) -> None:
    """A parent of a fifteen-year-old neither hides, shows again, nor sees what is hidden."""
    house.handle(NAV, SARA)
    said(house, by=SARA)
    for parent in (MOTHER, FATHER):
        with pytest.raises(NotASubject):
            said(house, hidden=False, by=parent)
        with pytest.raises(NotASubject):
            hiding.hidden(person=house.hashed(parent), language="nb", ports=house.ports)
    with pytest.raises(UnknownService):
        said(house, "no-such-unit", by=SARA)
    person = house.hashed(SARA)
    kept = hiding.hidden(person=person, language="nb", ports=house.ports)
    assert [h.unit for h in kept.hidden] == [HEALTH]
