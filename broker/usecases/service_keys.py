"""A service's own keys over time: rotated by itself, revoked by itself or the operator; each change is an entry to check."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from audit.entries import Entry
from broker.domain.facets import facets, known
from broker.domain.ids import UnitId
from broker.domain.service_keys import ServiceKey, ServiceKeyChange
from broker.errors import HybridKeyRequired, KeyRotationRefused, UnknownService, UnknownServiceKey
from broker.ports import Ports, Transaction
from broker.usecases.call import Call, once
from tillit.enrolment import KeysUnusable, PublicKeys, verify_rotation
from tillit.jose import b64u
from tillit.wire import Event
from tillit.wire.service_keys import (
    KeyChange,
    KeyHistory,
    KeyRevocation,
    KeyRotation,
    KeysAnswer,
    KeyState,
    KeyView,
)

OVERLAP = timedelta(hours=24)
"""A signing key authenticates so long after another took its place: every process of the service has the new one by then."""


def rotate(rotation: KeyRotation, *, call: Call, ports: Ports) -> KeysAnswer:
    """Put new keys in the place of the unit's present ones; its own present key vouches for them.

    What is new is sealed to the new reading key at once; what was recorded for the old one is still handed out to it.

    Raises:
        KeyRotationRefused: the keys or a signature do not hold.
        HybridKeyRequired: the reading key is not of the kind that this deployment wants.
    """

    def act(tx: Transaction) -> KeysAnswer:
        now = ports.clock()
        registered = tx.service_keys(call.unit)
        present = {
            key.kid: key.jwk for key in registered if key.use == "sig" and key.is_current(now)
        }
        try:
            public, replaces = verify_rotation(rotation, unit=call.unit, present=present)
        except KeysUnusable as error:
            raise KeyRotationRefused(
                "the new keys, or a signature for them, do not hold"
            ) from error
        if {public.sig["kid"], public.enc["kid"]} & {key.kid for key in registered}:
            raise KeyRotationRefused("the unit has had one of these keys before")
        require_hybrid(public, ports)
        for key in registered:
            tx.end_service_key(call.unit, key.kid, at=now + OVERLAP if key.use == "sig" else now)
        add(tx, call.unit, public, at=now)
        kids = {"enc": public.enc["kid"], "replaces": replaces, "sig": public.sig["kid"]}
        enter(tx, "service.keys_rotated", call.unit, kids, at=now, ports=ports)
        return _answer(tx, call.unit, now)

    return once(act, answers=KeysAnswer, call=call, ports=ports)


def revoke(kid: str, revocation: KeyRevocation, *, call: Call, ports: Ports) -> KeysAnswer:
    """Let a key of the calling unit be believed and sealed to no more, from now on.

    Raises:
        UnknownServiceKey: the unit has no such key, or it was revoked before.
    """

    def act(tx: Transaction) -> KeysAnswer:
        now = ports.clock()
        revoked(tx, call.unit, kid, reason=revocation.reason, by="service", at=now, ports=ports)
        return _answer(tx, call.unit, now)

    return once(act, answers=KeysAnswer, call=call, ports=ports)


def revoked(
    tx: Transaction, unit: UnitId, kid: str, *, reason: str, by: str, at: datetime, ports: Ports
) -> None:
    """Revoke a key and enter it; also the operator's way. Raises ``UnknownServiceKey``."""
    if not tx.revoke_service_key(unit, kid, at=at):
        raise UnknownServiceKey
    enter(
        tx,
        "service.key_revoked",
        unit,
        {"by": by, "kid": kid, "reason": reason},
        at=at,
        ports=ports,
    )


def history(unit: UnitId, ports: Ports) -> KeyHistory:
    """Every change of a unit's keys, each with what shows that the log says the same.

    Raises:
        UnknownService: no such unit, or it never had a key.
    """
    with ports.store.read() as tx:
        changes = tx.service_key_changes(unit)
        if not changes:
            raise UnknownService
        return KeyHistory(
            unit=unit,
            changes=tuple(
                KeyChange.model_validate(
                    {
                        "type": change.type,
                        "at": change.at,
                        "content": dict(change.content),
                        "salt": b64u(change.salt),
                        "proof": tx.proof(change.leaf_hash),
                    }
                )
                for change in changes[-MOST_CHANGES:]
            ),
        )


MOST_CHANGES = 1000


def published(keys: Iterable[ServiceKey], at: datetime) -> list[dict[str, Any]]:
    """The JWKs by which a unit's signatures are checked, old ones too, and those that are sealed to; none that was revoked."""
    return [
        dict(key.jwk)
        for key in keys
        if key.revoked_at is None and (key.use == "sig" or key.is_current(at))
    ]


def require_hybrid(public: PublicKeys, ports: Ports) -> None:
    """Raise ``HybridKeyRequired`` where the deployment wants reading keys that resist quantum computers and this is none."""
    if ports.post_quantum and not is_hybrid(public.enc):
        raise HybridKeyRequired


def is_hybrid(jwk: Mapping[str, Any]) -> bool:
    """Whether a reading key resists quantum computers too."""
    return jwk.get("kty") == "AKP"


def add(tx: Transaction, unit: UnitId, public: PublicKeys, *, at: datetime) -> None:
    """Register a unit's two keys."""
    keys = [
        ServiceKey(unit, public.sig["kid"], "sig", public.sig),
        ServiceKey(unit, public.enc["kid"], "enc", public.enc),
    ]
    tx.add_service_keys(keys, at=at)


def enter(
    tx: Transaction, kind: str, unit: UnitId, said: Mapping[str, Any], *, at: datetime, ports: Ports
) -> None:
    """Enter a change of a unit's keys in the log, keep what shows it, and tell the unit itself."""
    content = {**said, "unit": unit}
    found_by = facets(services=known((unit,), ports.catalogue.units))
    promised = tx.append(Entry(kind, at, content, None, found_by))
    change = ServiceKeyChange(unit, kind, at, content, promised.salt, promised.leaf_hash)
    tx.add_service_key_change(change)
    tx.add_event(unit, Event(id=0, type=kind, at=at, subject=None))


def _answer(tx: Transaction, unit: UnitId, at: datetime) -> KeysAnswer:
    return KeysAnswer(
        unit=unit,
        keys=tuple(
            KeyView(
                kid=key.kid,
                use=key.use,
                state=state(key, at),
                added_at=key.added_at or at,
                ends_at=key.revoked_at or key.ends_at,
            )
            for key in tx.service_keys(unit)
        ),
    )


def state(key: ServiceKey, at: datetime) -> KeyState:
    """What a key is good for at a time."""
    if key.revoked_at is not None:
        return "revoked"
    return "current" if key.is_current(at) else "retired"
