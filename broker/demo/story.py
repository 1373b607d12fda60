"""Emil's story: one case from "may I?" to the proof that nothing else was shared."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from broker.demo.people import EMIL, MENTAL_HEALTH, NAV, OT, SCHOOL
from broker.demo.person import Browser
from broker.demo.processes import ServiceProcess
from broker.demo.telling import Teller
from tillit.wire import ConsentView

SERVICES = (NAV, OT, SCHOOL, MENTAL_HEALTH)
ROLES: Mapping[str, str] = {
    NAV: "veileder",
    OT: "ot_radgiver",
    SCHOOL: "laerer",
    MENTAL_HEALTH: "psykolog",
}
NAME = EMIL.first_name
LARVIK = "ungdomsutvalget-larvik"
DIAGNOSIS = "health.diagnosis"


class StoryBroken(Exception):
    """Something turned out otherwise than the story says: the product is at fault, not the reader."""


@dataclass(slots=True)
class Scene:
    """What the storyteller has at hand; ``consent`` and ``first`` are set as the story goes on.

    ``held`` is which fields about Emil each service has deposited.
    """

    teller: Teller
    services: Mapping[str, ServiceProcess]
    emil: Browser
    held: Mapping[str, Sequence[str]]
    consent: ConsentView | None = None
    first: Mapping[str, Any] = field(default_factory=dict)

    def ask(
        self, unit: str, fields: list[str], purpose: str, *, meeting: str | None = None
    ) -> Mapping[str, Any]:
        """Have one service ask about Emil."""
        answer: Mapping[str, Any] = self.services[unit].do(
            "ask",
            about=NAME,
            fields=fields,
            purpose=purpose,
            role=ROLES[unit],
            meeting=meeting,
            collaboration=LARVIK,
        )
        return answer


def expect(holds: bool, what: str) -> None:
    """Stop the story when it does not hold. Raises ``StoryBroken``."""
    if not holds:
        raise StoryBroken(what)


def who_knows_what(scene: Scene) -> None:
    """Each service knows its own piece."""
    scene.teller.chapter(
        "Emil, and who knows what",
        """Emil is 19. He left upper secondary after year one because of his mental health. He began
        treatment and sees little use in it. He has met Nav once. Oppfølgingstjenesten (OT, the
        follow-up service) has written and called; he does not answer. He is mostly at home. Four
        services each hold a piece of him, sealed with the subject key that only the custodian has:
        the broker that carries the pieces cannot read one of them.""",
    )
    scene.teller.holdings(scene.held)


def before_consent(scene: Scene) -> None:
    """Without a yes nothing is shared, and the answer says why."""
    scene.teller.chapter(
        "Before he has said yes",
        """Nav would like to bring Emil's case to Ungdomsutvalget, Larvik's monthly forum of services.
        The adviser (veileder) first asks the broker "may I?", then asks outright.""",
    )
    wanted = ["education.attendance.rate", "functioning.daily_rhythm", DIAGNOSIS]
    may = scene.services[NAV].do(
        "check",
        about=NAME,
        fields=wanted,
        purpose="case_discussion",
        role=ROLES[NAV],
        collaboration=LARVIK,
    )
    scene.teller.answered(NAV, "veileder, may I?", may)
    answer = scene.ask(NAV, wanted, "case_discussion")
    scene.teller.answered(NAV, "veileder, asks", answer)
    expect(answer["outcome"] == "refused" and not answer["values"], "shared without a consent")
    scene.teller.prose("The refusal is logged, and Emil will find it among the asks about him.")


def consent_requested(scene: Scene) -> None:
    """One consent for the collaboration, shown line by line, nothing pre-ticked."""
    scene.teller.chapter(
        "Nav asks for one consent (samtykke)",
        """One consent covers the four services. A broad "you may all talk" compiles into enumerated
        lines: who gives what to whom, and what for. There is no wildcard.""",
    )
    asked = _request(scene)
    told = [notice.kind for notice in scene.emil.notices().notices]
    expect("requested" in told, "Emil was not told that a consent was asked for")
    (seen,) = [c for c in scene.emil.consents() if c.id == asked["id"]]
    expect(all(grant.answer is None for grant in seen.grants), "a line was pre-ticked")
    scene.teller.prose(
        f"""Emil gets a notice, logs in, and sees {len(seen.grants)} lines (lines that differ only in
        who receives are told in one row here). Nothing is pre-ticked. Health is special: it needs a
        yes of its own."""
    )
    scene.teller.consent(seen)
    scene.consent = seen


def partial_answer(scene: Scene) -> None:
    """Yes to education and functioning, no to health; no reason asked."""
    scene.teller.chapter(
        "Emil answers line by line",
        """He says yes to what is about school and how his days work, and no to health. Nobody asks him
        why, and the no is not shown to whoever decides about money.""",
    )
    asked = _consent(scene)
    answers = {g.id: "no" if g.category == "health" else "yes" for g in asked.grants}
    scene.consent = scene.emil.answer(asked, answers)
    expect(scene.consent.state == "active", "the consent did not become active")
    said = [grant.answer for grant in scene.consent.grants]
    until = f"{scene.consent.valid_until.astimezone():%d %B %Y}"
    scene.teller.line(f"{said.count('yes')} yes, {said.count('no')} no; it runs out on {until}")
    scene.teller.prose("Nav asks the same question again:")
    wanted = ["education.attendance.rate", "functioning.daily_rhythm", DIAGNOSIS]
    answer = scene.ask(NAV, wanted, "case_discussion")
    scene.teller.answered(NAV, "veileder, asks again", answer)
    expect(answer["outcome"] == "partly_released", "the partial yes was not honoured")
    expect(DIAGNOSIS not in answer["values"], "the diagnosis was shared against his no")
    scene.first = answer
    scene.teller.prose(
        """The values came sealed to Nav's own key. Nav's SDK checked the broker's receipt, the manifest,
        the source's signature on each value, and that each is about Emil, before it opened one."""
    )


def forum_meeting(scene: Scene) -> None:
    """The forum meets without him; he knows when, and who takes part."""
    scene.teller.chapter(
        "The forum meeting (drøfting i Ungdomsutvalget)",
        """Only now does his case go on the list. Emil is told at once that a meeting is held, and which
        services take part in which roles.""",
    )
    held_at = (datetime.now().astimezone() + timedelta(days=3)).isoformat()
    meeting = scene.services[NAV].do(
        "call_meeting",
        about=NAME,
        held_at=held_at,
        participants=[{"unit": unit, "role": ROLES[unit]} for unit in SERVICES],
        role=ROLES[NAV],
        collaboration=LARVIK,
        agenda=["education", "functioning", "health"],
    )
    told = [n for n in scene.emil.notices().notices if n.meeting == meeting["id"]]
    expect(len(told) == 1 and told[0].held_at is not None, "Emil was not told of the meeting")
    expect({p.unit for p in told[0].participants} == set(SERVICES), "he was not told who meets")
    when = f"{datetime.fromisoformat(held_at):%d %B, %H:%M}"
    scene.teller.line(
        f"Emil's notice: {scene.teller.unit(told[0].unit or '')} calls a meeting, {when}"
    )
    for participant in told[0].participants:
        scene.teller.line(f"  {scene.teller.unit(participant.unit)}, {participant.role}")
    fields = [
        "education.attendance.rate",
        "functioning.capacity",
        "functioning.accommodation",
        DIAGNOSIS,
    ]
    reports = {
        unit: scene.ask(unit, fields, "case_discussion", meeting=meeting["id"]) for unit in SERVICES
    }
    scene.teller.prose(
        """Each asks the same four things for the meeting, and gets what another service holds and Emil
        said yes to. Larvikshjelpa knows the diagnosis already; nobody else at the table learns it."""
    )
    scene.teller.around_the_table(fields, reports, held=scene.held)
    expect(
        all(DIAGNOSIS not in report["values"] for report in reports.values()),
        "the diagnosis was shared at the table",
    )


def the_teacher(scene: Scene) -> None:
    """Function, not diagnosis."""
    scene.teller.chapter(
        "Back at school, one subject",
        """The forum finds an offer: one subject at Thor Heyerdahl, late in the day. His teacher asks for
        what teaching needs (tilpasset opplæring).""",
    )
    fields = ["functioning.accommodation", "functioning.capacity", DIAGNOSIS]
    fields.insert(2, "health.functional_impact")
    answer = scene.ask(SCHOOL, fields, "teaching_adaptation")
    scene.teller.answered(SCHOOL, "laerer", answer)
    expect("functioning.accommodation" in answer["values"], "the teacher did not get function")
    expect(not {f for f in answer["values"] if f.startswith("health.")}, "the teacher got health")
    scene.teller.prose("How to arrange the day: yes. What is wrong with him: no.")


def dropped_out(scene: Scene) -> None:
    """The one who has the ball learns it by itself, and asks."""
    scene.teller.chapter(
        "He stops coming",
        """After some weeks Emil is not there any more. Before, nobody would have seen it. The school
        writes it down; OT, whom he has said may know, finds it in its feed (hendelser).""",
    )
    for unit in SERVICES:
        scene.services[unit].do("events", about=NAME)
    scene.services[SCHOOL].do(
        "deposit",
        about=NAME,
        values={
            "education.dropout_notice": {
                "date": f"{datetime.now().astimezone():%Y-%m-%d}",
                "kind": "school",
            }
        },
        role="radgiver",
    )
    heard = {
        unit: [
            e
            for e in scene.services[unit].do("events", about=NAME)["events"]
            if e["type"] == _DROPOUT
        ]
        for unit in SERVICES
    }
    expect(len(heard[OT]) == 1, "OT was not told")
    expect(not heard[NAV] and not heard[MENTAL_HEALTH], "others than OT were told")
    scene.teller.line(
        "OT's feed: notice.dropout, without any value. The other services' feeds: nothing."
    )
    answer = scene.ask(OT, list(heard[OT][0]["fields"]), "dropout_notice")
    scene.teller.answered(OT, "ot_radgiver", answer)
    expect(answer["outcome"] == "released", "OT could not learn what it was told to ask for")
    scene.teller.prose("OT sends a text message the same day. Somebody has the ball.")


_DROPOUT = "notice.dropout"


def emil_sees_all(scene: Scene) -> None:
    """Asks and refusals alike."""
    scene.teller.chapter(
        "What Emil sees",
        """Every ask about him, granted or refused: who, in what role, why, what was shared and what was
        not.""",
    )
    page = scene.emil.disclosures()
    scene.teller.disclosures(reversed(page.disclosures))
    outcomes = {one.outcome for one in page.disclosures}
    expect("refused" in outcomes, "refusals are hidden from Emil")
    expect(scene.first["id"] in {one.id for one in page.disclosures}, "a disclosure is missing")


def withdrawal(scene: Scene) -> None:
    """It works on the next ask."""
    scene.teller.chapter(
        "He takes it back",
        "One tap. Once the call has returned, no process of the broker releases anything on it.",
    )
    consent = scene.emil.withdraw(_consent(scene))
    expect(consent.state == "withdrawn", "the consent was not withdrawn")
    fields = ["education.attendance.rate", "functioning.daily_rhythm"]
    for unit in (NAV, OT):
        answer = scene.ask(unit, fields, "case_discussion")
        scene.teller.answered(unit, ROLES[unit], answer)
        expect(answer["outcome"] == "refused", f"{unit} still gets something")
        expect(not answer["values"], f"{unit} still gets something")


def asked_again(scene: Scene) -> None:
    """Nav asks once more, for whoever reads the demo to answer in the portal as Emil."""
    _request(scene)


def _request(scene: Scene) -> Mapping[str, Any]:
    asked: Mapping[str, Any] = scene.services[NAV].do(
        "request_consent",
        about=NAME,
        services=list(SERVICES),
        purposes=["case_discussion", "teaching_adaptation", "dropout_notice"],
        categories=["education", "functioning", "health"],
        role=ROLES[NAV],
        collaboration=LARVIK,
        condition="standing",
    )
    return asked


def _consent(scene: Scene) -> ConsentView:
    if scene.consent is None:
        raise StoryBroken("there is no consent yet")
    return scene.consent


CHAPTERS: tuple[Callable[[Scene], None], ...] = (
    who_knows_what,
    before_consent,
    consent_requested,
    partial_answer,
    forum_meeting,
    the_teacher,
    dropped_out,
    emil_sees_all,
    withdrawal,
)
