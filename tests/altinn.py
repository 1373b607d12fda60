"""Altinn's notifications and Maskinporten for tests: servers on loopback that speak what both document.

Recorded from documentation, not from the services: docs.digdir.no (JWT grant, token endpoint) and docs.altinn.studio
(notifications, ``future/orders``; authentication, exchange of a Maskinporten token), read in November 2026.
"""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from broker.channels.altinn import SCOPE, ContactRegister, Platform, TextMessages
from broker.channels.maskinporten import Maskinporten
from broker.compose import now
from tests.integration.world import served
from tests.processes import free_port

CLIENT = "tillit-larvik"
_CLAIMS = {"aud", "iss", "iat", "exp", "jti", "scope"}
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass
class Office:
    """What the two hold: orders by idempotency id, tokens given, and who has no way to be reached."""

    key: ECKey | RSAKey
    issuer: str = ""
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    posted: int = 0
    given: int = 0
    unreachable: set[str] = field(default_factory=set)
    answer: Callable[[], Response | None] = lambda: None
    used: set[str] = field(default_factory=set)
    open: set[str] = field(default_factory=set)

    def token(self, form: dict[str, str]) -> Response:
        """Maskinporten's word on a grant."""
        if form.get("grant_type") != GRANT:
            return _wrong("unsupported_grant_type")
        try:
            read = jwt.decode(form["assertion"], self.key, algorithms=["RS256", "ES256"])
        except (JoseError, KeyError, ValueError):
            return _wrong("invalid_grant")
        claims = read.claims
        fits = (
            set(claims) <= _CLAIMS
            and (claims["aud"], claims["iss"], claims["scope"]) == (self.issuer, CLIENT, SCOPE)
            and abs(claims["iat"] - time.time()) <= 10
            and claims["exp"] - claims["iat"] <= 120
            and claims["jti"] not in self.used
            and read.header.get("kid") == self.key.kid
        )
        if not fits:
            return _wrong("invalid_grant")
        self.used.add(claims["jti"])
        self.given += 1
        made = f"maskinporten-{secrets.token_hex(8)}"
        self.open.add(made)
        return _json(
            {"access_token": made, "token_type": "Bearer", "expires_in": 119, "scope": SCOPE}
        )

    def exchange(self, bearer: str) -> Response:
        """Altinn's token for one of Maskinporten's."""
        if bearer not in self.open:
            return Response(status_code=401)
        made = f"altinn-{secrets.token_hex(8)}"
        self.open.add(made)
        return Response(f'"{made}"', media_type="application/json")

    def order(self, bearer: str, body: dict[str, Any]) -> Response:
        """An order of a message."""
        self.posted += 1
        if (said := self.answer()) is not None:
            return said
        if bearer not in self.open or not bearer.startswith("altinn-"):
            return Response(status_code=401)
        recipient = body["recipient"]
        (kind,) = recipient
        number = recipient[kind].get("nationalIdentityNumber") or recipient[kind]["phoneNumber"]
        if number in self.unreachable:
            problem = {"status": 422, "code": "NOT-00001"}
            return _json(problem, 422)
        known = body["idempotencyId"] in self.orders
        self.orders.setdefault(body["idempotencyId"], body)
        return _json({"notificationOrderId": secrets.token_hex(8)}, 200 if known else 201)


@dataclass
class Desk:
    """A running office, and the channels that lead there."""

    office: Office
    key_file: Path
    maskinporten: Maskinporten
    platform: Platform

    @property
    def sms(self) -> TextMessages:
        """Text messages."""
        return TextMessages(self.platform)

    @property
    def register(self) -> ContactRegister:
        """The public contact register."""
        return ContactRegister(self.platform)


@contextmanager
def desk(directory: Path, key: ECKey | RSAKey | None = None) -> Iterator[Desk]:
    """Both services behind one address."""
    key = key or RSAKey.generate_key(2048, auto_kid=True)
    office = Office(key)
    file = directory / "maskinporten.jwk"
    file.write_text(json.dumps(key.as_dict(private=True)))
    port = free_port()
    office.issuer = f"http://127.0.0.1:{port}/"
    with served(_application(office), port) as url:
        tokens = Maskinporten(office.issuer, CLIENT, file, now)
        yield Desk(office, file, tokens, Platform(url, maskinporten=tokens, clock=now))


def _application(office: Office) -> FastAPI:
    app = FastAPI()

    @app.post("/token")
    async def token(request: Request) -> Response:
        form = await request.body()
        pairs = (pair.partition("=") for pair in form.decode().split("&"))
        return office.token({n: v.replace("%3A", ":") for n, _, v in pairs})

    @app.get("/authentication/api/v1/exchange/maskinporten")
    def exchange(request: Request) -> Response:
        return office.exchange(_bearer(request))

    @app.post("/notifications/api/v1/future/orders")
    async def order(request: Request) -> Response:
        return office.order(_bearer(request), await request.json())

    return app


def _bearer(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ")


def _json(body: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(body), status, media_type="application/json")


def _wrong(code: str) -> Response:
    return _json({"error": code}, 400)
