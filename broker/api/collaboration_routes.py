"""What services tell a collaboration of: events that end a grant, stages of a pathway, anonymous cases, lists to match."""

from typing import Annotated, Any

from pydantic import Field

from broker.api.endpoints import Endpoints, Exchange
from broker.api.service_routes import Query
from broker.domain.errors import EventNotHere, IllegalTransition, SignersUnknown
from broker.domain.ids import ConsentId
from broker.errors import (
    ClaimUnknown,
    CollaborationUnknown,
    NotAnonymousHere,
    NotNav,
    NotOfTheCollaboration,
    NotTheCoordinator,
    PlaceUnknown,
    StageBeyond,
    TooFew,
    UnknownConsent,
    UnknownHandle,
    UnknownPerson,
    WordUnknown,
)
from broker.usecases import anonymous, matching, pathways
from tillit.wire import (
    AnonymousCase,
    CaseClaim,
    CaseId,
    CasePage,
    CaseTold,
    CaseView,
    CollaborationId,
    ConsentView,
    EventReport,
    MatchAnswer,
    MatchRequest,
    StageReport,
    StageView,
)

endpoints = Endpoints()

_ANONYMOUS = (CollaborationUnknown, NotOfTheCollaboration, NotAnonymousHere)


class CasesQuery(Query):
    """A page of a collaboration's cases: after which one, and how many."""

    collaboration: CollaborationId
    after: CaseId | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


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


@endpoints.post(
    "/v1/anonymous-cases",
    "service",
    takes=AnonymousCase,
    gives=CaseTold,
    status=201,
    refuses=(*_ANONYMOUS, WordUnknown, PlaceUnknown, TooFew),
)
def tell_case(given: Exchange[AnonymousCase]) -> CaseTold:
    """Tell of a case without saying who it is.

    It is taken in only if enough people in the municipality could be meant. ``claim`` is for the youth alone.
    """
    return anonymous.tell(given.body, call=given.call, ports=given.ports)


@endpoints.get(
    "/v1/anonymous-cases", "service", query=CasesQuery, gives=CasePage, refuses=_ANONYMOUS
)
def cases(given: Exchange[Any]) -> CasePage:
    """A collaboration's anonymous cases, for its members."""
    query: CasesQuery = given.query
    return anonymous.cases(
        query.collaboration,
        unit=given.unit,
        after=query.after,
        limit=query.limit,
        ports=given.ports,
    )


@endpoints.post(
    "/v1/me/anonymous-cases",
    "person",
    takes=CaseClaim,
    gives=CaseView,
    refuses=(ClaimUnknown, UnknownPerson),
)
def claim_case(given: Exchange[CaseClaim]) -> CaseView:
    """Say that an anonymous case is about oneself, once; the service that told it learns nothing unless ``tell`` says so."""
    return anonymous.claim(given.body, call=given.person_call, ports=given.ports)


@endpoints.post(
    "/v1/matches",
    "service",
    takes=MatchRequest,
    gives=MatchAnswer,
    refuses=(NotNav, UnknownHandle, UnknownPerson),
)
def match(given: Exchange[MatchRequest]) -> MatchAnswer:
    """Which of the service's own youths does a Nav office not know?

    Each is decided on as in an ordinary ask, logged, and told of it. The answer tells only of those who let it be told; a match
    and a refusal look the same.
    """
    return matching.match(given.body, call=given.call, ports=given.ports)
