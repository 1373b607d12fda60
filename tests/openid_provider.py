"""``python -m tests.openid_provider``: a provider that is not ours, for the portal to log in at.

It is idpyoidc's, with its own JOSE library (cryptojwt), set as ID-porten documents itself: code flow with PKCE S256,
``private_key_jwt`` for its issuer, and ``acr``, ``auth_time`` and ``pid`` in the ID token. Ours are its routes, the page that
asks for a name and a password, and the file that has a token say something else.
"""

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import anyio.to_thread
import uvicorn
from cryptojwt.jws.jws import JWS, factory
from idpyoidc.server import Server
from idpyoidc.server.configure import OPConfiguration
from idpyoidc.server.exception import (
    FailedAuthentication,
    OnlyForTestingWarning,
    UnAuthorizedClient,
)
from idpyoidc.server.template_handler import Jinja2TemplateHandler
from idpyoidc.server.token.id_token import IDToken
from idpyoidc.server.user_authn.user import UserPassJinja2, verify_signed_jwt
from jinja2 import DictLoader, Environment
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

LEVEL = "idporten-loa-substantial"
_ENDPOINTS = "idpyoidc.server.oidc"
_PAGE = """<!doctype html><title>Log in</title><form method="post" action="/{{ action }}">
<input type="hidden" name="token" value="{{ token }}">
<label>{{ user_label }} <input name="username"></label>
<label>{{ passwd_label }} <input name="password" type="password"></label>
<button>{{ submit_btn }}</button></form>"""


class ChangedIDToken(IDToken):  # type: ignore[misc] # the library has no types
    """ID tokens that say what a file has them say otherwise; null leaves a claim out. Signed by the same key as ever."""

    def sign_encrypt(self, *arguments: Any, **named: Any) -> str:
        """One token."""
        token: str = super().sign_encrypt(*arguments, **named)
        changes = json.loads(Path(self.kwargs["changes"]).read_text(encoding="utf-8"))
        if not changes:
            return token
        sound = factory(token).jwt
        claims = {
            name: value for name, value in (sound.payload() | changes).items() if value is not None
        }
        keys = self.upstream_get("attribute", "keyjar").get_signing_key(kid=sound.headers["kid"])
        changed: str = JWS(json.dumps(claims), alg=sound.headers["alg"]).sign_compact(keys)
        return changed


class Routes:
    """The routes, each of which hands over to the library's endpoint of that name."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._cookies = server.context.cookie_handler.name.values()

    def application(self) -> Starlette:
        """The provider as an ASGI application."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._at("provider_config")),
                Route("/jwks", self._jwks),
                Route("/authorization", self._at("authorization")),
                Route("/verify", self._verify, methods=["POST"]),
                Route("/token", self._at("token"), methods=["POST"]),
            ]
        )

    def _at(self, name: str) -> Callable[[Request], Any]:
        endpoint = self._server.get_endpoint(name)

        async def answer(request: Request) -> Response:
            sent = await _sent(request)
            return await anyio.to_thread.run_sync(self._answered, endpoint, request, sent)

        return answer

    def _answered(self, endpoint: Any, request: Request, sent: Mapping[str, str]) -> Response:
        cookies = [
            {"name": name, "value": value.strip('"')}
            for name, value in request.cookies.items()
            if name in self._cookies
        ]
        http = {"headers": dict(request.headers), "method": request.method, "cookie": cookies}
        try:
            parsed = endpoint.parse_request(dict(sent), http_info=http)
        except UnAuthorizedClient:
            return JSONResponse({"error": "invalid_client"}, 401)
        if "error" in parsed:
            return JSONResponse(parsed.to_dict(), 400)
        done = endpoint.process_request(parsed, http_info=http)
        if "http_response" in done:
            return HTMLResponse(done["http_response"])
        return self._response(endpoint, done, parsed)

    def _response(self, endpoint: Any, done: Any, parsed: Any) -> Response:
        if "error" in done:
            return JSONResponse(dict(done.items()), 400)
        said = endpoint.do_response(request=parsed, **done)
        response: Response
        if "return_uri" in done:
            response = RedirectResponse(said["response"], 303)
        else:
            response = Response(said["response"], media_type="application/json")
        for cookie in said.get("cookie", []):
            response.set_cookie(cookie["name"], cookie["value"], httponly=True, samesite="lax")
        return response

    async def _jwks(self, _: Request) -> Response:
        return JSONResponse(self._server.keyjar.export_jwks())

    async def _verify(self, request: Request) -> Response:
        """The name and the password are sent."""
        sent = await _sent(request)
        method = self._server.context.authn_broker.get_method_by_id("user")
        asked = verify_signed_jwt(sent["token"], self._server.keyjar)
        try:
            name = method.verify(username=sent["username"], password=sent["password"])
        except FailedAuthentication:
            return HTMLResponse("<!doctype html><title>No</title>", 401)
        endpoint = self._server.get_endpoint("authorization")
        parsed = endpoint.request_cls().from_urlencoded(asked["query"])
        session = endpoint.create_session(
            parsed, name, asked["authn_class_ref"], asked["iat"], method
        )
        done = endpoint.authz_part2(parsed, session)
        return self._response(endpoint, done, parsed)


async def _sent(request: Request) -> dict[str, str]:
    if request.method == "GET":
        return dict(request.query_params)
    return dict(parse_qsl((await request.body()).decode()))


def configured(given: argparse.Namespace, issuer: str) -> Server:
    """The library's provider, with the clients it has registered."""
    conf = {
        "issuer": issuer,
        "key_conf": {
            "key_defs": [
                {"type": "RSA", "use": ["sig"]},
                {"type": "EC", "crv": "P-256", "use": ["sig"]},
                {"type": "RSA", "use": ["enc"]},
            ],
            "uri_path": "jwks",
        },
        "cookie_handler": {
            "class": "idpyoidc.server.cookie_handler.CookieHandler",
            "kwargs": {
                "keys": {
                    "key_defs": [
                        {"type": "OCT", "use": ["enc"], "kid": "enc", "bytes": 32},
                        {"type": "OCT", "use": ["sig"], "kid": "sig", "bytes": 32},
                    ]
                }
            },
        },
        "endpoint": {
            "provider_config": {
                "path": ".well-known/openid-configuration",
                "class": f"{_ENDPOINTS}.provider_config.ProviderConfiguration",
                "kwargs": {},
            },
            "authorization": {
                "path": "authorization",
                "class": f"{_ENDPOINTS}.authorization.Authorization",
                "kwargs": {"response_types_supported": ["code"]},
            },
            "token": {
                "path": "token",
                "class": f"{_ENDPOINTS}.token.Token",
                "kwargs": {"client_authn_method": ["private_key_jwt"]},
            },
        },
        "add_on": {
            "pkce": {
                "function": "idpyoidc.server.oauth2.add_on.pkce.add_support",
                "kwargs": {"essential": True, "code_challenge_methods": {"S256": None}},
            }
        },
        "token_handler_args": {
            "key_conf": {"key_defs": [{"type": "OCT", "bytes": 32, "use": ["enc"], "kid": "code"}]},
            "code": {"lifetime": 60},
            "token": {
                "class": "idpyoidc.server.token.jwt_token.JWTToken",
                "kwargs": {"lifetime": 120},
            },
            "id_token": {
                "class": "tests.openid_provider.ChangedIDToken",
                "kwargs": {"changes": str(given.changes), "base_claims": {"pid": None}},
            },
        },
        "authentication": {
            "user": {
                "acr": LEVEL,
                "class": UserPassJinja2,
                "kwargs": {
                    "verify_endpoint": "verify",
                    "template": "page",
                    "db": {
                        "class": "idpyoidc.server.util.JSONDictDB",
                        "kwargs": {"filename": str(given.passwords)},
                    },
                },
            }
        },
        "userinfo": {
            "class": "idpyoidc.server.user_info.UserInfo",
            "kwargs": {"db_file": str(given.people)},
        },
    }
    server = Server(OPConfiguration(conf))
    pages = Environment(loader=DictLoader({"page": _PAGE}), autoescape=True)
    for method in server.context.authn_broker:
        method.template_handler = Jinja2TemplateHandler(pages)
    for client in json.loads(given.clients.read_text(encoding="utf-8")):
        server.keyjar.import_jwks({"keys": client.pop("jwks")}, client["client_id"])
        server.context.cdb[client["client_id"]] = client
    # RFC 7523 bis, and ID-porten: a client says that it speaks to the issuer, whatever the endpoint.
    server.get_endpoint("token").allowed_targets = [""]
    return server


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m tests.openid_provider", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--clients", type=Path, required=True, help="each with its keys, as JSON")
    parser.add_argument("--people", type=Path, required=True, help="name → claims, as JSON")
    parser.add_argument("--passwords", type=Path, required=True, help="name → password, as JSON")
    parser.add_argument("--changes", type=Path, required=True, help="claim → what is said instead")
    given = parser.parse_args(arguments)
    warnings.simplefilter("ignore", OnlyForTestingWarning)
    server = configured(given, f"http://127.0.0.1:{given.port}")
    application = Routes(server).application()
    uvicorn.run(
        application, host="127.0.0.1", port=given.port, log_level="warning", access_log=False
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
