"""A service exchanges its own keys, and everybody sees that it did: both clients against the served broker."""

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.domain.ids import UnitId
from broker.errors import CustodianDown, HybridKeyRequired
from broker.usecases import asks, trust
from broker.usecases.service_keys import OVERLAP
from keys.depositkeys import SETTLED
from keys.keyring import LocalCustodian
from keys.roots import Passphrase
from keys.rotation import change_deposit_keys, change_signing
from keys.signing import SigningKeys
from tests.e2e.served import ABOUT, NAV, RATE, SCHOOL, Served
from tests.house import EMIL, PASSPHRASE
from tests.shells import Shell
from tillit import AuthenticationFailed, NotFound, ServiceKey, cli, errors, receipts
from tillit.deposit_keys import vouched
from tillit.errors import Invalid
from tillit.history import HistoryBroken

NEWCOMER = "nav-sandefjord"


def _enrolled(served: Served, key: ServiceKey) -> Shell:
    """A unit that has come in by the operator's code."""
    code, house = secrets.token_hex(16), served.house
    with house.ports.store.write() as tx:
        hashed = hashlib.sha256(code.encode()).digest()
        until = house.clock() + timedelta(hours=1)
        tx.add_enrolment(UnitId(key.unit), hashed, expires_at=until)
    shell = served.shell(key.unit, key=key)
    shell("enrol", code=code)
    return shell


def _newcomer(served: Served) -> str:
    return next(
        unit for unit in sorted(served.house.ports.catalogue.units) if unit not in served.house.keys
    )


def test_a_service_rotates_its_keys_and_misses_nothing(served: Served) -> None:
    """What was released before is read with the old key, what comes after with the new; by whichever process."""
    nav, emil = served.released()
    before = nav("ask", emil, [RATE], **ABOUT)
    old, new = served.house.keys[NAV], ServiceKey.generate(NAV)
    other = served.shell(NAV, key=old, reads_with=[new])
    answer = nav("rotate_keys", new)
    states = {(key.kid, key.use): key.state for key in answer.keys}
    assert states[new.sig_kid, "sig"] == states[new.enc_kid, "enc"] == "current"
    assert states[old.enc_kid, "enc"] == "retired"
    for shell in (nav, other):
        assert shell("ask", emil, [RATE], **ABOUT).raw.key.kid == new.enc_kid
        again = shell("disclosure", before.id, emil)
        assert (again.values, again.raw.key.kid) == (before.values, old.enc_kid)
    alone = served.shell(NAV, key=old)
    with pytest.raises(errors.VerificationError):
        alone("ask", emil, [RATE], **ABOUT)
    served.house.clock.step(seconds=OVERLAP.total_seconds())
    with pytest.raises(AuthenticationFailed):
        served.shell(NAV, key=old)("subject", national_id=EMIL)
    assert served.shell(NAV, key=new)("subject", national_id=EMIL).handle == emil.handle


def test_values_signed_before_a_rotation_are_still_checked(served: Served) -> None:
    """A source's old signatures outlive its key; not those of one that was revoked."""
    _, emil = served.released()
    school, new = served.shell(SCHOOL), ServiceKey.generate(SCHOOL)
    old = served.house.keys[SCHOOL]
    school("rotate_keys", new)
    assert served.shell(NAV)("ask", emil, [RATE], **ABOUT).values[RATE].value == 0.62
    school("revoke_key", old.sig_kid, reason="compromised")
    with pytest.raises(errors.SourceSignatureInvalid):
        served.shell(NAV)("ask", emil, [RATE], **ABOUT)
    school("deposit", school("subject", national_id=EMIL), {RATE: 0.7}, **served.observed())
    assert served.shell(NAV)("ask", emil, [RATE], **ABOUT).values[RATE].value == 0.7


def test_a_revoked_key_is_good_for_nothing_at_once(served: Served) -> None:
    """Nothing is sealed to it, nobody comes in with it, and what was recorded for it is not handed out."""
    nav, emil = served.released()
    before = nav("ask", emil, [RATE], **ABOUT)
    old, new = served.house.keys[NAV], ServiceKey.generate(NAV)
    nav("rotate_keys", new)
    for kid in (old.sig_kid, old.enc_kid):
        answer = nav("revoke_key", kid, reason="compromised")
    assert {key.kid for key in answer.keys if key.state == "revoked"} == {old.sig_kid, old.enc_kid}
    with pytest.raises(AuthenticationFailed):
        served.shell(NAV, key=old)("subject", national_id=EMIL)
    with pytest.raises(errors.ProblemError):
        nav("disclosure", before.id, emil)
    assert nav("ask", emil, [RATE], **ABOUT).values[RATE].value == 0.62
    with pytest.raises(NotFound):
        nav("revoke_key", old.sig_kid, reason="lost")


def test_a_service_that_revokes_its_last_reading_key_gets_nothing(served: Served) -> None:
    """Until it has another, by rotation or by the operator's code."""
    nav, emil = served.released()
    nav("revoke_key", served.house.keys[NAV].enc_kid, reason="lost")
    with pytest.raises(errors.ProblemError):
        nav("ask", emil, [RATE], **ABOUT)


def test_only_the_present_key_vouches_for_new_ones(served: Served) -> None:
    """Who can use a unit's token but not its key cannot put keys of their own in."""
    nav = served.shell(NAV)
    nav("subject", national_id=EMIL)
    new = ServiceKey.generate(NAV)
    nav("rotate_keys", new)
    with pytest.raises(Invalid) as refused:
        nav("rotate_keys", served.house.keys[NAV])
    assert refused.value.code == "keys.rotation_refused"
    with pytest.raises(errors.UsageError):
        nav("rotate_keys", ServiceKey.generate(SCHOOL))


def test_everybody_sees_each_change_and_the_log_says_the_same(served: Served) -> None:
    """The service in its own feed, and whoever seals to it or checks its signatures in its history."""
    unit = _newcomer(served)
    first, second = ServiceKey.generate(unit), ServiceKey.generate(unit)
    own = _enrolled(served, first)
    own("rotate_keys", second)
    own("revoke_key", first.sig_kid, reason="compromised")
    served.house.sequencer.run_once()
    proven = served.shell(NAV)("key_history", unit)
    types = [change.type for change in proven.changes]
    assert types == ["service.enrolled", "service.keys_rotated", "service.key_revoked"]
    assert [change.index is None for change in proven.changes] == [False] * 3
    assert {second.sig_kid, second.enc_kid} <= proven.kids
    assert first.sig_kid not in proven.kids
    assert [event.type for event in own("events")] == types


def test_a_key_that_the_log_does_not_know_is_found(served: Served) -> None:
    """A broker that gives out a key of its own making as somebody's."""
    unit = _newcomer(served)
    _enrolled(served, ServiceKey.generate(unit))
    served.register(ServiceKey.generate(unit))
    with pytest.raises(HistoryBroken):
        served.shell(NAV)("key_history", unit)
    with pytest.raises(NotFound):
        served.shell(NAV)("key_history", "nobody")


def test_where_quantum_computers_are_feared_every_reading_key_is_a_hybrid(served: Served) -> None:
    """Refused where a key comes in, and where something would be sealed to one that came in before."""
    nav, emil = served.released()
    house = served.house
    feared = replace(house.ports, post_quantum=True)
    ask = house.ask(NAV, EMIL, RATE, purpose="coordination")
    with pytest.raises(HybridKeyRequired):
        asks.disclose(ask, call=house.call(NAV), ports=feared)
    hybrid = ServiceKey.generate(NAV, hybrid=True)
    nav("rotate_keys", hybrid)
    assert asks.disclose(ask, call=house.call(NAV), ports=feared).key is not None
    with pytest.raises(CustodianDown):
        trust.published(feared)
    _exchanged(served)
    assert trust.published(feared)["keys"][-1]["kty"] == "AKP"
    assert nav("ask", emil, [RATE], **ABOUT).values[RATE].value == 0.62


@pytest.mark.parametrize("feared", [False, True])
def test_a_source_that_runs_on_follows_the_custodians_new_deposit_key(
    served: Served, *, feared: bool
) -> None:
    """Without a restart, pinned or not: as the key before is retired, or refused where quantum computers are feared."""
    school, house = served.shell(SCHOOL), served.house
    pinned = served.shell(SCHOOL, trust=school("trust"))
    emil = school("subject", national_id=EMIL)
    school("deposit", emil, {RATE: 0.7}, **served.observed())
    before = school("trust").custodian
    _exchanged(served, retired=not feared)
    if feared:
        object.__setattr__(house.ports, "post_quantum", True)
    for shell in (school, pinned):
        shell("deposit", emil, {RATE: 0.6}, **served.observed())
        assert shell("trust").custodian == house.ports.custodian.public_jwk() != before


def test_a_source_does_not_seal_to_a_key_that_its_custodian_has_not_vouched_for(
    served: Served,
) -> None:
    """Else a broker could refuse a deposit, give out a key of its own and read the next."""
    false = vouched(
        ServiceKey.generate("x", hybrid=True).public_jwks()["keys"][1],
        by=Ed25519PrivateKey.generate(),
    )
    honest = served.shell(SCHOOL)
    emil, trusted = honest("subject", national_id=EMIL), honest("trust")
    school = served.tampered(
        SCHOOL, "/v1/keys", lambda keys: {**keys, "custodian": false}, trust=trusted
    )
    _exchanged(served, retired=True)
    with pytest.raises(Invalid) as refused:
        school("deposit", emil, {RATE: 0.6}, **served.observed())
    assert refused.value.code == "deposit.key_invalid"
    assert school("trust") == trusted
    with pytest.raises(Invalid) as refused:
        honest("deposit", emil, {"no.such_field": 1}, **served.observed())
    assert refused.value.code == "deposit.unknown_field"


def _exchanged(served: Served, *, retired: bool = False) -> None:
    custodian = served.house.ports.custodian
    assert isinstance(custodian, LocalCustodian)
    home, back, at = custodian._directory, Passphrase(lambda: PASSPHRASE), served.house.clock()
    change_deposit_keys(home, back, lambda held: held.renewed("hybrid", b"n" * 32, at=at))
    if retired:
        change_deposit_keys(home, back, lambda held: held.retired(at=at + SETTLED))


def test_a_client_that_runs_on_follows_the_brokers_new_receipt_key(
    served: Served, tmp_path: Path
) -> None:
    """Without a restart, pinned or not; and not to a key that nobody vouched for."""
    nav, emil = served.released()
    pinned = served.shell(NAV, trust=nav("trust"))
    first = nav("ask", emil, [RATE], **ABOUT)
    old = receipts.signed_by(first.raw.receipt) or ""
    at, home = served.house.clock(), tmp_path / "keyring"
    _changed(
        served, home, lambda keys: keys.rotated("receipts", b"n" * 32, at=at, lead=timedelta(0))
    )
    new, *_ = served.house.ports.secrets.kids
    assert new != old
    for shell in (nav, pinned):
        answer = shell("ask", emil, [RATE], **ABOUT)
        assert (answer.values, receipts.signed_by(answer.raw.receipt)) == (first.values, new)
        assert shell("disclosure", first.id, emil).values == first.values
    for kid in (new, old):
        _changed(served, home, partial(_revoked, kid=kid, at=at))
    with pytest.raises(errors.ReceiptInvalid):
        nav("ask", emil, [RATE], **ABOUT)
    assert served.shell(NAV)("ask", emil, [RATE], **ABOUT).values == first.values


def _revoked(keys: SigningKeys, *, kid: str, at: datetime) -> SigningKeys:
    return keys.revoked("receipts", kid, b"m" * 32, at=at)


def _changed(served: Served, home: Path, change: Callable[[SigningKeys], SigningKeys]) -> None:
    """Change the signing keys in the keyring, as the operator's command does; the running broker takes them up."""
    ports = served.house.ports
    assert isinstance(ports.custodian, LocalCustodian)
    change_signing(home, Passphrase(lambda: PASSPHRASE), change)
    object.__setattr__(ports, "secrets", ports.custodian.broker_keys())


def test_the_command_line_rotates_revokes_and_looks(
    served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A caseworker's three commands, each answering in words or in JSON."""
    served.house.clock.at = datetime.now(UTC)
    unit = _newcomer(served)
    first, second = ServiceKey.generate(unit), ServiceKey.generate(unit)
    _enrolled(served, first)
    first.save(tmp_path / "first.jwk")
    second.save(tmp_path / "second.jwk")
    common = ["--url", served.url, "--service", unit]
    old, new = (["--key", str(tmp_path / f"{name}.jwk")] for name in ("first", "second"))
    assert cli.main(["key", "rotate", *common, *old, str(tmp_path / "second.jwk")]) == 0
    assert f"{second.enc_kid}  enc  current" in capsys.readouterr().out
    revoke = ["key", "revoke", *common, *new, f"--kid={first.sig_kid}", "--reason", "superseded"]
    assert cli.main([*revoke, "--json"]) == 0
    states = {key["kid"]: key["state"] for key in json.loads(capsys.readouterr().out)["keys"]}
    assert states[first.sig_kid] == "revoked"
    served.house.sequencer.run_once()
    assert cli.main(["key", "history", *common, *new, unit]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == [
        "service.enrolled",
        "service.keys_rotated",
        "service.key_revoked",
    ]
