"""Settings: what an operator chooses, read from the environment (``TILLIT_…``), and what is refused as unsafe in production."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, StringConstraints, ValidationError, model_validator

from broker import witnesses_file
from broker.addresses import is_plain_and_remote
from broker.channels.settings import ChannelSettings
from broker.domain.anonymity import DEFAULT_K, LEAST_K
from keys.rates import BURST, PER_SECOND
from keys.settings import is_open_to_others
from tillit.quorums import Policy

MIN_PASSPHRASE_CHARS = 16
PACKAGED_POLICIES = Path(__file__).resolve().parent.parent / "policies"
_WELL_KNOWN = frozenset(
    ("change-me", "changeme", "passphrase", "password", "secret", "demo", "tillit")
)

Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@]+$", max_length=200)]
Name = Annotated[str, StringConstraints(pattern=r"^[!-*,-~]{1,200}$")]


class SettingsWrong(Exception):
    """The settings cannot be used. The text names each variable and what is wrong with it, never a secret."""


class Settings(ChannelSettings):
    """Everything an operator chooses. ``mode`` is ``production`` unless it is said otherwise."""

    mode: Literal["production", "demo"] = "production"
    """production, unless it is demo: synthetic people only, and said on every page."""
    issuer: Url = "http://127.0.0.1:8000"
    """The public address of the broker; also the audience of assertions and tokens."""
    data_dir: Path = Path("tillit-data")
    """Where database and keyring lie, unless they are put elsewhere."""
    database_url: SecretStr | None = None
    """SQLite in the data directory; or postgresql+psycopg://user@host/database."""
    keyring_dir: Path | None = None
    """The keyring; better on another disk and backup than the database."""
    passphrase_file: Path | None = None
    """A file with the keyring's passphrase, readable by its owner only."""
    passphrase: SecretStr | None = None
    """The passphrase itself, instead of a file."""
    custodian: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    """A custodian in its own process: the path of its unix socket, or https://host:port. In this one by default."""
    custodian_cert_file: Path | None = None
    """The certificate chain that the broker shows it over https."""
    custodian_key_file: Path | None = None
    """That certificate's private key, readable by its owner only."""
    custodian_ca_file: Path | None = None
    """Who signs the custodian's certificate."""
    releases_per_second: Annotated[float, Field(gt=0, le=10_000)] = PER_SECOND
    """So many disclosures a second the custodian here releases to one recipient's key, in each process."""
    releases_burst: Annotated[int, Field(ge=1, le=1_000_000)] = BURST
    """So many it releases at once, before that counts."""
    engine: Literal["regorus", "opa"] = "regorus"
    """The policy engine: embedded, or a real OPA server."""
    opa_url: Url | None = None
    """The OPA server, which serves the same bundle."""
    engine_deadline_ms: Annotated[int, Field(ge=10, le=5000)] = 250
    """How long an answer of the policy engine may take, in milliseconds; a later one withholds everything."""
    policies_dir: Path = PACKAGED_POLICIES
    """Rego and facts; those that came with this release by default."""
    policy_signers_file: Path | None = None
    """Public keys of those who may sign policies, a JWK set; kid says who."""
    person_issuer: Annotated[str, StringConstraints(max_length=200)] | None = None
    """Who signs people's tokens (the iss of ID-porten)."""
    person_jwks_file: Path | None = None
    """That issuer's public keys, a JWK set; read again when it changes."""
    login_issuer: Url | None = None
    """The identity provider that the portal's people log in at (OpenID Connect; ID-porten). No portal without one."""
    login_client: Name | None = None
    """What the portal is called there."""
    login_key_file: Path | None = None
    """The portal's private key there, a JWK, readable by its owner only."""
    staff_login_issuer: Url | None = None
    """The identity provider that employees log in at (OpenID Connect; Ansattporten). No pages for them without one."""
    staff_login_client: Name | None = None
    """What the portal is called there."""
    staff_login_key_file: Path | None = None
    """The portal's private key there, a JWK, readable by its owner only."""
    staff_units_file: Path | None = None
    """Which unit the employees of an organisation act for, by its number: {"units": {"974760673": "nav-larvik"}}."""
    register_file: Path | None = None
    """The synthetic population register; in demo only."""
    anonymity_k: Annotated[int, Field(ge=LEAST_K, le=1000)] = DEFAULT_K
    """So many people at least an anonymous case could be about; 2 or more."""
    post_quantum: bool = False
    """Whether nothing may be sealed to a key that quantum computers break: then services and the custodian need hybrid keys."""
    log_origin: Name | None = None
    """The log's name in its checkpoints; host of the issuer and /log by default."""
    log_witnesses_file: Path | None = None
    """Who cosigns the log's checkpoints, where, and how many are enough (C2SP tlog-policy); needed outside demo."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        problems = [*self._missing(), *(self._unsafe() if self.mode == "production" else ())]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def database(self) -> str:
        """The database's URL; SQLite in the data directory by default."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data_dir.absolute() / 'broker.sqlite'}"

    @property
    def keyring(self) -> Path:
        """The keyring's directory."""
        return self.keyring_dir or self.data_dir / "keyring"

    @property
    def origin(self) -> str:
        """The log's name."""
        return self.log_origin or f"{urlsplit(self.issuer).netloc}/log"

    def witnesses(self) -> Policy | None:
        """Who witnesses the log, read anew; None where nobody need (a demo).

        Raises:
            SettingsWrong: the file cannot be used any more.
        """
        if self.log_witnesses_file is None:
            return None
        try:
            policy = witnesses_file.read(self.log_witnesses_file)
        except witnesses_file.Unusable as wrong:
            raise SettingsWrong(str(wrong)) from None
        return None if policy.asks_nobody else policy

    def read_passphrase(self) -> bytes:
        """The keyring's passphrase, read anew each time, so that a locked keyring opens once it can be had.

        Raises:
            OSError, LookupError: it cannot be had.
        """
        if self.passphrase_file is not None:
            return self.passphrase_file.read_bytes().strip()
        if self.passphrase is None:
            raise LookupError("no passphrase is set")
        return self.passphrase.get_secret_value().encode()

    def _missing(self) -> list[str]:
        problems = self.lacking()
        if self.passphrase is not None and self.passphrase_file is not None:
            problems.append("TILLIT_PASSPHRASE and TILLIT_PASSPHRASE_FILE: set one of them")
        if self.engine == "opa" and self.opa_url is None:
            problems.append("TILLIT_OPA_URL: needed with TILLIT_ENGINE=opa")
        problems += self._of_the_custodian()
        problems += witnesses_file.problems(
            self.log_witnesses_file, production=self.mode == "production"
        )
        if (self.person_issuer is None) != (self.person_jwks_file is None):
            problems.append("TILLIT_PERSON_ISSUER and TILLIT_PERSON_JWKS_FILE: set both or neither")
        login = (self.login_issuer, self.login_client, self.login_key_file)
        if None in login and any(login):
            problems.append(
                "TILLIT_LOGIN_ISSUER, TILLIT_LOGIN_CLIENT and TILLIT_LOGIN_KEY_FILE: set all or none"
            )
        staff = (
            self.staff_login_issuer,
            self.staff_login_client,
            self.staff_login_key_file,
            self.staff_units_file,
        )
        if any(staff) and (None in staff or None in login):
            problems.append(
                "TILLIT_STAFF_LOGIN_ISSUER, TILLIT_STAFF_LOGIN_CLIENT, TILLIT_STAFF_LOGIN_KEY_FILE and "
                "TILLIT_STAFF_UNITS_FILE: set all, beside TILLIT_LOGIN_…, or none"
            )
        return [*problems, *self.half_a_channel()]

    def _of_the_custodian(self) -> list[str]:
        files = {
            "TILLIT_CUSTODIAN_CERT_FILE": self.custodian_cert_file,
            "TILLIT_CUSTODIAN_KEY_FILE": self.custodian_key_file,
            "TILLIT_CUSTODIAN_CA_FILE": self.custodian_ca_file,
        }
        if self.custodian is not None and self.custodian.startswith("https://"):
            return [
                f"{name}: needed with an https address" for name, file in files.items() if not file
            ]
        problems = [f"{name}: for an https address only" for name, file in files.items() if file]
        if self.custodian is not None and "://" in self.custodian:
            problems.append("TILLIT_CUSTODIAN: the path of a unix socket, or https; no plain TCP")
        return problems

    def _unsafe(self) -> list[str]:
        """What is refused unless the mode is ``demo``."""
        problems = [
            f"{name}: plain http is for this machine only; use https"
            for name, url in (
                ("TILLIT_ISSUER", self.issuer),
                ("TILLIT_OPA_URL", self.opa_url),
                ("TILLIT_PERSON_ISSUER", self.person_issuer),
                ("TILLIT_LOGIN_ISSUER", self.login_issuer),
                ("TILLIT_STAFF_LOGIN_ISSUER", self.staff_login_issuer),
            )
            if url is not None and is_plain_and_remote(url)
        ]
        if self.register_file is not None:
            problems.append(
                "TILLIT_REGISTER_FILE: a synthetic register is for TILLIT_MODE=demo only"
            )
        without = self.passphrase is None and self.passphrase_file is None
        if without and self.keyring_backend == "passphrase":
            problems.append("TILLIT_PASSPHRASE_FILE: needed; the keyring does not open without it")
        if self.passphrase is not None and _is_weak(self.passphrase.get_secret_value()):
            problems.append(
                f"TILLIT_PASSPHRASE: needs {MIN_PASSPHRASE_CHARS} characters of its own"
            )
        problems += [
            f"{name}: readable by others; chmod 600"
            for name, file in (
                ("TILLIT_CUSTODIAN_KEY_FILE", self.custodian_key_file),
                ("TILLIT_LOGIN_KEY_FILE", self.login_key_file),
                ("TILLIT_STAFF_LOGIN_KEY_FILE", self.staff_login_key_file),
                ("TILLIT_PASSPHRASE_FILE", self.passphrase_file),
            )
            if is_open_to_others(file)
        ]
        return [*problems, *self.exposed(), *self.exposed_channels()]


def read() -> Settings:
    """The settings of this process's environment.

    Raises:
        SettingsWrong: with a line for each thing that is wrong.
    """
    try:
        return Settings()
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise SettingsWrong("\n".join(_line(item["loc"], item["msg"]) for item in found)) from None


def _line(where: tuple[int | str, ...], message: str) -> str:
    text = message.removeprefix("Value error, ").replace("; TILLIT_", "\nTILLIT_")
    return f"TILLIT_{str(where[0]).upper()}: {text}" if where else text


def _is_weak(passphrase: str) -> bool:
    return len(passphrase) < MIN_PASSPHRASE_CHARS or passphrase.lower() in _WELL_KNOWN


def described() -> str:
    """Every variable with what it does, for the help of the command line."""
    return "\n".join(
        f"  TILLIT_{name.upper():<21} {field.description}"
        for name, field in Settings.model_fields.items()
    )
