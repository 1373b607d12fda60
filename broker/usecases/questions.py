"""Questions: put to whoever wants to be asked first, in the transaction of the ask that waits; shown, and answered.

Who asked learns by its feed that there is an answer, and asks again. Neither the ask nor a question tells it whether there
is anything to be known: it is put whether there is or not.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from audit.entries import Entry
from broker.domain.catalogue import Catalogue
from broker.domain.consents import Consent
from broker.domain.decisions import Decision
from broker.domain.errors import SignersUnknown
from broker.domain.facets import facets
from broker.domain.facts import ConsentFacts, Facts, GrantFacts
from broker.domain.ids import (
    ConsentId,
    GrantId,
    PersonKey,
    QuestionId,
    UnitId,
    fresh,
)
from broker.domain.questions import ANSWER_WITHIN, MOST_OPEN, Question, QuestionState
from broker.domain.signatures import Needed, Signer, needed_for
from broker.errors import Contended, UnknownQuestion
from broker.ports import Ports, Transaction
from broker.stored import Notice
from broker.usecases.call import PersonCall, once
from broker.usecases.consents import signers
from broker.usecases.gathering import Gathered
from broker.usecases.people import handle_for, wards
from broker.usecases.views import of_question
from tillit.wire import Ask, AskFirst, Event, MyQuestion, MyQuestions, QuestionAnswer

PAGE = 100
ASKING = frozenset({"consent.ask_first", "consent.not_present"})

Place = tuple[ConsentId, GrantId]


@dataclass(frozen=True, slots=True)
class _Group:
    """What goes into one question: lines of one consent that wait for the same and are signed by the same."""

    consent: Consent
    also: AskFirst
    fields: Mapping[GrantId, frozenset[str]]


def waits(decision: Decision) -> bool:
    """Whether something is withheld until somebody says yes to this ask."""
    return any(ASKING.intersection(held.reasons) for held in decision.withheld().values())


def put(
    tx: Transaction, ask: Ask, gathered: Gathered, decision: Decision, *, unit: UnitId, ports: Ports
) -> None:
    """Put what an ask waits for to whoever signs the lines, where a yes is all that is wanting.

    Not again while it waits, nor within a day of a no to this unit and purpose, nor beyond ``MOST_OPEN`` for one person.

    Raises:
        Contended: a consent has changed since the facts were read.
        EngineDown: the policy engine cannot be asked.
    """
    now = gathered.facts.now
    wanted = _wanted(gathered.facts, decision, ports)
    for identity in sorted({consent for consent, _ in wanted}):
        consent = tx.consent(identity)
        if consent is None or not tx.pin_consent(identity, consent.version):
            raise Contended
        counting = tx.questions_counting([consent.subject], at=now)
        if any(
            (q.unit, q.purpose) == (unit, ask.purpose) and q.keeps_from_asking(now)
            for q in counting
        ):
            continue
        asked = [q for q in counting if q.is_open(now)]
        there = {(q.consent, line) for q in asked for line in q.lines}
        lines = {
            line: names
            for (of, line), names in wanted.items()
            if of == identity and (of, line) not in there
        }
        groups = _groups(tx, consent, lines, now=now, ports=ports)
        for group in groups[: max(0, MOST_OPEN - len(asked))]:
            _put(tx, ask, group, unit=unit, now=now, ports=ports)


def questions(*, person: PersonKey, limit: int, ports: Ports) -> MyQuestions:
    """The latest that were put to the person, newest first; as a guardian those on the lines that guardians sign today."""
    now, size = ports.clock(), min(limit, PAGE)
    with ports.store.read() as tx:
        own = tx.subject_by_person(person)
        found = [] if own is None else list(tx.questions_of(own, limit=size))
        for ward in wards(tx, person, ports):
            asked = tx.questions_of(ward, limit=size)
            needed = {
                consent: _needed(tx, consent, now=now, ports=ports)
                for consent in {question.consent for question in asked}
            }
            found += [
                question
                for question in asked
                if all(need.guardians > 0 for need in _of_lines(question, needed[question.consent]))
            ]
        found.sort(key=lambda question: question.asked_at, reverse=True)
        shown = found[:size]
        consents = {identity: tx.consent(identity) for identity in {q.consent for q in shown}}
        return MyQuestions(
            questions=tuple(of_question(q, consents[q.consent], at=now) for q in shown)
        )


def answer(
    identity: QuestionId, said: QuestionAnswer, *, call: PersonCall, ports: Ports
) -> MyQuestion:
    """Answer a question; whoever asked hears at once that it is answered.

    Raises:
        UnknownQuestion: none by that id was put to the person.
        QuestionAnswered: it is answered already; by whom and what is seen in the list.
        QuestionOver: its time has run out, or what it was about is not shared any more.
        SignerNotNeeded: its lines are for guardians to answer.
        SignersUnknown: nobody is known who must sign its lines.
    """

    def act(tx: Transaction) -> MyQuestion:
        now = ports.clock()
        found, signer = _mine(tx, identity, call.person, ports=ports)
        needed = _of_lines(found, _needed(tx, found.consent, now=now, ports=ports))
        if signer.kind == "guardian" and any(need.guardians == 0 for need in needed):
            raise UnknownQuestion
        answered = found.answer(said.answer, signer=signer, needed=needed, at=now)
        tx.save_question(answered, was=found.version)
        content = {
            "answer": said.answer,
            "by": signer.kind,
            "consent": found.consent,
            "question": found.id,
            "state": answered.state.value,
        }
        tx.append(Entry("question.answered", now, content, found.subject, _found_by(found)))
        if signer.kind == "guardian":
            told = Notice("guardian_acted", now, found.unit, consent=found.consent)
            tx.add_notice(found.subject, told)
        _tell(tx, answered, now=now, ports=ports)
        return of_question(answered, tx.consent(answered.consent), at=now)

    return once(act, answers=MyQuestion, call=call, ports=ports)


# --- putting -----------------------------------------------------------------------------------


def _wanted(facts: Facts, decision: Decision, ports: Ports) -> Mapping[Place, frozenset[str]]:
    """The lines, each with the fields, that a yes would open and nothing else has: the policy says so, supposing the yes."""
    withheld = decision.withheld()
    if not withheld or not any(_asks(facts, line) for _, line in _lines(facts)):
        return {}
    supposed = ports.engine.decide(_supposing_yes(facts)).permitted()
    waiting = {(c.id, g.id): g.allowed for c, g in _lines(facts) if _asks(facts, g)}
    family = {consent.id for consent in facts.consents if consent.third_party}
    wanted: dict[Place, frozenset[str]] = {}
    for name in withheld.keys() & supposed.keys():
        for theirs in (False, True):
            places = [
                (ConsentId(ground.id), GrantId(ground.grant))
                for ground in supposed[name].grounds
                if (ground.id in family) == theirs
            ]
            # Where another line gives it too, a yes is not what it wants.
            if all(place in waiting and name not in waiting[place] for place in places):
                wanted |= {p: wanted.get(p, frozenset()) | {name} for p in places}
    return wanted


def _lines(facts: Facts) -> Iterable[tuple[ConsentFacts, GrantFacts]]:
    return ((consent, grant) for consent in facts.consents for grant in consent.grants)


def _asks(facts: Facts, grant: GrantFacts) -> bool:
    return grant.condition.also != "" and grant.recipient == facts.ask.recipient


def _supposing_yes(facts: Facts) -> Facts:
    """The facts if every line that asks first had been answered yes for all that is asked, and every source had it."""
    sources = {grant.source for _, grant in _lines(facts) if _asks(facts, grant)}
    return facts.model_copy(
        update={
            "consents": tuple(
                consent.model_copy(
                    update={
                        "grants": tuple(
                            grant.model_copy(
                                update={
                                    "allowed": dict.fromkeys(facts.ask.fields, consent.valid_until)
                                }
                            )
                            if _asks(facts, grant)
                            else grant
                            for grant in consent.grants
                        )
                    }
                )
                for consent in facts.consents
            ),
            "deposited": {
                name: tuple(sorted({*facts.deposited[name], *sources})) for name in facts.ask.fields
            },
        }
    )


def _groups(
    tx: Transaction,
    consent: Consent,
    lines: Mapping[GrantId, frozenset[str]],
    *,
    now: datetime,
    ports: Ports,
) -> Sequence[_Group]:
    """Lines that wait for the same word from the same people, together."""
    needed = signers(tx, consent, now=now, ports=ports)
    groups: dict[tuple[AskFirst, bool, int], dict[GrantId, frozenset[str]]] = {}
    for grant in consent.grants:
        if grant.id in lines and grant.condition.also is not None:
            need = needed_for(grant.category, needed)
            alike = groups.setdefault((grant.condition.also, need.subject, need.guardians), {})
            alike[grant.id] = lines[grant.id]
    return tuple(_Group(consent, also, fields) for (also, *_), fields in groups.items())


def _put(
    tx: Transaction, ask: Ask, group: _Group, *, unit: UnitId, now: datetime, ports: Ports
) -> None:
    question = Question(
        id=QuestionId(fresh("qst", ports.randomness)),
        subject=group.consent.subject,
        unit=unit,
        actor_role=ask.actor.role,
        purpose=ask.purpose,
        collaboration=ask.collaboration,
        consent=group.consent.id,
        lines=tuple(group.fields),
        fields=tuple(sorted(frozenset[str]().union(*group.fields.values()))),
        also=group.also,
        asked_at=now,
        closes=now + ANSWER_WITHIN,
    )
    tx.add_question(question)
    content = {
        "actor": ask.actor.model_dump(mode="json"),
        "also": question.also,
        "closes": question.closes.isoformat(),
        "consent": question.consent,
        "fields": list(question.fields),
        "grants": list(question.lines),
        "purpose": question.purpose,
        "question": question.id,
        "recipient": unit,
    }
    tx.append(Entry("question.asked", now, content, question.subject, _found_by(question)))
    notice = Notice("question_asked", now, unit, consent=question.consent)
    tx.add_notice(question.subject, notice)


# --- answering ---------------------------------------------------------------------------------


def _mine(
    tx: Transaction, identity: QuestionId, person: PersonKey, *, ports: Ports
) -> tuple[Question, Signer]:
    found = tx.question(identity)
    if found is not None:
        if found.subject == tx.subject_by_person(person):
            return found, Signer("subject", person)
        if found.subject in wards(tx, person, ports):
            return found, Signer("guardian", person)
    raise UnknownQuestion


def _needed(
    tx: Transaction, identity: ConsentId, *, now: datetime, ports: Ports
) -> Mapping[GrantId, Needed]:
    """The signatures that each line of a consent takes today."""
    consent = tx.consent(identity)
    if consent is None:
        raise SignersUnknown
    needed = signers(tx, consent, now=now, ports=ports)
    return {grant.id: needed_for(grant.category, needed) for grant in consent.grants}


def _of_lines(question: Question, needed: Mapping[GrantId, Needed]) -> Sequence[Needed]:
    return [need for line, need in needed.items() if line in question.lines]


def _tell(tx: Transaction, question: Question, *, now: datetime, ports: Ports) -> None:
    """Tell the unit that there is an answer, not which: it asks again, and sees.

    Whoever decides benefits or controls does not hear of a no (N27, N52); nor anybody of a yes that others must join.
    """
    if question.state is QuestionState.OPEN or (
        question.state is QuestionState.NO and _controls(question, ports.catalogue)
    ):
        return
    consent = tx.consent(question.consent)
    subject = question.subject if consent is None else consent.about or question.subject
    event = Event(
        id=0,
        type="question.answered",
        at=now,
        subject=handle_for(tx, question.unit, subject, ports=ports),
        consent=question.consent,
        collaboration=question.collaboration,
        purpose=question.purpose,
        fields=question.fields,
    )
    tx.add_event(question.unit, event)


def _controls(question: Question, catalogue: Catalogue) -> bool:
    purpose = catalogue.purposes.get(question.purpose)
    return purpose is None or purpose.control


def _found_by(question: Question) -> Mapping[str, tuple[str, ...]]:
    return facets(
        services=(question.unit,),
        purposes=(question.purpose,),
        collaboration=question.collaboration,
    )
