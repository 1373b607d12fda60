"""What people call to invite a trusted helper, and what the helper calls: to accept, to look, to leave."""

from typing import Any

from broker.api.endpoints import Endpoints, Exchange, Nothing
from broker.api.person_routes import DisclosuresQuery
from broker.domain.ids import HelperId
from broker.errors import (
    HelperCodeRefused,
    HelperIsOneself,
    HelperNotShown,
    HelperThere,
    HelperTooYoung,
    NotASubject,
    UnknownHelper,
    UnknownPerson,
)
from broker.usecases import helped, helping
from tillit.wire import (
    Helped,
    HelpedConsents,
    HelpedDisclosures,
    HelperAcceptance,
    HelperInvitation,
    HelperRequest,
    Helpings,
    MyHelpers,
)

endpoints = Endpoints()


@endpoints.get("/v1/me/helpers", "person", gives=MyHelpers, refuses=(NotASubject,))
def my_helpers(given: Exchange[Any]) -> MyHelpers:
    """The helpers that the person invited; at most one of them is not over."""
    return helping.helpers(person=given.person, ports=given.ports)


@endpoints.post(
    "/v1/me/helpers",
    "person",
    takes=HelperRequest,
    gives=HelperInvitation,
    status=201,
    refuses=(NotASubject, UnknownPerson, HelperTooYoung, HelperThere),
)
def invite_helper(given: Exchange[HelperRequest]) -> HelperInvitation:
    """Invite a trusted helper, who may read what the person chooses to show.

    The code is said or shown to the helper; it is good once, for a day. An invitation that still waits is replaced.
    """
    return helping.invite(given.body, call=given.person_call, ports=given.ports)


@endpoints.post(
    "/v1/me/helpers/{helper}/remove",
    "person",
    takes=Nothing,
    gives=MyHelpers,
    refuses=(UnknownHelper,),
)
def remove_helper(given: Exchange[Nothing]) -> MyHelpers:
    """Remove a helper, or take an invitation back.

    Once this has answered, the helper sees nothing more.
    """
    identity = HelperId(given.path["helper"])
    return helping.remove(identity, call=given.person_call, ports=given.ports)


@endpoints.get("/v1/me/helping", "person", gives=Helpings)
def whom_i_help(given: Exchange[Any]) -> Helpings:
    """Everybody whom the person helps."""
    return helping.helping(person=given.person, ports=given.ports)


@endpoints.post(
    "/v1/me/helping",
    "person",
    takes=HelperAcceptance,
    gives=Helped,
    status=201,
    refuses=(HelperCodeRefused, HelperIsOneself, UnknownPerson),
)
def accept_helping(given: Exchange[HelperAcceptance]) -> Helped:
    """Take an invitation to help, by its code; whoever invited is told."""
    return helping.accept(given.body, call=given.person_call, ports=given.ports)


@endpoints.post(
    "/v1/me/helping/{helper}/leave",
    "person",
    takes=Nothing,
    gives=Helpings,
    refuses=(UnknownHelper,),
)
def leave_helping(given: Exchange[Nothing]) -> Helpings:
    """Stop helping."""
    identity = HelperId(given.path["helper"])
    return helping.leave(identity, call=given.person_call, ports=given.ports)


@endpoints.get(
    "/v1/me/helping/{helper}/consents",
    "person",
    gives=HelpedConsents,
    refuses=(UnknownHelper, HelperNotShown, UnknownPerson),
)
def helped_consents(given: Exchange[Any]) -> HelpedConsents:
    """The consents that the helper is shown. The look is logged, and whoever is helped is told."""
    identity = HelperId(given.path["helper"])
    return helped.consents(identity, person=given.person, ports=given.ports)


@endpoints.get(
    "/v1/me/helping/{helper}/disclosures",
    "person",
    query=DisclosuresQuery,
    gives=HelpedDisclosures,
    refuses=(UnknownHelper, HelperNotShown, UnknownPerson),
)
def helped_disclosures(given: Exchange[Any]) -> HelpedDisclosures:
    """A page of what was shared and refused, as the helper is shown it. The look is logged, and whoever is helped is told."""
    query: DisclosuresQuery = given.query
    return helped.disclosures(
        HelperId(given.path["helper"]),
        person=given.person,
        before=query.before,
        limit=query.limit,
        ports=given.ports,
    )
