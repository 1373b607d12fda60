"""What services call to rely on a statute, and what people call to speak against sharing."""

from typing import Annotated, Any

from pydantic import Field

from broker.api.endpoints import Endpoints, Exchange
from broker.api.service_routes import Query
from broker.domain.errors import (
    HoursTooMany,
    InvocationState,
    NecessityMissing,
    NothingToConfirm,
    NothingToReview,
    NoticeDelayTooLong,
    ObjectionTooYoung,
    OutsideStatute,
    OutsideStatuteAges,
    RoleNotAllowed,
    SamePerson,
    StatuteNotInUse,
    StatuteNotInvoked,
    UnknownCategory,
    WrongSide,
)
from broker.domain.ids import InvocationId
from broker.errors import NotASubject, UnknownHandle, UnknownInvocation, UnknownPerson
from broker.usecases import objections, statutes
from tillit.wire import (
    Confirmation,
    InvocationPage,
    InvocationRequest,
    InvocationView,
    MyObjections,
    ObjectionRequest,
    Review,
)

endpoints = Endpoints()


class InvocationsQuery(Query):
    """A page of invocations: after which one, how many, and whether only those that wait for a review."""

    after: Annotated[str, Field(pattern=r"^inv_[A-Za-z0-9_-]{22}$")] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    open_reviews: bool = False


@endpoints.post(
    "/v1/invocations",
    "service",
    takes=InvocationRequest,
    gives=InvocationView,
    status=201,
    refuses=(
        UnknownHandle,
        UnknownPerson,
        StatuteNotInUse,
        StatuteNotInvoked,
        WrongSide,
        RoleNotAllowed,
        OutsideStatute,
        NecessityMissing,
        OutsideStatuteAges,
        HoursTooMany,
        NoticeDelayTooLong,
    ),
)
def invoke(given: Exchange[InvocationRequest]) -> InvocationView:
    """Rely on a statute about a subject, towards one recipient.

    Nothing is released by it: the recipient asks as always, and the rules decide. The reason is logged, the subject is told.
    """
    return statutes.invoke(given.body, call=given.call, ports=given.ports)


@endpoints.post(
    "/v1/invocations/{invocation}/confirm",
    "service",
    takes=Confirmation,
    gives=InvocationView,
    refuses=(
        UnknownInvocation,
        StatuteNotInUse,
        NothingToConfirm,
        InvocationState,
        SamePerson,
        RoleNotAllowed,
    ),
)
def confirm_invocation(given: Exchange[Confirmation]) -> InvocationView:
    """Stand behind what somebody else of the same service relies on."""
    identity = InvocationId(given.path["invocation"])
    return statutes.confirm(identity, given.body, call=given.call, ports=given.ports)


@endpoints.post(
    "/v1/invocations/{invocation}/review",
    "service",
    takes=Review,
    gives=InvocationView,
    refuses=(UnknownInvocation, NothingToReview, SamePerson),
)
def review_invocation(given: Exchange[Review]) -> InvocationView:
    """Say whether it was right to rely on a statute, as somebody who did not.

    That ends it, and the subject is told what was found.
    """
    identity = InvocationId(given.path["invocation"])
    return statutes.review(identity, given.body, call=given.call, ports=given.ports)


@endpoints.get("/v1/invocations", "service", query=InvocationsQuery, gives=InvocationPage)
def invocations(given: Exchange[Any]) -> InvocationPage:
    """What the service relied on, oldest first."""
    query: InvocationsQuery = given.query
    return statutes.invocations(
        unit=given.unit,
        after=query.after,
        limit=query.limit,
        open_reviews=query.open_reviews,
        ports=given.ports,
    )


@endpoints.get("/v1/me/objections", "person", gives=MyObjections, refuses=(NotASubject,))
def my_objections(given: Exchange[Any]) -> MyObjections:
    """What the person speaks against sharing."""
    return objections.objections(person=given.person, ports=given.ports)


@endpoints.post(
    "/v1/me/objections",
    "person",
    takes=ObjectionRequest,
    gives=MyObjections,
    refuses=(NotASubject, UnknownPerson, UnknownCategory, ObjectionTooYoung),
)
def answer_objection(given: Exchange[ObjectionRequest]) -> MyObjections:
    """Speak against sharing a category, or take that back.

    Nobody else can take it back: no guardian, and no service.
    """
    return objections.answer(given.body, call=given.person_call, ports=given.ports)
