"""Own access over HTTP: the subject reads what is written about themself, sealed to a key of their own."""

from broker.api.endpoints import Endpoints, Exchange
from broker.errors import (
    DisclosureGone,
    HybridKeyRequired,
    NotASubject,
    ReadingKeyUnusable,
    SubjectErased,
    TooManyReleases,
    UnknownPerson,
)
from broker.usecases import own_access
from tillit.wire import OwnAccess, OwnValues

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
