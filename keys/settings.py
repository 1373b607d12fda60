"""Settings of the keyring: which back end wraps its root key, and how that is reached.

Tokens and PINs come from files that only their owner reads, never from a command line; each is read
anew when it is needed, so that it may be renewed under a running process.
"""

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import StringConstraints
from pydantic_settings import BaseSettings, SettingsConfigDict

from keys.errors import RootBackMissing
from keys.roots import Back, Backs, Passphrase
from tillit.errors import TillitError
from tillit.transport import address

_Text = Annotated[str, StringConstraints(pattern=r"^[!-~]([ -~]{0,198}[!-~])?$")]
_Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@]+$", max_length=200)]


class KeyringSettings(BaseSettings):
    """What an operator chooses of the root key's back end. All that are set up may unwrap; one wraps."""

    model_config = SettingsConfigDict(
        env_prefix="TILLIT_",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    keyring_backend: Literal["passphrase", "vault", "pkcs11"] = "passphrase"
    """What wraps the keyring's root key: passphrase, vault (also OpenBao), pkcs11."""
    passphrase_next_file: Path | None = None
    """The passphrase that the next rotation of the root key takes; the file may come later."""
    vault_url: _Url | None = None
    """Vault's or OpenBao's address."""
    vault_key: _Text = "tillit"
    """The key of its Transit engine."""
    vault_mount: _Text = "transit"
    """Where that engine is mounted."""
    vault_token_file: Path | None = None
    """A file with the token, readable by its owner only; an agent may renew it."""
    vault_ca_file: Path | None = None
    """Whom to believe the server's certificate by, if not whom everybody does."""
    pkcs11_module: Path | None = None
    """The library of the PKCS#11 token."""
    pkcs11_token: _Text = "tillit"  # noqa: S105 - its label
    """The token's label."""
    pkcs11_key: _Text = "tillit"
    """The label of its keys that are the keyring's."""
    pkcs11_pin_file: Path | None = None
    """A file with the token's PIN, readable by its owner only."""

    def back(self, passphrase: Callable[[], bytes]) -> Back:
        """The back end that wraps, and any other that is set up and may have wrapped.

        Raises ``RootBackMissing`` where the one that is chosen is not set up: another must not wrap in its place.
        """
        backs = {
            "passphrase": self._passphrases(passphrase),
            "vault": self._transit(),
            "pkcs11": self._token(),
        }
        chosen = backs.pop(self.keyring_backend)
        if not chosen:
            raise RootBackMissing("; ".join(self.lacking()))
        return Backs(*chosen, *(back for others in backs.values() for back in others))

    def lacking(self) -> list[str]:
        """What is not set and must be."""
        needed: dict[str, tuple[str, ...]] = {
            "passphrase": (),
            "vault": ("vault_url", "vault_token_file"),
            "pkcs11": ("pkcs11_module", "pkcs11_pin_file"),
        }
        return [
            f"TILLIT_{name.upper()}: needed with TILLIT_KEYRING_BACKEND={self.keyring_backend}"
            for name in needed[self.keyring_backend]
            if getattr(self, name) is None
        ]

    def exposed(self) -> list[str]:
        """Which files with secrets others can read, and whether the root key would pass over a network in plain text."""
        found = [
            f"TILLIT_{name.upper()}: readable by others; chmod 600"
            for name in ("passphrase_next_file", "vault_token_file", "pkcs11_pin_file")
            if is_open_to_others(getattr(self, name))
        ]
        if self.vault_url is not None:
            try:
                address(self.vault_url, unsafe_plain_http=False)
            except TillitError:
                found.append("TILLIT_VAULT_URL: plain http is for this machine only; use https")
        return found

    def _passphrases(self, passphrase: Callable[[], bytes]) -> list[Back]:
        """The next one first, once there is one: it wraps then, and the one now still unwraps."""
        following = self.passphrase_next_file

        def newest() -> bytes:
            if following is None or not following.exists():
                return passphrase()
            return following.read_bytes().strip()

        return [Passphrase(newest), Passphrase(passphrase)]

    def _transit(self) -> list[Back]:
        url, token = self.vault_url, self.vault_token_file
        if url is None or token is None:
            return []
        from keys.vault import Transit  # noqa: PLC0415 - only who uses it has its library

        return [
            Transit(
                url,
                key=self.vault_key,
                token=lambda: token.read_text("ascii").strip(),
                mount=self.vault_mount,
                ca_file=None if self.vault_ca_file is None else str(self.vault_ca_file),
            )
        ]

    def _token(self) -> list[Back]:
        module, pin = self.pkcs11_module, self.pkcs11_pin_file
        if module is None or pin is None:
            return []
        from keys.pkcs11 import Token  # noqa: PLC0415 - only who uses it has its library

        return [
            Token(
                str(module),
                token=self.pkcs11_token,
                label=self.pkcs11_key,
                pin=lambda: pin.read_text("utf-8").strip(),
            )
        ]


def is_open_to_others(file: Path | None) -> bool:
    """A file that cannot be looked at is no danger: nor will it open anything, and that is said then."""
    try:
        return file is not None and bool(file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    except OSError:
        return False
