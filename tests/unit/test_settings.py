"""Settings: production is the default, and what is unsafe there is refused in words."""

from pathlib import Path
from typing import Any

import pytest

from broker.channels.folder import Folder
from broker.compose import messengers
from broker.settings import Settings, SettingsWrong, read
from keys.errors import RootBackMissing
from keys.settings import KeyringSettings, is_open_to_others
from tests.witness import Witness

GOOD = "long enough a passphrase"


WITNESS = Witness("witness.example/w1", "log.example", b"").vkey


MAIL = {"mail_server": "mail.example:465", "mail_from": "tillit@tillit.example"}
ALTINN = {
    "altinn_url": "https://platform.altinn.example",
    "maskinporten_issuer": "https://maskinporten.example/",
    "maskinporten_client": "tillit",
    "maskinporten_key_file": "maskinporten.jwk",
}


@pytest.fixture(autouse=True)
def witnesses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A file that names one witness, set for every test that does not say otherwise."""
    file = tmp_path / "witnesses"
    file.write_text(f"witness one {WITNESS} https://witness.example\nquorum one\n")
    monkeypatch.setenv("TILLIT_LOG_WITNESSES_FILE", str(file))
    return file


def _environment(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name in Settings.model_fields:
        if name != "log_witnesses_file":
            monkeypatch.delenv(f"TILLIT_{name.upper()}", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(f"TILLIT_{name.upper()}", value)


def _refused(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    _environment(monkeypatch, **variables)
    with pytest.raises(SettingsWrong) as refused:
        read()
    return str(refused.value)


LOGIN = {
    "login_issuer": "https://login.example",
    "login_client": "portal",
    "login_key_file": "none.jwk",
}
STAFF = {
    "staff_login_issuer": "http://work.example",
    "staff_login_client": "portal",
    "staff_login_key_file": "none.jwk",
    "staff_units_file": "units.json",
}


def test_production_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forgetting the mode must never mean the lax one."""
    _environment(monkeypatch, passphrase=GOOD)
    assert read().mode == "production"


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"issuer": "http://broker.example"}, "TILLIT_ISSUER: plain http"),
        ({"engine": "opa", "opa_url": "http://opa.example:8181"}, "TILLIT_OPA_URL: plain http"),
        (
            {"person_issuer": "http://id.example", "person_jwks_file": "keys.json"},
            "TILLIT_PERSON_ISSUER: plain http",
        ),
        (LOGIN | STAFF, "TILLIT_STAFF_LOGIN_ISSUER: plain http"),
        ({"register_file": "people.json"}, "TILLIT_REGISTER_FILE: a synthetic register"),
        ({"passphrase": "short"}, "TILLIT_PASSPHRASE: needs 16 characters"),
        ({"vault_url": "http://vault.example:8200"}, "TILLIT_VAULT_URL: plain http"),
        (MAIL | {"mail_security": "none"}, "TILLIT_MAIL_SECURITY: plain text"),
        ({"mail_dir": "mail"}, "TILLIT_MAIL_DIR: e-mail in a folder"),
        (ALTINN | {"altinn_url": "http://altinn.example"}, "TILLIT_ALTINN_URL: plain http"),
        (
            ALTINN | {"maskinporten_issuer": "http://maskinporten.example/"},
            "TILLIT_MASKINPORTEN_ISSUER: plain http",
        ),
    ],
)
def test_unsafe_setting_is_refused_in_production_and_allowed_in_demo(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    """The message names the variable; the demo says so by its mode."""
    chosen = {"passphrase": GOOD} | variables
    assert said in _refused(monkeypatch, **chosen)
    _environment(monkeypatch, **chosen, mode="demo")
    assert read().mode == "demo"


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        *(({name: value}, "set both or neither") for name, value in MAIL.items()),
        *(({name: value}, "set all or none") for name, value in ALTINN.items()),
        (MAIL | {"mail_user": "broker"}, "TILLIT_MAIL_USER and TILLIT_MAIL_PASSWORD_FILE"),
        ({"mail_user": "broker"}, "TILLIT_MAIL_USER: for a TILLIT_MAIL_SERVER only"),
        (MAIL | {"mail_dir": "mail"}, "TILLIT_MAIL_SERVER and TILLIT_MAIL_DIR: set one"),
        (MAIL | {"mail_from": "tillit"}, "TILLIT_MAIL_FROM: not an e-mail address"),
        (MAIL | {"mail_server": "mail.example"}, "TILLIT_MAIL_SERVER: "),
    ],
)
def test_half_a_way_out_of_the_portal_is_refused_in_every_mode(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    """A broker that believes that it tells people, and does not, is worse than one that says that it cannot."""
    for mode in ("production", "demo"):
        assert said in _refused(monkeypatch, passphrase=GOOD, mode=mode, **variables)


def test_the_ways_out_of_the_portal_are_those_that_are_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """None by default; the secrets of both are their owner's alone."""
    _environment(monkeypatch, passphrase=GOOD)
    assert messengers(read()) == {}
    file = tmp_path / "secret"
    file.write_text("secret")
    file.chmod(0o644)
    mail = MAIL | {"mail_user": "broker", "mail_password_file": str(file)}
    altinn = ALTINN | {"maskinporten_key_file": str(file)}
    said = _refused(monkeypatch, passphrase=GOOD, **mail, **altinn)
    assert "TILLIT_MAIL_PASSWORD_FILE: readable by others" in said
    assert "TILLIT_MASKINPORTEN_KEY_FILE: readable by others" in said
    file.chmod(0o600)
    _environment(monkeypatch, passphrase=GOOD, **mail, **altinn)
    found = messengers(read())
    assert sorted(found) == ["email", "register", "sms"]
    assert "secret" not in repr(found)
    _environment(monkeypatch, mode="demo", mail_dir=str(tmp_path / "mail"))
    assert messengers(read()) == {"email": Folder(tmp_path / "mail")}


def test_passphrase_is_required_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one the keyring cannot open; say so before serving."""
    assert "TILLIT_PASSPHRASE_FILE: needed" in _refused(monkeypatch)


@pytest.mark.parametrize(
    ("backend", "lacking"),
    [
        ("vault", ["TILLIT_VAULT_URL: needed", "TILLIT_VAULT_TOKEN_FILE: needed"]),
        ("pkcs11", ["TILLIT_PKCS11_MODULE: needed", "TILLIT_PKCS11_PIN_FILE: needed"]),
    ],
)
def test_another_back_end_needs_its_own_settings_and_no_passphrase(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, backend: str, lacking: list[str]
) -> None:
    """What is missing is named before anything is served, and the secret's file is looked at."""
    lines = _refused(monkeypatch, keyring_backend=backend).splitlines()
    assert len(lines) == len(lacking)
    for setting in lacking:
        assert [line for line in lines if line.startswith(setting)], setting
    file = tmp_path / "secret"
    file.write_text("s.token")
    file.chmod(0o644)
    chosen = {
        "keyring_backend": backend,
        "vault_url": "https://vault.example:8200",
        "vault_token_file": str(file),
        "pkcs11_module": "/usr/lib/softhsm/libsofthsm2.so",
        "pkcs11_pin_file": str(file),
    }
    assert "readable by others" in _refused(monkeypatch, **chosen)
    file.chmod(0o600)
    _environment(monkeypatch, **chosen)
    assert read().keyring_backend == backend


def test_the_key_that_the_custodian_is_reached_with_is_the_brokers_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whoever had it could speak as the broker."""
    file = tmp_path / "broker.key"
    file.write_text("key")
    file.chmod(0o640)
    chosen = {
        "passphrase": GOOD,
        "custodian": "https://custodian.example:8100",
        "custodian_cert_file": "broker.pem",
        "custodian_key_file": str(file),
        "custodian_ca_file": "ca.pem",
    }
    assert "TILLIT_CUSTODIAN_KEY_FILE: readable by others" in _refused(monkeypatch, **chosen)
    file.chmod(0o600)
    _environment(monkeypatch, **chosen)
    assert read().custodian == "https://custodian.example:8100"


def test_passphrase_file_that_others_can_read_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It opens every subject's key."""
    file = tmp_path / "passphrase"
    file.write_text(GOOD)
    file.chmod(0o644)
    assert "readable by others" in _refused(monkeypatch, passphrase_file=str(file))
    file.chmod(0o600)
    _environment(monkeypatch, passphrase_file=str(file))
    assert read().read_passphrase() == GOOD.encode()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000", "http://localhost:1", "http://[::1]:8000", "https://a.example"]
)
def test_loopback_may_be_plain_http(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """A broker behind a proxy on the same machine."""
    _environment(monkeypatch, passphrase=GOOD, issuer=url)
    assert read().issuer == url


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"engine": "opa"}, "TILLIT_OPA_URL: needed"),
        ({"custodian": "http://127.0.0.1:8100"}, "TILLIT_CUSTODIAN: the path of a unix socket"),
        ({"custodian": "https://custodian.example"}, "TILLIT_CUSTODIAN_CERT_FILE: needed"),
        ({"custodian": "/run/s", "custodian_ca_file": "ca.pem"}, "for an https address only"),
        ({"custodian_key_file": "key.pem"}, "for an https address only"),
        ({"person_issuer": "https://id.example"}, "set both or neither"),
        ({"passphrase_file": "somewhere"}, "set one of them"),
        (STAFF | {"staff_units_file": ""}, "TILLIT_STAFF_UNITS_FILE: set all"),
        (STAFF, "beside TILLIT_LOGIN_"),
        ({"mode": "lax"}, "TILLIT_MODE"),
        ({"issuer": "https://a.example/"}, "TILLIT_ISSUER"),
        ({"issuer": "https://user@a.example"}, "TILLIT_ISSUER"),
        ({"log_origin": "two words"}, "TILLIT_LOG_ORIGIN"),
    ],
)
def test_settings_that_do_not_fit_are_refused_in_any_mode(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    """A half-set pair would fail at the first request instead."""
    chosen = {"passphrase": GOOD, "mode": "demo"} | variables
    assert said in _refused(monkeypatch, **chosen)


def test_no_message_repeats_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages end up in terminals and tickets."""
    said = _refused(
        monkeypatch,
        passphrase="canary",
        database_url="postgresql+psycopg://u:canary@db/x",
        issuer="ftp://canary",
    )
    assert "canary" not in said


def test_repr_hides_passphrase_and_database_password() -> None:
    """Settings are printed when something is wrong."""
    chosen: dict[str, Any] = {"passphrase": "canary canary canary", "mode": "demo"}
    settings = Settings(database_url="postgresql+psycopg://u:canary@db/x", **chosen)
    assert "canary" not in repr(settings)


def test_places_follow_from_the_data_directory(tmp_path: Path) -> None:
    """One directory to back up."""
    chosen: dict[str, Any] = {"mode": "demo", "data_dir": tmp_path}
    settings = Settings(**chosen)
    assert settings.database == f"sqlite:///{tmp_path}/broker.sqlite"
    assert settings.keyring == tmp_path / "keyring"
    assert settings.origin == "127.0.0.1:8000/log"


def test_no_passphrase_is_a_lookup_error() -> None:
    """The custodian reads it as: locked, for now."""
    chosen: dict[str, Any] = {"mode": "demo"}
    with pytest.raises(LookupError):
        Settings(**chosen).read_passphrase()


@pytest.mark.parametrize("milliseconds", ["9", "5001", "soon"])
def test_an_engines_deadline_has_bounds(monkeypatch: pytest.MonkeyPatch, milliseconds: str) -> None:
    """None at all would hang an appointment; a too short one would refuse everybody."""
    said = _refused(monkeypatch, passphrase=GOOD, engine_deadline_ms=milliseconds)
    assert "TILLIT_ENGINE_DEADLINE_MS" in said


def test_production_without_witnesses_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that nobody else watches can be two logs; a demo says what it is."""
    monkeypatch.delenv("TILLIT_LOG_WITNESSES_FILE")
    said = _refused(monkeypatch, passphrase=GOOD)
    assert said.splitlines() == [
        "TILLIT_LOG_WITNESSES_FILE: needed; without witnesses the log could show different trees to different people"
    ]
    _environment(monkeypatch, mode="demo")
    assert read().witnesses() is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("quorum none\n", "quorum none is for TILLIT_MODE=demo only"),
        (f"witness one {WITNESS}\nquorum one\n", "too few witnesses have an address"),
        (f"witness one {WITNESS} http://w.example\nquorum one\n", "one: plain http"),
    ],
    ids=["no quorum", "no address", "plain http"],
)
def test_witnesses_that_production_cannot_rely_on_are_refused(
    monkeypatch: pytest.MonkeyPatch, witnesses: Path, text: str, said: str
) -> None:
    """A quorum that can never be made up would stop every proof, later and less clearly."""
    witnesses.write_text(text)
    assert f"TILLIT_LOG_WITNESSES_FILE: {said}" in _refused(monkeypatch, passphrase=GOOD)
    _environment(monkeypatch, mode="demo")
    assert read().mode == "demo"


def test_a_witnesses_file_that_is_none_is_refused_in_any_mode(
    monkeypatch: pytest.MonkeyPatch, witnesses: Path
) -> None:
    """With the line where it stops making sense."""
    witnesses.write_text("quorum all of them\n")
    assert "TILLIT_LOG_WITNESSES_FILE: line 1: too few or too many" in _refused(
        monkeypatch, mode="demo"
    )
    witnesses.unlink()
    assert "TILLIT_LOG_WITNESSES_FILE: No such file" in _refused(monkeypatch, mode="demo")


def test_the_witnesses_are_read_anew(monkeypatch: pytest.MonkeyPatch, witnesses: Path) -> None:
    """The file may have been changed, or spoilt, since the settings were read."""
    _environment(monkeypatch, passphrase=GOOD)
    settings = read()
    policy = settings.witnesses()
    assert policy is not None
    assert dict(policy.urls) == {"one": "https://witness.example"}
    witnesses.write_text("quorum none\n")
    assert settings.witnesses() is None
    witnesses.unlink()
    with pytest.raises(SettingsWrong, match="No such file"):
        settings.witnesses()


def test_a_file_that_is_not_there_is_no_danger(tmp_path: Path) -> None:
    """It will not open anything either, and that is said when it is needed."""
    assert is_open_to_others(tmp_path / "nowhere") is False
    assert is_open_to_others(None) is False


@pytest.mark.parametrize(
    ("chosen", "said"), [("vault", "TILLIT_VAULT_URL"), ("pkcs11", "TILLIT_PKCS11_MODULE")]
)
def test_no_other_back_end_wraps_in_place_of_the_chosen_one(
    monkeypatch: pytest.MonkeyPatch, chosen: str, said: str
) -> None:
    """A root key that was to be in a module must not end up under the passphrase, unnoticed."""
    _environment(monkeypatch, keyring_backend=chosen)
    with pytest.raises(RootBackMissing, match=said):
        KeyringSettings().back(GOOD.encode)
