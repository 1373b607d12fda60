"""Asking back: the subject asks the service something about a request, and the service answers; closed words on both sides."""

from broker.domain.asking_back import replied
from broker.domain.hiding import unseen
from broker.domain.ids import ConsentId
from broker.domain.signatures import Recorder
from broker.errors import UnknownConsent
from broker.ports import Ports, Transaction
from broker.stored import Notice
from broker.usecases.call import Call, once
from broker.usecases.consents import save, signers
from broker.usecases.views import for_requester
from tillit.wire import ConsentView, ReplyRequest


def reply(identity: ConsentId, said: ReplyRequest, *, call: Call, ports: Ports) -> ConsentView:
    """Answer what the subject has asked back; they are told that there is an answer.

    Raises:
        UnknownConsent: the calling unit did not ask for a consent by that id.
        NothingToReply: nothing was asked back that is not answered.
        IllegalTransition: the consent waits for no answer.
    """

    def act(tx: Transaction) -> ConsentView:
        now = ports.clock()
        consent = tx.consent(identity)
        if consent is None or consent.requested_by != call.unit:
            raise UnknownConsent
        who = Recorder(call.unit, said.actor.id, said.actor.role)
        changed, event = replied(consent, said.reply, at=now, recorded_by=who)
        save(tx, changed, event, was=consent.version, ports=ports)
        tx.add_notice(changed.subject, Notice("replied", now, call.unit, consent=changed.id))
        shown = unseen(changed, tx.hidden(changed.about or changed.subject), by=call.unit)
        return for_requester(shown, signers(tx, changed, now=now, ports=ports), ports)

    return once(act, answers=ConsentView, call=call, ports=ports)
