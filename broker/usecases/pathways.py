"""Pathways: what a service says has come about in a case, an event that ends a grant or a stage that is reached."""

from audit.entries import Entry
from broker.domain.facets import facets
from broker.domain.hiding import unseen
from broker.domain.ids import ConsentId
from broker.domain.signatures import Recorder
from broker.errors import (
    CollaborationUnknown,
    NotTheCoordinator,
    StageBeyond,
    UnknownConsent,
)
from broker.ports import Ports, Transaction
from broker.stored import Notice, Stage
from broker.usecases.call import Call, once
from broker.usecases.consents import save, signers
from broker.usecases.people import known
from broker.usecases.views import for_party
from tillit.wire import ConsentView, EventReport, StageReport, StageView


def event(identity: ConsentId, reported: EventReport, *, call: Call, ports: Ports) -> ConsentView:
    """Record that the event has come that ends a consent's lines; once this has returned nothing is released on them.

    Any unit that is party to the consent may say so, and saying it again changes nothing.

    Raises:
        UnknownConsent: none by that id concerns the calling unit.
        ConsentError: no line ends with that event, or the consent is not in force.
    """

    def act(tx: Transaction) -> ConsentView:
        now = ports.clock()
        consent = tx.consent(identity)
        if consent is None:
            raise UnknownConsent
        needed = signers(tx, consent, now=now, ports=ports)
        hidden = tx.hidden(consent.about or consent.subject)
        seen = for_party(unseen(consent, hidden, by=call.unit), call.unit, needed, ports)
        if seen is None:
            raise UnknownConsent
        if reported.event in consent.happened:
            return seen
        who = Recorder(call.unit, reported.actor.id, reported.actor.role)
        changed, happened = consent.happen(reported.event, at=now, recorded_by=who)
        save(tx, changed, happened, was=consent.version, ports=ports)
        tx.add_notice(changed.subject, Notice("event", now, call.unit, consent=changed.id))
        shown = unseen(changed, hidden, by=call.unit)
        return for_party(shown, call.unit, needed, ports) or seen

    return once(act, answers=ConsentView, call=call, ports=ports)


def stage(collaboration: str, reported: StageReport, *, call: Call, ports: Ports) -> StageView:
    """Record the point that a subject's case has reached in a collaboration's pathway, forward or back; the subject is told.

    Raises:
        CollaborationUnknown: there is none by that id in force.
        NotTheCoordinator: only the unit that coordinates it says so.
        StageBeyond: its pathway does not go so far.
        UnknownHandle: the subject is not known to the unit by that handle.
    """

    def act(tx: Transaction) -> StageView:
        now = ports.clock()
        agreed = ports.catalogue.collaborations.get(collaboration)
        if agreed is None or not agreed.in_force(now):
            raise CollaborationUnknown
        if agreed.coordinator != call.unit:
            raise NotTheCoordinator
        if reported.stage > agreed.stages:
            raise StageBeyond(f"the last stage is {agreed.stages}")
        subject = known(tx, call.unit, reported.subject)
        before = tx.stage(subject, collaboration)
        tx.set_stage(subject, collaboration, Stage(reported.stage, now, call.unit))
        content = {
            "actor": reported.actor.model_dump(mode="json"),
            "before": 0 if before is None else before.number,
            "collaboration": collaboration,
            "stage": reported.stage,
            "unit": call.unit,
        }
        found_by = facets(services=(call.unit,), collaboration=collaboration)
        tx.append(Entry("stage.reached", now, content, subject, found_by))
        tx.add_notice(subject, Notice("stage", now, call.unit))
        return StageView(collaboration=collaboration, stage=reported.stage, at=now)

    return once(act, answers=StageView, call=call, ports=ports)
