"""The production engine: one disclosure decided by a real OPA server that serves the exported bundle."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from broker import cli
from broker.engine import bundle
from broker.engine.opa import OpaEngine
from broker.usecases import asks
from tests.house import EMIL, House
from tests.policies.engines import PATIENT, opa
from tests.policies.server import serving_directory

RATE, DIAGNOSIS = "education.attendance.rate", "health.diagnosis"


__all__ = ["opa"]  # the fixture


@pytest.mark.opa
@pytest.mark.usefixtures("opa")
def test_a_real_opa_server_decides_a_disclosure(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the operator exports is what the server serves, and what it decides is handed out and opens."""
    for name in [name for name in os.environ if name.startswith("TILLIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TILLIT_MODE", "demo")
    monkeypatch.setenv("TILLIT_PASSPHRASE", "a passphrase of the tests")
    exported = tmp_path / "bundle"
    assert cli.main(["policy", "export", str(exported)]) == 0
    assert cli.main(["policy", "export", str(exported)]) == 2
    house.deposit("thor-heyerdahl-vgs", EMIL, {RATE: 0.62})
    house.answer(house.request("nav-larvik", EMIL), EMIL)
    ask = house.ask("nav-larvik", EMIL, RATE, DIAGNOSIS)
    with serving_directory(exported) as url:
        engine = OpaEngine(bundle.load(), url, deadline=PATIENT)
        ports = replace(house.ports, engine=engine)
        answer = asks.disclose(ask, call=house.call("nav-larvik"), ports=ports)
        engine.close()
    assert answer.outcome == "partly_released"
    assert house.open(answer, ask, "nav-larvik", EMIL).values[RATE].value == 0.62
    embedded = house.disclose(ask, "nav-larvik")
    assert (answer.grounds, answer.withheld) == (embedded.grounds, embedded.withheld)
