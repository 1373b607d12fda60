"""Lists matched between OT and Nav: only what each youth lets be told, and a match looks like a refusal (N31)."""

from dataclasses import replace
from typing import Any

import pytest

from broker.domain.ids import ConsentId, UnitId
from broker.domain.service_keys import ServiceKey as Registered
from broker.engine import bundle
from broker.engine.opa import OpaEngine
from broker.errors import EngineDown, NotNav, UnknownHandle
from broker.usecases import matching, me
from tests.house import ACTOR, EMIL, SARA, START, House
from tests.integration.entries import entries_about
from tillit.keys import ServiceKey
from tillit.wire import MatchAnswer, MatchRequest, Withdrawal

OT, NAV = "ot-romerike", "nav-ullensaker"
ROMERIKE = "ot-nav-romerike"
KNOWS = "involvement.nav"


@pytest.fixture
def romerike(house: House) -> House:
    """A house where Nav in Ullensaker can deposit."""
    key = ServiceKey.generate(NAV)
    rows = [
        Registered(UnitId(NAV), jwk["kid"], jwk["use"], jwk) for jwk in key.public_jwks()["keys"]
    ]
    with house.store.write() as tx:
        tx.add_service_keys(rows, at=START)
    return replace(house, keys={**house.keys, NAV: key})


def says_yes(house: House, person: str = EMIL) -> str:
    """A youth lets Nav tell OT whether it follows them up; gives the consent's id."""
    asked = {
        "collaboration": ROMERIKE,
        "services": [OT, NAV],
        "purposes": ["dropout_prevention"],
        "categories": [],
        "fields": [KNOWS],
    }
    return house.answer(house.request(OT, person, **asked), person).id


def match(house: House, *handles: str, **more: Any) -> MatchAnswer:
    """OT asks whom Nav does not know."""
    asked = MatchRequest.model_validate(
        {
            "subjects": handles or (house.handle(OT, EMIL),),
            "source": NAV,
            "collaboration": ROMERIKE,
            "purpose": "dropout_prevention",
            "actor": ACTOR,
            **more,
        }
    )
    return matching.match(asked, call=house.call(OT), ports=house.ports)


def told(house: House, person: str = EMIL) -> list[str]:
    """What a person was told, newest first."""
    found = me.notices(person=house.hashed(person), limit=9, ports=house.ports).notices
    return [notice.kind for notice in found]


def test_whom_nav_does_not_know_is_told_if_they_let_it_be(romerike: House) -> None:
    """OT may then reach out; that is what the list is for."""
    says_yes(romerike)
    handle = romerike.handle(OT, EMIL)
    assert match(romerike, handle).not_known == (handle,)


def test_whom_nav_knows_looks_like_whoever_says_no(romerike: House) -> None:
    """Neither is in the answer, and nothing else is."""
    says_yes(romerike)
    romerike.deposit(NAV, EMIL, {KNOWS: True})
    silent = romerike.handle(OT, SARA)
    answer = match(romerike, romerike.handle(OT, EMIL), silent)
    assert answer.model_dump() == {"not_known": ()}


@pytest.mark.parametrize("act", ["withdraw", "pause", "expire"])
def test_a_yes_that_no_longer_stands_tells_nothing(romerike: House, act: str) -> None:
    """A list from last month is no excuse."""
    consent = ConsentId(says_yes(romerike))
    call = romerike.person(EMIL)
    if act == "withdraw":
        me.withdraw(consent, Withdrawal(), call=call, ports=romerike.ports)
    elif act == "pause":
        me.pause(consent, call=call, ports=romerike.ports)
    else:
        romerike.clock.step(days=400)
    assert match(romerike).not_known == ()


def test_a_yes_to_something_else_tells_nothing(romerike: House) -> None:
    """The purpose that is asked for is the one that was said yes to."""
    says_yes(romerike)
    assert match(romerike, purpose="outreach").not_known == ()


def test_every_youth_is_decided_on_logged_and_told(romerike: House) -> None:
    """Also whoever is not in the answer (N54)."""
    says_yes(romerike)
    handles = [romerike.handle(OT, person) for person in (EMIL, SARA)]
    match(romerike, *handles)
    contents = entries_about(romerike, "match")
    assert [content["subject"] for content in contents] == handles
    assert [content["decision"] for content in contents] == [
        {KNOWS: ["data.none"]},
        {KNOWS: ["consent.none"]},
    ]
    assert (told(romerike)[0], told(romerike, SARA)) == ("matched", ["matched"])


def test_a_match_is_logged_as_what_the_policy_said(romerike: House) -> None:
    """Whoever audits sees what whoever asked does not."""
    says_yes(romerike)
    romerike.deposit(NAV, EMIL, {KNOWS: True})
    match(romerike)
    assert [c["decision"] for c in entries_about(romerike, "match")] == [{KNOWS: "permit"}]


@pytest.mark.parametrize("source", ["thor-heyerdahl-vgs", "jessheim-vgs", "no-such"])
def test_lists_are_matched_with_nav_only(romerike: House, source: str) -> None:
    """There is no general question of who is known where."""
    with pytest.raises(NotNav):
        match(romerike, source=source)
    assert entries_about(romerike, "match") == []


def test_a_stranger_in_the_list_stops_all_of_it(romerike: House) -> None:
    """Only the service's own youths; nobody is decided on then, and nobody told."""
    says_yes(romerike)
    with pytest.raises(UnknownHandle):
        match(romerike, romerike.handle(OT, EMIL), romerike.handle(NAV, EMIL))
    assert entries_about(romerike, "match") == []
    assert "matched" not in told(romerike)


def test_without_an_engine_nobody_is_matched(romerike: House) -> None:
    """It fails closed, and the log says that it was tried."""
    says_yes(romerike)
    nobody_listens = OpaEngine(bundle.load(), "http://127.0.0.1:9")
    down = replace(romerike, ports=replace(romerike.ports, engine=nobody_listens))
    with pytest.raises(EngineDown):
        match(down)
    (refusal,) = entries_about(romerike, "request.refused")
    assert refusal == {"code": "policy.unavailable", "route": "POST /v1/matches", "unit": OT}
