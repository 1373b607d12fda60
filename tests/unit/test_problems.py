"""The one table of problems is whole, and what it says gives nothing away."""

import json
from collections.abc import Iterator
from itertools import chain

from broker.api import app
from broker.api.errors import BodyInvalid, NotReady, TokenExpired
from broker.api.openapi import refusals_of
from broker.api.problems import MEDIA_TYPE, TABLE, members, problem
from broker.domain.errors import UnknownUnit
from broker.errors import BrokerError, StoreDown, Unavailable, UnknownHandle
from broker.portal import rooms
from broker.portal.mistakes import TOLD


def _tree(root: type[BrokerError]) -> Iterator[type[BrokerError]]:
    yield root
    for child in root.__subclasses__():
        yield from _tree(child)


def _with_codes() -> list[type[BrokerError]]:
    """Every error of the broker's own that has a code; ``app`` and ``rooms`` have imported all that can raise one."""
    own = [error for error in _tree(BrokerError) if error.__module__.startswith("broker.")]
    return [error for error in own if "code" in vars(error)]


def test_every_room_is_there() -> None:
    """So that what only pages raise is imported too."""
    assert len(list(rooms.every())) > 30


def test_every_error_with_a_code_stands_in_the_table_and_nothing_else_does() -> None:
    """An error without a row would be a 500; a row without an error would be a promise nobody keeps."""
    assert {error.code for error in _with_codes()} == set(TABLE)


def test_no_two_errors_share_a_code() -> None:
    """A code is what callers match on."""
    codes = [error.code for error in _with_codes()]
    assert sorted(set(codes)) == sorted(codes)


def test_unavailable_is_503_and_a_refusal_is_4xx() -> None:
    """A caller retries the one and never the other."""
    for error in _with_codes():
        status = TABLE[error.code].status
        if issubclass(error, Unavailable):
            assert status == 503, error
        elif error.code != "server.failure":
            assert 400 <= status < 500, error


def test_every_error_is_documented_on_some_route_or_by_the_router() -> None:
    """An error that no call can answer with is dead."""
    documented = {e.code for e in chain.from_iterable(map(refusals_of, app.every()))}
    by_router = {"path.method", "path.unknown"}
    # Never leave the domain: the broker's own bookkeeping raises them.
    internal = {"consent.error", "consent.not_over_yet"}
    # Nor what a channel says, which only the sender of messages hears.
    internal |= {"channel.unavailable", "channel.address_busy", "channel.address_refused"}
    # Told on pages of the portal's, which OpenAPI does not describe.
    pages = {
        error.code for error in _tree(BrokerError) if error.__module__ == "broker.portal.errors"
    }
    pages |= {"login.lost", "consent.moved", "spot.gone"}
    assert pages <= set(TOLD)
    assert set(TABLE) - documented - by_router == internal | pages


def test_problem_has_the_members_of_rfc_9457_and_the_code() -> None:
    """What the SDK's error tree is made from."""
    answer = problem(UnknownHandle())
    assert answer.media_type == MEDIA_TYPE
    assert json.loads(bytes(answer.body)) == {
        "type": "urn:tillit:problem:subject.unknown_handle",
        "title": "No subject by that handle",
        "status": 404,
        "code": "subject.unknown_handle",
    }


def test_number_sent_in_place_of_an_id_is_not_said_back() -> None:
    """A detail names catalogue ids; a national identity number is a well formed unit id by accident."""
    assert "01810750026" not in json.dumps(members(UnknownUnit("01810750026, nav-larvik")))
    assert members(UnknownUnit("01810750026, nav-larvik"))["detail"] == "…, nav-larvik"


def test_unavailable_says_when_to_try_again() -> None:
    """Clients wait instead of hammering."""
    assert problem(StoreDown()).headers["retry-after"] == "1"


def test_bearer_errors_carry_the_challenge_of_rfc_6750() -> None:
    """Stock clients read it."""
    assert 'error="invalid_token"' in problem(TokenExpired()).headers["www-authenticate"]


def test_extra_members_stand_beside_the_code() -> None:
    """Where a body is wrong, and which part is down."""
    assert members(BodyInvalid("", [{"at": "/x", "type": "missing"}]))["errors"] == [
        {"at": "/x", "type": "missing"}
    ]
    assert members(NotReady({"store": "down"}))["parts"] == {"store": "down"}


def test_token_endpoint_adds_the_error_of_rfc_6749() -> None:
    """OAuth libraries read ``error``."""
    assert members(TokenExpired(), oauth=True)["error"] == "invalid_request"
