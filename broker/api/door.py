"""The door: what every request passes, in one order, before and after the one function that answers it.

Head bounds → credential → body bounds → (in a worker thread) strict JSON → use case → answer. Credentials come before the
body, so that a stranger cannot make the broker hold a megabyte. Database, signatures and policy run in a bounded pool of
threads: the event loop only moves bytes.
"""

import asyncio
import hashlib
import logging
import re
import traceback
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

from fastapi.routing import APIRoute
from pydantic import BaseModel, StringConstraints, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from broker.api import limits, strict_json
from broker.api.access_tokens import Service
from broker.api.endpoints import SCOPE_OF, Endpoint, Exchange, Front, Nothing, Reply
from broker.api.errors import (
    Busy,
    Failure,
    FormMalformed,
    IdempotencyKeyMalformed,
    IdempotencyKeyMissing,
    NoSuchResource,
    QueryInvalid,
    ScopeMissing,
    TokenInvalid,
    TokenMissing,
)
from broker.api.openapi import described
from broker.api.person_tokens import PersonAuthenticated
from broker.api.problems import problem
from broker.errors import (
    BrokerError,
    CustodianDown,
    DisclosureGone,
    HybridKeyRequired,
    NoRecipientKey,
    ProofPending,
    Refused,
    TooManyReleases,
    Unavailable,
)
from broker.usecases import refusals
from keys.errors import CustodianError
from tillit import wire
from tillit.wire import Language
from tillit.wire.auditing import SignalId
from tillit.wire.service_keys import Kid

THREADS = 4
MAX_WAITING = 256
MAX_QUERY_PARAMETERS = 16
MAX_FORM_PARAMETERS = 20

# What stands in a path, by the name of its place.
PATH_TYPES: Mapping[str, TypeAdapter[str]] = {
    "consent": TypeAdapter(wire.ConsentId),
    "record": TypeAdapter(wire.RecordId),
    "disclosure": TypeAdapter(wire.DisclosureId),
    "helper": TypeAdapter(wire.HelperId),
    "index": TypeAdapter(Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,14})$")]),
    "signal": TypeAdapter(SignalId),
    "collaboration": TypeAdapter(wire.CollaborationId),
    "file": TypeAdapter(Annotated[str, StringConstraints(pattern=r"^[a-z]+\.[a-z]{2,5}$")]),
    "invocation": TypeAdapter(wire.InvocationId),
    "spot": TypeAdapter(Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{22}$")]),
    "question": TypeAdapter(wire.QuestionId),
    "complaint": TypeAdapter(wire.ComplaintId),
    "kid": TypeAdapter(Kid),
    "tile": TypeAdapter(Annotated[str, StringConstraints(max_length=100)]),
    "unit": TypeAdapter(wire.UnitId),
}

_IDEMPOTENCY_KEY = re.compile(r"[A-Za-z0-9._:-]{8,128}", re.ASCII)
_LANGUAGES: Mapping[str, Language] = {"nb": "nb", "nn": "nn", "en": "en", "no": "nb"}
# The use case has already logged these, or they are no refusal but a matter of waiting.
_LOGGED_ELSEWHERE = (
    DisclosureGone,
    HybridKeyRequired,
    NoRecipientKey,
    ProofPending,
    TooManyReleases,
)

_log = logging.getLogger("tillit.api")

Result = TypeVar("Result")


class Pool:
    """A bounded number of threads with a bounded number of requests waiting for them."""

    def __init__(self, threads: int = THREADS, waiting: int = MAX_WAITING) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="tillit-request")
        self._room = threads + waiting
        self._beside: list[Pool] = []

    def beside(self, threads: int, waiting: int) -> "Pool":
        """Other threads, for what may wait long on somebody else; they are let go with these."""
        self._beside.append(Pool(threads, waiting))
        return self._beside[-1]

    async def run(self, act: Callable[..., Result], *arguments: object) -> Result:
        """Run in a thread.

        Raises:
            Busy: too many are waiting already.
        """
        if self._room <= 0:
            raise Busy
        self._room -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, act, *arguments)
        finally:
            self._room += 1

    def close(self) -> None:
        """Let what runs finish, take no more."""
        for pool in self._beside:
            pool.close()
        self._threads.shutdown(wait=True)


class Door(APIRoute):
    """A route of FastAPI's that documents itself as one, and answers by this module's order."""

    def __init__(self, endpoint: Endpoint, *, front: Front, pool: Pool) -> None:
        self.declared = endpoint
        self._front = front
        self._pool = pool
        super().__init__(endpoint.path, methods=[endpoint.method], **described(endpoint))

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request on this route."""
        return self._handle

    async def _handle(self, request: Request) -> Response:
        caller: Service | PersonAuthenticated | None = None
        try:
            limits.check_head(request.scope)
            caller = self._caller(request)
            if isinstance(caller, Service):
                request.scope["tillit.unit"] = caller.unit
            body = await self._body(request)
            return await self._pool.run(self._answered, request, caller, body)
        except BrokerError as error:
            return await self._stopped(error, caller)

    async def _stopped(
        self, error: BrokerError, caller: Service | PersonAuthenticated | None
    ) -> Response:
        if isinstance(error, Unavailable) or not isinstance(caller, Service):
            return self._problem(error)
        try:
            return await self._pool.run(self._refused, error, caller)
        except Busy as busy:
            return self._problem(busy)

    # --- in the event loop ---

    def _caller(self, request: Request) -> Service | PersonAuthenticated | None:
        credential = self.declared.credential
        if credential == "public":
            return None
        token = _bearer(request)
        now = self._front.ports.clock()
        if credential == "person":
            return self._front.people.check(token, now=now)
        service = self._front.access.check(token, now=now)
        needed = SCOPE_OF[credential]
        if needed not in service.scopes:
            raise ScopeMissing(f"the call needs the scope {needed}")
        return service

    async def _body(self, request: Request) -> bytes:
        endpoint = self.declared
        if endpoint.method == "GET":
            return b""
        if endpoint.takes is Nothing:
            return await limits.read_body(request, required=False)
        wanted = "application/x-www-form-urlencoded" if endpoint.form else "application/json"
        limits.check_media_type(request.headers, wanted)
        return await limits.read_body(request)

    # --- in a thread ---

    def _answered(
        self, request: Request, caller: Service | PersonAuthenticated | None, body: bytes
    ) -> Response:
        try:
            return self._response(self.declared.answer(self._exchange(request, caller, body)))
        except BrokerError as error:
            return self._refused(error, caller)
        except CustodianError:
            return self._problem(CustodianDown())
        except Exception as error:  # noqa: BLE001 (the last line of defence: nothing inner may leave)
            return self._failed(error)

    def _exchange(
        self, request: Request, caller: Service | PersonAuthenticated | None, body: bytes
    ) -> Exchange[Any]:
        endpoint = self.declared
        key = _idempotency_key(request, endpoint)
        path = checked_path(request.path_params)
        return Exchange(
            front=self._front,
            ports=self._front.ports,
            caller=caller,
            body=_parsed(body, endpoint),
            query=_query(request.scope["query_string"], endpoint.query),
            path=path,
            headers=request.headers,
            language=language(request.headers.get("accept-language", "")),
            key=key,
            body_sha256=fingerprint(request, body),
        )

    def _response(self, answer: BaseModel | Reply) -> Response:
        cache = {"Cache-Control": self.declared.cache}
        if isinstance(answer, Reply):
            return Response(
                answer.content,
                status_code=answer.status or self.declared.status,
                media_type=answer.media_type,
                headers=cache | dict(answer.headers),
            )
        return Response(
            answer.model_dump_json().encode(),
            status_code=self.declared.status,
            media_type="application/json",
            headers=cache,
        )

    def _refused(
        self, error: BrokerError, caller: Service | PersonAuthenticated | None
    ) -> Response:
        """Tell of the error, once it is in the log: a refusal that cannot be recorded is a 503 instead."""
        told = error
        if (
            isinstance(caller, Service)
            and isinstance(error, Refused)
            and not isinstance(error, _LOGGED_ELSEWHERE)
        ):
            route = self.declared.route
            try:
                refusals.record(caller.unit, route=route, code=error.code, ports=self._front.ports)
            except Unavailable as down:
                told = down
        return self._problem(told)

    def _problem(self, error: BrokerError) -> Response:
        return problem(error, oauth=self.declared.path == "/oauth/token")

    def _failed(self, error: Exception) -> Response:
        log_failure(error, self.declared.route)
        return self._problem(Failure())


def log_failure(error: BaseException, route: str) -> None:
    """Say where the broker failed. Never the error's own text: it can repeat what was sent."""
    frames = traceback.extract_tb(error.__traceback__)
    where = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames[-6:]))
    _log.error("%s failed: %s at %s", route, type(error).__name__, where)


def language(accepted: str) -> Language:
    """The first language of an Accept-Language header that the broker speaks; Bokmål when none is."""
    for part in accepted[:200].split(","):
        tag = part.partition(";")[0].strip().lower().partition("-")[0]
        if tag in _LANGUAGES:
            return _LANGUAGES[tag]
    return "nb"


def _bearer(request: Request) -> str:
    given = request.headers.getlist("authorization")
    if not given:
        raise TokenMissing
    scheme, _, token = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer" or not token.isascii() or not token.strip():
        raise TokenInvalid
    return token.strip()


def _idempotency_key(request: Request, endpoint: Endpoint) -> str:
    """The call's key; empty where the endpoint takes none, or where it is optional and was not sent."""
    given = request.headers.getlist("idempotency-key")
    if not endpoint.idempotent or (endpoint.key_optional and not given):
        return ""
    if not given:
        raise IdempotencyKeyMissing
    if len(given) > 1 or not _IDEMPOTENCY_KEY.fullmatch(given[0]):
        raise IdempotencyKeyMalformed("8 to 128 letters, digits or ._:-")
    return given[0]


def checked_path(given: Mapping[str, Any]) -> Mapping[str, str]:
    """What stands in the places of a path, each within its bound. Raises ``NoSuchResource``."""
    for name, value in given.items():
        try:
            PATH_TYPES[name].validate_python(value)
        except ValidationError:
            raise NoSuchResource from None
    return given


def _parsed(body: bytes, endpoint: Endpoint) -> BaseModel:
    if endpoint.form:
        return _form(body, endpoint.takes)
    if endpoint.takes is Nothing and not body:
        return Nothing()
    return strict_json.parse(body, endpoint.takes)


def _query(raw: bytes, model: type[BaseModel]) -> BaseModel:
    if not raw and model is Nothing:
        return Nothing()
    try:
        return from_pairs(raw, model, MAX_QUERY_PARAMETERS)
    except ValueError:
        raise QueryInvalid from None


def _form(raw: bytes, model: type[BaseModel]) -> BaseModel:
    try:
        return from_pairs(raw, model, MAX_FORM_PARAMETERS)
    except ValueError:
        raise FormMalformed from None


def from_pairs(raw: bytes, model: type[BaseModel], most: int) -> BaseModel:
    """A query or a form of at most so many members, none twice. Raises ``ValueError``."""
    text = raw.decode("ascii")
    pairs = (
        parse_qsl(
            text,
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=most,
        )
        if text
        else []
    )
    given = dict(pairs)
    if len(given) != len(pairs):
        raise ValueError("a parameter stands twice")
    return model.model_validate_strings(given)


def fingerprint(request: Request, body: bytes) -> bytes:
    """What makes a repeated call the same call: method, path and body."""
    head = f"{request.method} {request.scope['path']}\n".encode()
    return hashlib.sha256(head + body).digest()
