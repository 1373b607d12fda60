"""What a youth says is wrong, answered through the SDK against the real broker: a value by its source, an ask by who asked."""

import pytest

from broker.domain.ids import ComplaintId
from broker.usecases import complaints, contests
from tests.e2e.served import ABOUT, NAV, OT, RATE, SCHOOL, Served
from tests.house import ACTOR, EMIL
from tillit import Conflict, NotFound
from tillit.wire import ComplaintRequest, Contest, MyComplaint

WORDS = "jeg har vært der hver dag"


def complains(served: Served, disclosure: str) -> MyComplaint:
    """Emil says that a disclosure looks wrong."""
    said = ComplaintRequest(disclosure=disclosure, reason="not_needed")
    person = served.house.person(EMIL)
    return complaints.complain(said, call=person, ports=served.house.ports).complaints[0]


def test_a_contested_value_is_found_in_the_feed_and_replied_to(served: Served) -> None:
    """N18: the school looks into it, and then says what it found; the youth reads it, and nobody else may answer."""
    school, nav = served.shell(SCHOOL), served.shell(NAV)
    emil = school("subject", national_id=EMIL)
    record = school("deposit", emil, {RATE: 0.62}, **served.observed()).records[RATE]
    with pytest.raises(NotFound) as early:
        school("reply_to_contest", record, "stands", actor=ACTOR)
    assert early.value.code == "contest.unknown"
    contests.contest(
        Contest(record=record, text=WORDS),
        call=served.house.person(EMIL),
        ports=served.house.ports,
    )
    made = school("events")[-1]
    assert (made.type, made.record, made.fields) == ("contest.made", record, (RATE,))
    view = school("reply_to_contest", made.record, "looking_into", actor=ACTOR)
    assert (view.record, view.field, view.subject) == (record, RATE, emil.handle)
    assert WORDS not in view.model_dump_json()
    with pytest.raises(NotFound):
        nav("reply_to_contest", record, "stands", actor=ACTOR)
    once = {"actor": ACTOR, "idempotency_key": "the-very-same-key"}
    found = school("reply_to_contest", record, "corrected", **once)
    assert school("reply_to_contest", record, "corrected", **once) == found
    person = served.house.hashed(EMIL)
    (seen,) = contests.contests(person=person, ports=served.house.ports).contests
    assert (seen.finding, seen.answered_at) == ("corrected", found.answered_at)


def test_complaints_are_read_and_answered_by_who_asked(served: Served) -> None:
    """Page by page, the oldest first, or those alone that wait; what the youth has closed is over."""
    nav, emil = served.released()
    asked = [nav("ask", emil, [RATE], **ABOUT).id for _ in range(2)]
    first, second = (complains(served, one) for one in asked)
    assert nav("events")[-1].complaint == second.id
    waiting = nav("complaints", page=1)
    assert [(one.id, one.disclosure, one.subject) for one in waiting] == [
        (first.id, asked[0], emil.handle),
        (second.id, asked[1], emil.handle),
    ]
    ot = served.shell(OT)
    assert ot("complaints") == []
    with pytest.raises(NotFound) as others:
        ot("answer_complaint", first.id, "not_ours", actor=ACTOR)
    assert others.value.code == "complaint.unknown"
    answered = nav("answer_complaint", first.id, "wrong_stopped", actor=ACTOR)
    assert (answered.state, answered.finding) == ("answered", "wrong_stopped")
    assert [one.id for one in nav("complaints", open_only=True)] == [second.id]
    assert answered in nav("complaints")
    closed = complaints.close(
        ComplaintId(first.id), call=served.house.person(EMIL), ports=served.house.ports
    )
    assert {one.id: one.finding for one in closed.complaints}[first.id] == "wrong_stopped"
    with pytest.raises(Conflict) as over:
        nav("answer_complaint", first.id, "right", actor=ACTOR)
    assert over.value.code == "complaint.over"
