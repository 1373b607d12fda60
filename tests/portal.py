"""The portal as its visitors meet it: a broker and an identity provider behind sockets, and browsers without scripts."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from html import unescape
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
from joserfc.jwk import ECKey

from broker.demo.national_ids import numbers
from broker.demo.provider import DemoProvider, Somebody
from tests.integration.bad_input import NAV, SCHOOL
from tests.integration.world import EMIL, NORA, STRANGER, World, served, world_in
from tests.processes import free_port

CLIENT, STAFF_CLIENT = "tillit-portal", "tillit-staff"
BORN = datetime.now(UTC).date() - timedelta(days=5_660)
"""Fifteen and a half years ago: old enough to answer for school alone, too young for health."""
SARA = next(numbers(BORN, "woman"))
MOTHER = next(numbers(date(1983, 2, 2), "woman"))
_SOON = datetime.now(UTC).date() + timedelta(days=12)
GROWING = _SOON.replace(year=_SOON.year - 16, day=min(_SOON.day, 28))
JO = next(islice(numbers(GROWING, "man"), 20, None))
"""Turns sixteen in some days."""
FAMILY = (
    {"national_id": JO, "born": GROWING.isoformat(), "guardians": [MOTHER]},
    {"national_id": SARA, "born": BORN.isoformat(), "guardians": [MOTHER]},
    {"national_id": MOTHER, "born": "1983-02-02", "guardians": []},
)
PEOPLE = (EMIL, NORA, STRANGER, SARA, MOTHER, JO)
ADVISER, COUNSELLOR, COLLEAGUE, TEMP = range(4)
"""Employees: of Nav, of a school, of Nav again, and of nobody that is known here."""
ORGANISATIONS = {"900000001": NAV, "900000002": SCHOOL}
WORK: Sequence[Mapping[str, Any]] = (
    {"orgno": "900000001", "roles": ["veileder"]},
    {"orgno": "0192:900000002", "roles": ["unheard_of", "radgiver"]},
    {"orgno": "900000001", "roles": ["leder"]},
    {"orgno": "900000009", "roles": ["veileder"]},
)
EMPLOYEES = tuple(islice(numbers(date(1988, 8, 8), "woman"), len(WORK)))
_INPUT = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


@dataclass
class Claims:
    """What the provider's tokens say otherwise than they should; None leaves a claim out."""

    changed: dict[str, Any] = field(default_factory=dict)

    def __call__(self, claims: dict[str, Any]) -> dict[str, Any]:
        """The claims as they go out."""
        return {name: value for name, value in (claims | self.changed).items() if value is not None}


class Visitor:
    """A browser: cookies, and forms sent as the pages have them. It follows no redirect by itself."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, timeout=30)
        self.seen = ""

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Open a page."""
        answer = self.http.get(path, headers=headers)
        self.seen = answer.text
        return answer

    def hidden(self) -> dict[str, str]:
        """What the forms of the page that is open send along."""
        return {name: unescape(value) for name, value in _INPUT.findall(self.seen)}

    def post(
        self, path: str, fields: Mapping[str, str] | None = None, **headers: str
    ) -> httpx.Response:
        """Send a form exactly as given."""
        sent = {"origin": self.url, "sec-fetch-site": "same-origin"} | headers
        answer = self.http.post(path, data=dict(fields or {}), headers=sent)
        self.seen = answer.text or self.seen
        return answer

    def press(self, path: str, **fields: str) -> httpx.Response:
        """Send a form of the page that is open."""
        own = self.hidden()
        common = {name: own[name] for name in ("check", "once", "version") if name in own}
        return self.post(path, common | fields)

    def log_in(self, number: int = 0, to: str = "/") -> httpx.Response:
        """Log in as one of the people, through the provider; the answer is the one that sets the cookie."""
        return self.http.get(self.vouched(number, to))

    def log_in_at_work(self, number: int = 0, to: str = "/staff") -> httpx.Response:
        """Log in as one of the employees."""
        return self.http.get(self.vouched(number, to, door="/staff/login"))

    def vouched(self, number: int = 0, to: str = "/", door: str = "/login") -> str:
        """Log in at the provider; where it sends the browser back to."""
        there = self.http.get(f"{door}?to={to}").headers["location"]
        choosing = self.http.get(there)
        asked = {name: unescape(value) for name, value in _INPUT.findall(choosing.text)}
        chosen = self.http.post(there.partition("?")[0], data=asked | {"somebody": str(number)})
        return str(chosen.headers["location"])

    def close(self) -> None:
        """Close the connections."""
        self.http.close()


@dataclass
class PortalWorld:
    """A broker with its portal, and the provider that people log in at."""

    world: World
    url: str
    claims: Claims
    staff_claims: Claims
    visitors: list[Visitor] = field(default_factory=list)

    def visitor(self) -> Visitor:
        """A browser that was never here before."""
        made = Visitor(self.url)
        self.visitors.append(made)
        return made

    def logged_in(self, number: int = 0) -> Visitor:
        """A browser with a session."""
        made = self.visitor()
        answer = made.log_in(number)
        assert answer.status_code == 303, answer.text
        return made

    def at_work(self, number: int = 0) -> Visitor:
        """A browser in which one of the employees is logged in."""
        made = self.visitor()
        answer = made.log_in_at_work(number)
        assert answer.status_code == 303, answer.text
        return made


@contextmanager
def portal_in(
    directory: Path,
    database_url: str,
    *,
    others: Sequence[Mapping[str, Any]] = (),
    people: Sequence[str] = PEOPLE,
) -> Iterator[PortalWorld]:
    """A running portal in a directory; ``others`` stand in its register too, and ``people`` can log in, by their number."""
    port, login_port, work_port = free_port(), free_port(), free_port()
    key = ECKey.generate_key("P-256", auto_kid=True)
    file = directory / "portal.jwk"
    file.write_text(json.dumps(key.as_dict(private=True)))
    claims, staff_claims = Claims(), Claims()
    issuer, login = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{login_port}"
    work = f"http://127.0.0.1:{work_port}"
    units = directory / "units.json"
    units.write_text(json.dumps({"units": ORGANISATIONS}))
    provider = DemoProvider(
        login,
        [Somebody(number, f"person {n}", "") for n, number in enumerate(people)],
        client=CLIENT,
        client_jwk=key.as_dict(private=False),
        claims=claims,
    )
    workplaces = DemoProvider(
        work,
        [
            Somebody(number, f"employee {n}", "", work=dict(said))
            for n, (number, said) in enumerate(zip(EMPLOYEES, WORK, strict=True))
        ],
        client=STAFF_CLIENT,
        client_jwk=key.as_dict(private=False),
        claims=staff_claims,
    )
    settings: dict[str, Any] = {
        "issuer": issuer,
        "login_issuer": login,
        "login_client": CLIENT,
        "login_key_file": file,
        "staff_login_issuer": work,
        "staff_login_client": STAFF_CLIENT,
        "staff_login_key_file": file,
        "staff_units_file": units,
        "mail_dir": directory / "mail",
        # Nobody listens there: what pages show is that there is such a way out.
        "altinn_url": f"http://127.0.0.1:{free_port()}",
        "maskinporten_issuer": f"http://127.0.0.1:{free_port()}/",
        "maskinporten_client": CLIENT,
        "maskinporten_key_file": file,
        # A busy machine must not turn a page into an error.
        "engine_deadline_ms": 5000,
    }
    with (
        served(provider.application(), login_port),
        served(workplaces.application(), work_port),
        world_in(
            directory, database_url, port=port, others=(*FAMILY, *others), **settings
        ) as world,
    ):
        running = PortalWorld(world, issuer, claims, staff_claims)
        yield running
        for visitor in running.visitors:
            visitor.close()
