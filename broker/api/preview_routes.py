"""Previews: what each service would get, if; for youths about themselves, and for services before they ask."""

from broker.api.endpoints import Endpoints, Exchange
from broker.api.service_routes import COMPILING
from broker.domain.errors import (
    AskedTooSoon,
    IllegalTransition,
    LinesUnknown,
    OutOfTime,
    SignersUnknown,
)
from broker.errors import PreviewTooLarge, UnknownConsent, UnknownHandle, UnknownPerson
from broker.usecases import previewing
from tillit.wire import ConsentRequest, Preview, PreviewAnswer

endpoints = Endpoints()


@endpoints.post(
    "/v1/me/preview",
    "person",
    takes=Preview,
    gives=PreviewAnswer,
    refuses=(
        IllegalTransition,
        LinesUnknown,
        OutOfTime,
        PreviewTooLarge,
        SignersUnknown,
        UnknownConsent,
        UnknownPerson,
    ),
)
def preview(given: Exchange[Preview]) -> PreviewAnswer:
    """What each service would get if I answered like this.

    Nothing changes, and no service is told. Everybody else who must sign is taken to say yes.
    """
    return previewing.preview(given.body, call=given.person_call, ports=given.ports)


@endpoints.post(
    "/v1/previews",
    "service",
    takes=ConsentRequest,
    gives=PreviewAnswer,
    refuses=(
        PreviewTooLarge,
        UnknownHandle,
        *(error for error in COMPILING if error is not AskedTooSoon),
    ),
)
def preview_request(given: Exchange[ConsentRequest]) -> PreviewAnswer:
    """What each service could get at most if a consent were asked for like this.

    Nobody is asked and nothing is said of what the broker holds: every source is taken to hold what its kind can hold.
    """
    return previewing.preview_request(given.body, call=given.call, ports=given.ports)
