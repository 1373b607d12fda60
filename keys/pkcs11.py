"""A PKCS#11 token (an HSM, a smart card, SoftHSM) as the root key's back end: AES keys that never leave it.

PKCS #11 v2.40, CKM_AES_GCM. Each key has the same label and a CKA_ID that counts up; the newest
wraps, and destroying an older one makes what it wrapped unreadable for good. Needs the extra
``pkcs11`` (python-pkcs11).
"""

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass
from pkcs11.exceptions import PinIncorrect, PinInvalid, PinLenRange, PinLocked, PKCS11Error
from pkcs11.mechanisms import GCMParams

from keys.errors import KeyringDamaged, RootBackDown, RootBackRefused, RootDestroyed
from keys.roots import Wrapped
from tillit.envelopes import KEY_BYTES, Randomness
from tillit.jose import TokenInvalid, b64u, unb64u

TIMEOUT_SECONDS = 10.0

Result = TypeVar("Result")

_IV_BYTES = 12
_TAG_BYTES = 16
_ID_BYTES = 4
_PIN_WRONG = (PinIncorrect, PinInvalid, PinLenRange, PinLocked)


class Token:
    """Keys by one label on one token. The PIN is asked for at each call.

    A PIN that was refused is not tried again until it is another: tokens lock themselves after a
    few. A library that hangs is given up on after ``timeout`` seconds; its thread is not.
    """

    member: Final = "pkcs11"

    def __init__(
        self,
        module: str,
        *,
        token: str,
        label: str,
        pin: Callable[[], str],
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        """Nothing is loaded yet. ``module``: the path of the token's library."""
        self._module = module
        self._token = token
        self._label = label
        self._pin = pin
        self._timeout = timeout
        self._refused: bytes | None = None

    def wrap(self, root: bytes, *, name: str, randomness: Randomness) -> Wrapped:
        """See ``keys.roots.Back``. The token's first key is made by this."""
        iv = randomness(_IV_BYTES)

        def wrapped(session: Any) -> Wrapped:
            keys = self._keys(session)
            number = max(keys, default=0)
            key = keys[number] if keys else self._generate(session, number := 1)
            sealed = key.encrypt(
                root, mechanism=Mechanism.AES_GCM, mechanism_param=_bound(iv, name)
            )
            return {self.member: {"key": self._label, "id": number, "wrapped": b64u(iv + sealed)}}

        return self._within(wrapped)

    def unwrap(self, wrapped: Wrapped, *, name: str) -> bytes:
        """See ``keys.roots.Back``. Raises ``RootDestroyed`` for what a destroyed key wrapped."""
        number, iv, sealed = _read(wrapped, self.member)

        def unwrapped(session: Any) -> bytes:
            keys = self._keys(session)
            if number not in keys:
                if any(other > number for other in keys):
                    raise RootDestroyed("what had wrapped the root key was destroyed")
                raise RootBackRefused("the token has no such key")
            return self._decrypted(keys[number], iv, sealed, name)

        return self._within(unwrapped)

    def renew(self) -> None:
        """See ``keys.roots.Back``: one more key by this label."""
        self._within(
            lambda session: self._generate(session, max(self._keys(session), default=0) + 1)
        )

    def destroy_older(self, wrapped: Wrapped) -> bool:
        """See ``keys.roots.Back``: every key by this label but the one is destroyed on the token."""
        number, _, _ = _read(wrapped, self.member)

        def destroyed(session: Any) -> bool:
            for other, key in self._keys(session).items():
                if other != number:
                    key.destroy()
            return True

        return self._within(destroyed)

    def _keys(self, session: Any) -> dict[int, Any]:
        found = session.get_objects(
            {
                Attribute.CLASS: ObjectClass.SECRET_KEY,
                Attribute.KEY_TYPE: KeyType.AES,
                Attribute.LABEL: self._label,
            }
        )
        return {int.from_bytes(key.id, "big"): key for key in found}

    def _generate(self, session: Any, number: int) -> Any:
        return session.generate_key(
            KeyType.AES,
            KEY_BYTES * 8,
            label=self._label,
            id=number.to_bytes(_ID_BYTES, "big"),
            store=True,
            capabilities=MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT,
            template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
        )

    def _decrypted(self, key: Any, iv: bytes, sealed: bytes, name: str) -> bytes:
        """Which error a token gives for what does not open differs: one that is gone fails twice."""
        try:
            return bytes(
                key.decrypt(sealed, mechanism=Mechanism.AES_GCM, mechanism_param=_bound(iv, name))
            )
        except PKCS11Error:
            unused = _bound(os.urandom(_IV_BYTES), name)
            key.encrypt(b"\0", mechanism=Mechanism.AES_GCM, mechanism_param=unused)
            raise KeyringDamaged("the token does not unwrap the root key") from None

    def _within(self, act: Callable[[Any], Result]) -> Result:
        """Act in a session of its own, in a thread that can be given up on."""
        outcome: list[Callable[[], Result]] = []

        def run() -> None:
            try:
                with self._session() as session:
                    done = act(session)
            except BaseException as error:  # noqa: BLE001 - handed to the caller as it is
                outcome.append(_raising(error))
            else:
                outcome.append(lambda: done)

        thread = threading.Thread(target=run, name="tillit-pkcs11", daemon=True)
        thread.start()
        thread.join(self._timeout)
        if not outcome:
            raise RootBackDown("the token does not answer in time")
        return outcome[0]()

    @contextmanager
    def _session(self) -> Iterator[Any]:
        try:
            pin = self._pin()
        except (OSError, LookupError, ValueError):
            raise RootBackRefused("the PIN cannot be had") from None
        hashed = hashlib.sha256(pin.encode()).digest()
        if hashed == self._refused:
            raise RootBackRefused("the token has refused this PIN before")
        try:
            token = pkcs11.lib(self._module).get_token(token_label=self._token)
            with token.open(rw=True, user_pin=pin) as session:
                yield session
        except _PIN_WRONG:
            self._refused = hashed
            raise RootBackRefused("the token refuses the PIN") from None
        except PKCS11Error as error:
            raise RootBackDown(f"the token cannot be used: {type(error).__name__}") from None


def _raising(error: BaseException) -> Callable[[], Any]:
    def again() -> Any:
        raise error

    return again


def _bound(iv: bytes, name: str) -> GCMParams:
    return GCMParams(iv, name.encode("ascii"), _TAG_BYTES * 8)


def _read(wrapped: Wrapped, member: str) -> tuple[int, bytes, bytes]:
    """The key's number, the IV, and the sealed root key with its tag."""
    own = wrapped[member]
    damaged = KeyringDamaged("root is damaged")
    if len(wrapped) != 1 or not isinstance(own, dict) or own.keys() != {"key", "id", "wrapped"}:
        raise damaged
    number = own["id"]
    if type(number) is not int or not 0 < number < 2 ** (8 * _ID_BYTES):
        raise damaged
    try:
        sealed = unb64u(str(own["wrapped"]), size=_IV_BYTES + KEY_BYTES + _TAG_BYTES)
    except TokenInvalid:
        raise damaged from None
    return number, sealed[:_IV_BYTES], sealed[_IV_BYTES:]
