"""Boxes: how the keyring's files hold secrets, sealed under a key and bound to the file's name."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from keys.errors import KeyringDamaged, PassphraseUnfit, PassphraseWrong
from tillit.envelopes import KEY_BYTES, Randomness
from tillit.jose import TokenInvalid, b64u, members, unb64u

SHREDDED = b'{"v":1,"shredded":true}\n'
_SHREDDED_PREFIX = b'{"v":1,"shredded":true'
_IV_BYTES = 12
_SALT_BYTES = 16
_PASSPHRASE_BYTES = range(8, 1025)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one guess at the passphrase costs (scrypt): 128·n·r bytes of memory, p times."""

    n: int = 2**15
    r: int = 8
    p: int = 3


# What a file may ask of us: more than the default for tomorrow's keyrings, but never gigabytes.
_MOST = Cost(n=2**20, r=16, p=16)


def is_shredded(data: bytes) -> bool:
    """Whether a file is the mark of a key that was destroyed."""
    return data.startswith(_SHREDDED_PREFIX)


def shredded(**said: str | int | None) -> bytes:
    """The mark of a key that was destroyed, with what a certificate is to say of it."""
    return _file({"v": 1, "shredded": True, **said})


def read_shredded(data: bytes) -> dict[str, Any]:
    """What a mark says; nothing where it is one of those that said nothing. Raises ``KeyringDamaged``."""
    try:
        return (
            {} if data == SHREDDED else _versioned(data, "v", "shredded", "at", "epoch", "sealed")
        )
    except TokenInvalid:
        raise KeyringDamaged("the mark of a destroyed key is damaged") from None


def seal(secret: bytes, *, key: bytes, name: str, randomness: Randomness) -> bytes:
    """A file holding a secret under a key.

    The file's name is bound in, so files cannot be swapped.
    """
    return _file({"v": 1, "box": _sealed(secret, key, name, randomness)})


def unseal(data: bytes, *, key: bytes, name: str) -> bytes:
    """The secret in a file that ``seal`` made. Raises ``KeyringDamaged``."""
    try:
        whole = _versioned(data, "v", "box")
        return _unsealed(whole["box"], key, name)
    except TokenInvalid:
        raise KeyringDamaged(f"{name} is damaged or another keyring's") from None


def seal_root(
    root: bytes, *, passphrase: bytes, cost: Cost, name: str, randomness: Randomness
) -> bytes:
    """A file holding the root key under a passphrase. Raises ``PassphraseUnfit``."""
    if len(passphrase) not in _PASSPHRASE_BYTES:
        raise PassphraseUnfit(f"a passphrase has at least {_PASSPHRASE_BYTES.start} bytes")
    salt = randomness(_SALT_BYTES)
    box = _sealed(root, _stretched(passphrase, salt, cost), name, randomness)
    return _file({"v": 1, "scrypt": {**asdict(cost), "salt": b64u(salt)}, "box": box})


def unseal_root(data: bytes, *, passphrase: bytes, name: str) -> bytes:
    """The root key.

    Raises ``KeyringDamaged`` for what is no such file, ``PassphraseWrong`` if it does not open.

    A file whose sealed part alone was altered cannot be told from a wrong passphrase.
    """
    try:
        whole = _versioned(data, "v", "scrypt", "box")
        cost, salt = _cost(whole["scrypt"])
        _parts(whole["box"])
    except TokenInvalid:
        raise KeyringDamaged(f"{name} is damaged") from None
    if len(passphrase) not in _PASSPHRASE_BYTES:
        raise PassphraseWrong("the passphrase does not open the keyring")
    try:
        return _unsealed(whole["box"], _stretched(passphrase, salt, cost), name)
    except TokenInvalid:
        raise PassphraseWrong("the passphrase does not open the keyring") from None


def _versioned(data: bytes, *names: str) -> dict[str, Any]:
    whole = members(data, *names)
    if whole["v"] != 1:
        raise TokenInvalid("of a version that is not known")
    return whole


def _cost(given: object) -> tuple[Cost, bytes]:
    if not isinstance(given, dict) or given.keys() != {"n", "r", "p", "salt"}:
        raise TokenInvalid("not the parameters of scrypt")
    numbers = [given[name] for name in ("n", "r", "p")]
    if not all(type(number) is int for number in numbers) or not isinstance(given["salt"], str):
        raise TokenInvalid("not the parameters of scrypt")
    cost = Cost(*numbers)
    power_of_two = cost.n > 1 and cost.n & (cost.n - 1) == 0
    within = cost.n <= _MOST.n and 1 <= cost.r <= _MOST.r and 1 <= cost.p <= _MOST.p
    if not power_of_two or not within:
        raise TokenInvalid("not the parameters of scrypt")
    return cost, unb64u(given["salt"], size=_SALT_BYTES)


def _stretched(passphrase: bytes, salt: bytes, cost: Cost) -> bytes:
    return Scrypt(salt=salt, length=KEY_BYTES, n=cost.n, r=cost.r, p=cost.p).derive(passphrase)


def _sealed(secret: bytes, key: bytes, name: str, randomness: Randomness) -> str:
    iv = randomness(_IV_BYTES)
    return b64u(iv + AESGCM(key).encrypt(iv, secret, _bound(name)))


def _unsealed(box: object, key: bytes, name: str) -> bytes:
    iv, sealed = _parts(box)
    try:
        return AESGCM(key).decrypt(iv, sealed, _bound(name))
    except InvalidTag:
        raise TokenInvalid("altered, or under another key") from None


def _parts(box: object) -> tuple[bytes, bytes]:
    raw = unb64u(box) if isinstance(box, str) else b""
    if len(raw) < _IV_BYTES + KEY_BYTES:
        raise TokenInvalid("too short")
    return raw[:_IV_BYTES], raw[_IV_BYTES:]


def _bound(name: str) -> bytes:
    return b"tillit keyring v1\0" + name.encode("ascii")


def _file(content: dict[str, object]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode("ascii") + b"\n"
