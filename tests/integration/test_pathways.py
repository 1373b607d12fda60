"""What services say has come about in a case: events that end grants, stages that are reached; on both databases."""

from typing import Any

import pytest

from broker.domain.errors import EventNotHere, IllegalTransition
from broker.domain.ids import ConsentId, DisclosureId, SubjectHandle, UnitId
from broker.errors import (
    CollaborationUnknown,
    DisclosureGone,
    NotTheCoordinator,
    StageBeyond,
    UnknownConsent,
    UnknownHandle,
)
from broker.usecases import disclosures, feed, me, pathways
from broker.usecases.gathering import gather
from tests.agreeing import agreed
from tests.house import ACTOR, EMIL, LARVIK, House
from tests.integration.entries import entries_about
from tillit.wire import ConsentView, EventReport, StageReport, StageView

RATE = "education.attendance.rate"
OFFER = "offer_exists"
UNTIL_OFFER = {
    "forms": ["oral", "digital"],
    "before_listing": True,
    "condition": "until_event",
    "event": OFFER,
}


def until_offer(house: House) -> tuple[House, ConsentView]:
    """A house whose committee follows a youth until there is an offer, and Emil's yes to that."""
    terms = agreed(house, consent=UNTIL_OFFER)
    terms.deposit("thor-heyerdahl-vgs", EMIL, {RATE: 0.62})
    return terms, terms.answer(terms.request("nav-larvik", EMIL), EMIL)


def report(
    house: House, view: ConsentView, unit: str = "nav-larvik", event: str = OFFER
) -> ConsentView:
    """A unit says that the event has come."""
    said = EventReport(event=event, actor=ACTOR)
    return pathways.event(ConsentId(view.id), said, call=house.call(unit), ports=house.ports)


def told(house: House) -> list[str]:
    """What Emil was told, newest first."""
    found = me.notices(person=house.hashed(EMIL), limit=10, ports=house.ports).notices
    return [notice.kind for notice in found]


def test_nothing_is_shared_once_the_event_has_come(house: House) -> None:
    """The yes was until there is an offer; the next ask is after that."""
    terms, view = until_offer(house)
    ask = terms.ask("nav-larvik", EMIL, RATE)
    assert terms.disclose(ask, "nav-larvik").outcome == "released"
    assert report(terms, view).state == "expired"
    after = terms.disclose(ask, "nav-larvik")
    assert [reason.code for reason in after.withheld[RATE]] == ["consent.expired"]


def test_what_was_disclosed_before_is_not_handed_out_after(house: House) -> None:
    """As with a withdrawal: once the call has returned, nothing leaves on that yes."""
    terms, view = until_offer(house)
    given = terms.disclose(terms.ask("nav-larvik", EMIL, RATE), "nav-larvik")
    report(terms, view)
    with pytest.raises(DisclosureGone):
        disclosures.again(
            DisclosureId(given.id), unit=UnitId("nav-larvik"), language="nb", ports=terms.ports
        )


def test_everybody_it_concerns_is_told_that_it_is_over(house: House) -> None:
    """The youth, and the services that had the yes; the log names who said so."""
    terms, view = until_offer(house)
    report(terms, view, "thor-heyerdahl-vgs")
    assert told(terms)[0] == "event"
    for unit in ("nav-larvik", "thor-heyerdahl-vgs", "larvikshjelpa"):
        page = feed.events(unit=UnitId(unit), after=0, limit=100, ports=terms.ports)
        assert page.events[-1].type == "consent.event_happened"
    (content,) = entries_about(terms, "consent.event_happened")
    assert content["recorded_by"]["unit"] == "thor-heyerdahl-vgs"
    assert (content["event"], content["state"]) == (OFFER, "expired")


def test_saying_it_again_changes_nothing(house: House) -> None:
    """Two services may come to know the same thing."""
    terms, view = until_offer(house)
    first = report(terms, view)
    again = report(terms, view, "larvikshjelpa")
    assert (first.version, first.state) == (again.version, again.state)
    assert len(entries_about(terms, "consent.event_happened")) == 1
    assert told(terms).count("event") == 1


def test_who_is_no_party_learns_nothing_and_ends_nothing(house: House) -> None:
    """A consent that does not name the unit is to it no consent at all."""
    terms, view = until_offer(house)
    with pytest.raises(UnknownConsent):
        report(terms, view, "ot-vestfold")
    with pytest.raises(UnknownConsent):
        report(terms, view.model_copy(update={"id": "con_" + "a" * 22}))


def test_an_event_that_ends_nothing_is_refused(house: House) -> None:
    """A standing yes ends by its time or by the youth."""
    terms, view = until_offer(house)
    with pytest.raises(EventNotHere):
        report(terms, view, event="another")
    standing = house.answer(house.request("larvikshjelpa", EMIL), EMIL)
    with pytest.raises(EventNotHere):
        report(house, standing, "larvikshjelpa")


def test_before_the_youth_has_answered_there_is_nothing_to_end(house: House) -> None:
    """An open question stays open."""
    terms = agreed(house, consent=UNTIL_OFFER)
    with pytest.raises(IllegalTransition):
        report(terms, terms.request("nav-larvik", EMIL))


# --- stages


def reach(house: House, number: int, unit: str = "nav-larvik", **more: Any) -> StageView:
    """A unit says what point Emil's case has reached."""
    subject = more.get("subject") or house.handle(unit, EMIL)
    said = StageReport(subject=subject, stage=number, actor=ACTOR)
    where = more.get("where", LARVIK)
    return pathways.stage(where, said, call=house.call(unit), ports=house.ports)


def stage_of(house: House) -> int:
    """What the policy is told."""
    ask = house.ask("nav-larvik", EMIL, RATE)
    with house.store.read() as tx:
        subject = tx.subject_of(UnitId("nav-larvik"), SubjectHandle(ask.subject))
        assert subject is not None
        found = gather(
            tx,
            ask,
            subject=subject,
            unit=UnitId("nav-larvik"),
            now=house.clock.at,
            ports=house.ports,
        )
    return found.facts.stage


def test_the_policy_is_told_the_stage_that_was_reached(house: House) -> None:
    """Trondheim's pathway shares outside the school from point 7 only."""
    pathway = agreed(house, stages=9)
    assert stage_of(pathway) == 0
    assert reach(pathway, 7).stage == 7
    assert stage_of(pathway) == 7


def test_a_case_may_go_back(house: House) -> None:
    """Absence that mends takes the case inside the school again, and the log shows both steps."""
    pathway = agreed(house, stages=9)
    reach(pathway, 7)
    reach(pathway, 6)
    assert stage_of(pathway) == 6
    steps = [(c["before"], c["stage"]) for c in entries_about(pathway, "stage.reached")]
    assert steps == [(0, 7), (7, 6)]
    assert told(pathway) == ["stage", "stage"]


def test_what_was_disclosed_is_not_handed_out_after_the_case_went_back(house: House) -> None:
    """Forward it is; back inside the school, the door is shut again."""
    pathway = agreed(house, stages=9)
    pathway.deposit("thor-heyerdahl-vgs", EMIL, {RATE: 0.62})
    pathway.answer(pathway.request("nav-larvik", EMIL), EMIL)
    reach(pathway, 7)
    given = pathway.disclose(pathway.ask("nav-larvik", EMIL, RATE), "nav-larvik")
    unit, identity = UnitId("nav-larvik"), DisclosureId(given.id)
    reach(pathway, 8)
    again = disclosures.again(identity, unit=unit, language="nb", ports=pathway.ports)
    assert again.receipt == given.receipt
    reach(pathway, 6)
    with pytest.raises(DisclosureGone):
        disclosures.again(identity, unit=unit, language="nb", ports=pathway.ports)


def test_a_pathway_that_was_shortened_counts_to_its_new_end(house: House) -> None:
    """Nothing outlives the agreement it was said under."""
    reach(agreed(house, stages=9), 9)
    assert stage_of(agreed(house, stages=5)) == 5
    assert stage_of(house) == 0


@pytest.mark.parametrize("stages", [0, 6])
def test_there_is_nothing_beyond_the_last_stage(house: House, stages: int) -> None:
    """Nor any stage in a collaboration without a pathway."""
    with pytest.raises(StageBeyond):
        reach(agreed(house, stages=stages), 7)


def test_only_the_coordinator_says_what_was_reached(house: House) -> None:
    """Whoever wants to be let in does not open the door."""
    with pytest.raises(NotTheCoordinator):
        reach(agreed(house, stages=9), 7, "thor-heyerdahl-vgs")


def test_stages_of_what_does_not_exist_are_refused(house: House) -> None:
    """No such collaboration, no such subject."""
    pathway = agreed(house, stages=9)
    with pytest.raises(CollaborationUnknown):
        reach(pathway, 1, where="nowhere")
    with pytest.raises(UnknownHandle):
        reach(pathway, 1, subject="hdl_" + "a" * 22)
