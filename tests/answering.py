"""Answering in the portal: what tests of it ask for, open, press and look at."""

import re
from typing import Any

import httpx

from broker.compose import InForce, custodian
from broker.compose import opened as store_of
from broker.usecases.ticking import tick
from tests.integration.bad_input import NAV, SCHOOL, a_request, an_ask
from tests.integration.world import EMIL, World
from tests.portal import Visitor

HELP = "larvikshjelpa"
LINE = re.compile(r'name="(line\.[^"]+)" value="yes"')
TICK = re.compile(r'name="(line\.[^"]+)" value="stop"')
CODE = re.compile(r'<p class="small">[^<]*: ([a-z_.]+)</p>')


def ask(world: World, person: str = EMIL, **changes: Any) -> str:
    """Nav asks a person for a consent on school and health; its id."""
    wanted = {"services": [NAV, SCHOOL, HELP], "categories": ["education", "health"], **changes}
    made = world.post("/v1/consents", a_request(world.handle(NAV, person), **wanted), unit=NAV)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def view(world: World, consent: str, person: str = EMIL) -> dict[str, Any]:
    """The consent as its person sees it."""
    mine = world.get("/v1/me/consents", person=person).json()["consents"]
    (found,) = [one for one in mine if one["id"] == consent]
    return dict(found)


def opened(visitor: Visitor, consent: str) -> list[str]:
    """Open a request; the names of its choices."""
    answer = visitor.get(f"/requests/{consent}")
    assert answer.status_code == 200, answer.text
    return LINE.findall(answer.text)


def answered(visitor: Visitor, consent: str, said: str = "yes") -> None:
    """Say the same to every line."""
    names = opened(visitor, consent)
    answer = visitor.press(f"/requests/{consent}/answer", **dict.fromkeys(names, said))
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"/requests/{consent}/answered",
    )


def code(answer: httpx.Response) -> str:
    """What the page says to whoever helps."""
    found = CODE.search(answer.text)
    assert found, answer.text
    return found[1]


def outcome(world: World) -> str:
    """What comes of it when Nav asks about Emil's attendance."""
    answer = world.post("/v1/disclosures", an_ask(world.handle(NAV)), unit=NAV)
    assert answer.status_code in {200, 201}, answer.text
    return str(answer.json()["outcome"])


def ticked(world: World) -> None:
    """Have time do what it does by itself."""
    keyring = custodian(world.settings)
    store = store_of(world.settings, keyring)
    tick(ports=InForce(world.settings, store, keyring=keyring)())
    store.close()
