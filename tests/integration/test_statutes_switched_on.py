"""Statutes that a deployment must switch on: S5 to S8, in a house whose facts say so."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from broker.domain.ids import DisclosureId, UnitId
from broker.domain.service_keys import ServiceKey as RegisteredKey
from broker.engine import bundle
from broker.engine.regorus import RegorusEngine
from broker.errors import DisclosureGone
from broker.usecases import disclosures, objections
from tests.house import EMIL, PATIENT, House, build
from tests.integration.test_statutes import HEALTH, SCHOOL, TEACHER, relied, told
from tests.integration.test_statutes_released import codes, seen
from tillit.keys import ServiceKey
from tillit.wire import ObjectionRequest

CLINIC, NURSE, NAV, IPS = (
    "bup-vestfold",
    "helsesykepleier-thor-heyerdahl",
    "nav-larvik",
    "ips-larvik",
)
RATE = "education.attendance.rate"


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    """A house in which every statute is in use."""
    copied = tmp_path / "policies"
    shutil.copytree(bundle.DEFAULT_DIRECTORY, copied)
    facts = copied / "facts" / "law" / "statutes.yaml"
    facts.write_text(facts.read_text().replace("in_use: false", "in_use: true"))
    switched = bundle.load(copied)
    built = build(tmp_path, database_url)
    engine = RegorusEngine(switched, deadline=PATIENT)
    ports = replace(built.ports, engine=engine, catalogue=switched.catalogue)
    keys = dict(built.keys)
    for unit in (CLINIC, NURSE, IPS):
        keys[unit] = ServiceKey.generate(unit)
        with ports.store.write() as tx:
            public = keys[unit].public_jwks()["keys"]
            rows = [RegisteredKey(UnitId(unit), k["kid"], k["use"], k) for k in public]
            tx.add_service_keys(rows, at=built.clock())
    yield replace(built, ports=ports, keys=keys)
    built.store.close()


def test_health_personnel_who_help_together_share_unless_the_youth_objects(house: House) -> None:
    """S5: no invocation and no yes; one word from Emil stops it, also for what was handed out before."""
    field = "functioning.capacity"
    house.deposit(CLINIC, EMIL, {field: "To timer om dagen."})
    ask = house.ask(HEALTH, EMIL, field, purpose="health_follow_up", collaboration=None)
    answer = house.disclose(ask, HEALTH)
    assert (answer.grounds[field][0].id, answer.manifest.obligations.notify) == ("S5", "digest")
    assert [notice.kind for notice in told(house, EMIL)] == ["released"]
    request = ObjectionRequest(category="functioning", objects=True)
    objections.answer(request, call=house.person(EMIL), ports=house.ports)
    assert house.disclose(ask, HEALTH).outcome == "refused"
    with pytest.raises(DisclosureGone):
        disclosures.again(
            DisclosureId(answer.id), unit=UnitId(HEALTH), language="nb", ports=house.ports
        )


def test_a_public_body_gets_what_it_was_said_to_need(house: House) -> None:
    """S6: the school states the necessity of each field; what it did not name stays."""
    grades = "education.grades"
    house.deposit(SCHOOL, EMIL, {RATE: 0.62, grades: {"English": "4"}})
    ask = house.ask(NAV, EMIL, RATE, grades, purpose="coordination", collaboration=None)
    assert house.disclose(ask, NAV).outcome == "refused"
    necessity = {RATE: "Nav må vite det for å planlegge."}
    more = {"recipient": NAV, "actor": TEACHER, "fields": [RATE], "necessity": necessity}
    relied(house, SCHOOL, EMIL, "S6", **more)
    answer = house.disclose(ask, NAV)
    assert (list(answer.grounds), list(answer.withheld)) == ([RATE], [grades])
    assert [notice.kind for notice in told(house, EMIL)] == ["released", "relied_on"]


def test_the_hospital_tells_when_a_plan_is_needed(house: House) -> None:
    """S7: the one field, to the municipality."""
    field = "plan.individual_plan_need"
    house.deposit(CLINIC, EMIL, {field: True})
    ask = house.ask(NURSE, EMIL, field, purpose="individual_plan", collaboration=None)
    assert house.disclose(ask, NURSE).grounds[field][0].id == "S7"


def test_nav_deciding_on_money_gives_no_notice_but_hides_nothing(house: House) -> None:
    """S8: within the same side of Nav; Emil gets no message of it, and finds it in his list."""
    field = "income.benefit_type"
    house.deposit(IPS, EMIL, {field: "aap"})
    ask = house.ask(NAV, EMIL, field, purpose="benefits_decision", collaboration=None)
    answer = house.disclose(ask, NAV)
    assert (answer.grounds[field][0].id, answer.manifest.obligations.notify) == ("S8", "none")
    assert told(house, EMIL) == []
    assert seen(house, EMIL) == [answer.id]
    other = house.ask(HEALTH, EMIL, field, purpose="benefits_decision", collaboration=None)
    assert codes(house.disclose(other, HEALTH), field)
