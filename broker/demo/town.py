"""What the stories of the other eleven are told with: professionals at their desks, people at home, all through the API."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from broker.demo.people import EMIL, Youth
from broker.demo.person import Browser, SyntheticIssuer
from broker.demo.processes import ServiceProcess
from broker.demo.story import expect
from tillit.wire import GrantView

Say = Callable[[GrantView], bool]
"""Whether the answer to a line is yes."""


def case_name(youth: Youth) -> str:
    """What the services call a youth among themselves in the demo: Emil by his first name."""
    return youth.first_name if youth is EMIL else youth.national_id


@dataclass(frozen=True, slots=True)
class Desk:
    """One professional at one unit."""

    process: ServiceProcess
    unit: str
    role: str

    def does(self, act: str, **how: Any) -> Any:
        """Have the unit's client do something. Raises ``ChildFailed``."""
        return self.process.do(act, unit=self.unit, role=self.role, **how)

    def writes(
        self, youth: Youth, values: Mapping[str, Any], basis: str = "professional_assessment"
    ) -> Mapping[str, str]:
        """Deposit what the unit knows; the record of each field."""
        said = self.does("deposit", about=case_name(youth), values=values, basis=basis)
        records: Mapping[str, str] = said["records"]
        return records

    def requests(self, youth: Youth, *services: str, **asked: Any) -> str:
        """Ask the youth for a consent between these units and its own; the consent's id."""
        units = [self.unit, *services]
        said = self.does("request_consent", about=case_name(youth), services=units, **asked)
        return str(said["id"])

    def learns(self, youth: Youth, *fields: str, **why: Any) -> frozenset[str]:
        """Ask, and open what is released; which of the fields were."""
        said = self.does("ask", about=case_name(youth), fields=list(fields), **why)
        return frozenset(said["values"])


@dataclass(slots=True)
class Town:
    """The services' processes, and whoever is at home. ``own`` are the units that have a process to themselves."""

    url: str
    issuer: SyntheticIssuer
    own: Mapping[str, ServiceProcess]
    others: ServiceProcess
    stack: ExitStack = field(default_factory=ExitStack)

    @property
    def today(self) -> date:
        """The day on which the stories are told."""
        return datetime.now(UTC).date()

    def desk(self, unit: str, role: str) -> Desk:
        """A professional at a unit."""
        return Desk(self.own.get(unit, self.others), unit, role)

    def home(self, national_id: str) -> Browser:
        """A person, logged in as themself."""
        browser = Browser(self.url, national_id=national_id, issuer=self.issuer)
        self.stack.callback(browser.close)
        return browser


def everything(_: GrantView) -> bool:
    """Yes to every line."""
    return True


def nothing(_: GrantView) -> bool:
    """No to every line."""
    return False


def learnt(found: frozenset[str], *fields: str) -> None:
    """Stop the story where something else was learnt than what it tells of. Raises ``StoryBroken``."""
    expect(found == set(fields), f"learnt {_names(found)}, not {_names(fields)}")


def _names(fields: Sequence[str] | frozenset[str]) -> str:
    return ", ".join(sorted(fields)) or "nothing"
