"""Endpoints as declared values: method, path, credential, what is taken, given and refused, and the function that answers.

What is declared here is what is checked at the door, and what OpenAPI says: there is no second list to keep in step.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from broker.api.access_tokens import AccessTokens, Scope, Service
from broker.api.log import Log
from broker.api.metrics import Metrics
from broker.api.person_tokens import PersonAuthenticated, PersonTokens
from broker.domain.ids import PersonKey, UnitId
from broker.errors import BrokerError
from broker.ports import Ports
from broker.usecases.call import Call, PersonCall
from tillit.wire import Language

Credential = Literal["public", "service", "log", "audit", "content", "person"]
SCOPE_OF: Mapping[Credential, Scope] = {
    "service": "share",
    "log": "log",
    "audit": "audit",
    "content": "audit.content",
}
"""What a service's or an auditor's token must hold; the other credentials are none of theirs."""

Taken = TypeVar("Taken", bound=BaseModel)


class Nothing(BaseModel):
    """The absence of a body or a query."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Front:
    """What endpoints stand on: the ports, the verifiers of tokens, the log's reader."""

    renewed: Callable[[], Ports]
    access: AccessTokens
    people: PersonTokens
    log: Log
    metrics: Metrics

    @property
    def ports(self) -> Ports:
        """The ports as they are now: the policies in them may be others at the next look."""
        return self.renewed()


@dataclass(frozen=True, slots=True)
class Exchange(Generic[Taken]):
    """One request that has passed the door: authenticated, bounded, parsed. ``ports`` stay the same from begin to end."""

    front: Front
    ports: Ports
    caller: Service | PersonAuthenticated | None
    body: Taken
    query: Any
    path: Mapping[str, str]
    headers: Mapping[str, str]
    language: Language
    key: str
    body_sha256: bytes

    @property
    def unit(self) -> UnitId:
        """The authenticated service."""
        if not isinstance(self.caller, Service):
            raise TypeError("the endpoint does not ask for a service's token")
        return self.caller.unit

    @property
    def person(self) -> PersonKey:
        """The authenticated person."""
        if not isinstance(self.caller, PersonAuthenticated):
            raise TypeError("the endpoint does not ask for a person's token")
        return self.caller.key

    @property
    def call(self) -> Call:
        """The service's call, with what makes a repetition of it recognisable."""
        return Call(self.unit, self.key, self.body_sha256, self.language)

    @property
    def person_call(self) -> PersonCall:
        """The person's call, with what makes a repetition of it recognisable."""
        return PersonCall(self.person, self.key, self.body_sha256, self.language)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is not a wire model with the endpoint's own status."""

    content: bytes = b""
    media_type: str | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(content: object, *, media_type: str = "application/json") -> Reply:
    """An answer in JSON that no wire model describes."""
    return Reply(json.dumps(content, ensure_ascii=False).encode(), media_type)


Answer = Callable[[Exchange[Any]], BaseModel | Reply]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method on one path. ``cache`` is its Cache-Control; ``media`` what it answers with where no wire model says so.

    ``idempotent`` says that an Idempotency-Key is required, or, where ``key_optional``, that one is honoured. It is
    optional only where a repetition changes nothing but the log, for clients of a standard that knows no such header.
    """

    method: Literal["GET", "POST"]
    path: str
    credential: Credential
    answer: Answer
    takes: type[BaseModel]
    query: type[BaseModel]
    gives: type[BaseModel] | None
    status: int
    refuses: tuple[type[BrokerError], ...]
    idempotent: bool
    key_optional: bool
    form: bool
    cache: str
    summary: str
    description: str
    media: str | None = None

    @property
    def route(self) -> str:
        """Method and template, as they stand in logs: never the path itself, which holds ids."""
        return f"{self.method} {self.path}"


class Endpoints:
    """A list of endpoints that functions are added to by decorator."""

    def __init__(self) -> None:
        self._all: list[Endpoint] = []

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self._all)

    def get(
        self,
        path: str,
        credential: Credential,
        *,
        gives: type[BaseModel] | None = None,
        query: type[BaseModel] = Nothing,
        refuses: tuple[type[BrokerError], ...] = (),
        cache: str = "no-store",
        media: str | None = None,
    ) -> Callable[[Answer], Answer]:
        """Declare a GET."""

        def add(answer: Answer) -> Answer:
            summary, description = _said(answer)
            self._all.append(
                Endpoint(
                    method="GET",
                    path=path,
                    credential=credential,
                    answer=answer,
                    takes=Nothing,
                    query=query,
                    gives=gives,
                    status=200,
                    refuses=refuses,
                    idempotent=False,
                    key_optional=False,
                    form=False,
                    cache=cache,
                    summary=summary,
                    description=description,
                    media=media,
                )
            )
            return answer

        return add

    def post(
        self,
        path: str,
        credential: Credential,
        *,
        takes: type[Taken],
        gives: type[BaseModel] | None,
        status: int = 200,
        refuses: tuple[type[BrokerError], ...] = (),
        idempotent: bool = True,
        key_optional: bool = False,
        form: bool = False,
    ) -> Callable[
        [Callable[[Exchange[Taken]], BaseModel | Reply]],
        Callable[[Exchange[Taken]], BaseModel | Reply],
    ]:
        """Declare a POST."""

        def add(
            answer: Callable[[Exchange[Taken]], BaseModel | Reply],
        ) -> Callable[[Exchange[Taken]], BaseModel | Reply]:
            summary, description = _said(answer)
            self._all.append(
                Endpoint(
                    method="POST",
                    path=path,
                    credential=credential,
                    answer=answer,
                    takes=takes,
                    query=Nothing,
                    gives=gives,
                    status=status,
                    refuses=refuses,
                    idempotent=idempotent,
                    key_optional=key_optional,
                    form=form,
                    cache="no-store",
                    summary=summary,
                    description=description,
                )
            )
            return answer

        return add


def _said(answer: Callable[..., object]) -> tuple[str, str]:
    text = (answer.__doc__ or "").strip()
    summary, _, description = text.partition("\n")
    return summary.rstrip("."), " ".join(description.split())
