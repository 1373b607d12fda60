"""Matching: which of a service's own youths a Nav office does not know, as far as each lets that be told (N31).

Each youth is decided on as in an ordinary ask, logged and told of it. Nothing is released, and the answer holds only those whom
the policy would have let be told of, had the office known them: a match and a refusal look the same.
"""

from datetime import datetime

from audit.entries import Entry
from broker.domain.catalogue import Catalogue
from broker.domain.decisions import Permit
from broker.domain.facets import of_decision
from broker.errors import EngineDown, NotNav
from broker.ports import Ports, Transaction
from broker.stored import Notice
from broker.usecases.call import Call, once
from broker.usecases.gathering import gather
from broker.usecases.people import known
from broker.usecases.refusals import record
from tillit.wire import Ask, MatchAnswer, MatchRequest, SubjectHandle

FIELD = "involvement.nav"
ONLY_HURDLE = ("data.none",)
NAV = "nav"


def match(asked: MatchRequest, *, call: Call, ports: Ports) -> MatchAnswer:
    """The asked youths of whom the office holds nothing, and who let that be told.

    All are decided on, logged and told, or none is.

    Raises:
        NotNav: the source is no Nav office.
        UnknownHandle: one of the subjects is not known to the service by that handle.
        EngineDown: the policy engine cannot be asked; logged as a failed ask.
    """

    def act(tx: Transaction) -> MatchAnswer:
        _check_source(asked.source, ports.catalogue)
        now = ports.clock()
        missing = [
            subject
            for subject in asked.subjects
            if _is_missing(tx, asked, subject, call=call, now=now, ports=ports)
        ]
        return MatchAnswer(not_known=tuple(missing))

    try:
        return once(act, answers=MatchAnswer, call=call, ports=ports)
    except EngineDown:
        record(call.unit, route="POST /v1/matches", code=EngineDown.code, ports=ports)
        raise


def _check_source(source: str, catalogue: Catalogue) -> None:
    unit = catalogue.units.get(source)
    if unit is None or catalogue.service_types[unit.type].family != NAV:
        raise NotNav


def _is_missing(
    tx: Transaction,
    asked: MatchRequest,
    handle: SubjectHandle,
    *,
    call: Call,
    now: datetime,
    ports: Ports,
) -> bool:
    """Decide on one youth, log it and tell them; whether the office holding nothing is all that is in the way."""
    subject = known(tx, call.unit, handle)
    ask = Ask(
        subject=handle,
        fields=(FIELD,),
        purpose=asked.purpose,
        actor=asked.actor,
        collaboration=asked.collaboration,
        source=asked.source,
    )
    facts = gather(tx, ask, subject=subject, unit=call.unit, now=now, ports=ports).facts
    decision = ports.engine.decide(facts)
    answer = decision.fields[FIELD]
    reasons = () if isinstance(answer, Permit) else answer.reasons
    content = {
        "actor": asked.actor.model_dump(mode="json"),
        "collaboration": asked.collaboration,
        "decision": {FIELD: list(reasons) or "permit"},
        "purpose": asked.purpose,
        "recipient": call.unit,
        "source": asked.source,
        "subject": handle,
    }
    found_by = of_decision(ask, decision, recipient=call.unit, catalogue=ports.catalogue)
    tx.append(Entry("match", now, content, subject, found_by))
    tx.add_notice(subject, Notice("matched", now, call.unit))
    return reasons == ONLY_HURDLE
