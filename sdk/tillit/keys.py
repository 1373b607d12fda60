"""Service keys: a unit's private signing and reading keys, and the file they are kept in."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tillit.envelopes import Randomness, ReaderKey, hybrid_jwk, hybrid_private
from tillit.errors import KeyFileError
from tillit.jcs import canonical
from tillit.jose import (
    TokenInvalid,
    b64u,
    ed25519_jwk,
    members,
    sign_compact,
    unb64u,
    x25519_jwk,
)

_SEED_BYTES = 32
_MAX_FILE_BYTES = 64 * 1024


class ServiceKey:
    """A unit's Ed25519 signing key and X25519 (or ML-KEM-768+X25519 hybrid) reading key.

    Key material leaves it only through ``save``: not in ``repr``, not by pickling or copying.
    """

    __slots__ = (
        "_enc_seed",
        "_hybrid",
        "_reader",
        "_sig_seed",
        "_signer",
        "enc_kid",
        "sig_kid",
        "unit",
    )

    def __init__(self, unit: str, *, sig: bytes, enc: bytes, hybrid: bool = False) -> None:
        """From 32 secret bytes each. Prefer ``generate`` or ``load``."""
        self.unit = unit
        self._sig_seed, self._enc_seed, self._hybrid = sig, enc, hybrid
        self._signer = Ed25519PrivateKey.from_private_bytes(sig)
        self._reader: ReaderKey = (
            hybrid_private(enc) if hybrid else X25519PrivateKey.from_private_bytes(enc)
        )
        self.sig_kid = str(self._sig_jwk()["kid"])
        self.enc_kid = str(self._enc_jwk()["kid"])

    @classmethod
    def generate(
        cls, unit: str, *, hybrid: bool = False, randomness: Randomness = os.urandom
    ) -> "ServiceKey":
        """Fresh keys for a unit; ``hybrid`` makes the reading key resist quantum computers too."""
        return cls(unit, sig=randomness(_SEED_BYTES), enc=randomness(_SEED_BYTES), hybrid=hybrid)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "ServiceKey":
        """Read a file that ``save`` wrote.

        Raises ``KeyFileError``; who else can read the file is not checked.
        """
        try:
            with Path(path).open("rb") as file:
                data = file.read(_MAX_FILE_BYTES + 1)
        except OSError as error:
            raise KeyFileError(f"the key file cannot be read: {error.strerror}") from None
        if len(data) > _MAX_FILE_BYTES:
            raise KeyFileError("the key file is too large to be one")
        try:
            return cls._parsed(data)
        except ValueError:
            raise KeyFileError("the file does not hold a service key") from None

    @classmethod
    def _parsed(cls, data: bytes) -> "ServiceKey":
        whole = members(data, "unit", "keys")
        keys = whole["keys"]
        if not isinstance(whole["unit"], str) or not isinstance(keys, list) or len(keys) != 2:  # noqa: PLR2004 - sig and enc
            raise TokenInvalid("not a service key")
        sig, enc = keys
        hybrid = _text(enc, "kty") == "AKP"
        key = cls(
            whole["unit"],
            sig=unb64u(_text(sig, "d"), size=_SEED_BYTES),
            enc=unb64u(_text(enc, "priv" if hybrid else "d"), size=_SEED_BYTES),
            hybrid=hybrid,
        )
        if keys != key._private_jwks():
            raise TokenInvalid("the halves of a key do not belong together")
        return key

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the private keys to a new file that only its owner may read.

        Raises ``KeyFileError`` if it exists.
        """
        target = Path(path)
        data = json.dumps({"unit": self.unit, "keys": self._private_jwks()}, indent=2).encode()
        draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
        try:
            try:
                _write_new(draft, data)
                os.link(draft, target)
            finally:
                draft.unlink(missing_ok=True)
        except FileExistsError:
            raise KeyFileError("there is a file by that name already") from None
        except OSError as error:
            raise KeyFileError(f"the key file cannot be written: {error.strerror}") from None

    def public_jwks(self) -> dict[str, Any]:
        """The public halves as a JWK set: what the unit registers.

        ``kid`` is the RFC 7638 thumbprint.
        """
        return {"keys": [self._sig_jwk(), self._enc_jwk()]}

    def signed(self, payload: Mapping[str, Any], *, typ: str) -> str:
        """A compact JWS (EdDSA) over a JSON object, with this unit's ``kid``."""
        return sign_compact(
            canonical(dict(payload)), signer=self._signer, kid=self.sig_kid, typ=typ
        )

    @property
    def signer(self) -> Ed25519PrivateKey:
        """The signing key itself, for libraries that sign on their own."""
        return self._signer

    @property
    def reader(self) -> ReaderKey:
        """The reading key itself."""
        return self._reader

    def _sig_jwk(self) -> dict[str, Any]:
        return ed25519_jwk(self._signer.public_key())

    def _enc_jwk(self) -> dict[str, Any]:
        if isinstance(self._reader, X25519PrivateKey):
            return x25519_jwk(self._reader.public_key())
        return hybrid_jwk(self._enc_seed)

    def _private_jwks(self) -> list[dict[str, Any]]:
        secret = "priv" if self._hybrid else "d"
        return [
            {**self._sig_jwk(), "d": b64u(self._sig_seed)},
            {**self._enc_jwk(), secret: b64u(self._enc_seed)},
        ]

    def __repr__(self) -> str:
        return f"ServiceKey(unit={self.unit!r}, sig_kid={self.sig_kid!r}, enc_kid={self.enc_kid!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a service key is neither pickled nor copied; save it to a file of its own")


def _text(jwk: Any, member: str) -> str:
    value = jwk.get(member) if isinstance(jwk, dict) else None
    if not isinstance(value, str):
        raise TokenInvalid(f"a key without {member}")
    return value


def _write_new(path: Path, data: bytes) -> None:
    """Write and fsync a file that must not exist yet, readable by its owner only."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
