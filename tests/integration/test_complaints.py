"""Complaints through the use cases on both databases: the youth says what looks wrong, the service answers."""

from datetime import timedelta

import pytest

from broker.domain.complaints import MOST_OPEN
from broker.domain.errors import ComplaintOver
from broker.domain.ids import ComplaintId, UnitId
from broker.errors import (
    ComplaintOpen,
    Contended,
    NotASubject,
    NotComplainedOf,
    TooManyComplaints,
    UnknownComplaint,
    UnknownComplaintReason,
    UnknownDisclosure,
)
from broker.usecases import complaints, me, own_reading, shredding
from broker.usecases.ticking import Ticked, tick
from tests.house import ACTOR, EMIL, FATHER, SARA, House
from tests.integration.entries import entries_about
from tests.integration.test_one_disclosure import CAPACITY, entries, shared
from tillit.wire import (
    ComplaintAnswer,
    ComplaintFinding,
    ComplaintRequest,
    ComplaintView,
    Event,
    MyComplaint,
    MyComplaints,
)

NAV, OT, HEALTH = "nav-larvik", "ot-vestfold", "larvikshjelpa"
DPO = UnitId("auditor-datatilsynet")


def asked(house: House, who: str = EMIL) -> str:
    """Nav has asked about somebody; the disclosure."""
    return house.disclose(house.ask(NAV, who, CAPACITY), NAV).id


def complains(
    house: House,
    disclosure: str,
    reason: str = "not_needed",
    *,
    by: str = EMIL,
    once: str | None = None,
) -> MyComplaint:
    """Somebody says that a disclosure looks wrong; the newest of theirs."""
    said = ComplaintRequest(disclosure=disclosure, reason=reason)
    return complaints.complain(said, call=house.person(by, key=once), ports=house.ports).complaints[
        0
    ]


def answers(
    house: House, which: str, finding: ComplaintFinding = "right", *, by: str = NAV
) -> ComplaintView:
    """A service says what it found."""
    said = ComplaintAnswer(finding=finding, actor=ACTOR)
    return complaints.answer(ComplaintId(which), said, call=house.call(by), ports=house.ports)


def closes(house: House, which: str, *, by: str = EMIL) -> MyComplaints:
    """Somebody is done with a complaint."""
    return complaints.close(ComplaintId(which), call=house.person(by), ports=house.ports)


def feed(house: House, unit: str = NAV) -> list[Event]:
    """What a unit was told of complaints."""
    with house.ports.store.read() as tx:
        events = tx.events(UnitId(unit), after=0, limit=50)
    return [event for event in events if event.complaint is not None]


def of_nav(house: House, *, open_only: bool = False) -> list[ComplaintView]:
    """What Nav sees when it looks."""
    page = complaints.about(
        unit=UnitId(NAV),
        after=None,
        limit=9,
        open_only=open_only,
        language="nb",
        ports=house.ports,
    )
    return list(page.complaints)


def test_the_service_is_told_answers_and_the_youth_reads_it(house: House) -> None:
    """From what looks wrong to an answer, each step seen by both and logged."""
    shared(house)
    disclosure = asked(house)
    made = complains(house, disclosure)
    assert (made.state, made.unit, made.text) == ("open", NAV, "De trenger ikke å vite dette")
    (event,) = feed(house)
    assert (event.type, event.disclosure, event.complaint) == (
        "complaint.opened",
        disclosure,
        made.id,
    )
    assert event.subject == house.handle(NAV, EMIL)
    assert [one.id for one in of_nav(house, open_only=True)] == [made.id]
    house.clock.step(hours=1)
    assert answers(house, made.id, "wrong_stopped").finding == "wrong_stopped"
    assert of_nav(house, open_only=True) == []
    person = house.hashed(EMIL)
    seen = complaints.complaints(person=person, language="nn", ports=house.ports)
    (mine,) = seen.complaints
    assert (mine.state, mine.finding, mine.answered_at) == (
        "answered",
        "wrong_stopped",
        house.clock.at,
    )
    assert mine.text == "Dei treng ikkje å vite dette"
    notices = me.notices(person=person, limit=9, ports=house.ports).notices
    told = [n for n in notices if n.kind == "complaint_answered"]
    assert [(n.unit, n.disclosure) for n in told] == [(NAV, disclosure)]
    (closed,) = closes(house, made.id).complaints
    assert (closed.state, closed.finding) == ("closed", "wrong_stopped")
    assert [one.type for one in feed(house)] == ["complaint.opened", "complaint.closed"]
    kinds = ("complaint.opened", "complaint.answered", "complaint.closed")
    logged = [entries_about(house, kind)[0] for kind in kinds]
    assert [one["state"] for one in logged] == ["open", "answered", "closed"]
    assert logged[1]["actor"] == {"id": "a17", "role": "veileder"}
    assert me.copy(person=person, language="nb", ports=house.ports).complaints == (closed,)


def test_a_service_that_says_the_same_again_tells_the_youth_nothing(house: House) -> None:
    """Else it could fill the youth's list, and have them sent a message all day, with what they have read."""
    shared(house)
    made = complains(house, asked(house))
    said = answers(house, made.id, "right")
    house.clock.step(hours=1)
    assert answers(house, made.id, "right") == said
    assert len(entries_about(house, "complaint.answered")) == 1
    assert answers(house, made.id, "not_ours").answered_at == house.clock.at
    notices = me.notices(person=house.hashed(EMIL), limit=9, ports=house.ports).notices
    assert [n.kind for n in notices].count("complaint_answered") == 2


def test_a_complaint_of_one_disclosure_is_open_once(house: House) -> None:
    """The same press twice is one; another window's is told that there is one; after it is closed there may be another."""
    shared(house)
    disclosure = asked(house)
    made = complains(house, disclosure, once="the-very-same-key")
    before = entries(house)
    assert complains(house, disclosure, once="the-very-same-key") == made
    with pytest.raises(ComplaintOpen):
        complains(house, disclosure, "other")
    assert entries(house) == before
    closes(house, made.id)
    assert complains(house, disclosure, "other").id != made.id


def test_nobody_complains_of_what_is_not_theirs_to_see(house: House) -> None:
    """Another's, none at all, one's own reading; a parent; a word that the catalogue does not have."""
    shared(house)
    house.deposit(HEALTH, SARA, {CAPACITY: "saras"})
    disclosure, saras = asked(house), asked(house, SARA)
    before = entries(house)
    for by, which in ((SARA, disclosure), (EMIL, "dis_" + "a" * 22), (EMIL, saras)):
        with pytest.raises(UnknownDisclosure):
            complains(house, which, by=by)
    with pytest.raises(NotASubject):
        complains(house, disclosure, by=FATHER)
    with pytest.raises(UnknownComplaintReason):
        complains(house, disclosure, "because_i_say_so")
    assert entries(house) == before
    own_reading.read([CAPACITY], call=house.person(EMIL), ports=house.ports)
    mine = me.disclosures(
        person=house.hashed(EMIL), before=None, limit=1, language="nb", ports=house.ports
    )
    with pytest.raises(NotComplainedOf):
        complains(house, mine.disclosures[0].id)
    assert feed(house) == []


def test_only_the_service_answers_and_only_the_youth_closes(house: House) -> None:
    """Nobody else learns that there is a complaint; what is closed stays as it was."""
    shared(house)
    made = complains(house, asked(house))
    house.handle(NAV, SARA)
    with pytest.raises(UnknownComplaint):
        answers(house, made.id, by=OT)
    with pytest.raises(UnknownComplaint):
        closes(house, made.id, by=SARA)
    with pytest.raises(UnknownComplaint):
        answers(house, "cmp_" + "a" * 22)
    closes(house, made.id)
    with pytest.raises(ComplaintOver):
        answers(house, made.id)
    with pytest.raises(ComplaintOver):
        closes(house, made.id)


def test_so_many_wait_at_most(house: House) -> None:
    """A stolen session must not fill a service's feed."""
    shared(house)
    for _ in range(MOST_OPEN):
        complains(house, asked(house))
    with pytest.raises(TooManyComplaints):
        complains(house, asked(house))


def test_a_service_that_does_not_answer_is_reminded_once(house: House) -> None:
    """And it stands as late with who audits; one that answered is left in peace."""
    shared(house)
    waiting, answered = complains(house, asked(house)), complains(house, asked(house))
    answers(house, answered.id)
    house.clock.at = waiting.answer_by - timedelta(seconds=1)
    assert tick(ports=house.ports) == Ticked()
    house.clock.at = waiting.answer_by
    assert tick(ports=house.ports) == Ticked(complaints_late=1)
    assert tick(ports=house.ports) == Ticked()
    assert [one.complaint for one in feed(house) if one.type == "complaint.late"] == [waiting.id]
    assert [one["complaint"] for one in entries_about(house, "complaint.late")] == [waiting.id]
    page = complaints.audited(auditor=DPO, after=None, limit=1, open_only=True, ports=house.ports)
    assert [(one.id, one.late) for one in page.complaints] == [(waiting.id, True)]
    assert page.next == waiting.id


def test_one_that_was_closed_while_the_tick_looked_is_not_reminded_of(house: House) -> None:
    """What is due was read before; what is so is read again."""
    shared(house)
    made = complains(house, asked(house))
    house.clock.at = made.answer_by
    closes(house, made.id)
    with pytest.raises(Contended), house.ports.store.write() as tx:
        complaints.remind(tx, ComplaintId(made.id), ports=house.ports)
    with house.ports.store.write() as tx:
        gone = ComplaintId("cmp_" + "a" * 22)
        assert not complaints.remind(tx, gone, ports=house.ports)


def test_who_audits_sees_what_waits_and_nobody_by_name(house: House) -> None:
    """The look is an entry; to learn whom one is about takes a case and a reason, as with every entry."""
    shared(house)
    made = complains(house, asked(house), "no_emergency")
    page = complaints.audited(auditor=DPO, after=None, limit=9, open_only=False, ports=house.ports)
    (seen,) = page.complaints
    assert (seen.id, seen.unit, seen.reason, seen.late) == (made.id, NAV, "no_emergency", False)
    assert page.next is None
    said = page.model_dump_json()
    assert "dis_" not in said
    assert "hdl_" not in said
    assert entries_about(house, "audit.complaints") == [
        {"after": None, "auditor": DPO, "limit": 9, "open": False}
    ]


def test_a_person_that_is_erased_complains_of_nothing_any_more(house: House) -> None:
    """The rows go with the person."""
    shared(house)
    made = complains(house, asked(house))
    with house.ports.store.read() as tx:
        subject = tx.subject_by_person(house.hashed(EMIL))
    assert subject is not None
    order = shredding.Order(by="drift", case="2026/1", reason="ønske fra personen selv")
    assert shredding.shred(subject, order, ports=house.ports) > 0
    with house.ports.store.read() as tx:
        assert tx.complaint(ComplaintId(made.id)) is None
