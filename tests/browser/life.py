"""A life for the portal to show: what Emil was asked, said, took back, and what was shared about him."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.answering import ticked
from tests.integration.bad_input import ACTOR, NAV, OT, SCHOOL, a_request, an_ask
from tests.integration.world import EMIL, NORA, World
from tests.portal import JO, MOTHER, SARA
from tillit.sealing import SubjectRef, Value, seal_deposit

HEALTH = "larvikshjelpa"
SERVICES = [NAV, OT, SCHOOL, HEALTH]
CATEGORIES = ["education", "functioning", "health"]
RATE, CAPACITY, DIAGNOSIS = (
    "education.attendance.rate",
    "functioning.capacity",
    "health.diagnosis",
)


@dataclass(frozen=True)
class Life:
    """The ids of what there is: a request that waits, consents in use, paused and stopped, a disclosure, Nora as a helper.

    And of Sara's, who is fifteen: a request that waits for her and her mother, and what the two did not agree about; of Jo's,
    who turns sixteen soon, what his mother said yes to, put before him again.
    """

    asked: str
    active: str
    paused: str
    stopped: str
    disclosure: str
    doubted: str
    helper: str
    young: str
    torn: str
    again: str


def lived(world: World) -> Life:
    """Emil's life so far."""
    world.handle(NAV)
    world.handle(NAV, NORA)
    contest(world, deposit(world, SCHOOL, {RATE: 0.6})[RATE], SCHOOL)
    deposit(world, SCHOOL, {RATE: 0.62})
    made = deposit(world, HEALTH, {CAPACITY: "to timer om dagen", DIAGNOSIS: "F32.1"})
    contest(world, made[CAPACITY], HEALTH)
    stopped = answered(world, [NAV, SCHOOL], ["education"])
    me(world, stopped, "withdraw", {"grants": []})
    # A service's newer consent takes the place of its older one: those beside it were asked for by others.
    paused = answered(world, [NAV, HEALTH], ["functioning"], by=HEALTH)
    me(world, paused, "pause", {})
    active = answered(world, SERVICES, CATEGORIES)
    shared = ask(world, NAV, RATE, CAPACITY, DIAGNOSIS)
    doubted = ask(world, HEALTH, "justice.sentence")
    said = {"disclosure": doubted, "reason": "not_needed"}
    _sound(world.post("/v1/me/complaints", said, person=EMIL))
    asks_first(world, answered(world, [NAV, OT], ["work"], by=OT))
    deposit(world, OT, {"work.status": "job_seeking"})
    ask(world, NAV, "work.status")
    torn = disagreed(world)
    life = Life(
        asked=request(world, SERVICES, CATEGORIES, purposes=["case_discussion"]),
        active=active,
        paused=paused,
        stopped=stopped,
        disclosure=shared,
        doubted=doubted,
        helper=helped(world),
        young=request(world, [NAV, SCHOOL, HEALTH], ["education", "health"], national_id=SARA),
        torn=torn,
        again=grown_out_of(world),
    )
    to = {"channel": "email", "address": "nora@example.no"}
    _sound(world.post("/v1/me/contact", to, person=NORA))
    states = {"asked": "requested", "active": "active", "paused": "paused", "stopped": "withdrawn"}
    for name, state in states.items():
        view = world.get(f"/v1/me/consents/{getattr(life, name)}", person=EMIL).json()
        assert view["state"] == state, name
    return life


def contest(world: World, record: str, unit: str) -> None:
    """Emil says that a value is not right, and its source looks into it."""
    said = {"record": record, "text": "Det er fire timer, og bare når jeg har sovet."}
    _sound(world.post("/v1/me/contests", said, person=EMIL))
    reply = {"finding": "looking_into", "actor": ACTOR}
    _sound(world.post(f"/v1/contests/{record}/reply", reply, unit=unit))


def grown_out_of(world: World) -> str:
    """Jo's mother says yes for him; what is asked of him again, since he turns sixteen; its id."""
    consent = request(world, [NAV, SCHOOL, HEALTH], ["health"], national_id=JO)
    view = world.get(f"/v1/me/consents/{consent}", person=MOTHER).json()
    answers = {line["id"]: "yes" for line in view["grants"]}
    answer = {"read": view["text_sha256"], "answers": answers, "child_heard": True}
    me(world, consent, "answer", answer, national_id=MOTHER)
    ticked(world)
    mine = world.get("/v1/me/consents", person=JO).json()["consents"]
    return next(str(one["id"]) for one in mine if one["reconfirms"] == consent)


def disagreed(world: World) -> str:
    """Sara says yes to all that she is asked for, and her mother no to health."""
    services = [NAV, SCHOOL, HEALTH]
    consent = request(world, services, ["education", "health"], national_id=SARA)
    for person, said in ((SARA, "yes"), (MOTHER, "no")):
        view = world.get(f"/v1/me/consents/{consent}", person=person).json()
        answers = {line["id"]: said for line in view["grants"]}
        answer = {"read": view["text_sha256"], "answers": answers, "child_heard": person == MOTHER}
        me(world, consent, "answer", answer, national_id=person)
    return consent


def asks_first(world: World, consent: str) -> None:
    """Emil wants to be asked first on every line of a consent."""
    view = world.get(f"/v1/me/consents/{consent}", person=EMIL).json()
    lines = {line["id"]: "ask_me_first" for line in view["grants"]}
    me(world, consent, "conditions", {"conditions": lines})


def helped(world: World) -> str:
    """Emil has Nora look along; the helper's id."""
    shows = {"shows": ["consents", "disclosures"]}
    code = _sound(world.post("/v1/me/helpers", shows, person=EMIL))["code"]
    return str(_sound(world.post("/v1/me/helping", {"code": code}, person=NORA))["helper"])


def deposit(
    world: World, unit: str, values: dict[str, Any], national_id: str = EMIL
) -> dict[str, str]:
    """A unit deposits values that it observed yesterday; the record of each."""
    subject = world.handle(unit, national_id)
    sealed = seal_deposit(
        [
            Value(name, value, datetime.now(UTC) - timedelta(days=1), "measured", "teacher")
            for name, value in values.items()
        ],
        key=world.keys[unit],
        subject=SubjectRef(subject, national_id),
        custodian_jwk=world.get("/v1/keys").json()["custodian"],
    )
    made = world.post("/v1/deposits", json.loads(sealed.model_dump_json()), unit=unit)
    return dict(_sound(made)["deposited"])


def request(
    world: World,
    services: list[str],
    categories: list[str],
    *,
    national_id: str = EMIL,
    by: str = NAV,
    **more: Any,
) -> str:
    """A service, Nav unless another is named, asks for a consent; its id."""
    asked = a_request(
        world.handle(by, national_id), services=services, categories=categories, **more
    )
    return str(_sound(world.post("/v1/consents", asked, unit=by))["id"])


def answered(
    world: World,
    services: list[str],
    categories: list[str],
    *,
    national_id: str = EMIL,
    by: str = NAV,
    say: Callable[[Any], str] = lambda line: "no" if line["special"] else "yes",
) -> str:
    """A consent that was asked for and answered: yes to all but health."""
    consent = request(world, services, categories, national_id=national_id, by=by)
    view = world.get(f"/v1/me/consents/{consent}", person=national_id).json()
    said = {
        "read": view["text_sha256"],
        "answers": {line["id"]: say(line) for line in view["grants"]},
    }
    me(world, consent, "answer", said, national_id=national_id)
    return consent


def me(
    world: World, consent: str, act: str, body: dict[str, Any], *, national_id: str = EMIL
) -> None:
    """An act of the person's on a consent."""
    _sound(world.post(f"/v1/me/consents/{consent}/{act}", body, person=national_id))


def ask(world: World, unit: str, *fields: str) -> str:
    """A unit asks about Emil; the disclosure's id."""
    asked = an_ask(world.handle(unit), fields=list(fields))
    return str(_sound(world.post("/v1/disclosures", asked, unit=unit))["id"])


def _sound(answer: Any) -> dict[str, Any]:
    assert answer.status_code < 300, answer.text
    return dict(answer.json()) if answer.content else {}
