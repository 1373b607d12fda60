"""Bounds on a request before anything reads it: target, headers, body size and arrival time."""

import asyncio
from collections.abc import Mapping

from starlette.requests import ClientDisconnect, Request
from starlette.types import Scope

from broker.api.errors import (
    BodyMissing,
    BodyTooLarge,
    BodyTooSlow,
    ContentCoded,
    HeadersTooLarge,
    MediaTypeWrong,
    TargetTooLong,
)
from tillit.wire import MAX_BODY_BYTES

MAX_TARGET_BYTES = 2048
MAX_HEADERS = 64
MAX_HEADER_BYTES = 16 * 1024
BODY_SECONDS = 20.0
# A refused body is read to its end, unkept, up to this size: a peer that is still sending would otherwise see its connection
# reset instead of the problem that says why.
MAX_DRAINED_BYTES = 8 * MAX_BODY_BYTES


def check_head(scope: Scope) -> None:
    """Bound path, query and headers.

    Raises:
        TargetTooLong, HeadersTooLarge: they are longer than the broker reads.
    """
    if len(scope["raw_path"] or b"") + len(scope["query_string"]) > MAX_TARGET_BYTES:
        raise TargetTooLong
    headers = scope["headers"]
    if len(headers) > MAX_HEADERS:
        raise HeadersTooLarge
    if sum(len(name) + len(value) for name, value in headers) > MAX_HEADER_BYTES:
        raise HeadersTooLarge


def check_media_type(headers: Mapping[str, str], wanted: str) -> None:
    """Take one media type, uncompressed and in UTF-8.

    Raises:
        MediaTypeWrong, ContentCoded: the body is something else.
    """
    media_type, _, parameters = headers.get("content-type", "").partition(";")
    if media_type.strip().lower() != wanted:
        raise MediaTypeWrong(f"send {wanted}")
    if parameters.strip().lower().replace('"', "") not in {"", "charset=utf-8"}:
        raise MediaTypeWrong(f"send {wanted} in UTF-8")
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise ContentCoded


async def read_body(
    request: Request,
    *,
    required: bool = True,
    seconds: float = BODY_SECONDS,
    most: int = MAX_BODY_BYTES,
) -> bytes:
    """The whole body, at most 1 MiB unless more is said, however it is framed.

    Raises:
        BodyTooLarge, BodyTooSlow, BodyMissing: it is none the broker takes.
    """
    try:
        async with asyncio.timeout(seconds):
            body = await _collect(request, most)
    except TimeoutError as late:
        raise BodyTooSlow from late
    except ClientDisconnect as gone:
        raise BodyTooSlow("the connection closed before the body was whole") from gone
    if required and not body:
        raise BodyMissing
    return body


async def _collect(request: Request, most: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= most:
            chunks.append(chunk)
        elif size > MAX_DRAINED_BYTES:
            break
        else:
            chunks.clear()
    if size > most:
        raise BodyTooLarge
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
