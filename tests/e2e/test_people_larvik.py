"""Stories around Larvik, through the SDK: Emil before the committee, Oskar in danger, Per in hiding."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from broker.demo.people import EMIL, OSKAR, PER
from tests.e2e.stories import Town, each, grounds, reasons, values
from tests.house import LARVIK
from tillit import Invalid, Participant, ProblemError

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
NAV, OT, SCHOOL, HEALTH = "nav-larvik", "ot-vestfold", "thor-heyerdahl-vgs", "larvikshjelpa"
NURSE, DOCTOR = "helsesykepleier-thor-heyerdahl", "fastlege-larvik"
WISHES, LEFT, IMPACT = "education.wishes", "education.enrolment_status", "health.functional_impact"
RISK = "health.risk"


def test_emil_is_discussed_only_as_he_said_and_takes_it_back(town: Callable[..., Town]) -> None:
    """Emil, 19, at home (P 7.1): no yes, no case; one yes per line; he knows who meets, and can end it."""
    larvik = town(START, NAV, OT, HEALTH)
    nav, ot = larvik.desk(NAV, "veileder"), larvik.desk(OT, "ot_radgiver")
    health, emil = larvik.desk(HEALTH, "terapeut"), larvik.home(EMIL)
    ot.writes(EMIL, {LEFT: "left", WISHES: "noe praktisk, men først en vanlig døgnrytme"})
    health.writes(EMIL, {IMPACT: "klarer sjelden å gå ut", "health.symptoms": "angst"})
    talk = {"purpose": "case_discussion", "collaboration": LARVIK}
    asked = (LEFT, WISHES, IMPACT, "health.symptoms")

    before = nav.asks(EMIL, *asked, **talk)
    assert before.outcome == "refused"
    assert reasons(before) == each(asked, "consent.none")

    request = nav.requests(
        EMIL,
        OT,
        HEALTH,
        purposes=["case_discussion"],
        categories=["education", "health"],
        collaboration=LARVIK,
    )
    assert [line.answer for line in emil.consent(request).grants] == [None] * len(request.grants)
    early = nav.asks(EMIL, LEFT, **talk)
    assert reasons(early) == {LEFT: ["consent.incomplete"]}
    consent = emil.answers(request, lambda line: line.recipient == NAV)
    assert consent.state == "active"
    assert {line.recipient for line in consent.grants if line.answer == "yes"} == {NAV}

    meeting = nav.client.call_meeting(
        nav.of(EMIL),
        collaboration=LARVIK,
        held_at=START + timedelta(days=7),
        participants=[Participant(unit=unit, role="veileder") for unit in (NAV, OT, HEALTH)],
        actor=nav.actor,
    )
    told = emil.notices()[0]
    assert (told.kind, told.held_at) == ("meeting", START + timedelta(days=7))
    assert [participant.unit for participant in told.participants] == [NAV, OT, HEALTH]

    larvik.comes(meeting.held_at)
    answer = nav.asks(EMIL, *asked, meeting=meeting.id, **talk)
    assert values(answer) == {
        LEFT: "left",
        WISHES: "noe praktisk, men først en vanlig døgnrytme",
        IMPACT: "klarer sjelden å gå ut",
    }
    assert reasons(answer) == {"health.symptoms": ["consent.no_grant"]}
    assert grounds(answer) == each(values(answer), consent.id)
    refused = ot.asks(EMIL, IMPACT, **talk)
    assert (refused.outcome, reasons(refused)) == ("refused", {IMPACT: ["consent.no_grant"]})

    assert emil.withdraws(consent).state == "withdrawn"
    after = nav.asks(EMIL, LEFT, **talk)
    assert reasons(after) == {LEFT: ["consent.withdrawn"]}
    with pytest.raises(Invalid) as gone:
        nav.client.disclosure(answer.id, nav.of(EMIL))
    assert gone.value.code == "disclosure.gone"
    assert [event.type for event in health.told()][-1] == "consent.withdrawn"
    assert [(d.recipient, d.outcome) for d in reversed(emil.disclosures())] == [
        (NAV, "refused"),
        (NAV, "refused"),
        (NAV, "partly_released"),
        (OT, "refused"),
        (NAV, "refused"),
    ]
    assert emil.kinds() == ["requested", "meeting", "released"]


def test_oskars_life_is_in_danger_and_nobody_acts_unseen(town: Callable[..., Town]) -> None:
    """Oskar, 16 (S1426-30): what saves him is fetched in seconds, with a reason; he knows at once, a colleague looks at it."""
    larvik = town(START, HEALTH, NURSE, SCHOOL)
    psychologist, oskar = larvik.desk(HEALTH, "psykolog"), larvik.home(OSKAR)
    larvik.desk(NURSE, "helsesykepleier").writes(
        OSKAR, {RISK: "har snakket om å ta livet sitt", "health.diagnosis": "depresjon"}
    )
    larvik.desk(SCHOOL, "radgiver").writes(OSKAR, {"contact.phone": "+47 000 12 345"})
    help_him = {"purpose": "emergency_help"}
    asked = (RISK, "contact.phone", "health.diagnosis")

    unclaimed = psychologist.asks(OSKAR, *asked, **help_him)
    assert reasons(unclaimed) == each(asked, "emergency.not_allowed")

    reason = "Han svarer ikke, og læreren er redd for livet hans."
    relied = psychologist.client.invoke(
        psychologist.of(OSKAR),
        "S4",
        [RISK, "contact.phone"],
        reason=reason,
        actor=psychologist.actor,
    )
    assert (relied.closes, relied.review_due) == (START + timedelta(hours=24), True)
    notice = oskar.notices()[0]
    assert (notice.kind, notice.statute, notice.at) == ("relied_on", "S4", START)
    answer = psychologist.asks(OSKAR, *asked, **help_him)
    assert values(answer) == {
        RISK: "har snakket om å ta livet sitt",
        "contact.phone": "+47 000 12 345",
    }
    assert grounds(answer) == each(values(answer), "S4")
    assert reasons(answer) == {"health.diagnosis": ["emergency.not_allowed"]}
    assert answer.obligations.notify == "immediate"
    clerk = larvik.desk(HEALTH, "saksbehandler", name="a9").asks(OSKAR, RISK, **help_him)
    assert reasons(clerk) == {RISK: ["actor.role"]}

    # We thought they knew: the receipt and the log say who did, and when.
    statement = answer.receipt.statement
    assert (statement.recipient, statement.at, statement.outcome) == (HEALTH, START, answer.outcome)
    proven = psychologist.client.proof(answer)
    assert oskar.proof(answer.id).index == proven.index
    seen = next(d for d in oskar.disclosures() if d.id == answer.id)
    assert (seen.role, seen.fields[RISK].grounds[0].id) == ("psykolog", "S4")

    larvik.passes(hours=24)
    late = psychologist.asks(OSKAR, RISK, **help_him)
    assert reasons(late) == {RISK: ["emergency.expired"]}

    (due,) = psychologist.client.invocations(open_reviews=True)
    with pytest.raises(ProblemError) as same:
        psychologist.client.review(
            due.id, finding="justified", text="Jeg måtte vite det.", actor=psychologist.actor
        )
    assert same.value.code == "statute.same_person"
    leader = larvik.desk(HEALTH, "psykolog", name="a2")
    closed = leader.client.review(
        due.id, finding="justified", text="Det var rett å spørre.", actor=leader.actor
    )
    assert (closed.finding, list(leader.client.invocations(open_reviews=True))) == ("justified", [])
    assert (oskar.notices()[0].kind, oskar.notices()[0].finding) == ("reviewed", "justified")
    assert "redd for livet" not in repr((oskar.notices(), oskar.disclosures()))


def test_pers_whereabouts_are_nobodys_also_in_an_emergency(town: Callable[..., Town]) -> None:
    """Per, 24, kode 6: what reaches him is withheld whatever is said and whoever asks; what saves him is not."""
    larvik = town(START, NAV, HEALTH, DOCTOR)
    nav, health, per = (
        larvik.desk(NAV, "veileder"),
        larvik.desk(HEALTH, "psykolog"),
        larvik.home(PER),
    )
    contact = {
        "contact.address": "Prøveveien 1, 3256 Larvik",
        "contact.phone": "+47 000 11 222",
        "contact.name": "Per Dummestad",
    }
    nav.writes(PER, {**contact, "functioning.daily_rhythm": "sover om dagen"})
    larvik.desk(DOCTOR, "lege").writes(PER, {RISK: "er truet på livet, og har selv sagt det"})
    hidden = each(contact, "subject.address_protected")
    together = {"purpose": "coordination", "collaboration": LARVIK}

    asked = {"purposes": ["coordination"], "collaboration": LARVIK}
    wide = nav.requests(PER, HEALTH, categories=["contact", "functioning"], **asked)
    per.answers(wide)
    answer = health.asks(PER, *contact, "functioning.daily_rhythm", **together)
    assert values(answer) == {"functioning.daily_rhythm": "sover om dagen"}
    assert reasons(answer) == hidden

    per.answers(nav.requests(PER, HEALTH, fields=["contact.address"], **asked))
    address = health.asks(PER, "contact.address", **together)
    assert (address.outcome, reasons(address)) == (
        "refused",
        {"contact.address": ["subject.address_protected"]},
    )

    health.client.invoke(
        health.of(PER),
        "S4",
        ["contact.name", "contact.phone", RISK],
        reason="Noen er på vei for å skade ham.",
        actor=health.actor,
    )
    saved = health.asks(PER, *contact, RISK, purpose="emergency_help")
    assert values(saved) == {RISK: "er truet på livet, og har selv sagt det"}
    assert grounds(saved) == {RISK: ["S4"]}
    assert set(reasons(saved)) == set(contact)
    assert reasons(saved)["contact.phone"] == ["subject.address_protected"]
    assert [kind for kind in per.kinds() if kind in {"relied_on", "released"}] == [
        "released",
        "relied_on",
        "released",
    ]
