"""Consents through the use cases: who signs, who sees what, meetings and dropout notices, on both databases."""

from datetime import timedelta

import pytest

from broker.domain.errors import AskedTooSoon, ConsentError, SignerNotNeeded
from broker.domain.ids import ConsentId, UnitId
from broker.errors import MeetingInvalid, MeetingWithoutConsent, UnknownConsent
from broker.usecases import consents, feed, me, meetings
from tests.house import ACTOR, EMIL, FATHER, LARVIK, MOTHER, SARA, House
from tillit.wire import Capture, ConsentView, MeetingRequest, MeetingView, Withdrawal

RATE = "education.attendance.rate"
DROPOUT = "education.dropout_notice"


def feed_of(house: House, unit: str) -> list[str]:
    """What a unit was told, in order."""
    page = feed.events(unit=UnitId(unit), after=0, limit=100, ports=house.ports)
    return [event.type for event in page.events]


def party(house: House, unit: str) -> tuple[ConsentView, ...]:
    """What a unit sees of consents."""
    return consents.party(unit=UnitId(unit), after=None, limit=100, ports=house.ports).consents


def oral(house: House, view: ConsentView, say: str = "yes", **more: object) -> ConsentView:
    """A professional records what was answered on the telephone."""
    captured = Capture.model_validate(
        {
            "method": "oral",
            "signer": "subject",
            "read_out": view.text_sha256,
            "answered_at": house.clock.at,
            "answers": {line.id: say for line in view.grants},
            "actor": ACTOR,
            **more,
        }
    )
    return consents.capture(
        ConsentId(view.id), captured, call=house.call(view.requested_by), ports=house.ports
    )


def test_an_oral_yes_counts_and_is_told_at_once(house: House) -> None:
    """N2: captured orally, active at once, the subject has a notice and can withdraw in one act."""
    view = oral(house, house.request("nav-larvik", EMIL))
    assert view.state == "active"
    notices = me.notices(person=house.hashed(EMIL), limit=10, ports=house.ports).notices
    assert [notice.kind for notice in notices] == ["captured", "requested"]
    gone = me.withdraw(ConsentId(view.id), Withdrawal(), call=house.person(EMIL), ports=house.ports)
    assert gone.state == "withdrawn"


def test_only_who_asked_records_the_answer(house: House) -> None:
    """A colleague at another service cannot answer in the youth's name."""
    view = house.request("nav-larvik", EMIL)
    with pytest.raises(UnknownConsent):
        oral(house, view.model_copy(update={"requested_by": "larvikshjelpa"}))


def test_a_refusal_is_left_alone_for_the_cool_down(house: House) -> None:
    """N5: a no is a state; asking again waits."""
    oral(house, house.request("nav-larvik", EMIL), "no")
    house.clock.step(days=29)
    with pytest.raises(AskedTooSoon):
        house.request("nav-larvik", EMIL)
    house.clock.step(days=1)
    assert house.request("nav-larvik", EMIL).state == "requested"


def test_a_unit_that_was_refused_learns_nothing(house: House) -> None:
    """N27: who stands only in lines answered no neither sees the consent nor hears of it."""
    view = house.request("nav-larvik", EMIL)
    house.answer(
        view, EMIL, lambda line: "no" if "larvikshjelpa" in (line.source, line.recipient) else "yes"
    )
    assert party(house, "larvikshjelpa") == ()
    assert feed_of(house, "larvikshjelpa") == []
    assert feed_of(house, "thor-heyerdahl-vgs") == ["consent.activated"]


def test_a_unit_whose_only_line_is_taken_back_hears_of_it(house: House) -> None:
    """N13: a withdrawal by the line reaches whoever may hold what the line opened, though nothing names it any more."""
    view = house.answer(
        house.request("nav-larvik", EMIL, categories=["functioning"]),
        EMIL,
        lambda line: "yes" if line.source == "thor-heyerdahl-vgs" else "no",
    )
    theirs = tuple(line.id for line in view.grants if line.recipient == "larvikshjelpa")
    gone = tuple(line.id for line in view.grants if line.answer == "yes" and line.id in theirs)
    me.withdraw(
        ConsentId(view.id),
        Withdrawal(grants=gone),
        call=house.person(EMIL),
        ports=house.ports,
    )
    assert feed_of(house, "larvikshjelpa") == ["consent.activated", "consent.narrowed"]
    assert party(house, "larvikshjelpa") == ()
    assert feed_of(house, "barnevern-larvik") == []


def test_a_party_sees_its_own_lines_only(house: House) -> None:
    """Others' grants are others' business, also in the text."""
    view = house.answer(house.request("nav-larvik", EMIL), EMIL)
    (seen,) = party(house, "thor-heyerdahl-vgs")
    assert seen.id == view.id
    assert all("thor-heyerdahl-vgs" in (line.source, line.recipient) for line in seen.grants)
    others = [line.text for line in view.grants if line.id not in {own.id for own in seen.grants}]
    assert others
    assert not [text for text in others if text in seen.text]


def test_the_requester_sees_no_answers_that_are_not_its_own(house: House) -> None:
    """Who asked for a consent among five services is not told what the other four were answered."""
    house.answer(house.request("nav-larvik", EMIL), EMIL)
    (seen,) = party(house, "nav-larvik")
    answers = {("nav-larvik" in (line.source, line.recipient)): line.answer for line in seen.grants}
    assert answers == {True: "yes", False: None}


def test_a_fifteen_year_old_signs_school_alone(house: House) -> None:
    """Education from 15: Sara's own yes is enough, and her parents are not shown the line."""
    house.deposit("thor-heyerdahl-vgs", SARA, {RATE: 0.9})
    view = house.request("nav-larvik", SARA, categories=["education"])
    assert view.waiting_for == ("subject",)
    assert house.answer(view, SARA).state == "active"
    assert house.disclose(house.ask("nav-larvik", SARA, RATE), "nav-larvik").outcome == "released"
    assert me.consents(person=house.hashed(MOTHER), ports=house.ports).consents == ()


def test_health_below_sixteen_needs_every_guardian_and_the_child_heard(house: House) -> None:
    """`all` with one signature is partly signed, and nothing is shared."""
    impact = "health.functional_impact"
    house.deposit("larvikshjelpa", SARA, {impact: "sover dårlig"})
    view = house.request("nav-larvik", SARA, categories=["health"])
    assert house.answer(view, MOTHER, child_heard=True).state == "partly_signed"
    ask = house.ask("nav-larvik", SARA, impact)
    withheld = house.disclose(ask, "nav-larvik").withheld[impact]
    assert [reason.code for reason in withheld] == ["consent.incomplete"]
    assert house.answer(view, FATHER, child_heard=True).state == "active"
    assert house.disclose(ask, "nav-larvik").outcome == "released"


def test_what_guardians_signed_lapses_on_the_birthday(house: House) -> None:
    """On the day Sara turns 16 her parents' yes for health no longer carries anything, and they see it no more."""
    impact = "health.functional_impact"
    house.deposit("larvikshjelpa", SARA, {impact: "sover dårlig"})
    view = house.request("nav-larvik", SARA, categories=["health"], valid_days=364)
    house.answer(view, MOTHER, child_heard=True)
    house.answer(view, FATHER, child_heard=True)
    house.clock.step(days=296)
    withheld = house.disclose(house.ask("nav-larvik", SARA, impact), "nav-larvik").withheld[impact]
    assert [reason.code for reason in withheld] == ["consent.lapsed"]
    assert me.consents(person=house.hashed(MOTHER), ports=house.ports).consents == ()


def test_a_parent_of_a_grown_youth_has_no_say(house: House) -> None:
    """N24: Emil is 19; his mother neither sees nor answers."""
    view = house.request("nav-larvik", EMIL)
    with pytest.raises(UnknownConsent):
        house.answer(view, MOTHER)
    with pytest.raises(UnknownConsent):
        me.consent(ConsentId(view.id), person=house.hashed(MOTHER), ports=house.ports)


def test_a_guardian_cannot_answer_for_a_youth_who_signs_alone(house: House) -> None:
    """Sara signs school alone at 15: an oral "her mother said yes" is refused."""
    view = house.request("nav-larvik", SARA, categories=["education"])
    with pytest.raises(SignerNotNeeded):
        oral(house, view, signer="guardian", child_heard=True)


def test_somebody_elses_consent_is_unknown(house: House) -> None:
    """A tampered id in a link opens nothing, and reads the same as one that does not exist."""
    view = house.request("nav-larvik", EMIL)
    for reader in (SARA, MOTHER):
        with pytest.raises(UnknownConsent):
            me.consent(ConsentId(view.id), person=house.hashed(reader), ports=house.ports)


def test_a_new_answer_takes_the_place_of_the_old(house: House) -> None:
    """Asked again by the same service, the newest answer is the one that counts; a new no is not outvoted by an old yes."""
    first = house.answer(house.request("nav-larvik", EMIL), EMIL)
    house.answer(
        house.request("nav-larvik", EMIL), EMIL, lambda line: "no" if line.special else "yes"
    )
    states = {
        view.id: view.state
        for view in me.consents(person=house.hashed(EMIL), ports=house.ports).consents
    }
    assert states.pop(first.id) == "superseded"
    assert set(states.values()) == {"active"}


def test_only_members_are_named_in_a_consent(house: House) -> None:
    """The police left the committee: no line can name them."""
    with pytest.raises(ConsentError) as refused:
        house.request("nav-larvik", EMIL, services=["nav-larvik", "politi-larvik"])
    assert refused.value.code == "consent.not_a_member"


def call_meeting(house: House, *units: str) -> MeetingView:
    """Nav puts Emil's case on next week's list."""
    request = MeetingRequest.model_validate(
        {
            "collaboration": LARVIK,
            "subject": house.handle("nav-larvik", EMIL),
            "held_at": house.clock.at + timedelta(days=7),
            "participants": [{"unit": unit, "role": "veileder"} for unit in units],
            "actor": ACTOR,
        }
    )
    return meetings.call_meeting(request, call=house.call("nav-larvik"), ports=house.ports)


def test_no_consent_no_name_on_the_list(house: House) -> None:
    """N30: without a yes the case is not listed, and no member hears that it exists."""
    house.request("nav-larvik", EMIL)
    with pytest.raises(MeetingWithoutConsent):
        call_meeting(house, "nav-larvik", "thor-heyerdahl-vgs")
    assert feed_of(house, "thor-heyerdahl-vgs") == []


def test_a_meeting_is_known_to_the_youth_and_its_participants_only(house: House) -> None:
    """N22: who meets about me, told beforehand; members outside the case hear nothing."""
    house.answer(house.request("nav-larvik", EMIL), EMIL)
    meeting = call_meeting(house, "nav-larvik", "thor-heyerdahl-vgs")
    told = me.notices(person=house.hashed(EMIL), limit=1, ports=house.ports).notices
    assert [(notice.kind, notice.meeting) for notice in told] == [("meeting", meeting.id)]
    assert "meeting.called" in feed_of(house, "thor-heyerdahl-vgs")
    assert "meeting.called" not in feed_of(house, "larvikshjelpa")
    with pytest.raises(MeetingWithoutConsent):
        call_meeting(house, "nav-larvik", "barnevern-larvik")
    with pytest.raises(MeetingInvalid):
        call_meeting(house, "nav-larvik", "politi-larvik")


def test_a_meetings_grant_serves_that_meeting(house: House) -> None:
    """A yes for one meeting is no yes for the next, nor for none."""
    house.deposit("thor-heyerdahl-vgs", EMIL, {RATE: 0.62})
    house.answer(house.request("nav-larvik", EMIL), EMIL)
    meeting = call_meeting(house, "nav-larvik", "thor-heyerdahl-vgs")
    asked = house.request("nav-larvik", EMIL, condition={"kind": "meeting", "meeting": meeting.id})
    house.answer(asked, EMIL)
    there = house.disclose(house.ask("nav-larvik", EMIL, RATE, meeting=meeting.id), "nav-larvik")
    elsewhere = house.disclose(house.ask("nav-larvik", EMIL, RATE), "nav-larvik")
    assert (there.outcome, elsewhere.outcome) == ("released", "refused")
    assert [reason.code for reason in elsewhere.withheld[RATE]] == ["consent.other_meeting"]


def test_whoever_has_the_ball_is_told_of_a_dropout(house: House) -> None:
    """N32: when the school notes that Emil left, OT's feed says so, if he said it may; then OT asks and is answered."""
    house.answer(
        house.request(
            "ot-vestfold",
            EMIL,
            services=["ot-vestfold", "thor-heyerdahl-vgs", "nav-larvik"],
            purposes=["dropout_notice"],
            categories=["education", "work"],
        ),
        EMIL,
        lambda line: "yes" if line.recipient == "ot-vestfold" else "no",
    )
    house.deposit("nav-larvik", EMIL, {"work.status": "job seeker"})
    assert "notice.dropout" not in feed_of(house, "ot-vestfold")
    house.deposit("thor-heyerdahl-vgs", EMIL, {DROPOUT: {"date": "2026-11-20"}})
    page = feed.events(unit=UnitId("ot-vestfold"), after=0, limit=100, ports=house.ports)
    event = page.events[-1]
    assert (event.type, event.fields, event.subject) == (
        "notice.dropout",
        (DROPOUT,),
        house.handle("ot-vestfold", EMIL),
    )
    assert "notice.dropout" not in feed_of(house, "nav-larvik")
    ask = house.ask("ot-vestfold", EMIL, DROPOUT, purpose="dropout_notice")
    answer = house.disclose(ask, "ot-vestfold")
    assert house.open(answer, ask, "ot-vestfold", EMIL).values[DROPOUT].source == (
        "thor-heyerdahl-vgs"
    )
