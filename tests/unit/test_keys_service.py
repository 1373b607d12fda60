"""Service keys: the file they are kept in, and that nothing else ever shows them."""

import copy
import json
import os
import pickle
import stat
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import OKPKey

from keys.errors import CustodianError
from tests.sealed_case import (
    NATIONAL_ID,
    OBSERVED,
    SUBJECT,
    TWO_VALUES,
    Disclosed,
    admit,
    counting,
    deposited,
    disclosed,
    warrant_for,
)
from tillit.errors import KeyFileError, TillitError
from tillit.jose import TokenInvalid, b64u, thumbprint, verify_compact
from tillit.keys import ServiceKey
from tillit.sealing import SubjectRef, Value

BOTH = pytest.mark.parametrize("hybrid", [False, True])


@BOTH
def test_a_saved_key_is_loaded_as_it_was(tmp_path: Path, *, hybrid: bool) -> None:
    """A unit keeps its keys across restarts."""
    path = tmp_path / "nav-larvik.jwk"
    key = ServiceKey.generate("nav-larvik", hybrid=hybrid)
    key.save(path)
    again = ServiceKey.load(path)
    assert (again.unit, again.public_jwks()) == ("nav-larvik", key.public_jwks())
    assert again.signed({"a": 1}, typ="t") == key.signed({"a": 1}, typ="t")


def test_a_key_file_is_its_owners_only_and_whole(tmp_path: Path) -> None:
    """Nobody else on the machine reads it, and no draft stays behind."""
    path = tmp_path / "nav-larvik.jwk"
    ServiceKey.generate("nav-larvik").save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    """The old key may be the only one that opens what is on its way."""
    path = tmp_path / "nav-larvik.jwk"
    ServiceKey.generate("nav-larvik").save(path)
    before = path.read_bytes()
    with pytest.raises(KeyFileError, match="already"):
        ServiceKey.generate("nav-larvik").save(path)
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (before, [path])


def test_a_place_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    """A missing folder is said in words."""
    with pytest.raises(KeyFileError, match="cannot be written"):
        ServiceKey.generate("nav-larvik").save(tmp_path / "no" / "such" / "folder.jwk")
    with pytest.raises(KeyFileError, match="cannot be read"):
        ServiceKey.load(tmp_path / "none.jwk")


def _without(path: str) -> Callable[[Any], Any]:
    def change(whole: Any) -> Any:
        *outer, last = path.split(".")
        part = whole
        for name in outer:
            part = part[int(name) if name.isdigit() else name]
        del part[int(last) if last.isdigit() else last]
        return whole

    return change


@BOTH
@pytest.mark.parametrize(
    "change",
    [
        *map(_without, ["unit", "keys", "keys.0", "keys.0.d", "keys.0.x", "keys.1.kid"]),
        lambda _: None,
        lambda whole: {**whole, "unit": 7},
        lambda whole: {**whole, "keys": "keys"},
        lambda whole: {**whole, "keys": [7, 7]},
        lambda whole: {**whole, "keys": whole["keys"][::-1]},
        lambda whole: {**whole, "keys": [whole["keys"][0], {"kty": "AKP", "priv": "AAAA"}]},
        lambda whole: {**whole, "keys": [{**whole["keys"][0], "d": "A" * 43}, whole["keys"][1]]},
    ],
)
def test_a_file_of_another_form_holds_no_key(
    tmp_path: Path, change: Callable[[Any], Any], *, hybrid: bool
) -> None:
    """A key whose halves do not belong together would lose everything sealed to it."""
    path = tmp_path / "nav-larvik.jwk"
    ServiceKey.generate("nav-larvik", hybrid=hybrid).save(path)
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(KeyFileError, match="service key"):
        ServiceKey.load(path)


def test_a_seed_of_another_size_is_no_key() -> None:
    """A hybrid key made of too little would be a weak one."""
    with pytest.raises(ValueError, match="seed"):
        ServiceKey("x", sig=bytes(32), enc=bytes(31), hybrid=True)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]"])
def test_garbage_holds_no_key(tmp_path: Path, content: bytes) -> None:
    """Nor does a file of another kind, however large."""
    path = tmp_path / "nav-larvik.jwk"
    path.write_bytes(content)
    with pytest.raises(KeyFileError):
        ServiceKey.load(path)
    path.write_bytes(b" " * 70_000)
    with pytest.raises(KeyFileError, match="large"):
        ServiceKey.load(path)


def test_key_ids_are_thumbprints() -> None:
    """RFC 7638, as another library computes them; RFC 8037 appendix A.3 gives the value."""
    key = ServiceKey.generate("nav-larvik")
    for jwk, kid in zip(key.public_jwks()["keys"], (key.sig_kid, key.enc_kid), strict=True):
        assert OKPKey.import_key(jwk).thumbprint() == jwk["kid"] == kid
    public = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    }
    assert thumbprint(public) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize(
    "jwk",
    [{}, {"kty": "RSA"}, {"kty": "OKP"}, {"kty": "OKP", "crv": 1, "x": "A"}, {"kty": ["OKP"]}],
)
def test_what_is_no_key_has_no_thumbprint(jwk: dict[str, Any]) -> None:
    """Only the two types that are in use have one here."""
    with pytest.raises(TokenInvalid):
        thumbprint(jwk)


@BOTH
def test_public_means_public(*, hybrid: bool) -> None:
    """What a unit registers holds no private member."""
    jwks = ServiceKey.generate("nav-larvik", hybrid=hybrid).public_jwks()
    assert [sorted(set(jwk) & {"d", "priv", "k"}) for jwk in jwks["keys"]] == [[], []]
    assert [jwk["use"] for jwk in jwks["keys"]] == ["sig", "enc"]


def test_a_unit_signs_what_it_says() -> None:
    """For assertions and attestations, each with a type of its own."""
    key = ServiceKey.generate("nav-larvik")
    token = key.signed({"said": True}, typ="example+jws")
    payload = verify_compact(token, jwks=key.public_jwks(), typ="example+jws", max_chars=1000)
    assert payload == b'{"said":true}'
    with pytest.raises(TokenInvalid):
        verify_compact(token, jwks=key.public_jwks(), typ="other+jws", max_chars=1000)


# --- canaries ---


class Canaries:
    """Secret bytes in every spelling that a log could hold them in."""

    def __init__(self, *secrets: bytes) -> None:
        self.words = {
            word
            for secret in secrets
            for word in (secret.hex(), b64u(secret), repr(secret)[2:-1], secret.decode("latin-1"))
        }

    def found_in(self, *texts: str) -> list[str]:
        """The spellings that stand in a text."""
        return [word for word in self.words if any(word in text for text in texts)]


def _secrets_of(seed: str) -> Canaries:
    draw = counting(seed)
    return Canaries(*(draw(32) for _ in range(2)))


def test_the_canaries_sing() -> None:
    """The search finds what it looks for, in a key file for one."""
    key = ServiceKey.generate("x", randomness=counting("canary"))
    assert len(_secrets_of("canary").found_in(json.dumps(key._private_jwks()))) == 2


@BOTH
def test_a_service_key_does_not_show_itself(*, hybrid: bool) -> None:
    """Not printed, not formatted, not pickled, not copied."""
    key = ServiceKey.generate("nav-larvik", hybrid=hybrid, randomness=counting("canary"))
    shown = [repr(key), str(key), f"{key}", repr([key]), repr(key.signer), repr(key.reader)]
    assert _secrets_of("canary").found_in(*shown, json.dumps(key.public_jwks())) == []
    assert "nav-larvik" in repr(key)
    for steal in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            steal(key)


def test_the_brokers_secrets_do_not_show_themselves(tmp_path: Path) -> None:
    """Settings and ports that hold them are printed now and then."""
    case = disclosed(tmp_path / "keyring")
    secrets = case.custodian.broker_keys()
    raw = [key.private_bytes_raw() for key in (secrets.receipts, secrets.tokens, secrets.log)]
    canaries = Canaries(*raw, secrets.person_mac)
    shown = [repr(secrets), str(secrets), repr(case.custodian), repr(case.custodian._unlocked)]
    assert canaries.found_in(*shown) == []
    for steal in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            steal(secrets)
    with pytest.raises(TypeError):
        pickle.dumps(case.custodian)


def _everything_wrong(case: Disclosed) -> list[Callable[[], object]]:
    """One failing call per error of sealing, opening and custody."""
    stranger = ServiceKey.generate("ips-larvik")
    other = deposited(
        TWO_VALUES, source=case.source, custodian_jwk=stranger.public_jwks()["keys"][1]
    )
    enc = case.recipient.public_jwks()["keys"][1]

    def release(**changes: Any) -> object:
        given: dict[str, Any] = {
            "subject": SUBJECT,
            "wrapped": {"rec_" + "A" * 22: "A" * 54},
            "recipient_jwk": enc,
            "kid": enc["kid"],
            **changes,
        }
        signer = case.custodian.broker_keys().receipts
        given["warrant"] = warrant_for(given["wrapped"], given["kid"], signer)
        return case.custodian.release(**given)

    def opened_with(**changes: Any) -> object:
        return type(case)(**{**vars(case), **changes}).opened()

    return [
        lambda: opened_with(recipient=stranger),
        lambda: opened_with(source=stranger),
        lambda: opened_with(national_id="02827500000"),
        lambda: opened_with(receipts=stranger.signer),
        lambda: case.changed(sealed={}).opened(),
        lambda: case.changed(key=None).opened(),
        lambda: admit(case.custodian, other),
        release,
        lambda: release(wrapped={}, kid=stranger.enc_kid),
        lambda: release(wrapped={}, recipient_jwk={}),
        lambda: release(subject="sub_nobody"),
        lambda: deposited(
            [Value("plan.goals", {1: "canary value"}, OBSERVED, "measured", "teacher")],
            source=case.source,
            custodian_jwk=case.custodian.public_jwk(),
        ),
    ]


def test_no_error_holds_a_key_a_value_or_a_person(tmp_path: Path) -> None:
    """Whole tracebacks are searched, with every cause and context that they would print."""
    case = disclosed(tmp_path / "keyring")
    secrets = case.custodian.broker_keys()
    draws = [
        draw for seed in ("source", "recipient", case.source.unit) for draw in [counting(seed)]
    ]
    canaries = Canaries(
        *(draw(32) for draw in draws for _ in range(2)),
        case.custodian._unlocked.roots.now if case.custodian._unlocked else b"",
        secrets.person_mac,
    )
    wrong = _everything_wrong(case)
    texts = []
    for act in wrong:
        with pytest.raises((TillitError, CustodianError)) as caught:
            act()
        texts += ["".join(traceback.format_exception(caught.value)), repr(caught.value)]
    assert canaries.found_in(*texts) == []
    said = "\n".join(_without_source(text) for text in texts)
    personal = (NATIONAL_ID, "02827500000", "canary value", "trives", "læreplass")
    assert [word for word in personal if word in said] == []


def _without_source(printed: str) -> str:
    """A traceback without the lines of source code that it quotes."""
    return "\n".join(line for line in printed.splitlines() if not line.startswith("    "))


def test_values_and_people_stay_out_of_repr(tmp_path: Path) -> None:
    """Results and inputs end up in debug logs; what they are about must not."""
    case = disclosed(tmp_path / "keyring")
    subject = SubjectRef("hdl_" + "A" * 22, NATIONAL_ID)
    shown = [repr(case.opened().values), repr(TWO_VALUES), repr(subject)]
    assert [w for w in ("trives", "læreplass", NATIONAL_ID) if any(w in s for s in shown)] == []
    assert os.fspath(tmp_path) not in repr(case.recipient)
