"""Pages as declared values: path, who may open it, what its form takes, and the function that makes it.

As with the API's endpoints: what is declared here is what is checked at the entrance.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from broker.api.endpoints import Nothing
from broker.domain.ids import PersonKey
from broker.domain.sessions import Employee, Session, StaffSession, Stay
from broker.errors import BrokerError
from broker.portal.looks import Looks
from broker.portal.oidc import Provider
from broker.portal.words import Words
from broker.portal.workplaces import Workplaces
from broker.ports import Ports
from broker.usecases.call import Call, PersonCall
from tillit.wire import Actor, Language

Who = Literal["anybody", "person", "fresh", "employee", "fresh_employee"]
"""``person``: whoever is logged in as themself; ``employee``: for a unit; ``fresh``: logged in within the last minutes."""
STAFF = "/staff"
"""Pages for employees lie below this, and no others do: a session of either kind is nobody's on pages of the other."""


@dataclass(frozen=True, slots=True)
class StaffDoor:
    """What employees come in by."""

    provider: Provider
    workplaces: Workplaces


@dataclass(frozen=True, slots=True)
class Hall:
    """What every page stands on."""

    renewed: Callable[[], Ports]
    provider: Provider
    looks: Looks
    https: bool
    staff: StaffDoor | None = None

    def cookie(self, page: "Page") -> str:
        """The name of the session's cookie; browsers hold the prefix to https, this host and every path."""
        name = "tillit-staff" if page.staff else "tillit"
        return f"__Host-{name}" if self.https else name


@dataclass(frozen=True, slots=True)
class Visit:
    """One request that has passed the entrance. ``token`` is the session's secret, empty without one."""

    hall: Hall
    ports: Ports
    stay: Stay | None
    token: str
    login: str
    language: Language
    path: Mapping[str, str]
    query: Any
    form: Any
    form_sha256: bytes

    @property
    def words(self) -> Words:
        """The language of the visit."""
        return self.hall.looks.words[self.language]

    @property
    def session(self) -> Session | None:
        """The person's session, on a page for people."""
        return self.stay if isinstance(self.stay, Session) else None

    @property
    def staff_session(self) -> StaffSession | None:
        """The employee's session, on a page for employees."""
        return self.stay if isinstance(self.stay, StaffSession) else None

    @property
    def person(self) -> PersonKey:
        """Who is logged in."""
        if self.session is None:
            raise TypeError("the page does not ask for a session")
        return self.session.person

    @property
    def employee(self) -> Employee:
        """Who is logged in for a unit."""
        if self.staff_session is None:
            raise TypeError("the page does not ask for an employee")
        return self.staff_session.employee

    @property
    def actor(self) -> Actor:
        """The same as a service would name them."""
        return Actor(id=self.employee.actor, role=self.employee.role)

    @property
    def call(self) -> PersonCall:
        """The person's act, which a second press of the same button repeats and does not do again."""
        return PersonCall(self.person, self.form.once, self.form_sha256, self.language)

    @property
    def unit_call(self) -> Call:
        """The unit's act, by the employee."""
        return Call(self.employee.unit, self.form.once, self.form_sha256, self.language)


@dataclass(frozen=True, slots=True)
class Shown:
    """A page to show.

    ``refusal``: what a unit's request was refused with, where the page says so itself. ``spoken``: another language than the
    visit began with.
    """

    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    refusal: BrokerError | None = None
    spoken: Language | None = None


def shown(
    template: str, *, status: int = 200, refusal: BrokerError | None = None, **context: object
) -> Shown:
    """A page of a template, with what it shows."""
    return Shown(template, context, status, refusal)


@dataclass(frozen=True, slots=True)
class Onward:
    """Another address to go to. What the browser keeps from now on; empty: nothing any more; None: what it has."""

    to: str
    session: str | None = None
    login: str | None = None
    language: Language | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """A file for the person to keep."""

    content: bytes
    media_type: str
    name: str | None = None
    cache: str = "no-store"


Answer = Shown | Onward | Saved
Make = Callable[[Visit], Answer]


@dataclass(frozen=True, slots=True)
class Page:
    """One method on one path. ``most``: so many members a form or a query may have; ``file``: which of them is a file."""

    method: Literal["GET", "POST"]
    path: str
    who: Who
    make: Make
    takes: type[BaseModel]
    query: type[BaseModel]
    most: int
    file: str = ""

    @property
    def route(self) -> str:
        """Method and template, as they stand in logs."""
        return f"{self.method} {self.path}"

    @property
    def staff(self) -> bool:
        """Whether it is one for employees."""
        return self.path == STAFF or self.path.startswith(f"{STAFF}/")

    @property
    def home(self) -> str:
        """What the addresses of its kind begin with."""
        return STAFF if self.staff else ""


class Pages:
    """A list of pages that functions are added to by decorator."""

    def __init__(self) -> None:
        self._all: list[Page] = []

    def __iter__(self) -> Iterator[Page]:
        return iter(self._all)

    def get(
        self, path: str, who: Who, *, query: type[BaseModel] = Nothing, most: int = 8
    ) -> Callable[[Make], Make]:
        """Declare a page to look at."""
        return self._declared("GET", path, who, Nothing, query, most)

    def post(
        self, path: str, who: Who, *, takes: type[BaseModel], most: int = 16, file: str = ""
    ) -> Callable[[Make], Make]:
        """Declare what a form does."""
        return self._declared("POST", path, who, takes, Nothing, most, file)

    def _declared(
        self,
        method: Literal["GET", "POST"],
        path: str,
        who: Who,
        takes: type[BaseModel],
        query: type[BaseModel],
        most: int,
        file: str = "",
    ) -> Callable[[Make], Make]:
        def declare(make: Make) -> Make:
            self._all.append(Page(method, path, who, make, takes, query, most, file))
            return make

        return declare
