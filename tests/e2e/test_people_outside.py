"""Stories of those whom no yes names, through the SDK: Sara before she says who she is, Noah who left, Ingrid unasked."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from broker.demo.people import INGRID, NOAH, SARA
from tests.e2e.stories import Town, each, grounds, reasons, values
from tillit import Invalid, Participant, ProblemError

START = datetime(2026, 11, 2, 9, tzinfo=UTC)
DROPOUT, PHONE = "education.dropout_notice", "contact.phone"


def test_sara_is_nobody_until_she_says_that_it_is_she(town: Callable[..., Town]) -> None:
    """Sara, 15 (P 646): a talk without a name, no trace of her, and the way out of it is her own act."""
    arena, clinic = "ung-arena-pluss", "helsestasjon-ungdom-tonsberg"
    tonsberg = town(START, arena, clinic)
    host, nurse, sara = (
        tonsberg.desk(arena, "veileder"),
        tonsberg.desk(clinic, "helsesykepleier"),
        tonsberg.home(SARA),
    )
    talk: dict[str, Any] = {"age_band": "13-15", "municipality": "tonsberg", "actor": host.actor}
    told = host.client.tell_case(
        "ung-arena-pluss-tonsberg",
        topics=["sleep", "absence"],
        needs_help_with=["somebody_to_talk_to"],
        gender="woman",
        **talk,
    )
    (seen,) = nurse.client.cases("ung-arena-pluss-tonsberg")
    assert (seen.id, seen.topics, seen.told_by) == (told.id, ("sleep", "absence"), arena)
    assert told.claim not in repr((seen, told))
    # Nothing of it is about anybody: not a notice, not a person that the broker knows.
    assert sara.http.get("/v1/me/notices", headers=sara.headers()).status_code == 404
    # The two boys of her age are too few, and how many they are is not said.
    with pytest.raises(Invalid) as few:
        host.client.tell_case("ung-arena-pluss-tonsberg", topics=["sleep"], gender="man", **talk)
    assert (few.value.code, "2" in few.value.detail) == ("anonymous.too_few", False)
    # An identified field has no place in it, whoever asks.
    for field in ("contact.name", "voice.story"):
        asked = host.asks(
            SARA,
            field,
            purpose="anonymous_discussion",
            collaboration="ung-arena-pluss-tonsberg",
        )
        assert reasons(asked) == {field: ["limit.hard"]}

    claimed = sara.claims(told.claim, tell=True)
    assert claimed.id == told.id
    assert [(event.type, event.case, event.subject) for event in host.told()] == [
        ("case.claimed", told.id, None)
    ]
    assert sara.kinds()[-1] == "case_claimed"
    second = sara.http.post(
        "/v1/me/anonymous-cases",
        json={"claim": told.claim, "tell": True},
        headers=sara.headers() | {"idempotency-key": "a-second-time"},
    )
    assert (second.status_code, second.json()["code"]) == (404, "anonymous.claim")


def test_noah_leaves_and_the_follow_up_service_hears_by_law(town: Callable[..., Town]) -> None:
    """Noah, 19 (P 900): OT learns by itself that he left school (S1); of the meeting place if he says so; from 25 nothing."""
    ot_unit, school, place, nav_unit = (
        "ot-vestfold",
        "thor-heyerdahl-vgs",
        "moteplassen-larvik",
        "nav-larvik",
    )
    larvik = town(START, ot_unit, school, place, nav_unit)
    ot, teacher = larvik.desk(ot_unit, "ot_radgiver"), larvik.desk(school, "radgiver")
    host, nav, noah = (
        larvik.desk(place, "veileder"),
        larvik.desk(nav_unit, "veileder"),
        larvik.home(NOAH),
    )
    by_law = {"purpose": "dropout_notice"}

    # The meeting place is not the law's to tell of, and he has said nothing yet.
    host.writes(NOAH, {DROPOUT: {"date": "2026-10-30", "kind": "meeting_place"}})
    assert (ot.told(), noah.kinds()) == ([], [])

    grades = {"English": "4"}
    teacher.writes(
        NOAH,
        {
            DROPOUT: {"date": "2026-11-02", "kind": "school"},
            PHONE: "+47 000 45 678",
            "education.grades": grades,
        },
    )
    (event,) = ot.told()
    assert (event.type, event.consent, event.subject) == (
        "notice.dropout",
        None,
        ot.of(NOAH).handle,
    )
    assert set(event.fields) == {DROPOUT, PHONE}
    assert [(notice.kind, notice.unit) for notice in noah.notices()] == [("dropout_told", ot_unit)]
    assert nav.told() == []
    answer = ot.asks(NOAH, DROPOUT, PHONE, "education.grades", **by_law)
    assert values(answer) == {
        DROPOUT: {"date": "2026-11-02", "kind": "school"},
        PHONE: "+47 000 45 678",
    }
    assert grounds(answer) == each(values(answer), "S1")
    assert reasons(answer) == {"education.grades": ["consent.none"]}
    assert noah.kinds() == ["dropout_told", "released"]
    assert reasons(nav.asks(NOAH, DROPOUT, **by_law)) == {DROPOUT: ["consent.none"]}

    # His yes opens the other way out, and the event says which yes.
    consent = noah.answers(
        ot.requests(NOAH, place, purposes=["dropout_notice"], categories=["education"])
    )
    host.writes(NOAH, {DROPOUT: {"date": "2026-11-01", "kind": "meeting_place"}})
    assert (ot.told()[-1].type, ot.told()[-1].consent) == ("notice.dropout", consent.id)
    left = ot.asks(NOAH, DROPOUT, source=place, **by_law)
    assert values(left) == {DROPOUT: {"date": "2026-11-01", "kind": "meeting_place"}}
    assert grounds(left) == {DROPOUT: [consent.id]}

    twenty_fifth = datetime(2032, 9, 25, 22, tzinfo=UTC)  # the twenty-sixth, in Oslo
    larvik.comes(twenty_fifth - timedelta(seconds=1))
    assert ot.asks(NOAH, PHONE, purpose="outreach").outcome == "released"
    larvik.comes(twenty_fifth)
    over = ot.asks(NOAH, PHONE, purpose="outreach")
    assert reasons(over) == {PHONE: ["consent.no_grant"]}
    before = len(ot.told())
    teacher.writes(NOAH, {DROPOUT: {"date": "2032-09-20", "kind": "school"}})
    assert len(ot.told()) == before


def test_ingrid_was_never_asked_and_has_no_name_there(town: Callable[..., Town]) -> None:
    """Ingrid, 23, in the extended team without consent (P 704): every ask is refused; only a case without a name is told."""
    extended, fortnightly = "utvidet-team-ovre-eiker", "ressursteam-ovre-eiker"
    team, nav_unit, contacts = (
        "ressursteamet-ovre-eiker",
        "nav-ovre-eiker",
        "ungdomskontaktene-ovre-eiker",
    )
    eiker = town(START, team, nav_unit, contacts)
    leader, nav = eiker.desk(team, "veileder"), eiker.desk(nav_unit, "veileder")
    contact, ingrid = eiker.desk(contacts, "ungdomskontakt"), eiker.home(INGRID)
    nav.writes(INGRID, {"functioning.capacity": "svært lite", "contact.name": "Ingrid Øvingsnes"})
    asked = ("functioning.capacity", "contact.name")

    for purpose in ("case_discussion", "coordination"):
        refused = leader.asks(INGRID, *asked, purpose=purpose, collaboration=extended)
        assert (refused.outcome, reasons(refused)) == ("refused", each(asked, "consent.none"))
    for collaboration in (fortnightly, None):
        nameless = leader.asks(
            INGRID, *asked, purpose="anonymous_discussion", collaboration=collaboration
        )
        assert (nameless.outcome, reasons(nameless)) == ("refused", each(asked, "limit.hard"))
    with pytest.raises(ProblemError) as unmet:
        leader.client.call_meeting(
            leader.of(INGRID),
            collaboration=extended,
            held_at=START + timedelta(days=7),
            participants=[Participant(unit=unit, role="veileder") for unit in (team, nav_unit)],
            actor=leader.actor,
        )
    assert unmet.value.code == "meeting.no_consent"

    case: dict[str, Any] = {
        "municipality": "ovre-eiker",
        "topics": ["loneliness", "money"],
        "actor": leader.actor,
    }
    with pytest.raises(Invalid) as few:
        leader.client.tell_case(fortnightly, age_band="22-25", **case)
    assert few.value.code == "anonymous.too_few"
    told = leader.client.tell_case(fortnightly, age_band="19-25", **case)
    (heard,) = contact.client.cases(fortnightly)
    assert (heard.id, heard.age_band, heard.gender) == (told.id, "19-25", None)
    with pytest.raises(ProblemError) as stranger:
        list(nav.client.cases(fortnightly))
    assert stranger.value.code == "collaboration.not_a_member"

    # She sees that she was asked about, each time, and that nobody learnt anything.
    assert [d.outcome for d in ingrid.disclosures()] == ["refused"] * 4
    assert ingrid.kinds() == []
