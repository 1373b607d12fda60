"""Deposit keys: what sources seal to the custodian.

The newest is published; those before it still open what was sealed to them, until they are retired.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NoReturn, get_args

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from keys.errors import DepositKeyWrong, KeyChangeRefused, KeyringDamaged
from tillit.envelopes import KEY_BYTES, ReaderKey, hybrid_jwk, hybrid_private
from tillit.jose import TokenInvalid, b64u, compact_json, members, unb64u, x25519_jwk

Kind = Literal["x25519", "hybrid"]
KINDS: tuple[Kind, ...] = get_args(Kind)

SETTLED = timedelta(minutes=10)
"""A deposit that was sealed to the key before is admitted by then, or is sealed anew."""

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
MAX_KEYS = 8


@dataclass(frozen=True, slots=True)
class DepositKey:
    """One key, by the 32 bytes that it is made of; ``hybrid``: ML-KEM-768 and X25519 together."""

    kind: Kind
    seed: bytes = field(repr=False)
    since: datetime
    private: ReaderKey = field(repr=False)
    jwk: Mapping[str, Any]

    @classmethod
    def of(cls, kind: Kind, seed: bytes, since: datetime) -> "DepositKey":
        """A key from its 32 secret bytes."""
        if kind == "hybrid":
            return cls(kind, seed, since, hybrid_private(seed), hybrid_jwk(seed))
        private = X25519PrivateKey.from_private_bytes(seed)
        return cls(kind, seed, since, private, x25519_jwk(private.public_key()))

    @property
    def kid(self) -> str:
        """The public half's RFC 7638 thumbprint."""
        return str(self.jwk["kid"])

    def __reduce__(self) -> NoReturn:
        raise TypeError("deposit keys are neither pickled nor copied")


@dataclass(frozen=True, slots=True)
class DepositKeys:
    """All of a custodian's deposit keys, the newest first. Each change gives new ones."""

    keys: tuple[DepositKey, ...]

    @property
    def newest(self) -> DepositKey:
        """The one that is published."""
        return self.keys[0]

    def by(self, kid: str) -> DepositKey:
        """The one by that id. Raises ``DepositKeyWrong``."""
        for key in self.keys:
            if key.kid == kid:
                return key
        raise DepositKeyWrong("the deposit is sealed to no key of this custodian's")

    def renewed(self, kind: Kind, fresh: bytes, *, at: datetime) -> "DepositKeys":
        """With a new key, which is published from now on. Raises ``KeyChangeRefused``."""
        if len(self.keys) == MAX_KEYS:
            raise KeyChangeRefused(f"at most {MAX_KEYS} deposit keys; retire those before first")
        return DepositKeys((DepositKey.of(kind, fresh, at), *self.keys))

    def retired(self, *, at: datetime) -> "DepositKeys":
        """The newest alone. Raises ``KeyChangeRefused`` where it is, or until ``SETTLED`` has passed."""
        if len(self.keys) == 1:
            raise KeyChangeRefused("there is no deposit key before the one now")
        if at - self.newest.since < SETTLED:
            raise KeyChangeRefused("the key was exchanged a moment ago; retire it later")
        return DepositKeys(self.keys[:1])

    def listed(self) -> tuple[str, ...]:
        """A line for each, for operators."""
        return tuple(
            f"{key.kid}  {'published' if key is self.newest else 'admits':<9} "
            f"since {key.since:%Y-%m-%d %H:%M:%S}Z  {key.kind}"
            for key in self.keys
        )

    def written(self) -> bytes:
        """As the keyring's file holds them, before it is sealed."""
        return compact_json({"keys": [_as_json(key) for key in self.keys]})

    @classmethod
    def parse(cls, raw: bytes, *, name: str) -> "DepositKeys":
        """What the file called ``name`` holds: what ``written`` wrote, or the one X25519 key of old.

        Raises ``KeyringDamaged``.
        """
        if len(raw) == KEY_BYTES:
            return cls((DepositKey.of("x25519", raw, BEGINNING),))
        try:
            keys = tuple(_from_json(said) for said in members(raw, "keys")["keys"])
        except (TokenInvalid, KeyError, TypeError, ValueError):
            keys = ()
        if not keys:
            raise KeyringDamaged(f"{name} does not hold what it should")
        return cls(keys)


def first(kind: Kind, seed: bytes) -> bytes:
    """What the file of a new keyring holds."""
    return DepositKeys((DepositKey.of(kind, seed, BEGINNING),)).written()


def _as_json(key: DepositKey) -> dict[str, str]:
    return {"kind": key.kind, "seed": b64u(key.seed), "since": key.since.isoformat()}


def _from_json(said: Mapping[str, Any]) -> DepositKey:
    kind = said["kind"]
    if kind not in KINDS:
        raise ValueError("not a kind of key")
    seed = unb64u(said["seed"], size=KEY_BYTES)
    return DepositKey.of(kind, seed, datetime.fromisoformat(said["since"]))
