"""Views: a consent or a disclosure as one party may see it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from broker.domain.asking_back import text_of
from broker.domain.consents import Consent
from broker.domain.decisions import Permit
from broker.domain.explaining import explain
from broker.domain.grants import Grant, LineAnswer
from broker.domain.ids import PersonKey, UnitId
from broker.domain.questions import Question, QuestionState
from broker.domain.requesting import text_sha256
from broker.domain.signatures import Needed, Signer
from broker.domain.states import OVER, State
from broker.domain.wording import line_text
from broker.ports import Ports
from broker.stored import Disclosure
from tillit.wire import (
    SUBJECT,
    ConsentView,
    GrantView,
    Language,
    MyDisclosure,
    MyField,
    MyQuestion,
    Reason,
    SaidBetween,
)


def for_subject(consent: Consent, needed: Mapping[str, Needed], ports: Ports) -> ConsentView:
    """Everything, every line with its answer."""
    view = _view(consent, consent.grants, consent.waiting_for(needed), ports)
    signed = any(each.signer.kind == "subject" for each in consent.signatures)
    later = consent.put_off(Signer("subject"))
    return view.model_copy(
        update={
            "has_signed": signed,
            "put_off": later,
            "reconfirms": consent.reconfirms,
            "said_between": _between(consent),
        }
    )


def for_helper(consent: Consent, lines: Iterable[Grant], ports: Ports) -> ConsentView:
    """These lines and their text; who is still waited for is no helper's to see."""
    view = _view(consent, lines, (), ports)
    text = _text(view.grants)
    return view.model_copy(update={"text": text, "text_sha256": text_sha256(text)})


def for_guardian(
    consent: Consent, needed: Mapping[str, Needed], ports: Ports, *, key: PersonKey | None = None
) -> ConsentView:
    """Only the lines whose category needs a guardian, and what those wait for; what the subject answers alone stays theirs.

    The hash is of the text that is shown: one of the whole would let guesses at the rest be tried out. Where nothing of theirs
    stands any more it is over for them, whatever else of it holds. ``key``: who looks.
    """
    lines = guardians_lines(consent, needed)
    view = _view(consent, lines, consent.waiting_for(needed, lines), ports)
    text = _text(view.grants)
    guardian = Signer("guardian", key)
    signed = guardian in {each.signer for each in consent.signatures if key}
    own = {grant.id for grant in lines}
    seen: dict[str, object] = {
        "text": text,
        "text_sha256": text_sha256(text),
        "as_guardian": True,
        "has_signed": signed,
        "put_off": tuple(n for n in consent.put_off(guardian) if n in own) if signed else (),
    }
    state = _state_for(consent, lines)
    if state != consent.state:
        seen |= {"state": state.value, "valid_from": None}
    return view.model_copy(update=seen)


def _state_for(consent: Consent, lines: Sequence[Grant]) -> State:
    """How it stands by some lines alone: over where all are a no, not in use where none is a yes."""
    answers = {line.answer for line in lines}
    if consent.state in OVER:
        return consent.state
    if answers == {"no"}:
        refused = {line for each in consent.signatures for line in each.no}
        return State.REFUSED if {line.id for line in lines} <= refused else State.WITHDRAWN
    return consent.state if "yes" in answers else State.REQUESTED


def guardians_lines(consent: Consent, needed: Mapping[str, Needed]) -> list[Grant]:
    """The lines that guardians see: those whose category needs one."""
    return [grant for grant in consent.grants if needed[grant.category].guardians > 0]


def for_youth(consent: Consent, ports: Ports) -> ConsentView:
    """That a member of the family was asked about the youth's record, and what for; not who."""
    return _view(consent, consent.grants, (), ports)


def for_requester(consent: Consent, needed: Mapping[str, Needed], ports: Ports) -> ConsentView:
    """Every line of what it asked for, but answers only on the lines it is source or recipient of; put off is no answer."""
    own = {grant.id for grant in consent.grants_of(consent.requested_by)}
    lines = [(grant, _told(grant) if grant.id in own else None) for grant in consent.grants]
    view = _view(consent, consent.grants, consent.waiting_for(needed), ports)
    shown = tuple(_line(grant, consent, ports, answer=answer) for grant, answer in lines)
    return view.model_copy(update={"grants": shown, "said_between": _between(consent)})


def for_party(
    consent: Consent, unit: UnitId, needed: Mapping[str, Needed], ports: Ports
) -> ConsentView | None:
    """The lines a unit is source or recipient of and that were answered yes; None when there are none (N27).

    Neither the text of the others' lines nor who is still waited for is shown.
    """
    if unit == consent.requested_by:
        return for_requester(consent, needed, ports)
    own = [grant for grant in consent.grants_of(unit) if grant.answer == "yes"]
    if not own:
        return None
    view = _view(consent, own, (), ports)
    return view.model_copy(update={"text": _text(view.grants)})


def of_disclosure(
    disclosure: Disclosure, *, erased_at: datetime | None, language: Language, ports: Ports
) -> MyDisclosure:
    """An ask about the subject as the subject sees it: every field, shared or not, with the ground or the reason."""
    facts, manifest = disclosure.facts, disclosure.manifest
    told = explain(disclosure.decision, facts, ports.catalogue, language, to_subject=True).fields
    return MyDisclosure(
        id=disclosure.id,
        at=disclosure.at,
        recipient=disclosure.recipient,
        role=facts.ask.actor_role,
        purpose=manifest.purpose,
        collaboration=manifest.collaboration,
        meeting=manifest.meeting,
        outcome=disclosure.decision.outcome,
        fields={
            name: MyField(
                shared=True,
                source=manifest.fields[name].source,
                grounds=a.grounds,
                reasons=(),
                explanation=told[name],
            )
            if isinstance(a, Permit)
            else MyField(
                shared=False,
                source=None,
                grounds=(),
                reasons=tuple(
                    Reason(code=code, text=ports.catalogue.text("reason", code, language))
                    for code in a.reasons
                ),
                explanation=told[name],
            )
            for name, a in disclosure.decision.fields.items()
        },
        receipt=disclosure.receipt,
        erased_at=erased_at,
        own=disclosure.recipient == SUBJECT,
    )


def of_question(question: Question, consent: Consent | None, *, at: datetime) -> MyQuestion:
    """A question as those see it who may answer it; one that was let wait for too long is over."""
    lines = () if consent is None else consent.grants
    over = question.state is QuestionState.OPEN and not question.is_open(at)
    return MyQuestion(
        id=question.id,
        unit=question.unit,
        role=question.actor_role,
        purpose=question.purpose,
        collaboration=question.collaboration,
        consent=question.consent,
        grants=question.lines,
        sources=tuple(sorted({line.source for line in lines if line.id in question.lines})),
        fields=question.fields,
        also=question.also,
        asked_at=question.asked_at,
        state="over" if over else question.state.value,
        answered_at=question.answered_at,
        answered_by=tuple(sorted({signer.kind for signer in question.yes_by})),
        closes=question.closes,
    )


def _text(lines: Iterable[GrantView]) -> str:
    return "\n".join(line.text for line in lines)


def _view(
    consent: Consent, lines: Iterable[Grant], waiting_for: tuple[str, ...], ports: Ports
) -> ConsentView:
    return ConsentView(
        id=consent.id,
        version=consent.version,
        state=consent.state,
        collaboration=consent.collaboration,
        requested_by=consent.requested_by,
        requested_at=consent.requested_at,
        valid_from=consent.valid_from,
        valid_until=consent.valid_until,
        language=consent.language,
        text=consent.text,
        text_sha256=consent.text_sha256,
        grants=tuple(_line(grant, consent, ports, answer=grant.answer) for grant in lines),
        waiting_for=waiting_for,
        third_party=consent.about is not None,
    )


def _between(consent: Consent) -> tuple[SaidBetween, ...]:
    return tuple(
        SaidBetween(by=each.by, said=each.said, at=each.at, text=text_of(each, consent.language))
        for each in consent.remarks
    )


def _told(grant: Grant) -> LineAnswer | None:
    return None if grant.answer == "not_now" else grant.answer


def _line(grant: Grant, consent: Consent, ports: Ports, *, answer: LineAnswer | None) -> GrantView:
    return GrantView(
        id=grant.id,
        source=grant.source,
        recipient=grant.recipient,
        category=grant.category,
        fields=grant.fields,
        purpose=grant.purpose,
        condition=grant.condition,
        special=grant.special,
        answer=answer,
        text=line_text(grant, ports.catalogue, consent.language),
        asked_with=grant.asked_with,
    )
