"""Noticing, through the use cases on both databases: chosen per service, at once or by digest, and who is due what (N3)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.domain.ids import SubjectId
from broker.domain.noticing import MAY_WAIT
from broker.errors import NotASubject, UnknownService
from broker.usecases import me, noticing, sending
from broker.usecases.sending import Sent
from broker.usecases.ticking import tick
from tests.house import EMIL, FATHER, MOTHER, SARA, House
from tests.integration.entries import entries_about
from tests.integration.test_statutes import TEACHER, WELFARE, relied, told
from tests.integration.test_statutes_released import PHONE, urgent
from tillit.wire import MyNoticeChoices, NoticeChoiceRequest

NAV, SCHOOL, HEALTH = "nav-larvik", "thor-heyerdahl-vgs", "larvikshjelpa"
RATE = "education.attendance.rate"


def chosen(house: House, how: str, *, unit: str = NAV, by: str = EMIL) -> MyNoticeChoices:
    """A person says how they want to hear of a service."""
    said = NoticeChoiceRequest.model_validate({"unit": unit, "how": how})
    return noticing.choose(said, call=house.person(by), ports=house.ports)


def due(house: House) -> list[str]:
    """The kinds of what is due now, about anybody."""
    return [one.notice.kind for one in noticing.due(ports=house.ports)]


def handed(house: House) -> None:
    """Hand everything on that is due: nobody here has an address, so the portal tells it."""
    sending.send(ports=house.ports)


def following(house: House) -> None:
    """Emil's yes is given and told; Nav may ask about school."""
    house.deposit(SCHOOL, EMIL, {RATE: 0.62})
    house.answer(house.request(NAV, EMIL), EMIL)
    handed(house)


def test_each_release_is_told_at_once_unless_the_youth_chose_otherwise(house: House) -> None:
    """N3: the default is each time; the digest is the youth's own choice, and comes in the afternoon."""
    following(house)
    house.disclose(house.ask(NAV, EMIL, RATE), NAV)
    assert due(house) == ["released"]
    handed(house)
    chosen(house, "digest")
    for _ in range(2):
        house.disclose(house.ask(NAV, EMIL, RATE), NAV)
    assert due(house) == []
    assert [(n.how, n.due_at) for n in told(house, EMIL)[:3]] == [
        ("digest", None),
        ("digest", None),
        ("at_once", house.clock.at),
    ]
    house.clock.step(hours=5)
    assert tick(ports=house.ports).noticed == 0
    house.clock.step(hours=1)
    assert tick(ports=house.ports).noticed == 2
    assert tick(ports=house.ports).noticed == 0
    assert due(house) == ["released"] * 2
    assert told(house, EMIL)[0].due_at == house.clock.at


def test_what_cannot_wait_is_told_at_once_whatever_was_chosen(house: House) -> None:
    """A question that waits for an answer, an emergency, and what was released on it."""
    house.deposit(SCHOOL, EMIL, {PHONE: "900 00 000"})
    for unit in (NAV, HEALTH, SCHOOL):
        chosen(house, "digest", unit=unit)
    house.request(NAV, EMIL)
    assert due(house) == ["requested"]
    handed(house)
    relied(house, HEALTH, EMIL, "S4", fields=[PHONE])
    assert house.disclose(urgent(house), HEALTH).outcome == "released"
    assert due(house) == ["relied_on", "released"]
    assert {n.how for n in told(house, EMIL)} == {"at_once"}


def test_a_choice_is_an_act_of_the_youths_and_logged(house: House) -> None:
    """Said twice it is said once; taken back, what waited is told now."""
    following(house)
    made = chosen(house, "digest")
    assert [(c.unit, c.label, c.how) for c in made.choices] == [
        (NAV, "Nav Larvik (staten)", "digest")
    ]
    assert made.may_wait == tuple(sorted(MAY_WAIT))
    house.clock.step(minutes=1)
    assert chosen(house, "digest") == made
    person, ports = house.hashed(EMIL), house.ports
    assert noticing.choices(person=person, language="nb", ports=ports) == made
    assert me.copy(person=person, language="nb", ports=ports).notice_choices == made.choices
    house.disclose(house.ask(NAV, EMIL, RATE), NAV)
    assert due(house) == []
    assert chosen(house, "at_once").choices == ()
    assert due(house) == ["released"]
    assert chosen(house, "at_once").choices == ()
    said = [(e["unit"], e["how"]) for e in entries_about(house, "notice.chosen")]
    assert said == [(NAV, "digest"), (NAV, "at_once")]


def test_a_choice_of_a_service_that_is_gone_can_be_taken_back(house: House) -> None:
    """What the catalogue no longer knows is nobody's to choose anew, and the youth's to be rid of."""
    house.handle(NAV, EMIL)
    chosen(house, "digest")
    units = {k: v for k, v in house.ports.catalogue.units.items() if k != NAV}
    catalogue = house.ports.catalogue.model_copy(update={"units": units})
    without = replace(house, ports=replace(house.ports, catalogue=catalogue))
    assert chosen(without, "at_once").choices == ()
    with pytest.raises(UnknownService):
        chosen(without, "digest")


def test_a_guardian_does_not_choose_how_the_youth_is_told(house: House) -> None:
    """A parent who calls speaks of themself, of whom the broker knows nothing."""
    house.handle(NAV, SARA)
    chosen(house, "digest", by=SARA)
    for parent in (MOTHER, FATHER):
        with pytest.raises(NotASubject):
            chosen(house, "at_once", by=parent)
        with pytest.raises(NotASubject):
            noticing.choices(person=house.hashed(parent), language="nb", ports=house.ports)
    person = house.hashed(SARA)
    kept = noticing.choices(person=person, language="nb", ports=house.ports)
    assert [c.unit for c in kept.choices] == [NAV]


def test_what_is_due_names_the_subject_and_is_handed_on_once(house: House) -> None:
    """The seam that a channel takes hold of: of two that hand the same on, one tells it."""
    house.request(NAV, EMIL)
    house.request(NAV, SARA)
    found = noticing.due(ports=house.ports)
    with house.store.read() as tx:
        people = [tx.person_of(SubjectId(one.subject)) for one in found]
    assert people == [house.hashed(EMIL), house.hashed(SARA)]
    assert [one.notice.kind for one in noticing.due(ports=house.ports, limit=1)] == ["requested"]
    assert sending.send(ports=house.ports) == Sent(in_portal=2)
    assert sending.send(ports=house.ports) == Sent()
    assert noticing.due(ports=house.ports) == ()


def test_a_delayed_notice_is_due_when_its_time_has_come(house: House) -> None:
    """What the law lets wait is not told by a digest before."""
    delay = {"days": 3, "reason": "Vi må snakke med barnet først, i trygghet."}
    made = relied(house, SCHOOL, SARA, "S2", recipient=WELFARE, actor=TEACHER, notice_delay=delay)
    assert due(house) == []
    house.clock.step(days=2)
    tick(ports=house.ports)
    assert due(house) == []
    house.clock.at = made.opens + timedelta(days=3)
    assert due(house) == ["relied_on"]
