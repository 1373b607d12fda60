"""What people call to choose for themselves: how they are told of what each service does, and whom they hide."""

from typing import Any

from broker.api.endpoints import Endpoints, Exchange
from broker.errors import NotASubject, UnknownService
from broker.usecases import hiding, noticing
from tillit.wire import HiddenRequest, MyHidden, MyNoticeChoices, NoticeChoiceRequest

endpoints = Endpoints()


@endpoints.get("/v1/me/notice-choices", "person", gives=MyNoticeChoices, refuses=(NotASubject,))
def my_notice_choices(given: Exchange[Any]) -> MyNoticeChoices:
    """Of which services the person is told once a day, and what is always told at once."""
    return noticing.choices(person=given.person, language=given.language, ports=given.ports)


@endpoints.post(
    "/v1/me/notice-choices",
    "person",
    takes=NoticeChoiceRequest,
    gives=MyNoticeChoices,
    refuses=(NotASubject, UnknownService),
)
def choose_notices(given: Exchange[NoticeChoiceRequest]) -> MyNoticeChoices:
    """Be told of what a service does each time, or once a day.

    An emergency, a statute relied on and what asks for an answer are told at once, whatever was chosen.
    """
    return noticing.choose(given.body, call=given.person_call, ports=given.ports)


@endpoints.get("/v1/me/hidden", "person", gives=MyHidden, refuses=(NotASubject,))
def my_hidden(given: Exchange[Any]) -> MyHidden:
    """The services whose involvement the person hides from all others."""
    return hiding.hidden(person=given.person, language=given.language, ports=given.ports)


@endpoints.post(
    "/v1/me/hidden",
    "person",
    takes=HiddenRequest,
    gives=MyHidden,
    refuses=(NotASubject, UnknownService),
)
def hide(given: Exchange[HiddenRequest]) -> MyHidden:
    """Hide from all other services that one is involved, or show it again.

    Nobody else can do either: no guardian, no helper and no service.
    """
    return hiding.hide(given.body, call=given.person_call, ports=given.ports)
