"""Parts of a keyring: what its files are called and hold, and how what the disk refuses is told."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keys import files
from keys.errors import KeyringDamaged, KeyringMissing, KeyringUnreachable
from keys.roots import ROOT, Back, Passphrase, RootFile, Roots
from keys.signing import KINDS, SIGNING, SigningKeys
from tillit.envelopes import KEY_BYTES
from tillit.jose import ed25519_jwk

CUSTODIAN, BROKER, SUBJECTS = "custodian", "broker", "subjects"
SIGNER, ISSUERS, RELEASES = "signer", "issuers", "releases"
BROKER_BYTES = 4 * KEY_BYTES


def now() -> datetime:
    """The system's clock, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class BrokerSecrets:
    """The broker's own secrets. They stay out of ``repr`` and are not pickled.

    ``receipts``, ``tokens`` and ``log`` sign now; ``signing`` tells of others that are believed, are
    coming or gone. ``person_mac`` keys the hash of the national identity number.
    """

    receipts: Ed25519PrivateKey = field(repr=False)
    tokens: Ed25519PrivateKey = field(repr=False)
    log: Ed25519PrivateKey = field(repr=False)
    person_mac: bytes = field(repr=False)
    signing: SigningKeys = field(repr=False)

    @classmethod
    def of(cls, person_mac: bytes, signing: SigningKeys, at: datetime) -> "BrokerSecrets":
        """The secrets as they are at a time."""
        receipts, tokens, log = (signing.signers(kind, at)[0] for kind in KINDS)
        return cls(receipts, tokens, log, person_mac, signing)

    @property
    def kids(self) -> tuple[str, ...]:
        """The ids of the keys that sign."""
        return tuple(
            str(ed25519_jwk(key.public_key())["kid"])
            for key in (self.receipts, self.tokens, self.log)
        )

    def at(self, at: datetime) -> "BrokerSecrets":
        """The same at another time: a key that was coming may sign now."""
        return BrokerSecrets.of(self.person_mac, self.signing, at)

    def __reduce__(self) -> NoReturn:
        raise TypeError("the broker's secrets are neither pickled nor copied")


@contextmanager
def reported() -> Iterator[None]:
    """Give what the operating system refuses the custodian's own name."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or "input/output error"
        raise KeyringUnreachable(f"the keyring's files cannot be used: {reason}") from None


def content(path: Path) -> bytes | None:
    """What a file of a keyring holds, None where there is none. Raises as ``files.read``."""
    with reported():
        try:
            return files.read(path)
        except FileNotFoundError:
            return None


def root_of(home: Path, back: Back) -> tuple[bytes, Roots]:
    """The ``root`` file of a keyring and the root key in it. Raises as opening a keyring does."""
    top = content(home / ROOT)
    if top is None:
        raise KeyringMissing("there is no keyring in the directory")
    return top, RootFile.parse(top).unwrapped(back)


def broker_secrets(
    directory: str | os.PathLike[str], protection: Callable[[], bytes] | Back
) -> BrokerSecrets:
    """The broker's own secrets, from a keyring of its own or one that it shares with the custodian.

    Raises as ``LocalCustodian`` does, and ``KeyringMissing`` where it holds none.
    """
    home = Path(directory).absolute()
    _, roots = root_of(home, Passphrase(protection) if callable(protection) else protection)
    secrets = broker_secrets_in(home, roots)
    if secrets is None:
        raise KeyringMissing("there are no secrets of a broker's in the keyring")
    return secrets


def issuers_in(box: bytes, roots: Roots) -> list[dict[str, Any]]:
    """The public keys that warrants may be signed with, as ``issuers`` holds them."""
    keys: list[dict[str, Any]] = json.loads(roots.unseal(box, name=ISSUERS))
    return keys


def broker_secrets_in(home: Path, roots: Roots) -> BrokerSecrets | None:
    """The broker's own secrets, as ``broker`` and ``signing`` hold them; None where they do not lie."""
    box, changed = content(home / BROKER), content(home / SIGNING)
    if box is None:
        return None
    raw = sized(roots.unseal(box, name=BROKER), BROKER_BYTES, BROKER)
    *seeds, person_mac = (raw[i : i + KEY_BYTES] for i in range(0, len(raw), KEY_BYTES))
    if changed is None:
        signing = SigningKeys.first(dict(zip(KINDS, seeds, strict=True)))
    else:
        signing = SigningKeys.parse(roots.unseal(changed, name=SIGNING))
    return BrokerSecrets.of(person_mac, signing, now())


def sized(secret: bytes, size: int, name: str) -> bytes:
    """A secret of the size it should have. Raises ``KeyringDamaged``."""
    if len(secret) != size:
        raise KeyringDamaged(f"{name} does not hold what it should")
    return secret
