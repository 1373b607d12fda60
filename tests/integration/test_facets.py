"""What the log is searched by, written by the use cases themselves."""

import json

import pytest
from sqlalchemy import select

from audit.facets import Facets, unpacked
from audit.storage import log_entry
from broker.domain.ids import UnitId
from broker.errors import UnknownHandle
from broker.usecases import asks, refusals
from tests.house import EMIL, LARVIK, House

RATE, DIAGNOSIS = "education.attendance.rate", "health.diagnosis"
SCHOOL, NAV, HEALTH = "thor-heyerdahl-vgs", "nav-larvik", "larvikshjelpa"


def facets(house: House, kind: str) -> list[Facets]:
    """What the entries of a type are found by, oldest first."""
    query = select(log_entry.c.facets).where(log_entry.c.type == kind)
    with house.store.engine.connect() as connection:
        rows = connection.execute(query.order_by(log_entry.c.position)).scalars()
        return [unpacked(row) for row in rows]


def test_a_disclosure_and_what_led_to_it_are_found_by_their_facets(house: House) -> None:
    """An auditor asks who shared with whom, what for, on which ground, and finds each step."""
    house.deposit(SCHOOL, EMIL, {RATE: 0.62})
    view = house.request(NAV, EMIL)
    house.answer(view, EMIL, lambda line: "no" if line.special else "yes")
    ask = house.ask(NAV, EMIL, RATE, DIAGNOSIS)
    house.disclose(ask, NAV)
    asks.check(ask, call=house.call(NAV), ports=house.ports)
    decided: Facets = {
        "service": (NAV, SCHOOL),
        "purpose": ("case_discussion",),
        "outcome": ("partly_released",),
        "ground": ("consent",),
        "collaboration": (LARVIK,),
        "reason": ("consent.no_deposit",),
    }
    found = facets(house, "disclosure") + facets(house, "check")
    assert [{**each, "reason": decided["reason"]} for each in found] == [decided, decided]
    assert all(each["reason"] for each in found)
    consent: Facets = {
        "service": (NAV, HEALTH, SCHOOL),
        "purpose": ("case_discussion",),
        "collaboration": (LARVIK,),
    }
    assert facets(house, "consent.requested") == [consent]
    assert facets(house, "consent.activated") == [consent]
    assert facets(house, "deposit") == [{"service": (SCHOOL,)}]


def test_a_purpose_that_nobody_knows_is_not_searched_by(house: House) -> None:
    """A service could write a name there; the ask is found by the reason instead."""
    house.disclose(house.ask(NAV, EMIL, RATE, purpose="emil_pravdal", collaboration=None), NAV)
    (found,) = facets(house, "disclosure")
    assert found["reason"] == ("gap.purpose",)
    assert "emil" not in json.dumps(found)


def test_a_refused_request_is_found_by_its_code(house: House) -> None:
    """An unknown caller, an auditor say, is none of the catalogue's services."""
    for unit in (NAV, "auditor-one"):
        refusals.record(UnitId(unit), route="GET /x", code=UnknownHandle.code, ports=house.ports)
    assert facets(house, "request.refused") == [
        {"service": (NAV,), "reason": (UnknownHandle.code,)},
        {"reason": (UnknownHandle.code,)},
    ]


@pytest.mark.parametrize("kind", ["disclosure", "consent.requested", "deposit", "subject.known"])
def test_no_facet_is_anybodys(house: House, kind: str) -> None:
    """Neither actor, handle, subject nor disclosure stands in what the integrity role is shown."""
    test_a_disclosure_and_what_led_to_it_are_found_by_their_facets(house)
    told = json.dumps(facets(house, kind))
    assert told != "[]"
    for secret in ("a17", "veileder", "hdl_", "sub_", "dis_", "con_", EMIL):
        assert secret not in told
