"""Stories of those who are not grown, through the SDK: Sara turns sixteen, Jonas eighteen, and Maja is heard."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from broker.demo.people import JONAS, MAJA, SARA
from tests.e2e.stories import Desk, Town, each, grounds, reasons, values
from tillit.wire import ConsentView, GrantView

ACCOMMODATION, NEEDS = "functioning.accommodation", "education.adaptation_needs"
IMPACT, SYMPTOMS = "health.functional_impact", "health.symptoms"
SCHOOL, NAV = "thor-heyerdahl-vgs", "nav-larvik"


ARENA, MENTAL = "ung-arena-pluss", "psykisk-helse-tonsberg"
CLINIC = "helsestasjon-ungdom-tonsberg"
TONSBERG = "ung-arena-pluss-tonsberg"
FOLLOW = {"purpose": "coordination", "collaboration": TONSBERG}
FOUND = datetime(2026, 10, 26, 9, tzinfo=UTC)
SIXTEENTH = datetime(2026, 12, 7, 23, tzinfo=UTC)
"""Sara's birthday as it begins in Oslo."""


def clinic_asked(host: Desk) -> ConsentView:
    """Ung Arena+ asks whether the youth clinic may know how health touches Sara's days."""
    return host.requests(
        SARA,
        MENTAL,
        CLINIC,
        purposes=["coordination"],
        fields=[IMPACT],
        collaboration=TONSBERG,
        valid_days=365,
    )


def to_the_clinic(line: GrantView) -> bool:
    """Yes to the clinic, and to nobody else."""
    return (line.source, line.recipient) == (MENTAL, CLINIC)


def test_sara_lets_clinic_and_school_know_one_thing_each(town: Callable[..., Town]) -> None:
    """Sara, 15 (P 2.2.1): for health her mother signs and she is heard; what the school writes she answers alone."""
    tonsberg = town(FOUND, ARENA, MENTAL, CLINIC, SCHOOL)
    host, therapist = tonsberg.desk(ARENA, "veileder"), tonsberg.desk(MENTAL, "terapeut")
    nurse, teacher = tonsberg.desk(CLINIC, "helsesykepleier"), tonsberg.desk(SCHOOL, "laerer")
    sara, mother = tonsberg.home(SARA), tonsberg.home(SARA.guardians[0].national_id)
    therapist.writes(SARA, {IMPACT: "orker ikke kroppsøving", SYMPTOMS: "uro"})
    host.writes(SARA, {ACCOMMODATION: "sitte nær døra"})
    teacher.writes(SARA, {NEEDS: "muntlige prøver alene"})
    teach = {"purpose": "teaching_adaptation"}

    asked = clinic_asked(host)
    assert asked.waiting_for == ("child_heard", "guardian")
    own = sara.answers(asked, to_the_clinic)
    assert (own.state, own.waiting_for) == ("partly_signed", ("guardian",))
    assert reasons(nurse.asks(SARA, IMPACT, **FOLLOW)) == {IMPACT: ["consent.incomplete"]}
    mother.answers(asked, to_the_clinic)
    answer = nurse.asks(SARA, IMPACT, SYMPTOMS, **FOLLOW)
    assert values(answer) == {IMPACT: "orker ikke kroppsøving"}
    assert reasons(answer) == {SYMPTOMS: ["consent.no_grant"]}

    asked = host.requests(
        SARA, SCHOOL, purposes=["teaching_adaptation"], fields=[ACCOMMODATION, NEEDS]
    )
    assert {line.category for line in mother.consent(asked).grants} == {"functioning"}
    assert sara.answers(asked).state == "partly_signed"
    assert reasons(teacher.asks(SARA, ACCOMMODATION, **teach)) == {
        ACCOMMODATION: ["consent.incomplete"]
    }
    mother.answers(asked, lambda line: line.recipient == SCHOOL)
    learnt = teacher.asks(SARA, ACCOMMODATION, IMPACT, **teach)
    assert values(learnt) == {ACCOMMODATION: "sitte nær døra"}
    assert reasons(learnt) == {IMPACT: ["consent.no_grant"]}
    assert values(host.asks(SARA, NEEDS, **teach)) == {NEEDS: "muntlige prøver alene"}
    assert mother.http.get("/v1/me/disclosures", headers=mother.headers()).status_code == 404


def test_sara_turns_sixteen_and_answers_herself(town: Callable[..., Town]) -> None:
    """On the day what her mother alone had signed is over; Sara was told and asked thirty days before, with nothing ticked."""
    tonsberg = town(FOUND, ARENA, MENTAL, CLINIC)
    host, nurse = tonsberg.desk(ARENA, "veileder"), tonsberg.desk(CLINIC, "helsesykepleier")
    sara, mother = tonsberg.home(SARA), tonsberg.home(SARA.guardians[0].national_id)
    tonsberg.desk(MENTAL, "terapeut").writes(SARA, {IMPACT: "orker ikke kroppsøving"})
    signed = mother.answers(clinic_asked(host), to_the_clinic, child_heard=True)
    assert signed.state == "active"

    early = tonsberg.comes(SIXTEENTH - timedelta(days=30, minutes=1))
    assert (early.reconfirmations, early.transitions) == (0, 0)
    ahead = tonsberg.comes(SIXTEENTH - timedelta(days=30))
    assert (ahead.reconfirmations, ahead.transitions) == (1, 1)
    assert {"reconfirm", "transition"} <= set(sara.kinds())
    offered = sara.consents()[0]
    assert (offered.state, offered.waiting_for) == ("requested", ("subject",))
    assert [(line.source, line.answer) for line in offered.grants] == [(MENTAL, None)]
    assert [view.id for view in mother.consents()] == [signed.id]

    tonsberg.comes(SIXTEENTH - timedelta(seconds=1))
    assert nurse.asks(SARA, IMPACT, **FOLLOW).outcome == "released"
    assert tonsberg.comes(SIXTEENTH).lapsed == 1
    assert (sara.consent(signed).state, sara.kinds()[-1]) == ("lapsed", "lapsed")
    assert nurse.told()[-1].type == "consent.lapsed"
    assert (mother.consents(), mother.finds(signed)) == ((), 404)
    over = nurse.asks(SARA, IMPACT, **FOLLOW)
    assert reasons(over) == {IMPACT: ["consent.incomplete", "consent.lapsed"]}

    own = sara.answers(offered)
    assert own.state == "active"
    again = nurse.asks(SARA, IMPACT, **FOLLOW)
    assert values(again) == {IMPACT: "orker ikke kroppsøving"}
    assert grounds(again) == {IMPACT: [own.id]}


def test_jonas_hands_over_what_he_chose_and_turns_eighteen(town: Callable[..., Town]) -> None:
    """Jonas, 17, in child welfare elsewhere (A5318): his own package to Nav, by name; his mother sees nothing of it."""
    owner = "barnevern-tonsberg"
    aftercare, history = "child_welfare.aftercare", "child_welfare.history"
    measures, goals = "plan.measures_tried", "voice.goals"
    at_fifteen = datetime(2024, 11, 4, 9, tzinfo=UTC)
    eighteenth = datetime(2026, 12, 18, 23, tzinfo=UTC)
    vestfold = town(at_fifteen, owner, NAV)
    worker, nav = vestfold.desk(owner, "kontaktperson"), vestfold.desk(NAV, "veileder")
    jonas, mother = vestfold.home(JONAS), vestfold.home(JONAS.guardians[0].national_id)

    # At fifteen his mother signed for how he manages; that was hers to see, and only that.
    young = worker.requests(
        JONAS, NAV, purposes=["transition"], fields=["functioning.capacity", aftercare]
    )
    assert {line.category for line in mother.consent(young).grants} == {"functioning"}
    assert jonas.answers(young).waiting_for == ("guardian",)
    assert mother.answers(young).state == "active"

    # At seventeen all of it is his: he picks what goes with him.
    vestfold.comes(datetime(2026, 11, 2, 9, tzinfo=UTC))
    assert jonas.consent(young).state == "expired"
    package = [aftercare, history, measures, goals]
    worker.writes(
        JONAS,
        {
            aftercare: "hybel og fast kontakt til han er 23",
            history: "lang",
            measures: ["besøkshjem", "støttekontakt"],
        },
    )
    jonas.says(goals, "egen leilighet")
    request = worker.requests(JONAS, NAV, purposes=["transition"], fields=package, valid_days=91)
    assert all(line.special for line in request.grants if line.category == "child_welfare")
    chosen = jonas.answers(request, lambda line: line.recipient == NAV)
    assert chosen.state == "active"
    assert (mother.consents(), mother.finds(chosen)) == ((), 404)
    jonas.withdraws(chosen)

    smaller = worker.requests(
        JONAS, NAV, purposes=["transition"], fields=[aftercare, measures, goals], valid_days=91
    )
    jonas.answers(smaller, lambda line: line.recipient == NAV)
    answer = nav.asks(JONAS, *package, purpose="transition")
    assert values(answer) == {
        aftercare: "hybel og fast kontakt til han er 23",
        measures: ["besøkshjem", "støttekontakt"],
        goals: "egen leilighet",
    }
    assert list(reasons(answer)) == [history]
    back = worker.asks(JONAS, "work.status", purpose="transition")
    assert reasons(back) == {"work.status": ["consent.no_grant"]}

    # The change is told a month ahead, and what was his stays his.
    assert vestfold.comes(eighteenth - timedelta(days=30)).transitions == 1
    assert jonas.kinds()[-1] == "transition"
    grown = vestfold.comes(eighteenth)
    assert (grown.lapsed, jonas.consent(smaller).state) == (0, "active")
    assert nav.asks(JONAS, aftercare, purpose="transition").outcome == "released"
    assert (mother.consents(), mother.finds(smaller), mother.finds(young)) == ((), 404, 404)
    assert mother.http.get("/v1/me/disclosures", headers=mother.headers()).status_code == 404


def test_majas_two_guardians_sign_and_she_is_heard(town: Callable[..., Town]) -> None:
    """Maja, 13 (S2563): everybody waits for one another; half a yes is none, and her own no stands until she takes it back."""
    team, bup, doctor = "lavterskelteam-tromso", "bup-tromso", "fastlege-tromso"
    start = datetime(2026, 11, 2, 9, tzinfo=UTC)
    tromso = town(start, team, bup, doctor)
    host, clinic = tromso.desk(team, "veileder"), tromso.desk(bup, "behandler")
    tromso.desk(doctor, "fastlege").writes(MAJA, {SYMPTOMS: "vondt i magen på skoledager"})
    host.writes(MAJA, {"plan.measures_tried": ["samtaler med helsesykepleier"]})
    maja = tromso.home(MAJA)
    mother, father = (tromso.home(guardian.national_id) for guardian in MAJA.guardians)
    refer = {"purpose": "referral", "collaboration": "lavterskelteam-tromso"}
    asked = (SYMPTOMS, "plan.measures_tried")

    request = host.requests(
        MAJA,
        bup,
        doctor,
        purposes=["referral"],
        categories=["health", "plan"],
        collaboration="lavterskelteam-tromso",
    )
    half = mother.answers(request, lambda line: line.recipient == bup, child_heard=True)
    assert half.state == "partly_signed"
    assert maja.consent(request).waiting_for == ("guardian",)
    assert reasons(clinic.asks(MAJA, *asked, **refer)) == each(asked, "consent.incomplete")
    assert [event.type for event in clinic.told()] == ["consent.partly_signed"]

    whole = father.answers(request, lambda line: line.recipient == bup, child_heard=True)
    assert whole.state == "active"
    answer = clinic.asks(MAJA, *asked, **refer)
    assert values(answer) == {
        SYMPTOMS: "vondt i magen på skoledager",
        "plan.measures_tried": ["samtaler med helsesykepleier"],
    }
    assert clinic.told()[-1].type == "consent.activated"

    assert [objection.category for objection in maja.objects("health").objections] == ["health"]
    against = clinic.asks(MAJA, *asked, **refer)
    assert values(against) == {"plan.measures_tried": ["samtaler med helsesykepleier"]}
    assert reasons(against) == {SYMPTOMS: ["subject.objects"]}
    # No guardian takes it back for her.
    assert maja.objects("health", objects=False).objections == ()
    assert clinic.asks(MAJA, *asked, **refer).outcome == "released"
    assert maja.kinds().count("guardian_acted") == 2
