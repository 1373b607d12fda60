"""The custodian's port, in this process and in another's: admit, release, and what it refuses to do."""

import hashlib
import os
import pickle
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keys.custodian import Custodian, Released
from keys.depositkeys import SETTLED
from keys.errors import (
    ContentKeyBroken,
    CustodianError,
    DepositKeyWrong,
    EpochEnded,
    EpochInvalid,
    KeyChangeRefused,
    KeyringMissing,
    NoSubjectKey,
    NotShredded,
    RecipientKeyUnusable,
    SubjectShredded,
    TooManyKeys,
    WarrantInvalid,
)
from keys.keyring import SUBJECTS, LocalCustodian
from keys.logkeys import MAX_VOLUMES, OpenedVolumes
from keys.roots import Passphrase
from keys.rotation import change_deposit_keys
from keys.warrants import Warrant
from tests.custodians import both_ends, on_a_socket, over_tls
from tests.sealed_case import (
    NOW,
    PASSPHRASE,
    SOURCE,
    SUBJECT,
    TWO_VALUES,
    admit,
    deposited,
    local_custodian,
    named,
    warrant_for,
)
from tillit import shredding
from tillit.contents import fresh_id, seal_volume
from tillit.deposit_keys import followed
from tillit.envelopes import open_key, unwrap
from tillit.jose import TokenInvalid, b64u, thumbprint
from tillit.keys import ServiceKey
from tillit.wire import MAX_FIELDS, Deposit

EPOCH = "decision-2026-11"


@dataclass(frozen=True)
class Case:
    """A custodian as a broker sees it, whose warrants it takes, and where its keyring is."""

    custodian: Custodian
    signer: Ed25519PrivateKey
    home: Path


@pytest.fixture(params=["in this process", "on a socket", "over TLS"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    """Every way to reach a custodian, on a fresh keyring."""
    local = local_custodian(tmp_path / "keyring")
    signer = local.broker_keys().receipts
    with ExitStack() as stack:
        custodian: Custodian = local
        if request.param == "on a socket":
            custodian = stack.enter_context(on_a_socket(local))
        elif request.param == "over TLS":
            ends = both_ends(tmp_path)
            custodian = stack.enter_context(over_tls(local, server=ends[0], client=ends[1]))
        yield Case(custodian, signer, tmp_path / "keyring")


@pytest.fixture
def deposit(case: Case) -> Deposit:
    """Two values sealed to the custodian."""
    source = ServiceKey.generate(SOURCE)
    return deposited(TWO_VALUES, source=source, custodian_jwk=case.custodian.public_jwk())


def release(case: Case, stored: dict[str, str], recipient: ServiceKey, **changes: Any) -> Released:
    """Release to a recipient, on a warrant for just that."""
    enc = recipient.public_jwks()["keys"][1]
    given: dict[str, Any] = {
        "subject": SUBJECT,
        "wrapped": stored,
        "recipient_jwk": enc,
        "kid": enc["kid"],
        **changes,
    }
    warrant = warrant_for(stored, given["kid"], case.signer)
    return case.custodian.release(**{"warrant": warrant, **given})


@pytest.mark.parametrize("hybrid", [False, True])
def test_only_the_recipient_gets_at_the_content_keys(
    case: Case, deposit: Deposit, *, hybrid: bool
) -> None:
    """From deposit to release, content keys are never outside a wrapping."""
    stored = admit(case.custodian, deposit)
    recipient = ServiceKey.generate("nav-larvik", hybrid=hybrid)
    warrant = warrant_for(stored, recipient.enc_kid, case.signer)
    released = release(case, stored, recipient, warrant=warrant)
    key = open_key(
        released.key,
        key=recipient.reader,
        kid=recipient.enc_kid,
        manifest_hash=hashlib.sha256(warrant.manifest).digest(),
    )
    content_keys = {unwrap(text, key=key) for text in released.wrapped.values()}
    assert released.wrapped.keys() == stored.keys()
    assert len(content_keys) == len(TWO_VALUES)


def test_every_disclosure_has_a_key_of_its_own(case: Case, deposit: Deposit) -> None:
    """Two releases of one value to one recipient share nothing on the wire."""
    stored = admit(case.custodian, deposit)
    recipient = ServiceKey.generate("nav-larvik")
    one, two = (release(case, stored, recipient) for _ in range(2))
    assert one.key.jwe != two.key.jwe
    assert not set(one.wrapped.values()) & set(two.wrapped.values())


def test_a_deposit_for_another_custodian_is_not_admitted(tmp_path: Path, case: Case) -> None:
    """A value sealed to an old or foreign custodian would be lost if it were stored."""
    other = local_custodian(tmp_path / "other")
    source = ServiceKey.generate(SOURCE)
    foreign = deposited(TWO_VALUES, source=source, custodian_jwk=other.public_jwk())
    with pytest.raises(DepositKeyWrong):
        admit(case.custodian, foreign)
    relabelled = foreign.key.model_copy(update={"kid": case.custodian.public_jwk()["kid"]})
    with pytest.raises(DepositKeyWrong):
        admit(case.custodian, foreign.model_copy(update={"key": relabelled}))


def test_a_deposit_key_is_exchanged(case: Case, deposit: Deposit) -> None:
    """What was sealed to the key before is admitted until that is retired; the next key has the custodian's word."""
    back, old = Passphrase(lambda: PASSPHRASE), case.custodian.public_jwk()
    change_deposit_keys(case.home, back, lambda held: held.renewed("hybrid", b"n" * 32, at=NOW))
    new, source = case.custodian.public_jwk(), ServiceKey.generate(SOURCE)
    assert (old["kty"], new["kty"]) == ("OKP", "AKP")
    assert followed(old, new) == new
    hybrid = deposited(TWO_VALUES, source=source, custodian_jwk=new)
    for each in (deposit, hybrid):
        assert admit(case.custodian, each).keys() == set(named(each)[0].fields.values())
    change_deposit_keys(case.home, back, lambda held: held.retired(at=NOW + SETTLED))
    assert len(admit(case.custodian, hybrid)) == len(TWO_VALUES)
    with pytest.raises(DepositKeyWrong):
        admit(case.custodian, deposit)
    relabelled = deposit.key.model_copy(update={"kid": new["kid"]})
    with pytest.raises(DepositKeyWrong):
        admit(case.custodian, deposit.model_copy(update={"key": relabelled}))


def test_a_refused_deposit_makes_no_subject(case: Case) -> None:
    """Nothing changes on a deposit that does not hold."""
    source = ServiceKey.generate(SOURCE)
    stranger = ServiceKey.generate("x").public_jwks()["keys"][1]
    with pytest.raises(DepositKeyWrong):
        admit(case.custodian, deposited(TWO_VALUES, source=source, custodian_jwk=stranger))
    assert list((case.home / "subjects").iterdir()) == []


def test_one_subjects_content_keys_do_not_open_as_anothers(case: Case, deposit: Deposit) -> None:
    """A mixed-up subject id releases nothing."""
    stored = admit(case.custodian, deposit, "sub_one")
    admit(case.custodian, deposit, "sub_two")
    with pytest.raises(ContentKeyBroken):
        release(case, stored, ServiceKey.generate("nav-larvik"), subject="sub_two")


@pytest.mark.parametrize("text", ["", "A" * 54, "A" * 53, "=" * 54, "Å" * 54, "A" * 100_000])
def test_a_stored_content_key_that_is_damaged_is_found(
    case: Case, deposit: Deposit, text: str
) -> None:
    """A damaged row stops the release, with an error of its own."""
    stored = admit(case.custodian, deposit)
    for record in stored:
        with pytest.raises(ContentKeyBroken):
            release(case, {**stored, record: text}, ServiceKey.generate("nav-larvik"))


_HYBRID_PUB = ServiceKey("x", sig=bytes(32), enc=bytes(32), hybrid=True).public_jwks()["keys"][1][
    "pub"
]


@pytest.mark.parametrize(
    "jwk",
    [
        {},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "oct", "k": "A" * 43},
        {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43},
        {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43},
        {"kty": "OKP", "crv": "X25519", "x": "A" * 42},
        {"kty": "OKP", "crv": "X25519", "x": "A" * 42 + "B"},
        {"kty": "OKP", "crv": "X25519", "x": 7},
        {"kty": "OKP", "crv": "X25519", "x": "A" * 43},
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": _HYBRID_PUB},
        {"kty": "AKP", "alg": "HPKE-MLKEM768-X25519", "pub": _HYBRID_PUB[:-4]},
        {"kty": "AKP", "alg": "HPKE-MLKEM768-X25519", "pub": b64u(b"\xff" * 1216)},
        {"kty": "AKP", "alg": "HPKE-MLKEM768-X25519", "pub": b64u(b"\xff" * 1248)},
    ],
    ids=lambda jwk: "-".join(str(member)[:12] for member in jwk.values()) or "empty",
)
def test_a_key_that_nobody_can_read_with_is_refused(
    case: Case, deposit: Deposit, jwk: dict[str, Any]
) -> None:
    """Low-order points, other curves, other algorithms: nothing is released to them."""
    stored = admit(case.custodian, deposit)
    try:
        kid = thumbprint(jwk)
    except TokenInvalid:
        kid = ServiceKey.generate("x").enc_kid
    with pytest.raises(RecipientKeyUnusable):
        release(case, stored, ServiceKey.generate("x"), recipient_jwk=jwk, kid=kid)


def test_a_key_under_another_keys_name_is_refused(case: Case, deposit: Deposit) -> None:
    """The caller's idea of which key it is must fit the key itself."""
    stored = admit(case.custodian, deposit)
    other = ServiceKey.generate("ips-larvik")
    with pytest.raises(RecipientKeyUnusable):
        release(case, stored, ServiceKey.generate("nav-larvik"), kid=other.enc_kid)


def test_more_than_a_disclosure_can_hold_is_refused(case: Case, deposit: Deposit) -> None:
    """A bound on the work that one call can ask for."""
    stored = admit(case.custodian, deposit)
    (text, *_) = stored.values()
    many = {f"rec_{number:022}": text for number in range(MAX_FIELDS + 1)}
    recipient = ServiceKey.generate("nav-larvik")
    with pytest.raises(TooManyKeys):
        release(case, many, recipient)
    with pytest.raises(TooManyKeys):
        case.custodian.admit(
            subject=SUBJECT, key=deposit.key, wrapped=many, manifest_hash=bytes(32)
        )
    most = dict(list(many.items())[:MAX_FIELDS])
    assert len(release(case, most, recipient).wrapped) == MAX_FIELDS


def test_what_is_deposited_twice_is_admitted_twice(case: Case, deposit: Deposit) -> None:
    """The custodian keeps no record of records.

    Whether one exists already is the broker's to know.
    """
    assert admit(case.custodian, deposit) == admit(case.custodian, deposit)
    assert named(deposit)[0].fields.keys() == {value.field for value in TWO_VALUES}


def test_a_warrant_is_wanted_for_every_release(case: Case, deposit: Deposit) -> None:
    """By whichever way it is reached, the custodian takes no broker's word."""
    stored = admit(case.custodian, deposit)
    recipient = ServiceKey.generate("nav-larvik")
    wanted = warrant_for(stored, recipient.enc_kid, case.signer)
    for warrant in (
        warrant_for(stored, recipient.enc_kid, Ed25519PrivateKey.generate()),
        warrant_for(list(stored)[:1], recipient.enc_kid, case.signer),
        warrant_for(stored, None, case.signer),
        Warrant(wanted.receipt, b"\xff"),
        Warrant("", wanted.manifest),
    ):
        with pytest.raises(WarrantInvalid):
            release(case, stored, recipient, warrant=warrant)
    assert len(release(case, stored, recipient, warrant=wanted).wrapped) == len(TWO_VALUES)


def test_what_was_never_admitted_is_not_released(case: Case) -> None:
    """An id that is not known makes no key."""
    with pytest.raises(NoSubjectKey):
        release(case, {}, ServiceKey.generate("nav-larvik"))
    assert list((case.home / "subjects").iterdir()) == []


def test_shredding_is_final(case: Case, deposit: Deposit) -> None:
    """And a repeat changes nothing."""
    stored = admit(case.custodian, deposit)
    for _ in range(2):
        case.custodian.shred(subject=SUBJECT)
    with pytest.raises(SubjectShredded):
        release(case, stored, ServiceKey.generate("nav-larvik"))
    with pytest.raises(SubjectShredded):
        admit(case.custodian, deposit)


def test_a_shredded_subject_is_certified_and_no_other(case: Case, deposit: Deposit) -> None:
    """By the key of the custodian's own release log."""
    admit(case.custodian, deposit)
    with pytest.raises(NotShredded):
        case.custodian.shred_certificate(subject=SUBJECT)
    case.custodian.shred(subject=SUBJECT)
    token = case.custodian.shred_certificate(subject=SUBJECT)
    vkey = LocalCustodian(case.home, lambda: PASSPHRASE).releases_vkey()
    shredding.verify(token, vkey).check_subject(SUBJECT)


def test_a_subjects_key_is_exchanged(case: Case, deposit: Deposit) -> None:
    """What was admitted before is released before, between and after; what is asked too early is refused."""
    nav, stored = ServiceKey.generate("nav-larvik"), admit(case.custodian, deposit)
    case.custodian.renew(subject=SUBJECT)
    fresh = case.custodian.rewrap(subject=SUBJECT, wrapped=stored)
    for wrapped in (stored, fresh):
        assert release(case, wrapped, nav).wrapped.keys() == stored.keys()
    with pytest.raises(KeyChangeRefused):
        case.custodian.retire(subject=SUBJECT)
    (written,) = (case.home / SUBJECTS).iterdir()
    os.utime(written, (0, 0))
    case.custodian.retire(subject=SUBJECT)
    assert release(case, fresh, nav).wrapped.keys() == stored.keys()
    with pytest.raises(ContentKeyBroken):
        release(case, stored, nav)


def test_the_logs_keys_come_and_go(case: Case) -> None:
    """What the log's contents are sealed to, opened by the custodian alone, and destroyed."""
    subject_jwk = case.custodian.log_subject_key(subject=SUBJECT)
    epoch_jwk = case.custodian.log_epoch_key(epoch=EPOCH)
    keys = {fresh_id(EPOCH, os.urandom): os.urandom(32) for _ in range(2)}
    (one, about), (two, nobody) = keys.items()
    volumes = [
        seal_volume(about, id=one, subject=SUBJECT, subject_jwk=subject_jwk, epoch_jwk=epoch_jwk),
        seal_volume(nobody, id=two, subject=None, subject_jwk=None, epoch_jwk=epoch_jwk),
    ]
    assert case.custodian.open_log_volumes(volumes=volumes) == OpenedVolumes(keys, {})
    case.custodian.shred(subject=SUBJECT)
    opened = case.custodian.open_log_volumes(volumes=volumes)
    assert opened == OpenedVolumes({two: nobody}, {one: "shredded"})
    with pytest.raises(SubjectShredded):
        case.custodian.log_subject_key(subject=SUBJECT)
    case.custodian.end_log_epoch(epoch=EPOCH)
    with pytest.raises(EpochEnded):
        case.custodian.log_epoch_key(epoch=EPOCH)
    with pytest.raises(EpochInvalid):
        case.custodian.end_log_epoch(epoch="../root")
    with pytest.raises(TooManyKeys):
        case.custodian.open_log_volumes(volumes=volumes[:1] * (MAX_VOLUMES + 1))


def test_a_keyring_that_is_locked_is_told_and_opens_again(case: Case, deposit: Deposit) -> None:
    """The same error wherever the custodian is, and the same call works once it is back."""
    stored = admit(case.custodian, deposit)
    away = case.home.with_name("away")
    case.home.rename(away)
    with pytest.raises(KeyringMissing):
        release(case, stored, ServiceKey.generate("nav-larvik"))
    with pytest.raises(KeyringMissing):
        case.custodian.public_jwk()
    away.rename(case.home)
    assert len(release(case, stored, ServiceKey.generate("nav-larvik")).wrapped) == 2


def test_a_custodian_is_not_copied(case: Case) -> None:
    """Nor what reaches it."""
    with pytest.raises(TypeError):
        pickle.dumps(case.custodian)


def test_every_error_has_a_code_of_its_own() -> None:
    """Codes end up in logs and problem documents, and must tell causes apart."""

    def tree(error: type[CustodianError]) -> list[type[CustodianError]]:
        return [error, *(each for sub in error.__subclasses__() for each in tree(sub))]

    codes = [error.code for error in tree(CustodianError)]
    assert len(codes) == len(set(codes))
    assert str(DepositKeyWrong()) == DepositKeyWrong.code
    assert os.linesep not in str(DepositKeyWrong("detail"))
