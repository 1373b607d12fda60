"""What people call to see who has the ball, and the meetings about them."""

from typing import Annotated, Any

from pydantic import Field

from broker.api.endpoints import Endpoints, Exchange
from broker.api.service_routes import Query
from broker.domain.errors import SignersUnknown
from broker.errors import NotASubject, UnknownPerson
from broker.usecases import overview
from tillit.wire import MyCases, MyMeetings

endpoints = Endpoints()


class MeetingsQuery(Query):
    """A page of past meetings: before which one, and how many."""

    before: Annotated[str, Field(pattern=r"^mtg_[A-Za-z0-9_-]{22}$")] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


@endpoints.get(
    "/v1/me/cases", "person", gives=MyCases, refuses=(NotASubject, UnknownPerson, SignersUnknown)
)
def my_cases(given: Exchange[Any]) -> MyCases:
    """Who has the ball in each of the person's cases, since when and why; or that nobody has, and whom to turn to."""
    return overview.cases(person=given.person, language=given.language, ports=given.ports)


@endpoints.get(
    "/v1/me/meetings", "person", query=MeetingsQuery, gives=MyMeetings, refuses=(NotASubject,)
)
def my_meetings(given: Exchange[Any]) -> MyMeetings:
    """The meetings about the person, coming and past: who called, when, which services in which roles."""
    query: MeetingsQuery = given.query
    return overview.meetings(
        person=given.person,
        before=query.before,
        limit=query.limit,
        language=given.language,
        ports=given.ports,
    )
