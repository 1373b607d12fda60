"""Proof files: what a youth or a recipient keeps for years, and checks with no network and nobody's help."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tests.sealed_case import disclosed
from tests.witness import Witness
from tillit import cli, receipts
from tillit.errors import ReceiptInvalid, VerificationError
from tillit.jose import ed25519_jwk
from tillit.leaves import LeafInvalid, leaf, leaf_hash
from tillit.notes import NoteInvalid, Vkey, sign_checkpoint
from tillit.proof_files import ProofFile, ProofFileInvalid, of_leaf, of_receipt, verify
from tillit.proofs import ProofError, node_hash
from tillit.quorums import NotWitnessed, Policy
from tillit.wire import Receipt

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
BESIDE = bytes(range(32))


class Kept:
    """A disclosure's receipt, and the file that proves it in a log of two entries."""

    def __init__(self, directory: Path) -> None:
        case = disclosed(directory / "keyring")
        self.receipt = case.answer.receipt
        self.keys: dict[str, Any] = {"keys": [ed25519_jwk(case.receipts.public_key())]}
        read = receipts.verify(self.receipt, self.keys)
        self.signer, self.read = case.receipts, read
        self.vkey = Vkey.of(read.promise.origin, KEY)
        self.root = node_hash(BESIDE, read.leaf_hash)
        self.witness = Witness("witness.example/w1", self.vkey.name, b"")
        text = f"witness w {self.witness.vkey}\nquorum w\n"
        self.policy = Policy.parse(text)
        note = sign_checkpoint(origin=self.vkey.name, size=2, root=self.root, key=KEY, at=AT)
        body = note.partition("\n\n")[0] + "\n"
        self.unwitnessed = note
        self.note = note + self.witness.cosign(body, int(AT.timestamp()) + 5)
        self.file = ProofFile(1, (BESIDE,), self.note, of_receipt(self.receipt))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Made once."""
    return Kept(tmp_path_factory.mktemp("kept"))


def test_a_file_is_laid_out_as_specified(kept: Kept) -> None:
    """C2SP tlog-proof by the letter, so that other tools read it."""
    extra = base64.b64encode(
        json.dumps({"receipt": kept.receipt, "v": 1}, separators=(",", ":")).encode()
    )
    assert str(kept.file).split("\n")[:5] == [
        "c2sp.org/tlog-proof@v1",
        f"extra {extra.decode()}",
        "index 1",
        base64.b64encode(BESIDE).decode(),
        "",
    ]
    assert str(kept.file).endswith(f"\n\n{kept.note}")
    assert ProofFile.parse(str(kept.file)) == ProofFile.parse(str(kept.file).encode()) == kept.file
    bare = ProofFile(0, (), kept.note)
    assert str(bare).split("\n")[:3] == ["c2sp.org/tlog-proof@v1", "index 0", ""]
    assert ProofFile.parse(str(bare)) == bare


def test_it_takes_the_logs_key_and_the_witnesses_and_nothing_else(kept: Kept) -> None:
    """What was decided, when, in which log, and who has seen it."""
    proven = verify(ProofFile.parse(str(kept.file)), kept.vkey, policy=kept.policy)
    assert (proven.index, proven.checkpoint.size, proven.signed) == (1, 2, False)
    assert proven.statement == kept.read.statement
    assert (proven.leaf.type, proven.leaf.at) == ("disclosure", kept.read.promise.at)
    assert proven.witnessed is not None
    assert [each.witness.name for each in proven.witnessed.cosignatures] == ["witness.example/w1"]


def test_the_receipts_signature_is_checked_where_its_keys_are_there(kept: Kept) -> None:
    """Without the keys the log alone vouches for every word of it."""
    assert verify(kept.file, kept.vkey, receipt_keys=kept.keys).signed
    assert verify(kept.file, kept.vkey).witnessed is None
    stranger = {"keys": [ed25519_jwk(KEY.public_key())]}
    with pytest.raises(ReceiptInvalid):
        verify(kept.file, kept.vkey, receipt_keys=stranger)


def test_a_leaf_proves_that_the_log_holds_it(kept: Kept) -> None:
    """For who has no receipt: an auditor."""
    entry = leaf("consent.given", AT, bytes(32))
    note = sign_checkpoint(origin=kept.vkey.name, size=1, root=leaf_hash(entry), key=KEY, at=AT)
    proven = verify(ProofFile(0, (), note, of_leaf(entry)), kept.vkey)
    assert (proven.leaf.type, proven.leaf.at, proven.statement) == ("consent.given", AT, None)
    with pytest.raises(ReceiptInvalid):
        verify(ProofFile(0, (), note, of_leaf(entry)), kept.vkey, receipt_keys=kept.keys)


def test_what_the_receipt_says_cannot_be_changed(kept: Kept) -> None:
    """Signed by the broker's own key or not: the leaf commits to it."""
    said = Receipt(
        v=1, iss=kept.read.issuer, statement=kept.read.statement, promise=kept.read.promise
    )
    other = said.statement.model_copy(update={"purpose": "case_discussion_x"})
    token = receipts.issue(said.model_copy(update={"statement": other}), kept.signer)
    with pytest.raises(ProofError):
        verify(ProofFile(1, (BESIDE,), kept.note, of_receipt(token)), kept.vkey)


def test_another_log_is_told_apart(kept: Kept) -> None:
    """The receipt names the log that it promises."""
    with pytest.raises(ProofFileInvalid, match="another log"):
        verify(kept.file, Vkey.of("log.example/oslo", KEY))
    with pytest.raises(NoteInvalid):
        verify(kept.file, Vkey.of(kept.vkey.name, Ed25519PrivateKey.generate()))


def test_a_checkpoint_that_nobody_has_seen_does_not_do(kept: Kept) -> None:
    """Where witnesses are asked for."""
    with pytest.raises(NotWitnessed):
        verify(
            ProofFile(1, (BESIDE,), kept.unwitnessed, kept.file.extra),
            kept.vkey,
            policy=kept.policy,
        )


@pytest.mark.parametrize(
    ("extra", "error"),
    [
        (None, ProofFileInvalid),
        (b"{", ProofFileInvalid),
        (b"[]", ProofFileInvalid),
        (b'{"receipt":"x"}', ProofFileInvalid),
        (b'{"v":2,"receipt":"x"}', ProofFileInvalid),
        (b'{"v":1}', ProofFileInvalid),
        (b'{"v":1,"receipt":"x","leaf":"y"}', ProofFileInvalid),
        (b'{"v":1,"paper":"x"}', ProofFileInvalid),
        (b'{"v":1,"leaf":7}', ProofFileInvalid),
        (b'{"v":1,"receipt":"x"}', ReceiptInvalid),
        (b'{"v":1,"leaf":"\\ud800"}', ProofFileInvalid),
    ],
)
def test_extra_data_that_leads_to_no_entry_is_refused(
    kept: Kept, extra: bytes | None, error: type[VerificationError]
) -> None:
    """Nobody signs it, so it is not trusted: it must lead to the leaf that the log holds."""
    with pytest.raises(error):
        verify(ProofFile(1, (BESIDE,), kept.note, extra), kept.vkey)


def test_bytes_in_the_log_that_are_no_leaf_are_refused(kept: Kept) -> None:
    """Whatever the log has signed."""
    note = sign_checkpoint(origin=kept.vkey.name, size=1, root=leaf_hash(b"x"), key=KEY, at=AT)
    with pytest.raises(LeafInvalid):
        verify(ProofFile(0, (), note, of_leaf(b"x")), kept.vkey)


def test_a_receipt_of_a_form_that_leads_to_no_leaf(kept: Kept) -> None:
    """A salt that is not 32 bytes in its one form."""
    said = Receipt(
        v=1, iss=kept.read.issuer, statement=kept.read.statement, promise=kept.read.promise
    )
    salt = said.promise.salt[:-1] + "_"
    promise = said.promise.model_copy(update={"salt": salt})
    token = receipts.issue(said.model_copy(update={"promise": promise}), kept.signer)
    with pytest.raises((ProofFileInvalid, ReceiptInvalid)):
        verify(ProofFile(1, (BESIDE,), kept.note, of_receipt(token)), kept.vkey)


HASH = base64.b64encode(BESIDE).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c2sp.org/tlog-proof@v1\n\n",
        "c2sp.org/tlog-proof@v2\nindex 0\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 0\n",
        "c2sp.org/tlog-proof@v1\nindex 00\n\nx",
        "c2sp.org/tlog-proof@v1\nindex -1\n\nx",
        "c2sp.org/tlog-proof@v1\nindex \N{ARABIC-INDIC DIGIT SEVEN}\n\nx",
        "c2sp.org/tlog-proof@v1\n0\n\nx",
        f"c2sp.org/tlog-proof@v1\nindex {2**63}\n\nx",
        "c2sp.org/tlog-proof@v1\nextra e30=\n\nx",
        "c2sp.org/tlog-proof@v1\nextra e30\nindex 0\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 0\nextra e30=\n\nx",
        "c2sp.org/tlog-proof@v1\r\nindex 0\r\n\r\nx",
        f"c2sp.org/tlog-proof@v1\nindex 0\n{HASH[:-1]}\n\nx",
        f"c2sp.org/tlog-proof@v1\nindex 0\n{base64.b64encode(BESIDE[:31]).decode()}\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 0\n" + f"{HASH}\n" * 64 + "\nx",
        "c2sp.org/tlog-proof@v1\nindex 0\n\n" + "x" * 600_000,
        "c2sp.org/tlog-proof@v1\nindex 0\n\n\ud800",
        b"c2sp.org/tlog-proof@v1\nindex 0\n\n\xff",
    ],
)
def test_what_is_no_proof_file_is_refused(text: str | bytes) -> None:
    """Strictly as specified, and bounded."""
    with pytest.raises(ProofFileInvalid):
        ProofFile.parse(text)


@given(st.text(max_size=300) | st.binary(max_size=300))
def test_garbage_is_no_proof_file(data: str | bytes) -> None:
    """Refused, never crashed on."""
    with pytest.raises(ProofFileInvalid):
        ProofFile.parse(data)


def test_no_byte_of_a_file_can_be_changed(kept: Kept) -> None:
    """Each byte but those of signatures, which may become somebody else's, and of the receipt's own signature."""
    data = str(kept.file).encode()
    until = data.index(kept.unwitnessed.partition("\n\n")[0].encode()) + 40
    token = base64.b64decode(data.split(b"\n")[1][6:])
    for at in range(0, until, 7):
        wrong = bytes([*data[:at], data[at] ^ 1, *data[at + 1 :]])
        try:
            file = ProofFile.parse(wrong)
            proven = verify(file, kept.vkey, policy=kept.policy, receipt_keys=kept.keys)
        except VerificationError:
            continue
        assert proven.statement == kept.read.statement
        assert hashlib.sha256(file.extra or b"").digest() == hashlib.sha256(token).digest()


def test_on_the_command_line(
    kept: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In words and in JSON, with exit codes: 0 holds, 4 does not, 2 could not be read."""
    file, witnesses, vkey = tmp_path / "a.tlog-proof", tmp_path / "witnesses", tmp_path / "vkey"
    file.write_text(str(kept.file))
    vkey.write_text(f"{kept.vkey}\n")
    witnesses.write_text(f"witness w {kept.witness.vkey}\nquorum w\n")
    asked = ["verify-proof", str(file), "--vkey", str(vkey)]
    assert cli.main([*asked, "--witnesses", str(witnesses)]) == 0
    said = capsys.readouterr().out
    assert f"Holds: entry 1 of 2 in {kept.vkey.name}" in said
    assert f"{kept.read.statement.id} to {kept.read.statement.recipient}" in said
    assert "seen by witness.example/w1 2026-11-23T08:00:05+00:00" in said
    assert cli.main([*asked[:2], "--vkey", str(kept.vkey)]) == 0
    assert "others may have been shown another log" in capsys.readouterr().out
    assert cli.main([*asked, "--json", "--witnesses", str(witnesses)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["witnesses"] == {"witness.example/w1": "2026-11-23T08:00:05+00:00"}
    assert answer["statement"]["id"] == kept.read.statement.id
    file.write_text(str(kept.file).replace("index 1", "index 0"))
    assert cli.main(asked) == 4
    assert cli.main([*asked[:3], "a+b+c"]) == 2
    assert cli.main(["verify-proof", str(tmp_path / "none"), "--vkey", str(vkey)]) == 2
    witnesses.write_text("quorum\n")
    assert cli.main([*asked, "--witnesses", str(witnesses)]) == 2
    assert "line 1" in capsys.readouterr().err


def test_a_leaf_without_a_time_of_signing_is_said_in_words_too(
    kept: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From standard input, with only the plain signature of the log."""
    entry = leaf("consent.given", AT, bytes(32))
    note = sign_checkpoint(origin=kept.vkey.name, size=1, root=leaf_hash(entry), key=KEY, at=AT)
    untimed = note[: note.rindex("— ")]
    file = tmp_path / "proof"
    file.write_text(str(ProofFile(0, (), untimed, of_leaf(entry))))
    with file.open() as typed:
        monkeypatch.setattr("sys.stdin", typed)
        assert cli.main(["verify-proof", "-", "--vkey", str(kept.vkey), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["signed"], answer["statement"], answer["witnesses"]) == (None, None, None)
    assert cli.main(["verify-proof", str(file), "--vkey", str(kept.vkey)]) == 0
    assert "signed by the log" not in capsys.readouterr().out
