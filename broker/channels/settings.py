"""Settings of the ways out of the portal: which there are, and how each is reached. Secrets come from files, never in clear."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import StringConstraints

from broker.addresses import is_plain_and_remote
from broker.domain.contacts import address_of
from broker.domain.errors import AddressUnlike
from keys.settings import KeyringSettings, is_open_to_others

_Place = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]+:[0-9]{1,5}$", max_length=200)]
_Text = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")]
_Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@]+/?$", max_length=200)]


class ChannelSettings(KeyringSettings):
    """What an operator chooses of e-mail, and of Altinn's notifications, by which text messages go too."""

    mail_server: _Place | None = None
    """Who takes e-mail that says that there is something new, host:port; nobody by default."""
    mail_security: Literal["tls", "starttls", "none"] = "tls"
    """How that is reached: by TLS, by STARTTLS, or in plain text on this machine."""
    mail_from: Annotated[str, StringConstraints(max_length=254)] | None = None
    """The address that e-mail comes from, and that its bounces go to."""
    mail_user: _Text | None = None
    """Who the broker is there, if it must say."""
    mail_password_file: Path | None = None
    """A file with that user's password, readable by its owner only."""
    mail_ca_file: Path | None = None
    """Whom to believe the server's certificate by, if not whom everybody does."""
    mail_dir: Path | None = None
    """A folder that e-mail is put into instead; in demo only."""
    altinn_url: _Url | None = None
    """Altinn's platform, which sends text messages, and to what people told the public contact register; nobody by default."""
    maskinporten_issuer: _Url | None = None
    """Who gives the broker its token for that (the issuer of Maskinporten, as it is written there)."""
    maskinporten_client: _Text | None = None
    """What the broker is called there."""
    maskinporten_key_file: Path | None = None
    """The broker's private key there, a JWK, readable by its owner only."""

    def half_a_channel(self) -> list[str]:
        """What is not set and must be, and what cannot be."""
        problems = []
        mail = (self.mail_server, self.mail_from)
        if None in mail and any(mail):
            problems.append("TILLIT_MAIL_SERVER and TILLIT_MAIL_FROM: set both or neither")
        if self.mail_server is None and (self.mail_user or self.mail_password_file):
            problems.append("TILLIT_MAIL_USER: for a TILLIT_MAIL_SERVER only")
        if (self.mail_user is None) != (self.mail_password_file is None):
            problems.append("TILLIT_MAIL_USER and TILLIT_MAIL_PASSWORD_FILE: set both or neither")
        if self.mail_server is not None and self.mail_dir is not None:
            problems.append("TILLIT_MAIL_SERVER and TILLIT_MAIL_DIR: set one of them")
        if self.mail_from is not None and not _is_address(self.mail_from):
            problems.append("TILLIT_MAIL_FROM: not an e-mail address")
        altinn = (
            self.altinn_url,
            self.maskinporten_issuer,
            self.maskinporten_client,
            self.maskinporten_key_file,
        )
        if None in altinn and any(altinn):
            problems.append(
                "TILLIT_ALTINN_URL, TILLIT_MASKINPORTEN_ISSUER, TILLIT_MASKINPORTEN_CLIENT and "
                "TILLIT_MASKINPORTEN_KEY_FILE: set all or none"
            )
        return problems

    def exposed_channels(self) -> list[str]:
        """What is refused unless the mode is ``demo``."""
        problems = [
            f"{name}: plain http is for this machine only; use https"
            for name, url in (
                ("TILLIT_ALTINN_URL", self.altinn_url),
                ("TILLIT_MASKINPORTEN_ISSUER", self.maskinporten_issuer),
            )
            if url is not None and is_plain_and_remote(url)
        ]
        plain = self.mail_security == "none" and self.mail_server is not None
        if plain and is_plain_and_remote(f"smtp://{self.mail_server}"):
            problems.append("TILLIT_MAIL_SECURITY: plain text is for this machine only; use tls")
        if self.mail_dir is not None:
            problems.append("TILLIT_MAIL_DIR: e-mail in a folder is for TILLIT_MODE=demo only")
        return problems + [
            f"{name}: readable by others; chmod 600"
            for name, file in (
                ("TILLIT_MAIL_PASSWORD_FILE", self.mail_password_file),
                ("TILLIT_MASKINPORTEN_KEY_FILE", self.maskinporten_key_file),
            )
            if is_open_to_others(file)
        ]


def _is_address(text: str) -> bool:
    try:
        return address_of("email", text) == text
    except AddressUnlike:
        return False
