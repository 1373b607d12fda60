"""The custodian's own process, seen from a broker: strict messages in, typed answers or errors out.

An ASGI application without a framework: a dozen calls, each a POST of bounded JSON, answered in a
bounded number of threads. Who may connect at all is ``keys.serving``'s matter.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pydantic import BaseModel

from keys import messages
from keys.custodian import Custodian
from keys.errors import CustodianError, ReleaseRateExceeded
from keys.messages import MAX_BODY_BYTES, Failure
from keys.warrants import Warrant
from tillit import contents
from tillit.jose import b64u, strict_json, unb64u

THREADS = 4
MAX_WAITING = 256
BODY_SECONDS = 10.0

_OK, _BAD_REQUEST, _NOT_FOUND, _TOO_LARGE, _REFUSED, _FAILED, _BUSY = (
    200, 400, 404, 413, 422, 500, 503,
)  # fmt: skip

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

_log = logging.getLogger("tillit.custodian")


class _Unfit(Exception):
    """A request that is none: with which status and code to say so."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


def _public_jwk(custodian: Custodian, _: messages.Nothing) -> BaseModel:
    return messages.PublicKey(jwk=custodian.public_jwk())


def _admit(custodian: Custodian, given: messages.Admission) -> BaseModel:
    wrapped = custodian.admit(
        subject=given.subject,
        key=given.key,
        wrapped=given.wrapped,
        manifest_hash=unb64u(given.manifest_hash),
    )
    return messages.Admitted(wrapped=wrapped)


def _release(custodian: Custodian, given: messages.Release) -> BaseModel:
    released = custodian.release(
        subject=given.subject,
        wrapped=given.wrapped,
        recipient_jwk=given.recipient_jwk,
        kid=given.kid,
        warrant=Warrant(given.receipt, given.manifest.encode()),
    )
    return messages.Released(key=released.key, wrapped=dict(released.wrapped))


def _shred(custodian: Custodian, given: messages.Subject) -> BaseModel:
    custodian.shred(subject=given.subject)
    return messages.Nothing()


def _shred_certificate(custodian: Custodian, given: messages.Subject) -> BaseModel:
    return messages.Certificate(token=custodian.shred_certificate(subject=given.subject))


def _renew(custodian: Custodian, given: messages.Subject) -> BaseModel:
    custodian.renew(subject=given.subject)
    return messages.Nothing()


def _rewrap(custodian: Custodian, given: messages.Rewrapping) -> BaseModel:
    return messages.Admitted(wrapped=custodian.rewrap(subject=given.subject, wrapped=given.wrapped))


def _retire(custodian: Custodian, given: messages.Subject) -> BaseModel:
    custodian.retire(subject=given.subject)
    return messages.Nothing()


def _log_subject_key(custodian: Custodian, given: messages.Subject) -> BaseModel:
    return messages.PublicKey(jwk=custodian.log_subject_key(subject=given.subject))


def _log_epoch_key(custodian: Custodian, given: messages.Epoch) -> BaseModel:
    return messages.PublicKey(jwk=custodian.log_epoch_key(epoch=given.epoch))


def _end_log_epoch(custodian: Custodian, given: messages.Epoch) -> BaseModel:
    custodian.end_log_epoch(epoch=given.epoch)
    return messages.Nothing()


def _open_log_volumes(custodian: Custodian, given: messages.Volumes) -> BaseModel:
    volumes = [contents.Volume(v.id, v.subject, unb64u(v.sealed)) for v in given.volumes]
    opened = custodian.open_log_volumes(volumes=volumes)
    keys = {identity: b64u(key) for identity, key in opened.keys.items()}
    return messages.OpenedVolumes(keys=keys, gone=dict(opened.gone))


CALLS: Mapping[str, tuple[type[BaseModel], Callable[[Custodian, Any], BaseModel]]] = {
    "/public_jwk": (messages.Nothing, _public_jwk),
    "/admit": (messages.Admission, _admit),
    "/release": (messages.Release, _release),
    "/shred": (messages.Subject, _shred),
    "/shred_certificate": (messages.Subject, _shred_certificate),
    "/renew": (messages.Subject, _renew),
    "/rewrap": (messages.Rewrapping, _rewrap),
    "/retire": (messages.Subject, _retire),
    "/log_subject_key": (messages.Subject, _log_subject_key),
    "/log_epoch_key": (messages.Epoch, _log_epoch_key),
    "/end_log_epoch": (messages.Epoch, _end_log_epoch),
    "/open_log_volumes": (messages.Volumes, _open_log_volumes),
}
"""Every call there is, by its path."""


class Application:
    """The calls of one custodian, as an ASGI application."""

    def __init__(
        self,
        custodian: Custodian,
        *,
        waiting: int = MAX_WAITING,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        """At most ``waiting`` requests wait for a thread; a body arrives within so many seconds."""
        self._custodian = custodian
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="tillit-custodian")
        self._room = THREADS + waiting
        self._body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            status, answer = await self._answered(scope, receive)
        except _Unfit as unfit:
            status, answer = unfit.status, Failure(code=unfit.code)
        body = answer.model_dump_json().encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def close(self) -> None:
        """Let what runs finish, take no more."""
        self._threads.shutdown(wait=True)

    async def _answered(self, scope: Scope, receive: Receive) -> tuple[int, BaseModel]:
        path = scope["path"] if scope["type"] == "http" and scope["method"] == "POST" else ""
        if path not in CALLS:
            raise _Unfit(_NOT_FOUND, "message.unknown")
        try:
            body = await asyncio.wait_for(_body(receive), self._body_seconds)
        except TimeoutError:
            raise _Unfit(_BAD_REQUEST, "message.too_slow") from None
        if self._room <= 0:
            raise _Unfit(_BUSY, "custodian.busy")
        self._room -= 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._called, path, body)
        finally:
            self._room += 1

    def _called(self, path: str, body: bytes) -> tuple[int, BaseModel]:
        model, act = CALLS[path]
        try:
            given = model.model_validate(strict_json(body))
        except ValueError:
            return _BAD_REQUEST, Failure(code="message.malformed")
        try:
            return _OK, act(self._custodian, given)
        except CustodianError as error:
            wait = error.retry_after if isinstance(error, ReleaseRateExceeded) else None
            return _REFUSED, Failure(code=error.code, detail=error.detail, retry_after=wait)
        except Exception as error:  # noqa: BLE001 (the last line of defence: nothing inner may leave)
            _log.error("%s failed: %s", path, type(error).__name__)
            return _FAILED, Failure(code="custodian.failure")


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise _Unfit(_BAD_REQUEST, "message.cut_off")
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise _Unfit(_TOO_LARGE, "message.too_large")
        if not message.get("more_body"):
            return bytes(body)
