"""The back ends of the root key: one suite for all, then what each does when it is not as it should be."""

import http.server
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from keys import keyring
from keys.errors import (
    CustodianError,
    KeyringDamaged,
    RootBackDown,
    RootBackMissing,
    RootBackRefused,
    RootDestroyed,
)
from keys.keyring import LocalCustodian
from keys.pkcs11 import Token
from keys.roots import ROOT, Back, Backs, Passphrase
from keys.rotation import rotate
from keys.vault import Transit
from tests.backs import Hsm, Vault, back, hsm, opening, vault
from tests.keyring_case import a_deposit, release
from tests.sealed_case import CHEAP, PASSPHRASE, SUBJECT, TWO_VALUES, admit

__all__ = ["back", "hsm", "opening", "vault"]

KEY = bytes(range(32))
NAME = "root 7"


# --- what each of them does ---


def test_what_it_wraps_it_unwraps(opening: Callable[[], Back]) -> None:
    """By a second object too, as in another process; and it can be written as JSON."""
    back, another = opening(), opening()
    wrapped = back.wrap(KEY, name=NAME, randomness=os.urandom)
    assert next(iter(wrapped)) == back.member
    written = json.dumps(wrapped)
    assert KEY.hex() not in written
    for each in (back, another):
        assert each.unwrap(json.loads(written), name=NAME) == KEY


def test_what_is_wrapped_is_bound_to_its_name(back: Back) -> None:
    """An epoch cannot pass for another."""
    wrapped = back.wrap(KEY, name=NAME, randomness=os.urandom)
    with pytest.raises(CustodianError):
        back.unwrap(wrapped, name="root 8")


def test_what_was_wrapped_before_is_unwrapped_after_a_renewal(back: Back) -> None:
    """Between the renewal and the end of a rotation both are needed."""
    first = back.wrap(KEY, name=NAME, randomness=os.urandom)
    back.renew()
    second = back.wrap(KEY[::-1], name=NAME, randomness=os.urandom)
    assert back.unwrap(first, name=NAME) == KEY
    assert back.unwrap(second, name=NAME) == KEY[::-1]


def test_what_is_destroyed_is_destroyed(back: Back) -> None:
    """Only of a passphrase nobody can say so, and it says that it cannot."""
    first = back.wrap(KEY, name=NAME, randomness=os.urandom)
    back.renew()
    second = back.wrap(KEY, name=NAME, randomness=os.urandom)
    destroyed = back.destroy_older(second)
    assert destroyed == (back.member != Passphrase.member)
    if destroyed:
        with pytest.raises(RootDestroyed):
            back.unwrap(first, name=NAME)
    assert back.unwrap(second, name=NAME) == KEY
    assert back.destroy_older(second) == destroyed


def test_a_keyring_lives_under_it(back: Back, tmp_path: Path) -> None:
    """Made, opened, rotated, opened by who had it open and by who had not."""
    home = tmp_path / "keyring"
    keyring.create(home, back, cost=CHEAP)
    custodian = LocalCustodian(home, back)
    stored = admit(custodian, a_deposit(custodian))
    assert rotate(home, back).epoch == 2
    assert release(custodian, stored) == len(TWO_VALUES)
    assert release(LocalCustodian(home, back), stored) == len(TWO_VALUES)


def test_a_backup_from_before_a_shredding_stays_unreadable(back: Back, tmp_path: Path) -> None:
    """Shredding is final once the root key was rotated: where the back end destroys what wrapped the old one.

    A passphrase cannot: there the old copy must be destroyed, or its passphrase forgotten.
    """
    home, backup = tmp_path / "keyring", tmp_path / "backup"
    keyring.create(home, back, cost=CHEAP)
    custodian = LocalCustodian(home, back)
    stored = admit(custodian, a_deposit(custodian))
    shutil.copytree(home, backup)
    custodian.shred(subject=SUBJECT)
    rotated = rotate(home, back)
    now = (home / ROOT).read_bytes()
    shutil.rmtree(home)
    shutil.copytree(backup, home)
    restored = LocalCustodian(home, back)
    if rotated.destroyed:
        with pytest.raises(RootDestroyed):
            release(restored, stored)
    else:
        assert release(restored, stored) == len(TWO_VALUES)
    (home / ROOT).write_bytes(now)
    with pytest.raises(KeyringDamaged):
        release(LocalCustodian(home, back), stored)


@pytest.mark.parametrize("to", ["vault", "pkcs11"])
def test_a_keyring_moves_to_another_back_end(
    to: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """By the same rotation, so that nobody who has it open stops. A copy from before is not claimed to be shut."""
    server = request.getfixturevalue("vault" if to == "vault" else "hsm")
    there: Back = server.back(server.key() if to == "vault" else "moved")
    here = Passphrase(lambda: PASSPHRASE, cost=CHEAP)
    home = tmp_path / "keyring"
    keyring.create(home, here)
    custodian = LocalCustodian(home, Backs(there, here))
    stored = admit(custodian, a_deposit(custodian))
    shutil.copytree(home, tmp_path / "copy")
    assert not rotate(home, Backs(there, here)).destroyed
    assert release(LocalCustodian(tmp_path / "copy", here), stored) == len(TWO_VALUES)
    assert rotate(home, Backs(there, here)).destroyed
    assert release(custodian, stored) == len(TWO_VALUES)
    assert release(LocalCustodian(home, there), stored) == len(TWO_VALUES)
    with pytest.raises(RootBackMissing):
        LocalCustodian(home, Backs(here)).public_jwk()


# --- Transit ---


def test_a_token_that_may_not_is_refused(vault: Vault) -> None:
    """And whoever may only unwrap cannot destroy."""
    key = vault.key()
    wrapped = vault.back(key).wrap(KEY, name=NAME, randomness=os.urandom)
    client = vault.client()
    rules = f'path "transit/decrypt/{key}" {{ capabilities = ["update"] }}'
    client.sys.create_or_update_policy(name=key, policy=rules)
    narrow = client.auth.token.create(policies=[key])["auth"]["client_token"]
    assert vault.back(key, token=narrow).unwrap(wrapped, name=NAME) == KEY
    for refused in (
        lambda: vault.back(key, token=narrow).destroy_older(wrapped),
        vault.back(key, token=narrow).renew,
        lambda: vault.back(key, token="wrong").unwrap(wrapped, name=NAME),
    ):
        with pytest.raises(RootBackRefused):
            refused()


def test_a_token_that_cannot_be_had_is_told(vault: Vault) -> None:
    """The agent that writes the file has not yet."""

    def none() -> str:
        raise FileNotFoundError

    with pytest.raises(RootBackRefused):
        Transit(vault.url, key="any", token=none, ca_file=vault.ca_file).renew()


def test_a_server_that_is_not_believed_is_not_asked(vault: Vault) -> None:
    """Its certificate is by an authority that nobody named."""
    with pytest.raises(RootBackDown):
        Transit(vault.url, key="any", token=lambda: vault.root_token).renew()


def test_a_sealed_server_is_down() -> None:
    """A process that has the keyring open goes on; one that starts waits."""
    with _answering(503, {"errors": ["Vault is sealed"]}) as url, pytest.raises(RootBackDown):
        Transit(url, key="any", token=lambda: "t").renew()


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, {"data": {"ciphertext": "not one"}}, RootBackDown),
        (200, {"data": {"plaintext": 7}}, RootBackDown),
        (200, {"data": {"plaintext": "=not base64"}}, RootBackDown),
        (200, {"data": []}, RootBackDown),
        (200, [], RootBackDown),
        (204, None, RootBackDown),
        (302, {}, RootBackDown),
        (400, {"errors": ["no"]}, KeyringDamaged),
        (403, {"errors": ["permission denied"]}, RootBackRefused),
        (404, {"errors": []}, RootBackRefused),
        (405, {"errors": ["unsupported"]}, RootBackRefused),
        (429, {"errors": []}, RootBackDown),
        (500, {"errors": []}, RootBackDown),
    ],
)
def test_an_answer_that_is_none_opens_nothing(
    status: int, body: object, error: type[CustodianError]
) -> None:
    """Each is told by what the operator can do about it."""
    wrapped = {"vault": {"key": "transit/any", "wrapped": "vault:v1:AAAA"}}
    with _answering(status, body) as url:
        transit = Transit(url, key="any", token=lambda: "t", timeout=2)
        with pytest.raises(error):
            transit.wrap(KEY, name=NAME, randomness=os.urandom)
        with pytest.raises(error):
            transit.unwrap(wrapped, name=NAME)


def test_whoever_sends_elsewhere_has_not_done_it() -> None:
    """A redirection is not followed with the token, and is no answer."""
    with _answering(302, {}) as url, pytest.raises(RootBackDown):
        Transit(url, key="any", token=lambda: "t").renew()


def test_a_server_that_hangs_is_given_up_on() -> None:
    """A start waits some seconds, not for ever."""
    with _answering(200, {}, wait=5) as url, pytest.raises(RootBackDown):
        Transit(url, key="any", token=lambda: "t", timeout=0.2).renew()


@pytest.mark.parametrize(
    "own",
    [
        {},
        [],
        {"key": "transit/any", "wrapped": "nothing"},
        {"key": "transit/any", "wrapped": 7},
        {"key": "transit/any", "wrapped": "vault:v0:AAAA"},
    ],
)
def test_what_transit_never_wrote_is_damage(own: object) -> None:
    """It is not even sent."""
    transit = Transit("http://127.0.0.1:9", key="any", token=lambda: "t")
    with pytest.raises(KeyringDamaged):
        transit.unwrap({"vault": own}, name=NAME)


def test_another_key_of_transit_is_told() -> None:
    """A setting was changed and the root key not rotated."""
    transit = Transit("http://127.0.0.1:9", key="any", token=lambda: "t")
    with pytest.raises(RootBackMissing):
        transit.unwrap({"vault": {"key": "transit/x", "wrapped": "vault:v1:AAAA"}}, name=NAME)


@contextmanager
def _answering(status: int, body: object, *, wait: float = 0) -> Iterator[str]:
    """A server that answers everything alike, as no Vault does."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def _answer(self) -> None:
            time.sleep(wait)
            content = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            if status == 302:
                self.send_header("location", "http://127.0.0.1:9/")
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(content)

        do_POST = do_PUT = _answer  # noqa: N815 - as http.server calls them

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


# --- PKCS#11 ---


def test_a_pin_that_was_refused_is_not_tried_again(hsm: Hsm) -> None:
    """Every request of a locked broker would: and the token would lock itself for good."""
    pins = ["0000", "0000", "1234"]
    token = Token(hsm.module, token="tillit-tests", label="pins", pin=lambda: pins.pop(0))
    with pytest.raises(RootBackRefused, match="refuses the PIN"):
        token.renew()
    with pytest.raises(RootBackRefused, match="before"):
        token.renew()
    token.renew()


def test_a_pin_that_cannot_be_had_is_told(hsm: Hsm) -> None:
    """The file is not there."""

    def none() -> str:
        raise FileNotFoundError

    with pytest.raises(RootBackRefused):
        Token(hsm.module, token="tillit-tests", label="pins", pin=none).renew()


@pytest.mark.parametrize(("module", "name"), [("/nowhere.so", "tillit-tests"), ("", "another")])
def test_a_token_that_is_not_there_is_down(hsm: Hsm, module: str, name: str) -> None:
    """Pulled out, or its library not installed."""
    token = Token(module or hsm.module, token=name, label="gone", pin=lambda: "1234")
    with pytest.raises(RootBackDown):
        token.renew()


def test_a_token_that_hangs_is_given_up_on(hsm: Hsm) -> None:
    """A start waits some seconds, not for ever."""

    def slow() -> str:
        time.sleep(1)
        return "1234"

    token = Token(hsm.module, token="tillit-tests", label="slow", pin=slow, timeout=0.1)
    with pytest.raises(RootBackDown):
        token.renew()


def test_a_token_without_the_key_is_told(hsm: Hsm) -> None:
    """Another token by the same name; nothing was destroyed."""
    wrapped = hsm.back("one").wrap(KEY, name=NAME, randomness=os.urandom)
    with pytest.raises(RootBackRefused):
        hsm.back("none").unwrap(wrapped, name=NAME)


@pytest.mark.parametrize(
    "change",
    [
        lambda own: own | {"id": 0},
        lambda own: own | {"id": "1"},
        lambda own: own | {"id": 2**32},
        lambda own: own | {"wrapped": own["wrapped"][:-4]},
        lambda own: own | {"wrapped": None},
        lambda own: own | {"more": 1},
        lambda own: [own],
        lambda own: own | {"wrapped": "A" + own["wrapped"][1:]},
    ],
)
def test_what_the_token_never_wrote_is_damage(hsm: Hsm, change: Callable[[Any], Any]) -> None:
    """Whatever error its library gives for it."""
    token = hsm.back("damaged")
    wrapped = token.wrap(KEY, name=NAME, randomness=lambda size: b"\xff" * size)
    with pytest.raises(KeyringDamaged):
        token.unwrap({"pkcs11": change(wrapped["pkcs11"])}, name=NAME)


def test_the_tokens_keys_never_leave_it(hsm: Hsm) -> None:
    """Whoever holds the PIN can use them, and can take nothing away."""
    import pkcs11  # noqa: PLC0415 - the library itself, not what the product makes of it

    hsm.back("kept").renew()
    token = pkcs11.lib(hsm.module).get_token(token_label="tillit-tests")
    with token.open(user_pin="1234") as session:
        (key,) = session.get_objects({pkcs11.Attribute.LABEL: "kept"})
        with pytest.raises(pkcs11.exceptions.AttributeSensitive):
            key[pkcs11.Attribute.VALUE]
