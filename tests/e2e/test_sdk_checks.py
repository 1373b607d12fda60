"""What the SDK finds wrong before anything opens: every lie on the way from the real broker."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.served import ABOUT, NAV, RATE, SCHOOL, Served
from tests.house import EMIL, SARA
from tillit import (
    ManifestMismatch,
    ReceiptInvalid,
    SealBroken,
    ServiceKey,
    SourceSignatureInvalid,
    Subject,
    SubjectMismatch,
    VerificationError,
    errors,
    proof_files,
    wire,
)
from tillit.notes import NoteInvalid, Vkey


def test_value_about_another_person_is_found(served: Served) -> None:
    """The broker may confuse two youths; the recipient's SDK does not."""
    nav, emil = served.released()
    sara = Subject(emil.handle, national_id=SARA)
    with pytest.raises(SubjectMismatch):
        nav("ask", sara, [RATE], **ABOUT)


def _flip(text: str) -> str:
    return ("B" if text[0] == "A" else "A") + text[1:]


def _seal(answer: Any, member: str) -> Any:
    field = answer["sealed"][RATE]
    return {**answer, "sealed": {RATE: {**field, member: _flip(field[member])}}}


def _manifest(answer: Any, **members: Any) -> Any:
    return {**answer, "manifest": {**answer["manifest"], **members}}


_CHANGES: tuple[tuple[Callable[[Any], Any], type[VerificationError]], ...] = (
    (lambda a: _seal(a, "ciphertext"), SealBroken),
    (lambda a: _seal(a, "tag"), SealBroken),
    (lambda a: _seal(a, "iv"), SealBroken),
    (lambda a: _seal(a, "encrypted_key"), SealBroken),
    (lambda a: {**a, "receipt": _flip(a["receipt"])}, ReceiptInvalid),
    (lambda a: {**a, "receipt": a["receipt"][:-9] + _flip(a["receipt"][-9:])}, ReceiptInvalid),
    (lambda a: _manifest(a, purpose="referral"), VerificationError),
    (lambda a: _manifest(a, expires_at="2036-01-01T00:00:00Z"), ManifestMismatch),
    (lambda a: _manifest(a, fields={}), VerificationError),
    (lambda a: {**a, "outcome": "partly_released"}, VerificationError),
    (lambda a: {**a, "sealed": {}}, VerificationError),
    (lambda a: {**a, "key": None}, VerificationError),
)


def test_changed_answer_gives_no_values(served: Served) -> None:
    """Whoever changes anything on the way gets an exception raised, and nothing opened."""
    _, emil = served.released()
    for change, error in _CHANGES:
        nav = served.tampered(NAV, "/v1/disclosures", change)
        with pytest.raises(error) as caught:
            nav("ask", emil, [RATE], **ABOUT)
        assert caught.value.code.startswith("verification.")


def test_other_disclosure_than_the_one_asked_for_again_is_refused(served: Served) -> None:
    """Two sound disclosures swapped: each opens, but not for the other."""
    nav, emil = served.released()
    first, second = (nav("ask", emil, [RATE], **ABOUT) for _ in range(2))
    other = second.raw.model_dump(mode="json")
    false = served.tampered(NAV, "/v1/disclosures/", lambda _: other)
    with pytest.raises(ManifestMismatch, match="another disclosure"):
        false("disclosure", first.id, emil)


def test_disclosure_again_can_be_held_to_what_was_asked(served: Served) -> None:
    """A caller who kept the ask does not have to take the receipt's word for it."""
    nav, emil = served.released()
    answer = nav("ask", emil, [RATE], **ABOUT)
    asked = wire.Ask(subject=emil.handle, fields=(RATE,), **ABOUT)
    assert nav("disclosure", answer.id, emil, asked=asked).values == answer.values
    other = asked.model_copy(update={"purpose": "referral"})
    with pytest.raises(VerificationError):
        nav("disclosure", answer.id, emil, asked=other)


def test_expired_disclosure_is_not_opened(served: Served) -> None:
    """The recipient's own clock says that the values should be erased by now."""
    nav, emil = served.released()
    answer = nav("ask", emil, [RATE], **ABOUT)
    old = answer.raw.model_dump(mode="json")
    served.house.clock.step(days=40)
    false = served.tampered(NAV, "/v1/disclosures/", lambda _: old)
    with pytest.raises(ManifestMismatch, match="expired"):
        false("disclosure", answer.id, emil)


# --- keys of sources ---


def test_new_key_of_a_source_is_fetched_when_it_turns_up(served: Served) -> None:
    """A source that changed its key is believed after its keys were fetched anew, not before."""
    nav, emil = served.released()
    assert nav("ask", emil, [RATE], **ABOUT).values[RATE].value == 0.62
    fresh = ServiceKey.generate(SCHOOL)
    served.register(fresh)
    served.deposit({RATE: 0.5}, key=fresh)
    assert nav("ask", emil, [RATE], **ABOUT).values[RATE].value == 0.5


def test_value_signed_by_nobody_known_is_refused(served: Served) -> None:
    """A broker that gives out other keys for a source cannot vouch for the source's values."""
    served.released()
    stranger = ServiceKey.generate(SCHOOL).public_jwks()
    nav = served.tampered(NAV, "/v1/services/", lambda _: stranger)
    emil = nav("subject", national_id=EMIL)
    for _ in range(2):
        with pytest.raises(SourceSignatureInvalid):
            nav("ask", emil, [RATE], **ABOUT)


def test_pinned_keys_of_a_source_are_never_fetched(served: Served) -> None:
    """Then not even the broker can pass another's value off as the source's."""
    served.released()
    false = ServiceKey.generate(SCHOOL).public_jwks()
    real = served.house.keys[SCHOOL].public_jwks()
    nav = served.tampered(NAV, "/v1/services/", lambda _: false, sources={SCHOOL: real})
    emil = nav("subject", national_id=EMIL)
    assert nav("ask", emil, [RATE], **ABOUT).values[RATE].value == 0.62
    pinned = served.shell(NAV, sources={SCHOOL: false})
    with pytest.raises(SourceSignatureInvalid):
        pinned("ask", emil, [RATE], **ABOUT)


def test_key_set_of_a_source_is_checked_before_it_is_kept(served: Served) -> None:
    """Each kid is its key's thumbprint."""
    served.released()
    sig, enc = served.house.keys[SCHOOL].public_jwks()["keys"]
    nav = served.tampered(NAV, "/v1/services/", lambda _: {"keys": [{**sig, "kid": enc["kid"]}]})
    with pytest.raises(errors.ProtocolError, match="thumbprint"):
        nav("ask", nav("subject", national_id=EMIL), [RATE], **ABOUT)


# --- trust and the log ---


def test_proof_shows_that_the_log_holds_the_disclosure(served: Served) -> None:
    """Waits while the log has yet to take the entry in, then checks everything."""
    nav, emil = served.released()
    answer = nav("ask", emil, [RATE], **ABOUT)
    proven = nav("proof", answer)
    assert proven.leaf_hash == answer.receipt.leaf_hash
    assert proven.index < proven.checkpoint.size
    assert proven.checkpoint.origin == "tillit.test/log"


_FALSE_PROOFS: tuple[Callable[[Any], Any], ...] = (
    lambda a: {**a, "index": a["index"] + 1},
    lambda a: {**a, "path": a["path"][1:]},
    lambda a: {**a, "path": [_flip(a["path"][0]), *a["path"][1:]]},
    lambda a: {**a, "checkpoint": a["checkpoint"].replace("tillit.test", "tillit.tess")},
)


def test_a_proof_file_holds_without_anybody(served: Served) -> None:
    """From the receipt, kept or asked for again; the log's key is all it takes to check it."""
    nav, emil = served.released()
    answer = nav("ask", emil, [RATE], **ABOUT)
    vkey = Vkey.parse(nav("trust").log)
    assert nav("receipt", answer.id) == answer.receipt.token
    file = proof_files.ProofFile.parse(nav("proof_file", answer.receipt.token))
    proven = proof_files.verify(file, vkey)
    assert (proven.statement, proven.index) == (answer.receipt.statement, file.index)


def test_false_proof_is_refused(served: Served) -> None:
    """The proof stands on the log's signature and the receipt, not on the broker's word."""
    nav, emil = served.released()
    answer = nav("ask", emil, [RATE], **ABOUT)
    nav("proof", answer)
    for change in _FALSE_PROOFS:
        false = served.tampered(NAV, f"/v1/disclosures/{answer.id}/proof", change)
        with pytest.raises(VerificationError):
            false("proof", answer)


def test_proof_that_holds_no_hash_is_no_answer(served: Served) -> None:
    """43 characters of base64url can still be another spelling of the same bytes."""
    nav, emil = served.released()
    answer = nav("ask", emil, [RATE], **ABOUT)
    nav("proof", answer)
    false = served.tampered(NAV, "/v1/disclosures/", lambda a: {**a, "path": ["-" * 42 + "_"]})
    with pytest.raises(errors.ProtocolError, match="no hash"):
        false("proof", answer)


def test_pinned_trust_is_what_counts(served: Served) -> None:
    """Whoever pins the broker's keys is not fooled by a broker that shows others."""
    nav, emil = served.released()
    trust = nav("trust")
    answer = nav("ask", emil, [RATE], **ABOUT)
    pinned = served.tampered(NAV, "/v1/keys", lambda _: {}, trust=trust)
    assert pinned("ask", emil, [RATE], **ABOUT).values[RATE].value == 0.62
    other = ServiceKey.generate(NAV)
    false = trust.model_copy(update={"receipts": {"keys": other.public_jwks()["keys"][:1]}})
    with pytest.raises(ReceiptInvalid):
        served.shell(NAV, trust=false)("ask", emil, [RATE], **ABOUT)
    log = str(Vkey.of("tillit.test/log", other.signer))
    with pytest.raises(NoteInvalid):
        served.shell(NAV, trust=trust.model_copy(update={"log": log}))("proof", answer)
    log = str(Vkey.of("another.test/log", other.signer))
    with pytest.raises(ReceiptInvalid, match="another log"):
        served.shell(NAV, trust=trust.model_copy(update={"log": log}))("proof", answer)


# --- consents, meetings, feed ---
