"""Warrants: the custodian releases what a logged disclosure names, and nothing else."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keys.errors import WarrantInvalid
from keys.warrants import MAX_MANIFEST_BYTES, Warrant, verified
from tests.sealed_case import DISCLOSURE, NOW, disclosed, warrant_for
from tillit import receipts
from tillit.jose import b64u, ed25519_jwk
from tillit.keys import ServiceKey

SIGNER = Ed25519PrivateKey.generate()
ISSUERS = {"keys": [ed25519_jwk(SIGNER.public_key())]}
KID = ServiceKey.generate("nav-larvik").enc_kid
RECORDS = ("rec_" + "A" * 22, "rec_" + "B" * 22)


def refused(warrant: Warrant, **changes: Any) -> str:
    """Why the warrant is refused."""
    given: dict[str, Any] = {"issuers": ISSUERS, "kid": KID, "records": RECORDS, "now": NOW}
    with pytest.raises(WarrantInvalid) as caught:
        verified(warrant, **{**given, **changes})
    return caught.value.detail


def sound(**changes: Any) -> Warrant:
    """A warrant for both records, but for what is changed."""
    return warrant_for(RECORDS, KID, SIGNER, **changes)


def test_a_warrant_gives_leave_for_its_entry_and_its_manifest(tmp_path: Path) -> None:
    """What is written down is the leaf that the recipient can prove, not what somebody says it is."""
    case = disclosed(tmp_path / "keyring")
    keys = {"keys": [ed25519_jwk(case.receipts.public_key())]}
    receipt = receipts.verify(case.answer.receipt, keys)
    found = verified(sound(), issuers=ISSUERS, kid=KID, records=RECORDS, now=NOW)
    mine = receipts.verify(sound().receipt, ISSUERS)
    assert found.leaf_hash == mine.leaf_hash != receipt.leaf_hash
    assert b64u(found.manifest_hash) == mine.statement.manifest


@pytest.mark.parametrize("records", [(), RECORDS[:1], RECORDS])
def test_fewer_records_than_are_named_may_be_released(records: tuple[str, ...]) -> None:
    """A value may be gone; more than was decided never comes out."""
    verified(sound(), issuers=ISSUERS, kid=KID, records=records, now=NOW)


def test_a_receipt_by_anybody_else_is_no_warrant() -> None:
    """Whoever reaches the custodian must hold the broker's signing key."""
    stranger = Ed25519PrivateKey.generate()
    foreign = warrant_for(RECORDS, KID, stranger)
    assert refused(foreign) == "the receipt is not signed by a broker that is trusted"
    assert refused(sound(), issuers={"keys": []}) == refused(foreign)
    for text in ("", "a.b.c", sound().receipt[:-1]):
        assert refused(Warrant(text, sound().manifest)) == refused(foreign)


def test_every_key_of_the_set_may_sign() -> None:
    """Signing keys rotate: the old one and the new one hold side by side."""
    old = Ed25519PrivateKey.generate()
    both = {"keys": [ed25519_jwk(old.public_key()), *ISSUERS["keys"]]}
    for signer in (old, SIGNER):
        warrant = warrant_for(RECORDS, KID, signer)
        verified(warrant, issuers=both, kid=KID, records=RECORDS, now=NOW)


def test_another_manifest_is_not_covered() -> None:
    """A receipt for little does not open much."""
    more = warrant_for([*RECORDS, "rec_" + "C" * 22], KID, SIGNER)
    assert refused(Warrant(sound().receipt, more.manifest)) == "the receipt is for another manifest"


@pytest.mark.parametrize(
    "changed", [{"id": "dis_" + "E" * 22}, {"recipient": "ips-larvik"}], ids=["id", "recipient"]
)
def test_a_receipt_that_speaks_of_another_disclosure_is_refused(changed: dict[str, str]) -> None:
    """Entry and manifest must tell of one and the same, or the log says what was not done."""
    assert refused(sound(**changed)) == "the receipt is for another disclosure"
    assert DISCLOSURE not in changed.values()


def test_only_the_key_that_was_logged_is_released_to() -> None:
    """A logged disclosure cannot be drawn a second time to a key of somebody else's."""
    other = ServiceKey.generate("nav-larvik").enc_kid
    assert refused(sound(), kid=other) == "the receipt is for another key"
    assert refused(warrant_for(RECORDS, None, SIGNER)) == "the receipt is for another key"


def test_a_record_that_was_not_decided_on_is_refused() -> None:
    """One record too many, and nothing comes out."""
    more = [*RECORDS, "rec_" + "C" * 22]
    assert refused(sound(), records=more) == "a record that is not in the manifest"


def test_what_has_expired_is_not_released() -> None:
    """The manifest's end holds at the custodian, too."""
    until = sound(manifest={"expires_at": NOW + timedelta(seconds=1)})
    verified(until, issuers=ISSUERS, kid=KID, records=RECORDS, now=NOW)
    late = NOW + timedelta(seconds=1)
    assert refused(until, now=late) == "the disclosure has expired"


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        (b"", "not a manifest"),
        (b"{}", "not a manifest"),
        (b"\xff", "not a manifest"),
        (b'{"v":1,"v":1}', "not a manifest"),
        (b" " * (MAX_MANIFEST_BYTES + 1), "the manifest is too large"),
    ],
)
def test_what_is_no_manifest_is_refused(manifest: bytes, why: str) -> None:
    """Whatever comes over the wire ends in the custodian's own error."""
    assert refused(Warrant(sound().receipt, manifest)) == why
