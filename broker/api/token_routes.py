"""The token endpoint and what describes it: RFC 6749 client credentials with RFC 7523, RFC 8414 metadata, JWK set."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from broker.api import assertions
from broker.api.access_tokens import SCOPES, SECONDS
from broker.api.endpoints import Endpoints, Exchange, Reply, as_json
from broker.api.errors import (
    AssertionAudienceWrong,
    AssertionExpired,
    AssertionMalformed,
    AssertionReplayed,
    AssertionSignatureWrong,
    AssertionTooLong,
    ClientKeyUnknown,
    ClientUnknown,
    GrantTypeUnsupported,
    ScopeRefused,
)
from broker.domain.ids import UnitId
from broker.ports import Ports
from broker.usecases import auditing

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

endpoints = Endpoints()


class TokenForm(BaseModel):
    """What a client sends. Unknown parameters are ignored, as RFC 6749 § 3.2 asks."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    grant_type: str
    client_assertion_type: Literal["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]
    client_assertion: str
    scope: str = "share"


class TokenAnswer(BaseModel):
    """RFC 6749 § 5.1."""

    model_config = ConfigDict(frozen=True)

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    scope: str


@endpoints.post(
    "/oauth/token",
    "public",
    takes=TokenForm,
    gives=TokenAnswer,
    refuses=(
        GrantTypeUnsupported,
        ScopeRefused,
        AssertionMalformed,
        ClientUnknown,
        ClientKeyUnknown,
        AssertionSignatureWrong,
        AssertionAudienceWrong,
        AssertionExpired,
        AssertionTooLong,
        AssertionReplayed,
    ),
    idempotent=False,
    form=True,
)
def token(given: Exchange[TokenForm]) -> TokenAnswer:
    """A short-lived access token for a client assertion.

    Each assertion is good for one token, so that there is no Idempotency-Key: sign a new one for a new try.
    """
    if given.body.grant_type != "client_credentials":
        raise GrantTypeUnsupported
    asked = frozenset(given.body.scope.split())
    if not asked <= SCOPES:
        raise ScopeRefused
    unit = assertions.authenticate(given.body.client_assertion, ports=given.ports)
    scopes = asked or _allowed(unit, given.ports)
    if not scopes <= _allowed(unit, given.ports):
        raise ScopeRefused
    issued = given.front.access.issue(
        unit, scopes, now=given.ports.clock(), randomness=given.ports.randomness
    )
    return TokenAnswer(
        access_token=issued,
        token_type="Bearer",  # noqa: S106 (the type's name, not a token)
        expires_in=SECONDS,
        scope=" ".join(sorted(scopes)),
    )


@endpoints.get("/.well-known/oauth-authorization-server", "public", cache="public, max-age=3600")
def metadata(given: Exchange[Any]) -> Reply:
    """Authorization server metadata (RFC 8414)."""
    issuer = given.ports.issuer
    return as_json(
        {
            "issuer": issuer,
            "token_endpoint": f"{issuer}/oauth/token",
            "jwks_uri": f"{issuer}/oauth/jwks",
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "scopes_supported": sorted(SCOPES),
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["EdDSA"],
        }
    )


@endpoints.get("/oauth/jwks", "public", cache="public, max-age=300")
def jwks(given: Exchange[Any]) -> Reply:
    """The keys that access tokens are signed with (RFC 7517)."""
    return as_json(
        dict(given.front.access.jwks(given.ports.clock())), media_type="application/jwk-set+json"
    )


def _allowed(unit: UnitId, ports: Ports) -> frozenset[str]:
    """Services share and read the log; a client that is no unit of the catalogue is an auditor and reads what its role may."""
    if unit in ports.catalogue.units:
        return frozenset(("share", "log"))
    role = auditing.role(unit, ports=ports)
    return frozenset(("log", "audit", "audit.content") if role == "content" else ("log", "audit"))
