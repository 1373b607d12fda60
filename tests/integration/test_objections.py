"""Objections: what a subject speaks against sharing, on both databases."""

import pytest

from broker.domain.errors import ObjectionTooYoung, UnknownCategory
from broker.domain.ids import ConsentId, DisclosureId, UnitId
from broker.errors import DisclosureGone, NotASubject
from broker.usecases import consents, disclosures, me, objections
from tests.house import ACTOR, EMIL, FATHER, MOTHER, SARA, House
from tests.integration.test_statutes import logged, told
from tillit.wire import Capture, MyObjections, ObjectionRequest

RATE = "education.attendance.rate"


def said(house: House, national_id: str, category: str, *, objects: bool = True) -> MyObjections:
    """A person speaks against a category, or takes that back."""
    request = ObjectionRequest(category=category, objects=objects)
    return objections.answer(request, call=house.person(national_id), ports=house.ports)


def test_an_objection_is_made_logged_and_taken_back_by_the_subject_alone(house: House) -> None:
    """Spoken once or twice it is one; taken back it is gone, and the log remembers both."""
    house.handle("nav-larvik", EMIL)
    made = said(house, EMIL, "health")
    assert [(o.category, o.recorded_by) for o in made.objections] == [("health", None)]
    house.clock.step(minutes=1)
    assert said(house, EMIL, "health") == made
    assert objections.objections(person=house.hashed(EMIL), ports=house.ports) == made
    copied = me.copy(person=house.hashed(EMIL), language="nb", ports=house.ports)
    assert copied.objections == made.objections
    assert said(house, EMIL, "health", objects=False).objections == ()
    assert said(house, EMIL, "health", objects=False).objections == ()
    assert [e["category"] for e in logged(house, "objection.made")] == ["health"]
    assert [e["category"] for e in logged(house, "objection.resolved")] == ["health"]


def test_a_guardian_cannot_take_a_childs_objection_back(house: House) -> None:
    """A parent who calls speaks about themself, of whom the broker knows nothing."""
    house.handle("nav-larvik", SARA)
    said(house, SARA, "health")
    for parent in (MOTHER, FATHER):
        with pytest.raises(NotASubject):
            said(house, parent, "health", objects=False)
    assert len(objections.objections(person=house.hashed(SARA), ports=house.ports).objections) == 1


def test_nobody_speaks_against_what_does_not_exist(house: House) -> None:
    """A misspelt category would protect nothing."""
    house.handle("nav-larvik", EMIL)
    with pytest.raises(UnknownCategory):
        said(house, EMIL, "weather")


def test_a_child_is_heard_from_seven(house: House) -> None:
    """Below that nothing is recorded in its name."""
    house.handle("nav-larvik", SARA)
    house.clock.step(days=-366 * 9)
    with pytest.raises(ObjectionTooYoung):
        said(house, SARA, "health")
    house.clock.step(days=366)
    assert said(house, SARA, "health").objections


def test_a_professional_records_what_a_child_spoke_against(house: House) -> None:
    """The child is told, and takes it back in person if it was not so."""
    view = house.request("nav-larvik", SARA, categories=["health", "education"])
    captured = Capture(
        method="oral",
        signer="subject",
        read_out=view.text_sha256,
        answered_at=house.clock(),
        answers={line.id: "yes" for line in view.grants},
        actor=ACTOR,
        objects_to=("health",),
    )
    call = house.call("nav-larvik")
    consents.capture(ConsentId(view.id), captured, call=call, ports=house.ports)
    found = objections.objections(person=house.hashed(SARA), ports=house.ports)
    assert [(o.category, o.recorded_by) for o in found.objections] == [("health", "nav-larvik")]
    assert told(house, SARA)[0].kind == "objection_recorded"
    assert said(house, SARA, "health", objects=False).objections == ()


def test_an_answer_with_an_objection_to_nothing_known_is_not_recorded_at_all(house: House) -> None:
    """A misspelt category must not pass for a child that was heard."""
    view = house.request("nav-larvik", SARA, categories=["education"])
    captured = Capture(
        method="oral",
        signer="subject",
        read_out=view.text_sha256,
        answered_at=house.clock(),
        answers={line.id: "yes" for line in view.grants},
        actor=ACTOR,
        objects_to=("education", "weather"),
    )
    call = house.call("nav-larvik")
    with pytest.raises(UnknownCategory):
        consents.capture(ConsentId(view.id), captured, call=call, ports=house.ports)
    assert objections.objections(person=house.hashed(SARA), ports=house.ports).objections == ()
    seen = me.consent(ConsentId(view.id), person=house.hashed(SARA), ports=house.ports)
    assert seen.state == "requested"


def test_what_is_spoken_against_is_not_handed_out_again(house: House) -> None:
    """What was permitted yesterday does not stand against a no of today."""
    house.deposit("thor-heyerdahl-vgs", SARA, {RATE: 0.62})
    house.answer(house.request("nav-larvik", SARA, categories=["education"]), SARA)
    ask = house.ask("nav-larvik", SARA, RATE)
    answer = house.disclose(ask, "nav-larvik")
    assert answer.outcome == "released"

    def again() -> None:
        disclosures.again(
            DisclosureId(answer.id), unit=UnitId("nav-larvik"), language="nb", ports=house.ports
        )

    said(house, SARA, "health")
    again()
    said(house, SARA, "education")
    with pytest.raises(DisclosureGone):
        again()
    assert house.disclose(ask, "nav-larvik").withheld[RATE][0].code == "subject.objects"
    said(house, SARA, "education", objects=False)
    assert house.disclose(ask, "nav-larvik").outcome == "released"


def test_a_younger_child_is_recorded_and_has_weight_from_twelve(house: House) -> None:
    """What Sara said at eleven is only recorded; from her twelfth birthday the policy is told."""
    house.handle("nav-larvik", SARA)
    house.clock.step(days=-3 * 365 - 80)
    said(house, SARA, "education")
    house.deposit("thor-heyerdahl-vgs", SARA, {RATE: 0.62})
    ask = house.ask("nav-larvik", SARA, RATE)
    answer = house.disclose(ask, "nav-larvik")
    with house.store.read() as tx:
        kept = tx.disclosure(DisclosureId(answer.id))
    assert kept is not None
    assert (kept.facts.subject.age, kept.facts.subject.objects_to) == (11, ())
    twelve = next(b.at for b in kept.facts.subject.birthdays if b.age == 12)
    house.clock.at = twelve
    later = house.disclose(ask, "nav-larvik")
    with house.store.read() as tx:
        kept = tx.disclosure(DisclosureId(later.id))
    assert kept is not None
    assert (kept.facts.subject.age, kept.facts.subject.objects_to) == (12, ("education",))
