"""No value, no name and no national identity number lies anywhere it should not (design.md §§ 4, 7; N59).

Distinctive ones go through every route of a real broker process, in good requests and in bad ones of
every kind. Then everything the broker has written is searched for them in every form they could have:
database, write-ahead log, log tiles, standard output and error, keyring.
"""

import base64
import json
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import create_engine

from audit import cli as audit_cli
from broker.api.app import every
from broker.demo.national_ids import numbers
from broker.demo.people import NAV, SCHOOL
from broker.demo.person import Browser
from keys.keyring import LocalCustodian
from tests.canaries import Found, dumped, files, forms, search
from tests.log_keys import contents
from tests.processes import Serving, Site, serving, site
from tillit import Actor, Client, NoticeDelay, Participant, Subject
from tillit.keys import ServiceKey
from tillit.own import open_own_values, own_access
from tillit.protocol import assertion
from tillit.wire import SUBJECT, BrokerKeys, OwnValues

LARVIK = "ungdomsutvalget-larvik"
ACTOR = Actor(id="a1", role="veileder")
TEACHER = Actor(id="t1", role="laerer")
CHILD_WELFARE = "barnevern-larvik"
BORN = date(2007, 2, 17)


@dataclass
class Birds:
    """The canaries: a youth's number, a number nobody has, a name, values of several kinds, and a written reason.

    The reason is no part of ``all``: the log's own content may hold it, and nothing else.
    """

    national_id: str
    unknown_id: str
    name: str
    value: str
    nested: str
    reason: str

    @classmethod
    def fresh(cls) -> "Birds":
        """Canaries that no other run of the tests has."""
        tag = secrets.token_hex(5)
        mine = list(numbers(BORN, "man"))
        first, second = secrets.SystemRandom().sample(mine, 2)
        return cls(
            first,
            second,
            f"Kåre Kanari{tag}",
            f"gulfugl-{tag}",
            f"sangfugl {tag}",
            f"ravn-{tag}",
        )

    def all(self) -> tuple[str, ...]:
        """Every one."""
        return self.national_id, self.unknown_id, self.name, self.value, self.nested


@dataclass
class Aviary:
    """A running site, its parties and what was answered."""

    where: Site
    running: Serving
    birds: Birds
    nav: Client
    school: Client
    youth: Browser
    http: httpx.Client
    touched: set[tuple[str, str]] = field(default_factory=set)
    errors: list[tuple[str, bytes]] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)

    def bearer(self, credential: str) -> str:
        """A token good for that kind of route."""
        if credential == "person":
            return self.where.people.token(self.birds.national_id, audience=self.where.issuer_url)
        key = self.where.keys[NAV]
        jti = secrets.token_hex(16)
        form = {
            "grant_type": "client_credentials",
            "scope": "log" if credential == "log" else "share",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion(
                self.where.issuer_url, key, at=datetime.now(UTC), jti=jti
            ),
        }
        answered = self.http.post("/oauth/token", data=form)
        return str(answered.json()["access_token"])

    def call(self, method: str, path: str, template: str, **more: Any) -> None:
        """Send one request, and keep what an error said."""
        answer = self.http.request(method, path, **more)
        self.touched.add((method, template))
        self.statuses.add(answer.status_code)
        if not answer.is_success:
            said = answer.content + repr(answer.headers).encode()
            self.errors.append((f"{answer.status_code} of {method} {template}", said))


@pytest.fixture
def aviary(tmp_path: Path, database_url: str) -> Iterator[Aviary]:
    """A fresh site on either database, with one youth in its register."""
    birds = Birds.fresh()
    where = site(tmp_path / "site", database_url, born={birds.national_id: BORN.isoformat()})
    with ExitStack() as stack:
        running = stack.enter_context(serving(where))
        nav = stack.enter_context(where.client(NAV))
        school = stack.enter_context(where.client(SCHOOL))
        youth = where.browser(birds.national_id)
        stack.callback(youth.close)
        http = stack.enter_context(httpx.Client(base_url=running.url, timeout=30.0))
        yield Aviary(where, running, birds, nav, school, youth, http)


def the_good_way(aviary: Aviary) -> dict[str, str]:
    """Deposit, consent, meeting, ask, events: every canary travels sealed. Gives ids for paths."""
    birds = aviary.birds
    pupil = aviary.school.subject(national_id=birds.national_id)
    aviary.school.deposit(
        pupil,
        {
            "contact.name": birds.name,
            "education.grades": {"English": birds.value},
            "functioning.daily_rhythm": f"{birds.nested}, {birds.national_id}",
            "plan.goals": [birds.value, birds.nested],
        },
        observed_at=datetime.now(UTC),
        basis="measured",
        author_role="laerer",
    )
    subject = aviary.nav.subject(national_id=birds.national_id)
    asked = aviary.nav.request_consent(
        subject,
        services=[NAV, SCHOOL],
        purposes=["case_discussion", "coordination"],
        categories=["contact", "education", "functioning", "plan"],
        collaboration=LARVIK,
        actor=ACTOR,
    )
    seen = aviary.youth.consent(asked.id)
    aviary.youth.answer(seen, {grant.id: "yes" for grant in seen.grants})
    meeting = aviary.nav.call_meeting(
        subject,
        collaboration=LARVIK,
        held_at=datetime.now(UTC) + timedelta(days=1),
        participants=[
            Participant(unit=NAV, role="veileder"),
            Participant(unit=SCHOOL, role="laerer"),
        ],
        actor=ACTOR,
    )
    disclosed = _asked(aviary, subject)
    _read(aviary)
    invoked = _relied(aviary, pupil)
    return {
        "consent": asked.id,
        "disclosure": disclosed,
        "invocation": invoked,
        "record": "rec_" + "a" * 22,
        "meeting": meeting.id,
        "unit": SCHOOL,
        "subject": subject.handle,
        "tile": "0/000",
        "kid": "a" * 43,
    }


def _asked(aviary: Aviary, subject: Subject) -> str:
    fields = ["contact.name", "education.grades", "functioning.daily_rhythm", "plan.goals"]
    answer = aviary.nav.ask(
        subject,
        fields,
        purpose="coordination",
        collaboration=LARVIK,
        actor=ACTOR,
        idempotency_key=_key(aviary.birds),
    )
    assert answer.values["contact.name"].value == aviary.birds.name
    assert list(aviary.nav.events()) is not None
    return answer.id


def _read(aviary: Aviary) -> None:
    """The youth writes in their own words, and reads what is written about them with a program of their own."""
    said = {"field": "voice.story", "text": f"{aviary.birds.value} {aviary.birds.national_id}"}
    key = ServiceKey.generate(SUBJECT)
    asked = own_access(key)
    headers = {
        "authorization": f"Bearer {aviary.bearer('person')}",
        "idempotency-key": _key(aviary.birds),
    }
    wrote = aviary.http.post("/v1/me/voice", json=said, headers=headers)
    assert wrote.status_code == 201, wrote.text
    headers["idempotency-key"] = _key(aviary.birds)
    answer = aviary.http.post("/v1/me/values", json=asked.model_dump(mode="json"), headers=headers)
    assert answer.status_code == 201, answer.text
    service = {"authorization": f"Bearer {aviary.bearer('service')}"}
    keys = aviary.http.get("/v1/keys", headers=service)
    reading = open_own_values(
        OwnValues.model_validate(answer.json()),
        key=key,
        asked=asked,
        source_keys={
            SCHOOL: aviary.where.keys[SCHOOL].public_jwks(),
            SUBJECT: keys.json()["receipts"],
        },
        broker_keys=BrokerKeys.model_validate(keys.json()),
    )
    assert [one.value for one in reading.values["contact.name"]] == [aviary.birds.name]
    assert [one.value for one in reading.values["voice.story"]] == [said["text"]]
    (name,) = reading.values["contact.name"]
    contested = {"record": name.record, "text": f"{aviary.birds.nested} {aviary.birds.name}"}
    headers["idempotency-key"] = _key(aviary.birds)
    wrote = aviary.http.post("/v1/me/contests", json=contested, headers=headers)
    assert wrote.status_code == 200, wrote.text
    _told_outside(aviary, headers)


def _told_outside(aviary: Aviary, headers: dict[str, str]) -> None:
    """The youth gives an address, with a canary in it, and confirms it by the code that comes there."""
    to = {"channel": "email", "address": f"{aviary.birds.value}@example.no"}
    headers["idempotency-key"] = _key(aviary.birds)
    asked = aviary.http.post("/v1/me/contact", json=to, headers=headers)
    assert asked.status_code == 200, asked.text
    until = time.monotonic() + 30
    while not (came := list(aviary.where.mail.glob("*.txt"))):
        assert time.monotonic() < until, "no code came"
        time.sleep(0.1)
    (code,) = re.findall(r"\b[0-9]{6}\b", came[0].read_text())
    headers["idempotency-key"] = _key(aviary.birds)
    said = aviary.http.post("/v1/me/contact/confirm", json={"code": code}, headers=headers)
    assert said.status_code == 200, said.text
    shown = aviary.http.get("/v1/me/contact", headers=headers).json()
    assert shown["confirmed"]["address"] == to["address"]


def _relied(aviary: Aviary, pupil: Subject) -> str:
    """The school relies on its duty to avert, which a second person confirms; and on another that a third one reviews."""
    reason = f"Fare for liv: {aviary.birds.reason}"
    necessity = {"education.grades": f"Trengs: {aviary.birds.reason}"}
    delay = NoticeDelay(days=1, reason=f"Kan varsles: {aviary.birds.reason}")
    ids = []
    for _ in range(2):
        made = aviary.school.invoke(
            pupil,
            "S3",
            ["education.grades"],
            reason=reason,
            actor=TEACHER,
            recipient=CHILD_WELFARE,
            necessity=necessity,
            notice_delay=delay,
            idempotency_key=_key(aviary.birds),
        )
        aviary.school.confirm(made.id, actor=Actor(id="t2", role="rektor"))
        ids.append(made.id)
    third = Actor(id="t3", role="radgiver")
    aviary.school.review(ids[0], finding="justified", text=reason, actor=third)
    return ids[1]


def _key(birds: Birds) -> str:
    """An idempotency key as a careless case system would make it."""
    return f"{birds.national_id}:{birds.value}:{secrets.token_hex(8)}"


def bad_bodies(birds: Birds) -> list[bytes]:
    """Bodies that carry every canary in every place a body has, each wrong in its own way."""
    every_one = {f"m{n}": bird for n, bird in enumerate(birds.all())}
    members: dict[str, Any] = {
        **every_one,
        "national_id": birds.national_id,
        "subject": birds.national_id,
        "fields": list(birds.all()),
        "purpose": birds.value,
        "reason": birds.reason,
        "text": birds.reason,
        "necessity": {birds.reason: birds.reason},
        "actor": {"id": birds.name, "role": birds.nested, **every_one},
        "collaboration": birds.name,
        "answers": {birds.value: birds.name},
        "code": birds.national_id,
        "items": [every_one],
        "jwks": every_one,
    }
    whole = json.dumps(members, ensure_ascii=False).encode()
    deep = '{"a":' * 40 + json.dumps(birds.name) + "}" * 40
    named = {bird: bird for bird in birds.all()}
    return [
        whole,
        whole[:-2],
        whole + b"}",
        b"\xff\xfe" + whole,
        deep.encode(),
        json.dumps(list(birds.all())).encode(),
        json.dumps(birds.national_id).encode(),
        json.dumps(named).encode(),
        *_half_right(birds),
        json.dumps({"national_id": birds.unknown_id}).encode(),
        json.dumps({"national_id": int(birds.national_id)}).encode(),
        json.dumps({"national_id": birds.name}).encode(),
        json.dumps({**members, "held_at": birds.value, "observed_at": birds.name}).encode(),
        b'{"a": NaN, "b": "' + birds.name.encode() + b'"}',
        b'{"a": 1, "a": "' + birds.name.encode() + b'"}',
        json.dumps({"m": [birds.value] * 60_000}).encode(),
        "&".join(f"{bird}={bird}" for bird in birds.all()).encode(),
    ]


def _half_right(birds: Birds) -> Iterator[bytes]:
    """Reliances on a statute that are wrong in one place, with a reason to repeat."""
    sound = {
        "subject": "hdl_" + "a" * 22,
        "statute": "S3",
        "fields": ["education.grades"],
        "reason": f"Fare for liv: {birds.reason}",
        "actor": TEACHER.model_dump(),
        "recipient": CHILD_WELFARE,
    }
    for wrong in (
        {},
        {"reason": f"{birds.reason} {birds.national_id}"},
        {"reason": birds.reason * 100},
        {"statute": birds.reason},
        {"necessity": {"education.grades": birds.reason[:4]}},
        {"notice_delay": {"days": 99, "reason": birds.reason * 2}},
    ):
        yield json.dumps({**sound, **wrong}).encode()


def the_bad_ways(aviary: Aviary, ids: dict[str, str]) -> None:
    """Every route, with canaries in path, query, headers and body."""
    birds = aviary.birds
    for endpoint in every():
        for bearer in (aviary.bearer(endpoint.credential), birds.national_id, birds.value):
            headers = {
                "authorization": f"Bearer {bearer}",
                "content-type": "application/json",
                "user-agent": birds.value,
                "x-forwarded-for": birds.national_id,
                "traceparent": birds.value,
                "referer": birds.national_id,
                "accept-language": birds.value,
            }
            for path in _paths(endpoint.path, ids, birds):
                bodies = bad_bodies(birds) if endpoint.method == "POST" else [b""]
                for body in bodies:
                    key = {"idempotency-key": _key(aviary.birds)}
                    aviary.call(
                        endpoint.method,
                        path,
                        endpoint.path,
                        headers=headers | key,
                        content=body or None,
                    )
    for path in (
        f"/{birds.national_id}",
        f"/v1/subjects/{birds.name}",
        f"/v1/me?pid={birds.value}",
    ):
        aviary.call("GET", path, "nowhere", headers={"cookie": birds.value})
    aviary.call("DELETE", "/v1/deposits", "nowhere", content=birds.value.encode())


def _paths(template: str, ids: dict[str, str], birds: Birds) -> list[str]:
    """The route's own path, the same with a canary for each id, and with a canary in the query."""
    good = template.replace("{tile:path}", ids["tile"])
    bad = template.replace("{tile:path}", birds.value)
    for name, value in ids.items():
        good = good.replace("{" + name + "}", value)
        bad = bad.replace("{" + name + "}", birds.national_id)
    query = f"{good}?after={birds.national_id}&limit={birds.value}&{birds.value}=1"
    return list(dict.fromkeys([good, bad, query]))


def something_down(aviary: Aviary, ids: dict[str, str]) -> None:
    """The same while the keyring, and then the register, cannot be had: other errors, the same silence."""
    for gone in (aviary.where.keyring, aviary.where.directory / "register.json"):
        away = gone.with_name(f"{gone.name}.away")
        gone.rename(away)
        try:
            bearer = aviary.bearer("service")
            headers = {"authorization": f"Bearer {bearer}", "content-type": "application/json"}
            for path, body in _whole_bodies(aviary.birds, ids):
                key = {"idempotency-key": _key(aviary.birds)}
                aviary.call("POST", path, path, headers=headers | key, content=body)
        finally:
            away.rename(gone)


def _whole_bodies(birds: Birds, ids: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    ask = {
        "subject": ids["subject"],
        "fields": ["contact.name", "education.grades"],
        "purpose": "coordination",
        "collaboration": LARVIK,
        "actor": ACTOR.model_dump(),
    }
    yield "/v1/subjects", json.dumps({"national_id": birds.national_id}).encode()
    yield "/v1/subjects", json.dumps({"national_id": birds.unknown_id}).encode()
    yield "/v1/checks", json.dumps(ask).encode()
    yield "/v1/disclosures", json.dumps(ask).encode()


def database_files(aviary: Aviary) -> Iterator[tuple[str, bytes]]:
    """The files of the database as they lie on the disk, write-ahead log and all."""
    url = aviary.where.database_url
    if url.startswith("sqlite"):
        yield from files(*Path(url.removeprefix("sqlite:///")).parent.glob("tillit.db*"))
        return
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        query = "SELECT current_setting('data_directory'), oid FROM pg_database"
        found = connection.execute(f"{query} WHERE datname = current_database()").fetchone()
    assert found is not None
    data = Path(found[0])
    yield from files(data / "base" / str(found[1]), data / "pg_wal")


def opened(aviary: Aviary) -> Iterator[tuple[str, bytes]]:
    """What the log's contents say to who may open them: there the written reasons are, and nowhere else."""
    engine = create_engine(aviary.where.database_url)
    custodian = LocalCustodian(aviary.where.keyring, aviary.where.passphrase)
    for content in contents(engine, "statute.invoked", custodian):
        yield "a content", json.dumps(content, ensure_ascii=False).encode()
    engine.dispose()


def assert_none(found: list[Found]) -> None:
    """Say which canary lies where, without drowning in the bytes around it."""
    assert sorted({(f.where, f.form, f.canary) for f in found}) == []


@pytest.mark.slow
def test_no_canary_lies_anywhere(aviary: Aviary) -> None:
    """Whoever steals the disk, the dump, the logs and the keyring directory learns nothing about anybody."""
    birds = aviary.birds
    ids = the_good_way(aviary)
    the_bad_ways(aviary, ids)
    something_down(aviary, ids)
    assert {(endpoint.method, endpoint.path) for endpoint in every()} <= aviary.touched
    assert {400, 401, 404, 413, 422, 503} <= aviary.statuses
    assert_none(search((*birds.all(), birds.reason), aviary.errors))
    mirror = aviary.where.directory / "mirror"
    key = aviary.where.directory / "nav.jwk"
    aviary.where.keys[NAV].save(key)
    assert audit_cli.main(["mirror", aviary.running.url, str(mirror), "--key", str(key)]) == 0
    # What must be there is found, so the search looks where it should.
    assert search([ids["subject"]], dumped(aviary.where.database_url))
    assert search([ids["subject"]], database_files(aviary))
    assert search([aviary.where.origin], files(mirror))
    secrets_too = (*birds.all(), (aviary.where.directory / "passphrase").read_text())
    secrets_too = (*secrets_too, birds.reason)
    assert_none(search(secrets_too, dumped(aviary.where.database_url)))
    assert_none(search(secrets_too, database_files(aviary)))
    assert search([birds.reason], opened(aviary))
    assert_none(search(secrets_too, files(mirror, aviary.where.directory / "broker")))
    assert_none(search(secrets_too, files(*aviary.where.directory.glob("broker-*.log"))))
    assert aviary.running.process.log.stat().st_size > 0


def test_the_search_finds_every_form(tmp_path: Path) -> None:
    """A search that finds nothing because it cannot find anything proves nothing."""
    bird = "gulfugl-Æ1"
    for form, pattern in forms(bird).items():
        (tmp_path / "file").write_bytes(b"\x00before" + pattern + b"after\x00")
        found = search([bird], files(tmp_path))
        assert form in {f.form for f in found}, form
    for before in ("", "x", "xy", "xyz"):
        inside = base64.b64encode(f"{before}{bird}!".encode())
        assert search([bird], [("memory", inside)]), before
