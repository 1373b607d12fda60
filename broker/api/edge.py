"""The outermost layer, pure ASGI: a log line and a count per request, security headers, no defect's text on the way out.

An X-Request-ID that a caller sends comes back with the answer, and stands nowhere else.

A log line holds the method, the route's template, the status, the time it took and the calling unit; never a path, a query, an
address or a person.
"""

import json
import logging
import re
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from broker.api.door import log_failure
from broker.api.errors import Failure
from broker.api.metrics import Metrics
from broker.api.problems import problem

access_log = logging.getLogger("tillit.access")

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_HSTS = (b"strict-transport-security", b"max-age=63072000")


class Edge:
    """Wraps the application. ``https`` says that the broker's public address is, so that browsers keep to it."""

    def __init__(self, app: ASGIApp, *, https: bool, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        self._headers = (*_HEADERS, _HSTS) if https else _HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; everything else passes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message.setdefault("headers", [])
                said = {name for name, _ in headers}
                headers.extend(header for header in self._headers if header[0] not in said)
                headers.extend(_request_id(scope))
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:  # noqa: BLE001 (nothing inner may leave; it is logged without its text)
            log_failure(error, _template(scope))
            if status == 0:
                await problem(Failure())(scope, receive, sending)
        finally:
            self._tell(scope, status, time.perf_counter() - began)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in {"GET", "POST"} else "other"
        route = _template(scope)
        self._metrics.observe(method=method, route=route, status=status, seconds=seconds)
        if access_log.isEnabledFor(logging.INFO):
            _write(scope, method, route, status, seconds)


def _write(scope: Scope, method: str, route: str, status: int, seconds: float) -> None:
    line = {
        "method": method,
        "route": route,
        "status": status,
        "ms": round(seconds * 1000, 1),
        "unit": scope.get("tillit.unit"),
    }
    access_log.info("%s", json.dumps(line))


def _request_id(scope: Scope) -> list[tuple[bytes, bytes]]:
    """The caller's own name for the request, to be repeated; none unless it sent exactly one, and a plain one."""
    sent = [value for name, value in scope["headers"] if name == b"x-request-id"]
    return [(b"x-request-id", sent[0])] if len(sent) == 1 and _REQUEST_ID.fullmatch(sent[0]) else []


def _template(scope: Scope) -> str:
    route = scope.get("route")
    return str(getattr(route, "path", "unknown"))
