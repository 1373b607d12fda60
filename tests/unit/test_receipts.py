"""Receipts: what the broker signs, and that the log's leaf follows from it."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from tests.sealed_case import NOW, Disclosed, disclosed
from tillit import receipts
from tillit.errors import ReceiptInvalid
from tillit.jcs import canonical
from tillit.jose import b64u, ed25519_jwk, sign_compact, unb64u
from tillit.keys import ServiceKey
from tillit.receipts import VerifiedReceipt
from tillit.wire import Receipt


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Disclosed:
    """A disclosure with its receipt."""
    return disclosed(tmp_path_factory.mktemp("receipts") / "keyring")


def _jwks(case: Disclosed) -> dict[str, Any]:
    return {"keys": [ed25519_jwk(case.receipts.public_key())]}


def _payload(case: Disclosed) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(unb64u(case.answer.receipt.split(".")[1]))
    return payload


def _signed(case: Disclosed, payload: bytes, typ: str = receipts.TYP) -> str:
    kid = str(_jwks(case)["keys"][0]["kid"])
    return sign_compact(payload, signer=case.receipts, kid=kid, typ=typ)


def test_a_receipt_verifies_and_says_what_was_decided(case: Disclosed) -> None:
    """Permits and refusals alike, with who asked for what, when, under which policy."""
    verified = receipts.verify(case.answer.receipt, _jwks(case))
    assert isinstance(verified, VerifiedReceipt)
    assert verified.token == case.answer.receipt
    assert verified.statement.at == verified.promise.at == NOW
    assert verified.statement.decision == {
        "functioning.social": "permit",
        "plan.goals": "permit",
        "health.diagnosis": ("consent.no_grant",),
    }


def test_issuing_the_same_receipt_twice_gives_the_same_token(case: Disclosed) -> None:
    """A repeated answer repeats its receipt, byte for byte."""
    receipt = Receipt.model_validate(_payload(case))
    assert receipts.issue(receipt, case.receipts) == case.answer.receipt


def test_the_leaf_follows_from_the_receipt_alone(case: Disclosed) -> None:
    """Anybody with the receipt can find its place in the log, step by step from the standards."""
    verified = receipts.verify(case.answer.receipt, _jwks(case))
    salt = unb64u(verified.promise.salt)
    commitment = hmac.digest(salt, canonical(_payload(case)["statement"]), "sha256")
    leaf = (
        f'{{"at":"2026-11-20T09:15:30.123456Z","commitment":"{b64u(commitment)}",'
        '"type":"disclosure","v":1}'
    ).encode()
    assert verified.leaf() == leaf
    assert verified.leaf_hash == hashlib.sha256(b"\x00" + leaf).digest()


@pytest.mark.parametrize("part", ["statement", "promise"])
@pytest.mark.parametrize(
    "at",
    ["2026-11-20T09:15:30.1234564Z", "2026-11-20T09:15:30.000000Z", "2026-11-20T10:15:30+01:00"],
)
def test_a_receipt_that_reads_otherwise_than_it_was_signed_is_refused(
    case: Disclosed, part: str, at: str
) -> None:
    """Digits that a reader drops would give a leaf that the broker never promised."""
    payload = _payload(case)
    payload[part]["at"] = at
    with pytest.raises(ReceiptInvalid):
        receipts.verify(_signed(case, canonical(payload)), _jwks(case))


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"iss": 7},
        {"statement": None},
        {"promise": {}},
        {"extra": 1},
        {"promise": {"origin": "x", "at": "2026-11-20T09:15:30Z", "salt": "A" * 42 + "B"}},
        {"promise": {"origin": "x", "at": "2026-11-20T09:15:30", "salt": "A" * 43}},
    ],
    ids=str,
)
def test_a_signed_payload_of_another_form_is_no_receipt(
    case: Disclosed, change: dict[str, Any]
) -> None:
    """Not everything that the broker's key signed is a receipt."""
    with pytest.raises(ReceiptInvalid):
        receipts.verify(_signed(case, canonical({**_payload(case), **change})), _jwks(case))


@pytest.mark.parametrize("payload", [b"", b"null", b"[]", b"\xff", b"{}", b'{"v":1,"v":1}'])
def test_what_is_no_receipt_at_all_is_refused(case: Disclosed, payload: bytes) -> None:
    """However well it is signed."""
    with pytest.raises(ReceiptInvalid):
        receipts.verify(_signed(case, payload), _jwks(case))


def test_a_token_of_another_type_is_no_receipt(case: Disclosed) -> None:
    """An access token signed by mistake with the same key must not pass for one."""
    with pytest.raises(ReceiptInvalid):
        receipts.verify(_signed(case, canonical(_payload(case)), typ="at+jwt"), _jwks(case))


def test_a_receipt_by_a_stranger_is_none(case: Disclosed) -> None:
    """Neither with the stranger's own key id, nor under the broker's."""
    stranger = ServiceKey.generate("x").signer
    receipt = Receipt.model_validate(_payload(case))
    with pytest.raises(ReceiptInvalid):
        receipts.verify(receipts.issue(receipt, stranger), _jwks(case))
    kid = str(_jwks(case)["keys"][0]["kid"])
    forged = sign_compact(canonical(_payload(case)), signer=stranger, kid=kid, typ=receipts.TYP)
    with pytest.raises(ReceiptInvalid):
        receipts.verify(forged, _jwks(case))


def test_an_encryption_key_verifies_nothing(case: Disclosed) -> None:
    """A key set may hold both kinds; only the signing ones count."""
    (jwk,) = _jwks(case)["keys"]
    with pytest.raises(ReceiptInvalid):
        receipts.verify(case.answer.receipt, {"keys": [{**jwk, "use": "enc"}]})
    without_use = {name: member for name, member in jwk.items() if name != "use"}
    assert receipts.verify(case.answer.receipt, {"keys": [without_use]})


def test_a_receipt_has_a_bound(case: Disclosed) -> None:
    """Checked before anything is decoded."""
    with pytest.raises(ReceiptInvalid):
        receipts.verify(case.answer.receipt + "A" * receipts.MAX_CHARS, _jwks(case))


def test_a_receipt_is_read_by_who_keeps_it(case: Disclosed) -> None:
    """To find one's way in what one has signed oneself; what is no receipt is told."""
    read = receipts.read_unsafe(case.answer.receipt)
    assert read.statement.recipient_kid == case.recipient.enc_kid
    for token in ("", "a.b", "a.e30.c", case.answer.receipt[:200]):
        with pytest.raises(ReceiptInvalid):
            receipts.read_unsafe(token)


def test_a_receipt_from_before_names_no_key_and_keeps_its_leaf(case: Disclosed) -> None:
    """What is not said is left out of what the log committed to, so that old proofs still hold."""
    statement = receipts.read_unsafe(case.answer.receipt).statement
    before = statement.model_copy(update={"recipient_kid": None})
    said = before.model_dump(mode="json")
    assert "recipient_kid" not in said
    assert type(statement).model_validate(said) == before
    assert "recipient_kid" in statement.model_dump(mode="json")
