"""Submissions: one checkpoint to one witness over HTTP (C2SP tlog-witness, ``add-checkpoint``)."""

import base64
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

TIMEOUT = httpx.Timeout(5, connect=3)
DEADLINE = 10.0
"""Seconds for a whole answer, however busily it trickles in."""

MAX_ANSWER_BYTES = 64 * 1024

_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n")


class SubmissionFailed(Exception):
    """The witness did not answer, or not with what it should. ``grave``: it says that the log does not add up."""

    def __init__(self, reason: str, *, grave: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.grave = grave


@dataclass(frozen=True, slots=True)
class Cosigned:
    """What it answered instead of an error: signature lines, not checked yet."""

    lines: str


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """It has another tree size than the one submitted on: this one."""

    size: int


def submit(
    client: httpx.Client,
    prefix: str,
    *,
    old: int,
    path: Sequence[bytes],
    checkpoint: str,
    deadline: float = DEADLINE,
) -> Cosigned | Elsewhere:
    """Ask a witness to cosign a checkpoint that continues its tree of ``old`` leaves by the proof ``path``.

    Raises ``SubmissionFailed`` for everything that is not an answer to go on with.
    """
    hashes = "".join(f"{base64.b64encode(each).decode()}\n" for each in path)
    try:
        text = f"old {old}\n{hashes}\n{checkpoint}"
        status, body = _post(client, f"{prefix}/add-checkpoint", text, deadline)
    except httpx.HTTPError as wrong:
        raise SubmissionFailed(type(wrong).__name__) from wrong
    match status:
        case httpx.codes.OK:
            try:
                return Cosigned(body.decode())
            except UnicodeError as wrong:
                raise SubmissionFailed("its answer is not text") from wrong
        case httpx.codes.CONFLICT:
            return Elsewhere(_other_size(body, old))
        case httpx.codes.UNPROCESSABLE_ENTITY:
            raise SubmissionFailed("it does not accept the consistency proof", grave=True)
        case httpx.codes.NOT_FOUND:
            raise SubmissionFailed("it does not know this log")
        case httpx.codes.FORBIDDEN:
            raise SubmissionFailed("it does not know this log's key")
        case _:
            raise SubmissionFailed(f"HTTP {status}")


def _other_size(body: bytes, old: int) -> int:
    match = _SIZE.fullmatch(body)
    if match is None:
        raise SubmissionFailed("a conflict that names no size")
    size = int(match[1])
    if size == old:
        raise SubmissionFailed("it has seen another tree of the same size", grave=True)
    return size


def _post(client: httpx.Client, url: str, text: str, deadline: float) -> tuple[int, bytes]:
    until = time.monotonic() + deadline
    body = bytearray()
    with client.stream("POST", url, content=text.encode(), timeout=TIMEOUT) as answer:
        for chunk in answer.iter_bytes():
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise SubmissionFailed("its answer is too large")
            if time.monotonic() > until:
                raise SubmissionFailed("its answer does not end")
        return answer.status_code, bytes(body)
