"""What the stories of the twelve youths are told with: a town with a broker, professionals at their desks, people at home.

Services speak through ``tillit.Client``, people through ``/v1/me``, over HTTP; the clock stands still until a story steps it.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel

from broker.demo.national_ids import Gender, numbers
from broker.demo.people import INGRID, SARA, THE_TWELVE, Youth
from broker.demo.person import ISSUER, SyntheticIssuer
from broker.domain.ids import UnitId
from broker.ports import Ports
from broker.usecases import trust
from broker.usecases.ticking import Ticked, tick
from tests.house import House, build
from tests.serving import serving
from tillit import Actor, Answer, Check, Client, Event, Subject
from tillit.keys import ServiceKey
from tillit.opening import OpenedValue
from tillit.own import open_own_values, own_access
from tillit.wire import (
    SUBJECT,
    CaseClaim,
    CaseView,
    ConsentView,
    Contest,
    DepositAnswer,
    DigitalAnswer,
    GrantView,
    MyConsents,
    MyContests,
    MyDisclosure,
    MyDisclosures,
    MyNotice,
    MyNotices,
    MyObjections,
    ObjectionRequest,
    OwnValues,
    OwnWords,
    ProofAnswer,
    Withdrawal,
)

MUNICIPALITIES = {SARA.national_id: "tonsberg", INGRID.national_id: "ovre-eiker"}
"""Where two of the twelve are counted as living."""
NEIGHBOURS: list[tuple[str, date, Gender]] = [
    *(("tonsberg", date(2011, 3, day), "woman") for day in range(1, 5)),
    *(("tonsberg", date(2012, 3, day), "man") for day in range(1, 3)),
    *(("ovre-eiker", date(2003, 5, day), "woman") for day in range(1, 4)),
    *(("ovre-eiker", date(2006, 5, day), "man") for day in range(1, 3)),
]
"""Who lives beside them: with Sara five girls of her age, with Ingrid four women of hers."""

_Model = TypeVar("_Model", bound=BaseModel)

Say = Callable[[GrantView], bool]
"""Whether the answer to a line is yes."""


def everything(_: GrantView) -> bool:
    """Yes to every line."""
    return True


def nothing(_: GrantView) -> bool:
    """No to every line."""
    return False


@dataclass
class Desk:
    """One professional at one unit: the SDK's client, and who speaks."""

    client: Client
    actor: Actor
    clock: Callable[[], datetime]
    unit: str

    def of(self, youth: Youth) -> Subject:
        """The unit's own handle for the youth."""
        return self.client.subject(national_id=youth.national_id)

    def writes(self, youth: Youth, values: Mapping[str, Any], basis: Any = "measured") -> None:
        """Deposit what the unit knows, observed an hour ago."""
        self.client.deposit(
            self.of(youth),
            values,
            observed_at=self.clock() - timedelta(hours=1),
            basis=basis,
            author_role=self.actor.role,
        )

    def asks(self, youth: Youth, *fields: str, **about: Any) -> Answer:
        """Ask, and open what is released."""
        return self.client.ask(self.of(youth), fields, **{"actor": self.actor, **about})

    def may(self, youth: Youth, *fields: str, **about: Any) -> Check:
        """Ask whether it may know; nothing is released."""
        return self.client.check(self.of(youth), fields, **{"actor": self.actor, **about})

    def requests(self, youth: Youth, *services: str, **asked: Any) -> ConsentView:
        """Ask the youth for a consent between these units and its own."""
        return self.client.request_consent(
            self.of(youth), services=[self.unit, *services], actor=self.actor, **asked
        )

    def told(self) -> list[Event]:
        """What the unit was told, oldest first."""
        return list(self.client.events())


@dataclass
class Home:
    """One person, logged in as themself, under ``/v1/me``."""

    http: httpx.Client
    token: Callable[[], str]
    ports: Ports

    def keys(self, answer: OwnValues) -> dict[str, Any]:
        """The public keys that an answer is checked with."""
        sources = {f.source for one in answer.disclosures for f in one.manifest.fields.values()}
        found = {name: trust.service_jwks(UnitId(name), self.ports) for name in sources}
        return {"source_keys": found, "broker_keys": trust.keys(self.ports)}

    def consents(self) -> tuple[ConsentView, ...]:
        """Everything they have been asked for, newest first."""
        return self._get("/v1/me/consents", MyConsents).consents

    def consent(self, view: ConsentView) -> ConsentView:
        """One consent, as it is now."""
        return self._get(f"/v1/me/consents/{view.id}", ConsentView)

    def finds(self, view: ConsentView) -> int:
        """The status with which they are shown a consent."""
        return self.http.get(f"/v1/me/consents/{view.id}", headers=self.headers()).status_code

    def answers(
        self, view: ConsentView, say: Say = everything, *, child_heard: bool = False
    ) -> ConsentView:
        """Answer each line that is shown."""
        lines = self.consent(view).grants
        said = DigitalAnswer(
            read=view.text_sha256,
            answers={line.id: "yes" if say(line) else "no" for line in lines},
            child_heard=child_heard,
        )
        return self._post(f"/v1/me/consents/{view.id}/answer", said, ConsentView)

    def withdraws(self, view: ConsentView) -> ConsentView:
        """Take a consent back."""
        return self._post(f"/v1/me/consents/{view.id}/withdraw", Withdrawal(), ConsentView)

    def objects(self, category: str, *, objects: bool = True) -> MyObjections:
        """Speak against sharing a category, or take that back."""
        said = ObjectionRequest(category=category, objects=objects)
        return self._post("/v1/me/objections", said, MyObjections)

    def says(self, field: str, text: str) -> DepositAnswer:
        """Write in their own words."""
        return self._post("/v1/me/voice", OwnWords(field=field, text=text), DepositAnswer)

    def reads(self, *fields: str) -> Mapping[str, tuple[OpenedValue, ...]]:
        """Read what is written about themself, with a key made for it."""
        key = ServiceKey.generate(SUBJECT)
        asked = own_access(key, fields)
        answer = self._post("/v1/me/values", asked, OwnValues)
        keys = self.keys(answer)
        return open_own_values(answer, key=key, asked=asked, **keys).values

    def contests(self, record: str, text: str) -> MyContests:
        """Say that a value is not right, and why."""
        return self._post("/v1/me/contests", Contest(record=record, text=text), MyContests)

    def claims(self, code: str, *, tell: bool) -> CaseView:
        """Say that an anonymous case is about oneself."""
        return self._post("/v1/me/anonymous-cases", CaseClaim(claim=code, tell=tell), CaseView)

    def disclosures(self) -> tuple[MyDisclosure, ...]:
        """Who asked about them, newest first."""
        return self._get("/v1/me/disclosures", MyDisclosures).disclosures

    def proof(self, disclosure: str) -> ProofAnswer:
        """The proof that one of them stands in the log."""
        return self._get(f"/v1/me/disclosures/{disclosure}/proof", ProofAnswer)

    def notices(self) -> tuple[MyNotice, ...]:
        """What they were told, newest first."""
        return self._get("/v1/me/notices", MyNotices).notices

    def kinds(self) -> list[str]:
        """What kinds of things they were told, oldest first."""
        return [notice.kind for notice in reversed(self.notices())]

    def _get(self, path: str, kind: type[_Model]) -> _Model:
        return self._read(self.http.get(path, headers=self.headers()), kind)

    def _post(self, path: str, body: BaseModel, kind: type[_Model]) -> _Model:
        headers = self.headers() | {
            "content-type": "application/json",
            "idempotency-key": secrets.token_urlsafe(16),
        }
        return self._read(
            self.http.post(path, content=body.model_dump_json(), headers=headers), kind
        )

    def headers(self) -> dict[str, str]:
        """Their credential."""
        return {"authorization": f"Bearer {self.token()}"}

    @staticmethod
    def _read(answer: httpx.Response, kind: type[_Model]) -> _Model:
        assert answer.is_success, answer.text
        return kind.model_validate_json(answer.content)


@dataclass
class Town:
    """A broker that serves the services and the people of one story."""

    house: House
    url: str
    issuer: SyntheticIssuer
    stack: ExitStack

    def desk(self, unit: str, role: str, *, name: str = "a1") -> Desk:
        """A professional at a unit."""
        clock = self.house.clock
        client = Client(self.url, service=unit, key=self.house.keys[unit], clock=clock)
        self.stack.enter_context(client)
        return Desk(client, Actor(id=name, role=role), clock, unit)

    def home(self, who: Youth | str) -> Home:
        """A youth, or whoever has a national identity number."""
        number = who if isinstance(who, str) else who.national_id
        http = self.stack.enter_context(httpx.Client(base_url=self.url, timeout=30))
        audience = self.house.ports.issuer
        return Home(http, lambda: self.issuer.token(number, audience=audience), self.house.ports)

    def comes(self, moment: datetime) -> Ticked:
        """The clock reaches a moment, and the broker does what time does by itself."""
        self.house.clock.at = moment
        return tick(ports=self.house.ports)

    def passes(self, **by: float) -> Ticked:
        """Time passes, and the broker does what time does by itself."""
        return self.comes(self.house.clock() + timedelta(**by))


@contextmanager
def town_in(
    directory: Path, database: str, start: datetime, units: tuple[str, ...]
) -> Iterator[Town]:
    """A town whose register knows the twelve and their guardians, at a moment."""
    house = build(directory, database, units=units, others=list(_registered()))
    house.clock.at = start
    issuer = SyntheticIssuer(clock=lambda: house.clock().timestamp())
    issuer.save_public(directory / "issuer.jwks")
    people = {"person_issuer": ISSUER, "person_jwks_file": directory / "issuer.jwks"}
    with serving(house, directory, **people) as url, ExitStack() as stack:
        yield Town(house, url, issuer, stack)
    house.store.close()


def _registered() -> Iterator[dict[str, Any]]:
    for youth in THE_TWELVE:
        yield {
            "national_id": youth.national_id,
            "born": youth.born.isoformat(),
            "guardians": [guardian.national_id for guardian in youth.guardians],
            "address_protection": youth.address_protection,
            "municipality": MUNICIPALITIES.get(youth.national_id),
            "gender": youth.gender,
        }
        for guardian in youth.guardians:
            yield {"national_id": guardian.national_id, "born": guardian.born.isoformat()}
    for municipality, born, gender in NEIGHBOURS:
        yield {
            "national_id": next(numbers(born, gender)),
            "born": born.isoformat(),
            "municipality": municipality,
            "gender": gender,
        }


# --- what an answer says


def values(answer: Answer) -> dict[str, Any]:
    """The opened values."""
    return {name: opened.value for name, opened in answer.values.items()}


def reasons(answer: Answer | Check) -> dict[str, list[str]]:
    """Why each withheld field is withheld."""
    return {name: [reason.code for reason in why] for name, why in answer.withheld.items()}


def grounds(answer: Answer) -> dict[str, list[str]]:
    """Per released field the ids of its grounds: of a consent, or of a statute."""
    return {name: [g.id for g in found] for name, found in answer.grounds.items()}


def each(fields: Iterable[str], *codes: str) -> dict[str, list[str]]:
    """The same reasons for each of the fields."""
    return {name: list(codes) for name in fields}
