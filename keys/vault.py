"""HashiCorp Vault or OpenBao as the root key's back end: its Transit engine wraps and unwraps, its own key stays there.

API: Vault's "Transit secrets engine (API)", encrypt, decrypt, rotate, config and trim, which OpenBao
shares. Needs the extra ``vault`` (hvac). The root key is sent to be wrapped, over TLS, and its name
as associated data; who may decrypt is the server's policy.
"""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any, Final

import hvac
import requests
from hvac.exceptions import (
    BadGateway,
    Forbidden,
    InternalServerError,
    InvalidPath,
    InvalidRequest,
    RateLimitExceeded,
    Unauthorized,
    VaultDown,
    VaultError,
)

from keys.errors import (
    KeyringDamaged,
    RootBackDown,
    RootBackMissing,
    RootBackRefused,
    RootDestroyed,
)
from keys.roots import Wrapped
from tillit.envelopes import Randomness

TIMEOUT_SECONDS = 5.0

_CIPHERTEXT = re.compile(r"vault:v([1-9][0-9]{0,9}):[A-Za-z0-9+/=]{1,1000}")
_NO_CONTENT = 204
_TOO_OLD = "disallowed by policy"
_DOWN = (BadGateway, InternalServerError, RateLimitExceeded, VaultDown)
_REFUSED = (Forbidden, InvalidPath, Unauthorized)


class Transit:
    """A key of a Transit engine. The token is asked for at each call: an agent may renew it."""

    member: Final = "vault"

    def __init__(
        self,
        url: str,
        *,
        key: str,
        token: Callable[[], str],
        mount: str = "transit",
        ca_file: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        """Nothing is sent yet. ``ca_file``: whom to believe the server's certificate by."""
        self._url = url
        self._key = key
        self._token = token
        self._mount = mount
        self._ca_file = ca_file
        self._timeout = timeout

    def wrap(self, root: bytes, *, name: str, randomness: Randomness) -> Wrapped:  # noqa: ARG002 - the server's own
        """See ``keys.roots.Back``."""
        answer = self._asked(
            "encrypt_data", plaintext=_base64(root), associated_data=_base64(name.encode())
        )
        wrapped = answer.get("ciphertext")
        if not isinstance(wrapped, str) or not _CIPHERTEXT.fullmatch(wrapped):
            raise RootBackDown("the server's answer is no ciphertext")
        return {self.member: {"key": f"{self._mount}/{self._key}", "wrapped": wrapped}}

    def unwrap(self, wrapped: Wrapped, *, name: str) -> bytes:
        """See ``keys.roots.Back``. Raises ``RootDestroyed`` for what a destroyed version wrapped."""
        answer = self._asked(
            "decrypt_data",
            ciphertext=self._ciphertext(wrapped),
            associated_data=_base64(name.encode()),
        )
        try:
            return base64.b64decode(answer["plaintext"], validate=True)
        except (KeyError, TypeError, binascii.Error, ValueError):
            raise RootBackDown("the server's answer is no plaintext") from None

    def renew(self) -> None:
        """See ``keys.roots.Back``: a new version of the key."""
        self._asked("rotate_key")

    def destroy_older(self, wrapped: Wrapped) -> bool:
        """See ``keys.roots.Back``: versions before this one are trimmed away."""
        match = _CIPHERTEXT.fullmatch(self._ciphertext(wrapped))
        version = int(match[1]) if match else 0
        # One after the other: hvac takes them for wrong together when they are the same.
        self._asked("update_key_configuration", min_encryption_version=version)
        self._asked("update_key_configuration", min_decryption_version=version)
        self._asked("trim_key", min_version=version)
        return True

    def _ciphertext(self, wrapped: Wrapped) -> str:
        own = wrapped[self.member]
        if not isinstance(own, dict) or own.keys() != {"key", "wrapped"} or len(wrapped) != 1:
            raise KeyringDamaged("root is damaged")
        if not isinstance(own["wrapped"], str) or not _CIPHERTEXT.fullmatch(own["wrapped"]):
            raise KeyringDamaged("root is damaged")
        if own["key"] != f"{self._mount}/{self._key}":
            raise RootBackMissing("the root key is wrapped by another key of Transit")
        return own["wrapped"]

    def _asked(self, call: str, **arguments: Any) -> dict[str, Any]:
        """One call on the key. An answer without a body is one without data."""
        try:
            with requests.Session() as session:
                session.trust_env = False
                session.verify = self._ca_file or True
                client = hvac.Client(
                    url=self._url,
                    token=self._read_token(),
                    timeout=self._timeout,
                    allow_redirects=False,
                    session=session,
                )
                answer = getattr(client.secrets.transit, call)(
                    name=self._key, mount_point=self._mount, **arguments
                )
        except _DOWN:
            raise RootBackDown("the server cannot answer now, or is sealed") from None
        except _REFUSED:
            raise RootBackRefused("the token may not use the key, or there is none") from None
        except InvalidRequest as error:
            if _TOO_OLD in str(error):
                raise RootDestroyed("what had wrapped the root key was destroyed") from None
            raise KeyringDamaged("the server does not unwrap the root key") from None
        except VaultError:
            raise RootBackRefused("the server refuses") from None
        except (requests.RequestException, ValueError):
            raise RootBackDown("the server does not answer") from None
        if getattr(answer, "status_code", _NO_CONTENT) != _NO_CONTENT:
            raise RootBackDown("the server sends elsewhere")
        data = answer.get("data") if isinstance(answer, dict) else None
        return data if isinstance(data, dict) else {}

    def _read_token(self) -> str:
        try:
            return self._token()
        except (OSError, LookupError, ValueError):
            raise RootBackRefused("the token cannot be had") from None


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
