"""A hostile identity provider: it says whatever a test has it say, and slowly."""

import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from broker.domain.sessions import Login
from broker.portal.oidc import Provider
from tests.integration.world import EMIL

CLIENT = "tillit-portal"
CLIENT_KEY = ECKey.generate_key("P-256", auto_kid=True)
KEY = ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True)
LOGIN = Login("state", "nonce", "verifier", "/", "nb", datetime(2100, 1, 1, tzinfo=UTC))
PUBLIC = json.dumps(KEY.as_dict(private=False))
Say = Callable[[], Response]


class Hostile:
    """A provider that says whatever a test has it say."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.says: dict[str, Say] = {}
        self.asked: list[str] = []
        self.keys: list[Any] = [KEY]

    def application(self) -> Starlette:
        """The provider as an ASGI application."""
        return Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "POST"])])

    def described(self, **changes: object) -> dict[str, object]:
        """What a sound one says of itself, but for the changes."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
        } | changes

    def token(self, key: Any = KEY, alg: str = "ES256", **claims: object) -> str:
        """A token that is sound but for the key, the algorithm or the claims."""
        now = int(time.time())
        sound = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "somebody",
            "iat": now,
            "exp": now + 60,
            "nonce": LOGIN.nonce,
            "acr": "idporten-loa-high",
            "pid": EMIL,
        }
        return jwt.encode({"alg": alg, "kid": KEY.kid}, sound | claims, key, algorithms=[alg])

    async def _answer(self, request: Request) -> Response:
        path = request.path_params["path"].rpartition("/")[2]
        self.asked.append(path)
        if path in self.says:
            return self.says[path]()
        sound: dict[str, object] = {
            "openid-configuration": self.described(),
            "jwks": {"keys": [key.as_dict(private=False) for key in self.keys]},
            "token": {"id_token": self.token()},
        }
        return JSONResponse(sound[path])


def provider(hostile: Hostile, directory: Path, **changes: Any) -> Provider:
    """The portal as the client of a provider."""
    given: dict[str, Any] = {
        "client_id": CLIENT,
        "key_file": directory / "client.jwk",
        "redirect_uri": "https://tillit.test/login/answer",
        "clock": lambda: datetime.now(UTC),
    }
    return Provider(hostile.issuer, **(given | changes))


def slowly(seconds: float) -> Say:
    """An answer that comes a byte at a time, and never ends."""

    async def bytes_of() -> AsyncIterator[bytes]:
        for _ in range(int(seconds / 0.2)):
            yield b" "
            await anyio.sleep(0.2)
        yield b"{}"

    return lambda: StreamingResponse(bytes_of(), media_type="application/json")
