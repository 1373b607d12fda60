"""What is open to any caller or to operators and auditors: catalogue, health, readiness, the log's resources."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any

from broker.api.endpoints import Endpoints, Exchange, Front, Reply, as_json
from broker.api.errors import NoSuchResource, NotReady
from broker.domain.catalogue import Catalogue
from broker.domain.ids import PersonKey
from broker.errors import StoreDown, Unavailable
from broker.ports import SignerQuestion
from broker.usecases import trust
from keys.errors import CustodianError

FRESH = timedelta(seconds=120)
_NOBODY = PersonKey("0" * 64)

endpoints = Endpoints()


@endpoints.get("/v1/catalogue", "public", cache="public, max-age=300")
def catalogue(given: Exchange[Any]) -> Reply:
    """Fields, categories, purposes, services, collaborations and reasons, each labelled in nb, nn and en."""
    content, etag = _catalogue(given.ports.catalogue)
    headers = {"ETag": etag}
    if etag in {
        tag.strip().removeprefix("W/") for tag in given.headers.get("if-none-match", "").split(",")
    }:
        return Reply(status=304, headers=headers)
    return Reply(content, "application/json", headers=headers)


class _ByIdentity:
    """A catalogue is frozen but holds dicts: it is remembered by which object it is."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def __hash__(self) -> int:
        return id(self.catalogue)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByIdentity) and self.catalogue is other.catalogue


def _catalogue(of: Catalogue) -> tuple[bytes, str]:
    return _rendered(_ByIdentity(of))


@lru_cache(maxsize=4)
def _rendered(of: _ByIdentity) -> tuple[bytes, str]:
    content = of.catalogue.model_dump_json().encode()
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'


@endpoints.get("/healthz", "public")
def healthz(_: Exchange[Any]) -> Reply:
    """The process answers."""
    return as_json({"status": "ok"})


@endpoints.get("/readyz", "public", refuses=(NotReady,))
def readyz(given: Exchange[Any]) -> Reply:
    """Store, policy engine, custodian, register and the log's sequencer answer; a 503 names those that do not."""
    parts = {name: _state(check, given.front) for name, check in _PARTS.items()}
    if any(state != "ok" for state in parts.values()):
        raise NotReady(parts)
    return as_json({"status": "ready", "parts": parts})


@endpoints.get("/metrics", "public")
def metrics(given: Exchange[Any]) -> Reply:
    """How many requests, how long, with what status (Prometheus); about no unit and nobody."""
    given.front.metrics.decides_by(given.ports.engine.policy)
    return Reply(given.front.metrics.text(), given.front.metrics.media_type)


@endpoints.get("/log/checkpoint", "log", cache="no-cache")
def checkpoint(given: Exchange[Any]) -> Reply:
    """The newest signed checkpoint of the log (C2SP tlog-checkpoint)."""
    return Reply(_resource(given, "checkpoint"), "text/plain")


@endpoints.get(
    "/log/tile/{tile:path}",
    "log",
    refuses=(NoSuchResource,),
    cache="private, max-age=31536000, immutable",
)
def tile(given: Exchange[Any]) -> Reply:
    """A tile or an entry bundle of the log (C2SP tlog-tiles), whole or partial: neither ever changes."""
    content = _resource(given, f"tile/{given.path['tile']}")
    return Reply(content, "application/octet-stream")


def _resource(given: Exchange[Any], path: str) -> bytes:
    found = given.front.log.resource(path)
    if found is None:
        raise NoSuchResource
    return found


def _state(check: Callable[[Front], object], front: Front) -> str:
    try:
        check(front)
    except (Unavailable, CustodianError):
        return "down"
    return "ok"


def _store(front: Front) -> None:
    with front.ports.store.read() as tx:
        tx.subject_by_person(_NOBODY)


def _engine(front: Front) -> None:
    front.ports.engine.signers(
        SignerQuestion(age=18, guardians=0, guardians_rule="one", categories=())
    )


def _custodian(front: Front) -> None:
    trust.deposit_jwk(front.ports)


def _register(front: Front) -> None:
    front.ports.register.person(_NOBODY)


def _sequencer(front: Front) -> None:
    if not front.log.signed_within(FRESH, now=front.ports.clock()):
        raise StoreDown("the sequencer stands still")


_PARTS: Mapping[str, Callable[[Front], object]] = {
    "store": _store,
    "engine": _engine,
    "custodian": _custodian,
    "register": _register,
    "sequencer": _sequencer,
}
