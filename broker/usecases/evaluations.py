"""Evaluations: checks as the OpenID Authorization API asks for them, one field at a time or many in one go.

They are the decisions of ``POST /v1/checks``, and logged as these: those that differ in the field alone are one ask, decided by
one call of the engine and written in one entry.
"""

from collections.abc import Sequence

from audit.entries import Entry
from broker.domain.facets import facets, known
from broker.errors import EngineDown, NotTheCaller, Refused, UnknownHandle, UnknownPerson
from broker.ports import Ports, Transaction
from broker.usecases.asks import checked
from broker.usecases.call import Call, once
from broker.usecases.refusals import record
from tillit.wire import CheckAnswer, Language, Reason
from tillit.wire.authzen import (
    DecisionContext,
    Evaluation,
    EvaluationAnswer,
    EvaluationError,
    EvaluationList,
    Evaluations,
    EvaluationsAnswer,
)

LANGUAGES: tuple[Language, ...] = ("nb", "nn", "en")
ROUTE = "POST /access/v1/evaluations"


def evaluation(asked: Evaluation, *, call: Call, ports: Ports) -> EvaluationAnswer:
    """Decide one.

    Raises:
        NotTheCaller: it is asked as another service.
        UnknownHandle, UnknownPerson, EngineDown: as for a check.
    """
    _same(asked, call)

    def act(tx: Transaction) -> EvaluationAnswer:
        return _answer(asked, checked(tx, asked.ask(), call=call, ports=ports), ports)

    try:
        return once(act, answers=EvaluationAnswer, call=call, ports=ports)
    except EngineDown:
        record(call.unit, route="POST /access/v1/evaluation", code=EngineDown.code, ports=ports)
        raise


def evaluations(asked: Evaluations, *, call: Call, ports: Ports) -> EvaluationsAnswer:
    """Decide several, in order, up to the one that settles it; or one, where no list is given.

    One about a youth whom the service does not know is denied with the error, and the others stand.

    Raises:
        NotTheCaller: one of them is asked as another service; none is decided.
        EngineDown: the policy engine cannot be asked.
    """
    each = tuple(asked.each())
    if not asked.evaluations:
        return EvaluationsAnswer(evaluation(each[0], call=call, ports=ports))
    for one in each:
        _same(one, call)
    stop = {"execute_all": None, "deny_on_first_deny": False, "permit_on_first_permit": True}
    until = stop[asked.options.evaluations_semantic]

    def act(tx: Transaction) -> EvaluationList:
        return EvaluationList(evaluations=_in_order(tx, each, until, call=call, ports=ports))

    try:
        answered = once(act, answers=EvaluationList, call=call, ports=ports)
    except EngineDown:
        record(call.unit, route=ROUTE, code=EngineDown.code, ports=ports)
        raise
    return EvaluationsAnswer(answered)


def _same(asked: Evaluation, call: Call) -> None:
    if asked.subject.id != call.unit:
        raise NotTheCaller("a service asks for itself only")


def _in_order(
    tx: Transaction,
    each: Sequence[Evaluation],
    until: bool | None,
    *,
    call: Call,
    ports: Ports,
) -> tuple[EvaluationAnswer, ...]:
    """Answer one after the other; the first of a group brings the answer to all of it."""
    known: list[tuple[Evaluation, CheckAnswer | EvaluationError]] = []
    answers: list[EvaluationAnswer] = []
    for one in each:
        found = next((answer for first, answer in known if one.goes_with(first)), None)
        if found is None:
            group = [other for other in each if other.goes_with(one)]
            found = _group(tx, group, call=call, ports=ports)
            known.append((one, found))
        answers.append(_answer(one, found, ports))
        if answers[-1].decision is until:
            break
    return tuple(answers)


def _group(
    tx: Transaction, group: Sequence[Evaluation], *, call: Call, ports: Ports
) -> CheckAnswer | EvaluationError:
    first, *others = group
    try:
        return checked(tx, first.ask(*others), call=call, ports=ports)
    except (UnknownHandle, UnknownPerson) as unknown:
        _log(tx, unknown, call=call, ports=ports)
        return EvaluationError(code=unknown.code)


def _log(tx: Transaction, refused: Refused, *, call: Call, ports: Ports) -> None:
    content = {"code": refused.code, "route": ROUTE, "unit": call.unit}
    found_by = facets(services=known((call.unit,), ports.catalogue.units), reasons=(refused.code,))
    tx.append(Entry("request.refused", ports.clock(), content, None, found_by))


def _answer(
    asked: Evaluation, found: CheckAnswer | EvaluationError, ports: Ports
) -> EvaluationAnswer:
    if isinstance(found, EvaluationError):
        return EvaluationAnswer(decision=False, context=DecisionContext(error=found))
    name = asked.resource.id
    reasons = found.withheld.get(name, ())
    return EvaluationAnswer(
        decision=name in found.permitted,
        context=DecisionContext(
            grounds=found.permitted.get(name, ()),
            reasons=tuple(reason.code for reason in reasons),
            reason_user=_texts(reasons, ports),
            explanation=found.explanation.fields[name],
            obligations=found.obligations,
            stable_until=found.stable_until,
            policy=found.policy,
        ),
    )


def _texts(reasons: Sequence[Reason], ports: Ports) -> dict[Language, str]:
    return {
        language: " ".join(
            ports.catalogue.text("reason", reason.code, language) for reason in reasons
        )
        for language in LANGUAGES
        if reasons
    }
