"""``python -m broker.demo.provider``: an identity provider of invented people, which speaks OpenID Connect as ID-porten does.

Whoever comes to log in chooses who to be: it is for demonstrations and tests, and says so. Code flow with PKCE (RFC 7636),
``private_key_jwt``, one client. Its key is made when it starts and dies with it.
"""

import argparse
import hashlib
import hmac
import json
import secrets
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import jwt
import uvicorn
from joserfc import jwt as jose
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tillit.jose import b64u

CODE_SECONDS = 60
TOKEN_SECONDS = 120
MAX_FORM_BYTES = 16 * 1024
_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

Claims = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Somebody:
    """An invented person to be. ``spoken``: language → name and about in it; in English where there is none.

    Of who has ``work``, it is told instead of the number: ``orgno`` and ``roles``.
    """

    national_id: str = field(repr=False)
    name: str
    about: str
    work: Mapping[str, Any] = field(default_factory=dict)
    spoken: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def claims(self) -> dict[str, Any]:
        """Who it is, as the provider's tokens say it."""
        sub = {"sub": b64u(hashlib.sha256(self.national_id.encode()).digest())}
        return sub | (dict(self.work) if self.work else {"pid": self.national_id})


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A code that was given out, and what its exchange is held against."""

    chosen: Somebody
    asked: Mapping[str, str]
    until: float


class DemoProvider:
    """The provider. ``claims`` changes what its tokens say, so that tests can have it lie."""

    def __init__(
        self,
        issuer: str,
        people: Sequence[Somebody],
        *,
        client: str,
        client_jwk: Mapping[str, Any],
        claims: Claims = lambda claims: claims,
    ) -> None:
        self.issuer = issuer
        self._people = people
        self._client = client
        self._client_jwk = jwt.PyJWK(dict(client_jwk), "ES256")
        self._claims = claims
        self._key = ECKey.generate_key("P-256", auto_kid=True)
        self._waiting: dict[str, _Waiting] = {}

    def application(self) -> Starlette:
        """The provider as an ASGI application."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._configuration),
                Route("/jwks", self._jwks),
                Route("/authorize", self._choose, methods=["GET"]),
                Route("/authorize", self._chosen, methods=["POST"]),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    async def _configuration(self, _: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            }
        )

    async def _jwks(self, _: Request) -> Response:
        return JSONResponse({"keys": [self._key.as_dict(private=False)]})

    async def _choose(self, request: Request) -> Response:
        asked = dict(request.query_params)
        language = asked.get("ui_locales", "")
        if wrong := self._wrong(asked):
            return HTMLResponse(_page(f"<p>{escape(wrong)}</p>"), 400)
        hidden = "".join(
            f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
            for name, value in asked.items()
        )
        said = [one.spoken.get(language, (one.name, one.about)) for one in self._people]
        people = "".join(
            f'<li><button name="somebody" value="{number}"><strong>{escape(name)}</strong>'
            f"<span>{escape(about)}</span></button></li>"
            for number, (name, about) in enumerate(said)
        )
        form = f'<form method="post" action="/authorize">{hidden}<ul>{people}</ul></form>'
        return HTMLResponse(_page(form, language))

    async def _chosen(self, request: Request) -> Response:
        asked = await _form(request)
        number = asked.pop("somebody", "")
        if wrong := self._wrong(asked):
            return HTMLResponse(_page(f"<p>{escape(wrong)}</p>"), 400)
        if not number.isdecimal() or int(number) >= len(self._people):
            return HTMLResponse(_page("<p>There is nobody by that number.</p>"), 400)
        code = secrets.token_urlsafe(32)
        chosen = self._people[int(number)]
        self._waiting[code] = _Waiting(chosen, asked, time.time() + CODE_SECONDS)
        answer = {"code": code, "state": asked["state"], "iss": self.issuer}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(answer)}", 303)

    async def _token(self, request: Request) -> Response:
        form = await _form(request)
        waiting = self._waiting.pop(form.get("code", ""), None)
        if (
            waiting is None
            or waiting.until < time.time()
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != waiting.asked["redirect_uri"]
            or not _proven(form.get("code_verifier", ""), waiting.asked["code_challenge"])
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        if not self._is_client(form):
            return JSONResponse({"error": "invalid_client"}, 401)
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": self._client,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "auth_time": now,
            "nonce": waiting.asked["nonce"],
            "acr": "idporten-loa-substantial",
        } | waiting.chosen.claims
        header = {"alg": "ES256", "kid": self._key.kid}
        token = jose.encode(header, self._claims(claims), self._key)
        return JSONResponse(
            {
                "access_token": secrets.token_urlsafe(32),
                "token_type": "Bearer",
                "expires_in": TOKEN_SECONDS,
                "id_token": token,
            },
            headers={"Cache-Control": "no-store"},
        )

    def _wrong(self, asked: Mapping[str, str]) -> str:
        """What is wrong with a request for a login; empty when nothing is."""
        if asked.get("client_id") != self._client:
            return "An unknown client asked for a login."
        missing = [
            name
            for name in ("redirect_uri", "state", "nonce", "code_challenge")
            if not asked.get(name)
        ]
        if asked.get("response_type") != "code" or asked.get("code_challenge_method") != "S256":
            return "This provider speaks the code flow with PKCE only."
        return f"The request lacks {', '.join(missing)}." if missing else ""

    def _is_client(self, form: Mapping[str, str]) -> bool:
        try:
            claims = jwt.decode(
                form.get("client_assertion", ""),
                self._client_jwk,
                algorithms=["ES256"],
                audience=self.issuer,
                issuer=self._client,
                options={"require": ["exp", "iat", "jti", "sub"]},
            )
        except jwt.PyJWTError:
            return False
        return form.get("client_assertion_type") == _BEARER and claims["sub"] == self._client


def _proven(verifier: str, challenge: str) -> bool:
    made = b64u(hashlib.sha256(verifier.encode()).digest())
    return hmac.compare_digest(made.encode(), challenge.encode())


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_FORM_BYTES:
            return {}
    given = parse_qs(body.decode("ascii", "replace"), keep_blank_values=True)
    return {name: values[0] for name, values in given.items()}


_SAID: Mapping[str, tuple[str, str]] = {
    "nb": (
        "Demo: velg hvem du vil være",
        "Ikke ID-porten. Alle her er oppdiktet, og alle kan være hvem som helst.",
    ),
    "nn": (
        "Demo: vel kven du vil vere",
        "Ikkje ID-porten. Alle her er oppdikta, og alle kan vere kven som helst.",
    ),
    "en": (
        "Demo: choose who to be",
        "Not ID-porten. Everybody here is invented, and anybody may be anybody.",
    ),
}


def _page(content: str, language: str = "en") -> str:
    spoken = language if language in _SAID else "en"
    title, warning = _SAID[spoken]
    return (
        f'<!doctype html><html lang="{spoken}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>"
        "body{font:1rem/1.5 system-ui,sans-serif;margin:0 auto;max-width:34rem;padding:1rem;"
        "background:#fdf1d7;color:#1d2b2f}"
        "ul{list-style:none;padding:0}li{margin:.5rem 0}"
        "button{width:100%;min-height:48px;text-align:left;font:inherit;background:#fff;"
        "color:inherit;border:2px solid #8a5a00;border-radius:12px;padding:.6rem 1rem;cursor:pointer}"
        "span{display:block}"
        f"</style><main><h1>{title}</h1><p>{warning}</p>{content}</main></html>"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m broker.demo.provider", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--client", required=True, help="the one client's id")
    parser.add_argument("--client-jwk", type=Path, required=True, help="its public key")
    parser.add_argument("--people", type=Path, required=True, help="who there is to be, as JSON")
    given = parser.parse_args(arguments)
    people = [Somebody(**one) for one in json.loads(given.people.read_text(encoding="utf-8"))]
    provider = DemoProvider(
        f"http://127.0.0.1:{given.port}",
        people,
        client=given.client,
        client_jwk=json.loads(given.client_jwk.read_text(encoding="utf-8")),
    )
    uvicorn.run(
        provider.application(),
        host="127.0.0.1",
        port=given.port,
        log_level="warning",
        access_log=False,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
