"""Complaints over HTTP: a person says that a disclosure looks wrong, the service answers, the auditor sees what waits."""

from typing import Annotated, Any

from pydantic import Field

from broker.api.endpoints import Endpoints, Exchange, Nothing
from broker.api.service_routes import Query
from broker.domain.errors import ComplaintOver
from broker.domain.ids import ComplaintId
from broker.errors import (
    ComplaintOpen,
    NotASubject,
    NotComplainedOf,
    TooManyComplaints,
    UnknownComplaint,
    UnknownComplaintReason,
    UnknownDisclosure,
)
from broker.usecases import complaints
from tillit.wire import (
    MAX_COMPLAINTS,
    ComplaintAnswer,
    ComplaintPage,
    ComplaintRequest,
    ComplaintView,
    MyComplaints,
)
from tillit.wire.auditing import AuditedComplaints

endpoints = Endpoints()


class ComplaintsQuery(Query):
    """A page of complaints: after which one, how many, and whether only those that wait for an answer."""

    after: Annotated[str, Field(pattern=r"^cmp_[A-Za-z0-9_-]{22}$")] | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_COMPLAINTS)] = 50
    open_only: bool = False


@endpoints.get("/v1/me/complaints", "person", gives=MyComplaints, refuses=(NotASubject,))
def my_complaints(given: Exchange[Any]) -> MyComplaints:
    """What the person said looks wrong, newest first, and what was answered."""
    return complaints.complaints(person=given.person, language=given.language, ports=given.ports)


@endpoints.post(
    "/v1/me/complaints",
    "person",
    takes=ComplaintRequest,
    gives=MyComplaints,
    status=201,
    refuses=(
        NotASubject,
        UnknownDisclosure,
        UnknownComplaintReason,
        NotComplainedOf,
        ComplaintOpen,
        TooManyComplaints,
    ),
)
def complain(given: Exchange[ComplaintRequest]) -> MyComplaints:
    """Say that a disclosure looks wrong, for a reason of the catalogue.

    The service that asked is told, and has fourteen days before it is reminded; who audits sees that it waits.
    """
    return complaints.complain(given.body, call=given.person_call, ports=given.ports)


@endpoints.post(
    "/v1/me/complaints/{complaint}/close",
    "person",
    takes=Nothing,
    gives=MyComplaints,
    refuses=(NotASubject, UnknownComplaint, ComplaintOver),
)
def close_complaint(given: Exchange[Nothing]) -> MyComplaints:
    """Be done with a complaint."""
    identity = ComplaintId(given.path["complaint"])
    return complaints.close(identity, call=given.person_call, ports=given.ports)


@endpoints.get("/v1/complaints", "service", query=ComplaintsQuery, gives=ComplaintPage)
def complaints_about(given: Exchange[Any]) -> ComplaintPage:
    """The complaints about what the calling service asked, oldest first."""
    query: ComplaintsQuery = given.query
    return complaints.about(
        unit=given.unit,
        after=query.after,
        limit=query.limit,
        open_only=query.open_only,
        language=given.language,
        ports=given.ports,
    )


@endpoints.post(
    "/v1/complaints/{complaint}/answer",
    "service",
    takes=ComplaintAnswer,
    gives=ComplaintView,
    refuses=(UnknownComplaint, ComplaintOver),
)
def answer_complaint(given: Exchange[ComplaintAnswer]) -> ComplaintView:
    """Say what was found: it was right, it was wrong and is stopped, or it was not this service. The subject is told."""
    identity = ComplaintId(given.path["complaint"])
    return complaints.answer(identity, given.body, call=given.call, ports=given.ports)


@endpoints.get("/audit/v1/complaints", "content", query=ComplaintsQuery, gives=AuditedComplaints)
def audited_complaints(given: Exchange[Any]) -> AuditedComplaints:
    """A page of every complaint, oldest first: about which service, why, and whether it waits; about nobody by name.

    Whom one is about is what its log entry commits to: search events by ``type=complaint.opened``, service and time, and look
    at the content for a case and a reason.
    """
    query: ComplaintsQuery = given.query
    return complaints.audited(
        auditor=given.unit,
        after=query.after,
        limit=query.limit,
        open_only=query.open_only,
        ports=given.ports,
    )
