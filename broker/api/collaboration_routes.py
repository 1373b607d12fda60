"""What services tell a collaboration of: events that end a grant, stages of a pathway."""

from broker.api.endpoints import Endpoints, Exchange
from broker.domain.errors import EventNotHere, IllegalTransition, SignersUnknown
from broker.domain.ids import ConsentId
from broker.errors import (
    CollaborationUnknown,
    NotTheCoordinator,
    StageBeyond,
    UnknownConsent,
    UnknownHandle,
    UnknownPerson,
)
from broker.usecases import pathways
from tillit.wire import ConsentView, EventReport, StageReport, StageView

endpoints = Endpoints()


@endpoints.post(
    "/v1/consents/{consent}/events",
    "service",
    takes=EventReport,
    gives=ConsentView,
    refuses=(UnknownConsent, UnknownPerson, EventNotHere, IllegalTransition, SignersUnknown),
)
def event(given: Exchange[EventReport]) -> ConsentView:
    """Say that the event has come that ends a consent's lines.

    Once this has answered, nothing is released on them.
    """
    identity = ConsentId(given.path["consent"])
    return pathways.event(identity, given.body, call=given.call, ports=given.ports)


@endpoints.post(
    "/v1/collaborations/{collaboration}/stage",
    "service",
    takes=StageReport,
    gives=StageView,
    refuses=(CollaborationUnknown, NotTheCoordinator, StageBeyond, UnknownHandle),
)
def stage(given: Exchange[StageReport]) -> StageView:
    """Say what point a subject's case has reached in the collaboration's pathway; the subject is told."""
    collaboration = given.path["collaboration"]
    return pathways.stage(collaboration, given.body, call=given.call, ports=given.ports)
