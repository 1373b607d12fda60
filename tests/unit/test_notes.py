"""Notes and checkpoints: published examples, and everything that is not quite a note."""

import base64
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tillit.notes import (
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    NoteInvalid,
    Vkey,
    open_checkpoint,
    open_note,
    read_unsafe_checkpoint,
    sign_checkpoint,
    sign_note,
)
from tillit.proofs import ProofError, node_hash

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
NAME = "log.example/larvik"
VKEY = Vkey.of(NAME, KEY)
ROOT = bytes(range(100, 132))
AT = datetime(2026, 11, 23, 8, 0, 0, 900_000, tzinfo=UTC)
NOTE = sign_checkpoint(origin=NAME, size=7, root=ROOT, key=KEY, at=AT)

# The example of golang.org/x/mod/sumdb/note (BSD-3-Clause), on which C2SP signed-note rests.
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = """\
If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann \
x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
"""


def test_published_note_opens() -> None:
    """Ours is the format of everyone else's tools."""
    vkey = Vkey.parse(GO_VKEY)
    opened = open_note(GO_NOTE, vkey)
    assert opened.text == GO_NOTE.partition("\n\n")[0] + "\n"
    assert (opened.vkey.name, opened.at, str(vkey)) == ("PeterNeumann", None, GO_VKEY)


def test_published_note_with_one_letter_changed_does_not() -> None:
    """The negative of the same vector."""
    with pytest.raises(NoteInvalid, match="does not hold"):
        open_note(GO_NOTE.replace("think", "thank"), Vkey.parse(GO_VKEY))


def test_checkpoint_opens_again() -> None:
    """Whole seconds of the time, and the exact text, come back."""
    opened = open_checkpoint(NOTE, VKEY)
    assert (opened.origin, opened.size, opened.root) == (NAME, 7, ROOT)
    assert opened.at == datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    assert opened.note == NOTE
    assert open_checkpoint(NOTE.encode(), VKEY) == opened


def test_checkpoint_is_laid_out_as_specified() -> None:
    """C2SP tlog-checkpoint by the letter, so that stock monitors read it."""
    lines = NOTE.split("\n")
    assert lines[:4] == [NAME, "7", base64.b64encode(ROOT).decode(), ""]
    assert [line.startswith(f"— {NAME} ") for line in lines[4:]] == [True, True, False]
    plain, timed = (base64.b64decode(line.split(" ")[2]) for line in lines[4:6])
    assert (len(plain), len(timed)) == (4 + 64, 4 + 8 + 64)
    assert int.from_bytes(timed[4:12], "big") == int(AT.timestamp())


def test_monitors_that_know_only_plain_notes_read_it() -> None:
    """The timestamped signature may be missing or another's; then there is no time."""
    without = NOTE[: NOTE.rindex("— ")]
    assert open_checkpoint(without, VKEY).at is None


def test_the_time_alone_is_no_signature() -> None:
    """A cosignature says that the log was seen so, not that the log signed it."""
    head, _, tail = NOTE.partition("\n\n")
    timed = tail.split("\n")[1]
    with pytest.raises(NoteInvalid, match="not signed by this key"):
        open_note(f"{head}\n\n{timed}\n", VKEY)


def test_others_may_cosign() -> None:
    """Signatures of unknown keys are passed over, be they of our name or with our id."""
    stranger = sign_note("x\n", name="witness.example/w1", key=OTHER).split("\n")[2]
    namesake = sign_note("x\n", name=NAME, key=OTHER).split("\n")[2]
    assert open_checkpoint(f"{NOTE}{stranger}\n{namesake}\n", VKEY).size == 7


def test_signing_twice_keeps_the_later_time() -> None:
    """Both hold: the log stood so at both times."""
    later = sign_note(
        NOTE.partition("\n\n")[0] + "\n", name=NAME, key=KEY, at=AT.replace(hour=9)
    ).rpartition("\n\n")[2]
    expected = AT.replace(hour=9, microsecond=0)
    assert open_checkpoint(NOTE + later, VKEY).at == expected
    head, _, tail = NOTE.partition("\n\n")
    assert open_checkpoint(f"{head}\n\n{later}{tail}", VKEY).at == expected


@pytest.mark.parametrize("vkey", [Vkey.of(NAME, OTHER), Vkey.of("log.example/oslo", KEY)])
def test_another_key_does_not_open(vkey: Vkey) -> None:
    """Name and key both count."""
    with pytest.raises(NoteInvalid, match="not signed by this key"):
        open_note(NOTE, vkey)


def test_another_log_of_the_same_key_does_not_pass_for_this_one() -> None:
    """The origin is part of what is signed, and must be the key's name."""
    text = NOTE.partition("\n\n")[0].replace("larvik", "oslo") + "\n"
    with pytest.raises(NoteInvalid, match="another log's"):
        open_checkpoint(sign_note(text, name=NAME, key=KEY), VKEY)


def test_every_byte_counts() -> None:
    """Each byte of text and signatures changed in turn, by its lowest bit.

    The note does not open, or is another's.
    """
    data = NOTE.encode()
    for at in range(len(data)):
        wrong = bytes([*data[:at], data[at] ^ 1, *data[at + 1 :]])
        try:
            opened = open_checkpoint(wrong, VKEY)
        except NoteInvalid:
            continue
        # What is left is a change to name or id of one of the two lines: it is no longer ours.
        assert opened.at is None
        assert at > data.rindex("— ".encode())


@pytest.mark.parametrize(
    ("note", "why"),
    [
        ("", "not a signed note"),
        ("no signature\n", "not a signed note"),
        ("text\n\n— a AAAAAAA=", "not a signed note"),
        ("text\tx\n\n— a AAAAAAA=\n", "not a signed note"),
        ("text\r\n\n— a AAAAAAA=\n", "not a signed note"),
        ("text\n\n- a AAAAAAA=\n", "no signature"),
        ("text\n\n— aAAAAAAA=\n", "no signature"),
        ("text\n\n—  AAAAAAA=\n", "no signature"),
        ("text\n\n— a+b AAAAAAA=\n", "no signature"),
        ("text\n\n— a AAAAAA==\n", "empty signature"),
        ("text\n\n— a AAAAAAB=\n", "canonical"),
        ("text\n\n— a AAAAA!A=\n", "not base64"),
        ("text\n\n— a b AAAAAAA=\n", "not base64"),
        ("text\n\n— a æAAAAAA=\n", "not base64"),
        ("text\n\n" + "— a AAAAAAA=\n" * (MAX_SIGNATURES + 1), "too many"),
        ("x" * (MAX_NOTE_BYTES + 1), "too large"),
        ("é" * (MAX_NOTE_BYTES // 2 + 1), "not a signed note"),
        ("\ud800\n\n— a AAAAAAA=\n", "UTF-8"),
        (b"\xff\n\n\xe2\x80\x94 a AAAAAAA=\n", "UTF-8"),
    ],
)
def test_what_is_no_note_is_refused(note: str | bytes, why: str) -> None:
    """The specification's MUST NOTs and our bounds, one by one."""
    with pytest.raises(NoteInvalid, match=why):
        open_note(note, VKEY)


@pytest.mark.parametrize("signature", [b"", b"\0" * 63, b"\0" * 65, b"\0" * 64])
def test_a_bad_signature_of_this_key_spoils_the_note(signature: bytes) -> None:
    """Also next to a good one: somebody has tampered."""
    key_id = base64.b64decode(NOTE.split("\n")[4].split(" ")[2])[:4]
    line = f"— {NAME} {base64.b64encode(key_id + signature).decode()}\n"
    with pytest.raises(NoteInvalid):
        open_note(NOTE + line, VKEY)


def test_a_time_that_no_calendar_has_is_refused() -> None:
    """The wire holds 64 bits of seconds; a signature over nonsense is still nonsense."""
    text = NOTE.partition("\n\n")[0] + "\n"
    seconds = 2**63
    timed = seconds.to_bytes(8, "big") + KEY.sign(
        f"cosignature/v1\ntime {seconds}\n{text}".encode()
    )
    key_id = base64.b64decode(NOTE.split("\n")[5].split(" ")[2])[:4]
    line = f"— {NAME} {base64.b64encode(key_id + timed).decode()}\n"
    with pytest.raises(NoteInvalid, match="out of range"):
        open_note(NOTE + line, VKEY)


@pytest.mark.parametrize(
    "text",
    [
        "log.example/larvik\n7\n",
        f"{NAME}\n7\n\n",
        f"{NAME}\n\n{base64.b64encode(ROOT).decode()}\n",
        f"{NAME}\n07\n{base64.b64encode(ROOT).decode()}\n",
        f"{NAME}\n-1\n{base64.b64encode(ROOT).decode()}\n",
        f"{NAME}\n\N{ARABIC-INDIC DIGIT SEVEN}\n{base64.b64encode(ROOT).decode()}\n",
        f"{NAME}\n9999999999999999999\n{base64.b64encode(ROOT).decode()}\n",
        f"{NAME}\n7\n{base64.b64encode(ROOT[:31]).decode()}\n",
        f"{NAME}\n7\nnot base64\n",
        f"{NAME}\n7\n{base64.b64encode(ROOT).decode()}\n\nextension\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    """Also when the log itself has signed it."""
    with pytest.raises(NoteInvalid):
        open_checkpoint(sign_note(text, name=NAME, key=KEY), VKEY)


def test_extension_lines_are_passed_over() -> None:
    """The specification lets logs add lines, which clients ignore."""
    text = NOTE.partition("\n\n")[0] + "\nextension\n"
    assert open_checkpoint(sign_note(text, name=NAME, key=KEY), VKEY).size == 7


def test_unsafe_reading_checks_no_signature() -> None:
    """It finds what to fetch and says so in its name."""
    read = read_unsafe_checkpoint(NOTE.replace("\n7\n", "\n8\n"))
    assert (read.origin, read.size, read.root) == (NAME, 8, ROOT)


def test_checkpoints_check_proofs() -> None:
    """The verified values are what proofs are checked against."""
    a, b = b"a" * 32, b"b" * 32
    small, large = (
        open_checkpoint(sign_checkpoint(origin=NAME, size=size, root=root, key=KEY, at=AT), VKEY)
        for size, root in ((1, a), (2, node_hash(a, b)))
    )
    large.check_inclusion(leaf_hash=b, index=1, path=[a])
    large.check_continues(small, [b])
    with pytest.raises(ProofError):
        large.check_inclusion(leaf_hash=b, index=0, path=[a])
    with pytest.raises(ProofError):
        large.check_continues(small, [a])


@pytest.mark.parametrize("text", ["", "no newline", "bell\a\n", "cosignature/v1\ntime 1\nx\n"])
def test_what_cannot_be_signed(text: str) -> None:
    """The last would be a timestamped message: signing it as a note would mix the two up."""
    with pytest.raises(ValueError, match="newline"):
        sign_note(text, name=NAME, key=KEY)


@pytest.mark.parametrize(("size", "root"), [(-1, ROOT), (2**63, ROOT), (1, ROOT[:31])])
def test_no_checkpoint_of_impossible_trees(size: int, root: bytes) -> None:
    """What could not be opened again is not signed."""
    with pytest.raises(ValueError, match="tree's size"):
        sign_checkpoint(origin=NAME, size=size, root=root, key=KEY, at=AT)


@pytest.mark.parametrize(
    "name", ["", "a b", "a+b", "a\nb", "a\N{NO-BREAK SPACE}b", "x" * 257, "cosignature/v1"]
)
def test_names_that_no_key_may_have(name: str) -> None:
    """A space or newline in a name could forge lines."""
    with pytest.raises(NoteInvalid):
        Vkey.of(name, KEY)


def _vkey(material: bytes) -> str:
    return f"{NAME}+00000000+{base64.b64encode(material).decode()}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a+b",
        _vkey(b"\x01" + VKEY.public_key),
        str(VKEY).upper(),
        str(VKEY) + "A",
        str(VKEY).replace("log.", "lag."),
        _vkey(b"\x04" + VKEY.public_key),
        _vkey(b"\x01" + VKEY.public_key[:31]),
        f"{NAME}+00000000+AB",
        "x" * 5000,
    ],
)
def test_what_is_no_vkey_is_refused(text: str) -> None:
    """An auditor's trust root is typed or pasted: a slip must show."""
    with pytest.raises(NoteInvalid):
        Vkey.parse(text)


def test_vkeys_round_trip() -> None:
    """Also with the newline that a file ends in."""
    assert Vkey.parse(f"{VKEY}\n") == VKEY == Vkey.of(NAME, KEY.public_key())


@given(st.text(max_size=300) | st.binary(max_size=300))
def test_garbage_is_refused_not_crashed_on(note: str | bytes) -> None:
    """Notes come from outside: whatever they hold, the answer is ``NoteInvalid``."""
    with pytest.raises(NoteInvalid):
        open_note(note, VKEY)
    with pytest.raises(NoteInvalid):
        read_unsafe_checkpoint(note)


@given(st.text(max_size=200))
def test_garbage_is_no_vkey(text: str) -> None:
    """As above."""
    with pytest.raises(NoteInvalid):
        Vkey.parse(text)


@given(st.binary(max_size=200), st.data())
def test_garbage_after_a_good_note(tail: bytes, data: st.DataObject) -> None:
    """Spliced and cut notes open only as the note they were."""
    cut = data.draw(st.integers(0, len(NOTE.encode())))
    spliced = NOTE.encode()[:cut] + tail
    try:
        opened = open_checkpoint(spliced, VKEY)
    except NoteInvalid:
        return
    assert (opened.size, opened.root) == (7, ROOT)
