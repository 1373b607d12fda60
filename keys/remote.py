"""The custodian in its own process, as a broker calls it: the same port, the same errors.

Over a unix socket, or over TCP with TLS where each side shows a certificate. What cannot be
understood is no answer: nothing is taken for granted of the other side.
"""

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import httpx
from pydantic import BaseModel

from keys import messages
from keys.custodian import Released
from keys.errors import CustodianError, CustodianUnreachable, ReleaseRateExceeded
from keys.logkeys import OpenedVolumes
from keys.messages import MAX_ANSWER_BYTES, Failure
from keys.warrants import Warrant
from tillit.contents import Volume
from tillit.jose import b64u, strict_json, unb64u
from tillit.wire import SealedKey

CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 5.0
_LIMITS = httpx.Limits(max_connections=64, max_keepalive_connections=16, keepalive_expiry=30)

Answer = TypeVar("Answer", bound=BaseModel)


class RemoteCustodian:
    """A custodian that listens elsewhere. Threads share it; every call is bounded in time.

    Besides the port's errors every call may raise ``CustodianUnreachable``: it is not known then
    whether the call was carried out, and it may be repeated.
    """

    def __init__(self, address: str, *, tls: ssl.SSLContext | None = None) -> None:
        """``address``: the path of a unix socket, or ``https://host:port``. Nothing is sent yet."""
        secure = address.startswith("https://")
        if secure is (tls is None):
            raise ValueError("TLS goes with an https address, and with no other")
        transport = (
            httpx.HTTPTransport(verify=tls, limits=_LIMITS)
            if tls
            else httpx.HTTPTransport(uds=str(Path(address)), limits=_LIMITS)
        )
        self._client = httpx.Client(
            base_url=address if secure else "http://custodian",
            transport=transport,
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            trust_env=False,
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def public_jwk(self) -> dict[str, Any]:
        """See ``keys.custodian.Custodian.public_jwk``."""
        return self._call("public_jwk", messages.Nothing(), messages.PublicKey).jwk

    def admit(
        self, *, subject: str, key: SealedKey, wrapped: Mapping[str, str], manifest_hash: bytes
    ) -> dict[str, str]:
        """See ``keys.custodian.Custodian.admit``."""
        given = messages.Admission.model_construct(
            subject=subject, key=key, wrapped=dict(wrapped), manifest_hash=b64u(manifest_hash)
        )
        return self._call("admit", given, messages.Admitted).wrapped

    def release(
        self,
        *,
        subject: str,
        wrapped: Mapping[str, str],
        recipient_jwk: Mapping[str, Any],
        kid: str,
        warrant: Warrant,
    ) -> Released:
        """See ``keys.custodian.Custodian.release``."""
        given = messages.Release.model_construct(
            subject=subject,
            wrapped=dict(wrapped),
            recipient_jwk=dict(recipient_jwk),
            kid=kid,
            receipt=warrant.receipt,
            manifest=warrant.manifest.decode("utf-8", "replace"),
        )
        answer = self._call("release", given, messages.Released)
        return Released(key=answer.key, wrapped=answer.wrapped)

    def shred(self, *, subject: str) -> None:
        """See ``keys.custodian.Custodian.shred``."""
        self._call("shred", _subject(subject), messages.Nothing)

    def shred_certificate(self, *, subject: str) -> str:
        """See ``keys.custodian.Custodian.shred_certificate``."""
        return self._call("shred_certificate", _subject(subject), messages.Certificate).token

    def renew(self, *, subject: str) -> None:
        """See ``keys.custodian.Custodian.renew``."""
        self._call("renew", _subject(subject), messages.Nothing)

    def rewrap(self, *, subject: str, wrapped: Mapping[str, str]) -> dict[str, str]:
        """See ``keys.custodian.Custodian.rewrap``."""
        given = messages.Rewrapping.model_construct(subject=subject, wrapped=dict(wrapped))
        return self._call("rewrap", given, messages.Admitted).wrapped

    def retire(self, *, subject: str) -> None:
        """See ``keys.custodian.Custodian.retire``."""
        self._call("retire", _subject(subject), messages.Nothing)

    def log_subject_key(self, *, subject: str) -> dict[str, Any]:
        """See ``keys.custodian.Custodian.log_subject_key``."""
        return self._call("log_subject_key", _subject(subject), messages.PublicKey).jwk

    def log_epoch_key(self, *, epoch: str) -> dict[str, Any]:
        """See ``keys.custodian.Custodian.log_epoch_key``."""
        return self._call("log_epoch_key", _epoch(epoch), messages.PublicKey).jwk

    def end_log_epoch(self, *, epoch: str) -> None:
        """See ``keys.custodian.Custodian.end_log_epoch``."""
        self._call("end_log_epoch", _epoch(epoch), messages.Nothing)

    def open_log_volumes(self, *, volumes: Sequence[Volume]) -> OpenedVolumes:
        """See ``keys.custodian.Custodian.open_log_volumes``."""
        given = messages.Volumes.model_construct(
            volumes=tuple(
                messages.Volume.model_construct(id=v.id, subject=v.subject, sealed=b64u(v.sealed))
                for v in volumes
            )
        )
        answer = self._call("open_log_volumes", given, messages.OpenedVolumes)
        keys = {identity: unb64u(key, size=32) for identity, key in answer.keys.items()}
        return OpenedVolumes(keys, answer.gone)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a custodian is neither pickled nor copied")

    def _call(self, name: str, given: BaseModel, answers: type[Answer]) -> Answer:
        status, body = self._sent(name, given.model_dump_json().encode())
        try:
            if status == httpx.codes.OK:
                return answers.model_validate(strict_json(body))
            failure = Failure.model_validate(strict_json(body))
        except ValueError:
            raise CustodianUnreachable("the custodian gives no answer of its own") from None
        raise _error(failure)

    def _sent(self, name: str, body: bytes) -> tuple[int, bytes]:
        try:
            return self._once(name, body)
        except httpx.TimeoutException:
            pass
        except httpx.HTTPError:
            # A connection that was kept open has ended when the custodian started anew.
            with suppress(httpx.HTTPError):
                return self._once(name, body)
        raise CustodianUnreachable("the custodian's process does not answer")

    def _once(self, name: str, body: bytes) -> tuple[int, bytes]:
        headers = {"content-type": "application/json"}
        with self._client.stream("POST", f"/{name}", content=body, headers=headers) as response:
            answer = bytearray()
            for chunk in response.iter_raw():
                answer += chunk
                if len(answer) > MAX_ANSWER_BYTES:
                    raise CustodianUnreachable("the custodian's answer is too large")
            return response.status_code, bytes(answer)


def tls_context(
    *, certificate: Path, key: Path, authorities: Path, server: bool = False
) -> ssl.SSLContext:
    """TLS 1.3 with a certificate of one's own, and none believed that ``authorities`` did not sign.

    OSError (or its ``ssl.SSLError``): a file cannot be read or holds something else.
    """
    side = ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT
    context = ssl.SSLContext(side)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authorities)
    context.load_cert_chain(certificate, key)
    return context


def _subject(subject: str) -> messages.Subject:
    return messages.Subject.model_construct(subject=subject)


def _epoch(epoch: str) -> messages.Epoch:
    return messages.Epoch.model_construct(epoch=epoch)


def _error(failure: Failure) -> CustodianError:
    """The error of the port that the custodian tells of."""
    for kind in _kinds(CustodianError):
        if kind.code == failure.code:
            if kind is ReleaseRateExceeded:
                return ReleaseRateExceeded(failure.detail, retry_after=failure.retry_after or 1)
            return kind(failure.detail)
    return CustodianUnreachable(f"the custodian answers {failure.code[:64]}")


def _kinds(kind: type[CustodianError]) -> Iterator[type[CustodianError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _kinds(each)
