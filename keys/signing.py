"""The broker's signing keys: which one signs, which are still believed, and how one follows another.

Receipts, access tokens and the log each have keys of their own. A new one is published some time
before it signs (``LEAD``), so that every replica knows it by then. What an old one has signed is
believed on: a receipt for ever, a token while it could be valid, a checkpoint for as long as both
sign. A revoked one is believed no more from that moment. Private halves are dropped when they are
done with.

Without a file of its own (``signing``) there are the keys that the keyring was made with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NoReturn, get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from keys.errors import KeyChangeRefused, KeyringDamaged
from tillit import succession
from tillit.envelopes import KEY_BYTES
from tillit.jose import TokenInvalid, b64u, compact_json, ed25519_jwk, strict_json, unb64u

SIGNING = "signing"

Kind = Literal["receipts", "tokens", "log"]
KINDS: tuple[Kind, ...] = get_args(Kind)

LEAD = timedelta(seconds=60)
"""A new key signs so long after it was made: replicas look every few seconds."""

GRACE = timedelta(minutes=10)
"""Tokens by a retired key are believed so long: more than the two minutes that one lives."""

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
MAX_KEYS = 64

State = Literal["coming", "signs", "retired", "revoked"]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key. ``private`` is None once nothing is signed with it any more.

    ``vouched`` is the word of the key before for this one (``tillit.succession``).
    """

    kind: Kind
    public: Ed25519PublicKey
    since: datetime
    private: Ed25519PrivateKey | None = field(repr=False)
    retired: datetime | None = None
    revoked: datetime | None = None
    vouched: str | None = None

    @classmethod
    def of(cls, kind: Kind, seed: bytes, since: datetime) -> "SigningKey":
        """A key from its 32 secret bytes."""
        private = Ed25519PrivateKey.from_private_bytes(seed)
        return cls(kind, private.public_key(), since, private)

    @property
    def jwk(self) -> dict[str, Any]:
        """The public half, under its thumbprint."""
        return ed25519_jwk(self.public)

    @property
    def kid(self) -> str:
        """The public half's RFC 7638 thumbprint."""
        return str(self.jwk["kid"])

    def state(self, at: datetime) -> State:
        """What it is good for at a time."""
        if self.revoked is not None:
            return "revoked"
        if self.retired is not None and self.retired <= at:
            return "retired"
        return "signs" if self.since <= at else "coming"

    def is_believed(self, at: datetime) -> bool:
        """Whether what it has signed, or will, is to be believed."""
        match self.state(at):
            case "revoked":
                return False
            case "retired":
                over = self.retired is not None and self.retired + GRACE <= at
                return self.kind == "receipts" or (self.kind == "tokens" and not over)
            case _:
                return True

    def __reduce__(self) -> NoReturn:
        raise TypeError("signing keys are neither pickled nor copied")


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """All of a broker's signing keys, oldest first. Each change gives new ones."""

    keys: tuple[SigningKey, ...]

    @classmethod
    def first(cls, seeds: Mapping[Kind, bytes]) -> "SigningKeys":
        """Those that the keyring was made with."""
        return cls(tuple(SigningKey.of(kind, seeds[kind], BEGINNING) for kind in KINDS))

    def signers(self, kind: Kind, at: datetime) -> tuple[Ed25519PrivateKey, ...]:
        """Those that sign at a time, the newest first. Raises ``KeyringDamaged`` when none does."""
        signing = [k for k in self.keys if k.kind == kind and k.state(at) == "signs"]
        newest_first = sorted(signing, key=lambda key: key.since, reverse=True)
        found = tuple(key.private for key in newest_first if key.private is not None)
        if not found:
            raise KeyringDamaged(f"no key signs {kind}")
        return found

    def believed(self, kind: Kind, at: datetime) -> tuple[SigningKey, ...]:
        """Those whose signatures are to be believed, the newest first."""
        believed = [k for k in self.keys if k.kind == kind and k.is_believed(at)]
        return tuple(sorted(believed, key=lambda key: key.since, reverse=True))

    def gone(self, kind: Kind, at: datetime) -> tuple[Ed25519PublicKey, ...]:
        """Those that were retired or revoked within the last ``GRACE``."""
        ends = ((key, key.revoked or key.retired) for key in self.keys if key.kind == kind)
        return tuple(key.public for key, end in ends if end is not None and at - GRACE < end <= at)

    def succession(self, at: datetime) -> tuple[str, ...]:
        """The words by which keys that are believed follow from those before them."""
        kept = (key for kind in ("receipts", "log") for key in self.believed(kind, at))
        return tuple(key.vouched for key in kept if key.vouched is not None)

    def rotated(
        self, kind: Kind, fresh: bytes, *, at: datetime, lead: timedelta = LEAD
    ) -> "SigningKeys":
        """One more key, which signs after ``lead``; the one before is retired then, of the log's not.

        Raises ``KeyChangeRefused`` while another is coming.
        """
        if any(key.kind == kind and key.state(at) == "coming" for key in self.keys):
            raise KeyChangeRefused("a new key is on its way already")
        since = at + lead
        older = self.keys if kind == "log" else self._replaced(kind, retired=since)
        key = SigningKey.of(kind, fresh, since)
        word = succession.vouch(kind, key.public, since=since, by=self.signers(kind, at)[0])
        return self._swept(older, at, replace(key, vouched=word))

    def retired(self, kind: Kind, kid: str, *, at: datetime) -> "SigningKeys":
        """That key signs no more. Raises ``KeyChangeRefused`` when it is the last, or does not."""
        key = self._found(kind, kid)
        if key.state(at) != "signs" or len(self.signers(kind, at)) == 1:
            raise KeyChangeRefused("no other key signs; rotate first")
        return self._swept(_exchanged(self.keys, key, replace(key, retired=at)), at)

    def revoked(self, kind: Kind, kid: str, fresh: bytes, *, at: datetime) -> "SigningKeys":
        """Nothing that key has signed is believed from now on.

        Where it was the last to sign, the fresh one does at once. Raises ``KeyChangeRefused`` when
        it was revoked already.
        """
        key = self._found(kind, kid)
        if key.revoked is not None:
            raise KeyChangeRefused("the key was revoked already")
        rest = _exchanged(self.keys, key, replace(key, revoked=at))
        signs = any(k.kind == kind and k.state(at) == "signs" for k in rest)
        return self._swept(rest, at, *(() if signs else (SigningKey.of(kind, fresh, at),)))

    def _found(self, kind: Kind, kid: str) -> SigningKey:
        for key in self.keys:
            if key.kind == kind and key.kid == kid:
                return key
        raise KeyChangeRefused("there is no such key")

    def _replaced(self, kind: Kind, *, retired: datetime) -> tuple[SigningKey, ...]:
        return tuple(
            replace(key, retired=retired) if key.kind == kind and key.retired is None else key
            for key in self.keys
        )

    @staticmethod
    def _swept(keys: tuple[SigningKey, ...], at: datetime, *more: SigningKey) -> "SigningKeys":
        """The keys and more, without the private halves of those that are done."""
        if len(keys) + len(more) > MAX_KEYS:
            raise KeyChangeRefused(f"at most {MAX_KEYS} keys, those of old included")
        done = {"retired", "revoked"}
        kept = (replace(k, private=None) if k.state(at) in done else k for k in keys)
        return SigningKeys((*kept, *more))

    def written(self) -> bytes:
        """As the keyring's file holds them, before it is sealed."""
        return compact_json({"keys": [_as_json(key) for key in self.keys]})

    @classmethod
    def parse(cls, data: bytes) -> "SigningKeys":
        """Read what ``written`` wrote. Raises ``KeyringDamaged``."""
        try:
            keys = strict_json(data)["keys"]
            return cls(tuple(_from_json(key) for key in keys))
        except (TokenInvalid, KeyError, TypeError, ValueError):
            raise KeyringDamaged(f"{SIGNING} does not hold what it should") from None


def _exchanged(
    keys: Sequence[SigningKey], old: SigningKey, new: SigningKey
) -> tuple[SigningKey, ...]:
    return tuple(new if key is old else key for key in keys)


def _as_json(key: SigningKey) -> dict[str, Any]:
    private = None if key.private is None else b64u(key.private.private_bytes_raw())
    return {
        "kind": key.kind,
        "public": b64u(key.public.public_bytes_raw()),
        "private": private,
        "since": key.since.isoformat(),
        "retired": key.retired and key.retired.isoformat(),
        "revoked": key.revoked and key.revoked.isoformat(),
        "vouched": key.vouched,
    }


def _from_json(said: Mapping[str, Any]) -> SigningKey:
    kind = said["kind"]
    if kind not in KINDS:
        raise ValueError("not a kind of key")
    private = said["private"] and Ed25519PrivateKey.from_private_bytes(
        unb64u(said["private"], size=KEY_BYTES)
    )
    return SigningKey(
        kind,
        Ed25519PublicKey.from_public_bytes(unb64u(said["public"], size=KEY_BYTES)),
        datetime.fromisoformat(said["since"]),
        private,
        said["retired"] and datetime.fromisoformat(said["retired"]),
        said["revoked"] and datetime.fromisoformat(said["revoked"]),
        said.get("vouched"),
    )
