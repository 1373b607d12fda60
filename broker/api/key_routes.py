"""Keys over HTTP: the broker's own as a JWK set, and how a service's follow one another, with proof in the log."""

from typing import Any

from broker.api.endpoints import Endpoints, Exchange, Reply, as_json
from broker.domain.ids import UnitId
from broker.errors import HybridKeyRequired, KeyRotationRefused, UnknownService, UnknownServiceKey
from broker.usecases import service_keys, trust
from tillit.wire.service_keys import KeyHistory, KeyRevocation, KeyRotation, KeysAnswer

endpoints = Endpoints()


@endpoints.get("/.well-known/jwks.json", "public", cache="public, max-age=60")
def published_jwks(given: Exchange[Any]) -> Reply:
    """The public keys that receipts and tokens are signed with and deposits are sealed to (RFC 7517).

    An old key of receipts stays; one that was revoked does not. The log's key is a C2SP verifier key, in `GET /v1/keys`.
    """
    return as_json(trust.published(given.ports), media_type="application/jwk-set+json")


@endpoints.post(
    "/v1/service-keys",
    "service",
    takes=KeyRotation,
    gives=KeysAnswer,
    refuses=(KeyRotationRefused, HybridKeyRequired),
)
def rotate_service_keys(given: Exchange[KeyRotation]) -> KeysAnswer:
    """Put new keys in the place of the calling service's own.

    Both signing keys have signed for it. The old one authenticates for another 24 hours; what is new is sealed to the new
    reading key at once, so that every process of the service must be able to read with it before.
    """
    return service_keys.rotate(given.body, call=given.call, ports=given.ports)


@endpoints.post(
    "/v1/service-keys/{kid}/revocation",
    "service",
    takes=KeyRevocation,
    gives=KeysAnswer,
    refuses=(UnknownServiceKey,),
)
def revoke_service_key(given: Exchange[KeyRevocation]) -> KeysAnswer:
    """Let a key of the calling service be believed and sealed to no more.

    Values that it has signed can no longer be checked, and what was recorded for it is not handed out again. A service left
    without a signing key is enrolled anew by the operator.
    """
    return service_keys.revoke(given.path["kid"], given.body, call=given.call, ports=given.ports)


@endpoints.get(
    "/v1/services/{unit}/key-history", "service", gives=KeyHistory, refuses=(UnknownService,)
)
def service_key_history(given: Exchange[Any]) -> KeyHistory:
    """Every change of a service's keys, with what shows that the log says the same."""
    return service_keys.history(UnitId(given.path["unit"]), given.ports)
