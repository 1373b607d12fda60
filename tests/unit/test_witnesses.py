"""Cosignatures: whose count, whose are passed over, and what spoils a checkpoint.

The witness that signs here is written from the specification and shares no code with what checks it.
"""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.witness import Witness as Signer
from tillit.notes import NoteInvalid, Vkey, sign_checkpoint, sign_note
from tillit.witnesses import Witness, cosignatures

ORIGIN = "log.example/larvik"
LOG = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
NOTE = sign_checkpoint(origin=ORIGIN, size=7, root=bytes(32), key=LOG, at=AT)
BODY = NOTE.partition("\n\n")[0] + "\n"
SECONDS = int(AT.timestamp())
ONE, TWO = (
    Signer(name, ORIGIN, b"", Ed25519PrivateKey.from_private_bytes(bytes(range(n, n + 32))))
    for n, name in ((1, "witness.example/w1"), (2, "witness.example/w2"))
)
KNOWN = tuple(Witness.parse(each.vkey) for each in (ONE, TWO))


def test_a_witness_is_known_by_its_vkey() -> None:
    """As the specification writes it, and back."""
    assert [str(each) for each in KNOWN] == [ONE.vkey, TWO.vkey]
    assert KNOWN[0].public_key == ONE.public
    assert Witness.of(ONE.name, ONE.key.public_key()) == KNOWN[0]


@pytest.mark.parametrize(
    "text",
    [
        str(Vkey.of(ORIGIN, LOG)),
        ONE.vkey.replace("w1", "w2"),
        "a b+00000000+" + base64.b64encode(b"\x04" + bytes(32)).decode(),
        "w+00000000+" + base64.b64encode(b"\x06" + bytes(32)).decode(),
        "w+00000000+" + base64.b64encode(b"\x04" + bytes(31)).decode(),
        "",
    ],
)
def test_what_is_no_witness_is_refused(text: str) -> None:
    """A log's own key is none, nor is a name that is not the key's."""
    with pytest.raises(NoteInvalid):
        Witness.parse(text)


@pytest.mark.parametrize(("name", "key"), [("a b", bytes(32)), ("w", bytes(31))])
def test_no_witness_of_an_impossible_name_or_key(name: str, key: bytes) -> None:
    """A name with a space could forge lines."""
    with pytest.raises(NoteInvalid):
        Witness(name, key)


def test_each_witness_is_heard_with_its_time() -> None:
    """In the order of who was asked about, whatever the order of the lines."""
    note = NOTE + TWO.cosign(BODY, SECONDS + 2) + ONE.cosign(BODY, SECONDS + 1)
    found = cosignatures(note, KNOWN)
    assert [(each.witness, each.at) for each in found] == [
        (KNOWN[0], AT + timedelta(seconds=1)),
        (KNOWN[1], AT + timedelta(seconds=2)),
    ]
    assert NOTE + found[1].line + found[0].line == note


def test_the_latest_word_of_a_witness_counts() -> None:
    """It may have cosigned twice; both hold."""
    note = NOTE + ONE.cosign(BODY, SECONDS + 9) + ONE.cosign(BODY, SECONDS)
    assert [each.at for each in cosignatures(note, KNOWN)] == [AT + timedelta(seconds=9)]


def test_strangers_are_passed_over() -> None:
    """Other names, other keys under a known name, and the log itself say nothing about witnessing."""
    namesake = Signer(ONE.name, ORIGIN, b"")
    stranger = Signer("witness.example/w3", ORIGIN, b"")
    garbage = f"— {ONE.name} {base64.b64encode(bytes(80)).decode()}\n"
    note = NOTE + namesake.cosign(BODY) + stranger.cosign(BODY) + garbage
    assert cosignatures(note, KNOWN) == ()
    assert cosignatures(note + ONE.cosign(BODY, SECONDS), KNOWN)[0].witness == KNOWN[0]


def test_one_bad_line_of_a_known_witness_spoils_it() -> None:
    """Also beside a good one: somebody has tampered."""
    other = BODY.replace("\n7\n", "\n8\n")
    for bad in (ONE.cosign(other, SECONDS), _with_time(ONE.cosign(BODY, SECONDS), SECONDS + 1)):
        with pytest.raises(NoteInvalid, match="does not hold"):
            cosignatures(NOTE + ONE.cosign(BODY, SECONDS) + bad, KNOWN)
    short = base64.b64encode(KNOWN[0].id + bytes(40)).decode()
    with pytest.raises(NoteInvalid, match="not an Ed25519 signature"):
        cosignatures(f"{NOTE}— {ONE.name} {short}\n", KNOWN)


def test_a_plain_signature_of_a_witness_is_no_cosignature() -> None:
    """It does not say when, and is of another type: another key, as far as notes go."""
    plain = sign_note(BODY, name=ONE.name, key=ONE.key).rpartition("\n\n")[2]
    assert cosignatures(NOTE + plain, KNOWN) == ()


def _with_time(line: str, seconds: int) -> str:
    dash, name, blob = line.split(" ")
    data = base64.b64decode(blob)
    changed = base64.b64encode(data[:4] + seconds.to_bytes(8, "big") + data[12:]).decode()
    return f"{dash} {name} {changed}\n"
