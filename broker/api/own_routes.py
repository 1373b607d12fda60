"""Own access over HTTP: the subject reads what is written about themself, writes, and contests; its source replies."""

from typing import Any

from broker.api.endpoints import Endpoints, Exchange, Nothing
from broker.domain.ids import RecordId
from broker.errors import (
    DisclosureGone,
    HybridKeyRequired,
    NotASubject,
    NothingToContest,
    NotYourField,
    ReadingKeyUnusable,
    SubjectErased,
    TooManyReleases,
    UnknownPerson,
)
from broker.usecases import contests, own_access, own_words
from tillit.wire import (
    Contest,
    ContestReply,
    ContestView,
    DepositAnswer,
    MyContests,
    OwnAccess,
    OwnValues,
    OwnWords,
)

endpoints = Endpoints()


@endpoints.post(
    "/v1/me/values",
    "person",
    takes=OwnAccess,
    gives=OwnValues,
    status=201,
    refuses=(
        DisclosureGone,
        HybridKeyRequired,
        NotASubject,
        ReadingKeyUnusable,
        SubjectErased,
        TooManyReleases,
        UnknownPerson,
    ),
)
def my_values(given: Exchange[OwnAccess]) -> OwnValues:
    """Read what is written about me, by every source, sealed to a key that I made for it.

    It is logged and receipted like any disclosure, and stands among my disclosures as my own reading. Nobody else can open it.
    """
    return own_access.values(given.body, call=given.person_call, ports=given.ports)


@endpoints.post(
    "/v1/me/voice",
    "person",
    takes=OwnWords,
    gives=DepositAnswer,
    status=201,
    refuses=(NotASubject, NotYourField, SubjectErased),
)
def my_voice(given: Exchange[OwnWords]) -> DepositAnswer:
    """Write something in my own words, in a field that no service writes.

    It is sealed at once. Who may read it is what I have said yes to.
    """
    return own_words.write(given.body, call=given.person_call, ports=given.ports)


@endpoints.get("/v1/me/contests", "person", gives=MyContests, refuses=(NotASubject,))
def my_contests(given: Exchange[Any]) -> MyContests:
    """The values that I contest."""
    return contests.contests(person=given.person, ports=given.ports)


@endpoints.post(
    "/v1/me/contests",
    "person",
    takes=Contest,
    gives=MyContests,
    refuses=(NotASubject, NothingToContest, SubjectErased),
)
def contest(given: Exchange[Contest]) -> MyContests:
    """Say that a value about me is not right, and why.

    What I say is sealed at once, and goes with the value to everybody who gets it from now on.
    """
    return contests.contest(given.body, call=given.person_call, ports=given.ports)


@endpoints.post(
    "/v1/contests/{record}/reply",
    "service",
    takes=ContestReply,
    gives=ContestView,
    refuses=(NothingToContest,),
)
def reply_to_contest(given: Exchange[ContestReply]) -> ContestView:
    """Say whether a value that the calling service wrote, and the subject contests, is right.

    The subject is told. The value stays contested until the subject says otherwise.
    """
    record = RecordId(given.path["record"])
    return contests.reply(record, given.body, call=given.call, ports=given.ports)


@endpoints.post(
    "/v1/me/contests/{record}/lift",
    "person",
    takes=Nothing,
    gives=MyContests,
    refuses=(NotASubject, NothingToContest),
)
def lift_contest(given: Exchange[Nothing]) -> MyContests:
    """Contest a value no longer."""
    record = RecordId(given.path["record"])
    return contests.lift(record, call=given.person_call, ports=given.ports)
