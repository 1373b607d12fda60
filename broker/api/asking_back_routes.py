"""What people call to ask something back before they answer, and services to answer that."""

from broker.api.endpoints import Endpoints, Exchange
from broker.domain.errors import (
    AskedBackAlready,
    IllegalTransition,
    NothingToReply,
    SignerNotNeeded,
    SignersUnknown,
)
from broker.domain.ids import ConsentId
from broker.errors import HelperReadsOnly, UnknownConsent, UnknownPerson
from broker.usecases import asking_back, me
from tillit.wire import AskBackRequest, ConsentView, ReplyRequest

endpoints = Endpoints()


@endpoints.post(
    "/v1/me/consents/{consent}/ask-back",
    "person",
    takes=AskBackRequest,
    gives=ConsentView,
    refuses=(
        AskedBackAlready,
        HelperReadsOnly,
        IllegalTransition,
        SignerNotNeeded,
        SignersUnknown,
        UnknownConsent,
        UnknownPerson,
    ),
)
def ask_back(given: Exchange[AskBackRequest]) -> ConsentView:
    """Ask the service something about its request, or say how one would rather answer."""
    identity = ConsentId(given.path["consent"])
    return me.ask_back(identity, given.body, call=given.person_call, ports=given.ports)


@endpoints.post(
    "/v1/consents/{consent}/reply",
    "service",
    takes=ReplyRequest,
    gives=ConsentView,
    refuses=(IllegalTransition, NothingToReply, SignersUnknown, UnknownConsent, UnknownPerson),
)
def reply(given: Exchange[ReplyRequest]) -> ConsentView:
    """Answer what was asked back about a request of one's own; the youth is told."""
    identity = ConsentId(given.path["consent"])
    return asking_back.reply(identity, given.body, call=given.call, ports=given.ports)
