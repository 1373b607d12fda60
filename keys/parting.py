"""Custodian and broker each with a keyring of its own, so that neither holds what the other signs with.

A custodian that stands apart knows the public keys that receipts are signed with (``issuers``), and
could not sign a warrant for itself; a broker that stands apart has no key that a value is under.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from keys import depositkeys, files
from keys.boxes import Cost
from keys.errors import IssuersUnfit, KeyringExists, KeyringMissing
from keys.making import make
from keys.parts import (
    BROKER,
    BROKER_BYTES,
    CUSTODIAN,
    ISSUERS,
    SIGNER,
    broker_secrets,
    broker_secrets_in,
    content,
    reported,
    root_of,
)
from keys.roots import ROOT, Back, Passphrase, Roots
from keys.signing import SIGNING
from tillit.envelopes import KEY_BYTES, Randomness
from tillit.jose import TokenInvalid, ed25519_jwk, ed25519_public, strict_json

MAX_ISSUERS = 16

Issuers = Sequence[Mapping[str, Any]]
"""Public keys (JWK) that receipts are signed with; several while one follows another."""


def create_custodian(
    directory: str | os.PathLike[str],
    protection: bytes | Back,
    *,
    issuers: Issuers,
    deposits: depositkeys.Kind = "x25519",
    cost: Cost = Cost(),  # noqa: B008 - a frozen value
    randomness: Randomness = os.urandom,
) -> None:
    """Make a custodian's keyring that holds nothing of the broker's. Raises as ``making.create``."""
    contents = {
        CUSTODIAN: depositkeys.first(deposits, randomness(KEY_BYTES)),
        SIGNER: randomness(KEY_BYTES),
        ISSUERS: _written(issuers),
    }
    make(directory, contents, protection, cost=cost, randomness=randomness)


def create_broker(
    directory: str | os.PathLike[str],
    protection: bytes | Back,
    *,
    cost: Cost = Cost(),  # noqa: B008 - a frozen value
    randomness: Randomness = os.urandom,
) -> None:
    """Make a broker's keyring that holds nothing of the custodian's. Raises as ``making.create``."""
    contents = {BROKER: randomness(BROKER_BYTES)}
    make(directory, contents, protection, cost=cost, randomness=randomness)


def trust(
    directory: str | os.PathLike[str],
    protection: Callable[[], bytes] | Back,
    issuers: Issuers,
    *,
    randomness: Randomness = os.urandom,
) -> None:
    """Say who may sign warrants from now on; a running custodian takes it up by itself.

    Raises ``IssuersUnfit`` or as opening a keyring does.
    """
    home = Path(directory).absolute()
    with _held_root(home, protection) as roots, reported():
        box = roots.seal(_written(issuers), name=ISSUERS, randomness=randomness)
        files.put(home / ISSUERS, box)


def part(
    directory: str | os.PathLike[str],
    protection: Callable[[], bytes] | Back,
    *,
    broker: str | os.PathLike[str],
    broker_protection: bytes | Back,
    cost: Cost = Cost(),  # noqa: B008 - a frozen value
    randomness: Randomness = os.urandom,
) -> None:
    """Move the broker's secrets out of a keyring that holds both, into one of their own.

    Nobody may use the keyring meanwhile. May be repeated when it was interrupted. Raises
    ``KeyringMissing`` where there are no secrets of the broker's to move, ``KeyringExists`` where
    another keyring is in the way.
    """
    home = Path(directory).absolute()
    with _held_root(home, protection) as roots:
        secrets = broker_secrets_in(home, roots)
        if secrets is None:
            raise KeyringMissing("the broker's secrets are not in this keyring")
        signer = secrets.receipts.public_key()
        boxes = {name: content(home / name) for name in (BROKER, SIGNING)}
        raw = {name: roots.unseal(box, name=name) for name, box in boxes.items() if box}
    try:
        make(broker, raw, broker_protection, cost=cost, randomness=randomness)
    except KeyringExists:
        if _signer_of(broker, broker_protection) != signer:
            raise
    believed = secrets.signing.believed("receipts", datetime.now(UTC))[:MAX_ISSUERS]
    trust(home, protection, [key.jwk for key in believed], randomness=randomness)
    with reported():
        for name in raw:
            files.remove(home / name)


def issuers_from(data: bytes) -> list[dict[str, Any]]:
    """Who may sign, from what the broker publishes of itself.

    A JWK set, or the whole of ``GET /v1/keys`` or of ``tillit-broker keys``. Raises ``IssuersUnfit``.
    """
    try:
        parsed = strict_json(data)
    except TokenInvalid:
        raise IssuersUnfit("not JSON") from None
    if isinstance(parsed, dict):
        parsed = parsed.get("receipts", parsed)
    keys = parsed.get("keys", [parsed]) if isinstance(parsed, dict) else None
    if not isinstance(keys, list) or not all(isinstance(jwk, dict) for jwk in keys):
        raise IssuersUnfit("neither a JWK set nor a broker's public keys")
    return _checked(keys)


def _checked(issuers: Issuers) -> list[dict[str, Any]]:
    """The keys by their public members alone, each under its thumbprint."""
    if not 0 < len(issuers) <= MAX_ISSUERS:
        raise IssuersUnfit(f"1 to {MAX_ISSUERS} keys may sign warrants")
    try:
        return [ed25519_jwk(ed25519_public(jwk)) for jwk in issuers]
    except TokenInvalid:
        raise IssuersUnfit("receipts are signed with Ed25519 keys") from None


def _written(issuers: Issuers) -> bytes:
    return json.dumps(_checked(issuers), separators=(",", ":")).encode("ascii")


def _signer_of(directory: str | os.PathLike[str], protection: bytes | Back) -> Ed25519PublicKey:
    passphrase = protection
    asked = (lambda: passphrase) if isinstance(passphrase, bytes) else passphrase
    return broker_secrets(directory, asked).receipts.public_key()


@contextmanager
def _held_root(home: Path, protection: Callable[[], bytes] | Back) -> Iterator[Roots]:
    """The root key, which is not rotated away meanwhile."""
    back = Passphrase(protection) if callable(protection) else protection
    while True:
        top, roots = root_of(home, back)
        with files.held(home / ROOT) as now:
            if now == top:
                yield roots
                return
