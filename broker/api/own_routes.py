"""Own access over HTTP: the subject reads what is written about themself, sealed to a key of their own."""

from broker.api.endpoints import Endpoints, Exchange
from broker.errors import (
    DisclosureGone,
    HybridKeyRequired,
    NotASubject,
    NotYourField,
    ReadingKeyUnusable,
    SubjectErased,
    TooManyReleases,
    UnknownPerson,
)
from broker.usecases import own_access, own_words
from tillit.wire import DepositAnswer, OwnAccess, OwnValues, OwnWords

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
