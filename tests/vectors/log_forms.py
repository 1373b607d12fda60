"""Vectors of the log's forms: leaf and checkpoint."""

import base64
from datetime import UTC, datetime
from typing import Any

from tests.vectors.drafts import (
    Accepted,
    Refused,
    Vectors,
    changed,
    flipped,
    secret,
    signer,
    stray,
)
from tillit.leaves import commitment, leaf, leaf_hash
from tillit.notes import Vkey, sign_checkpoint, sign_note
from tillit.proofs import MAX_SIZE, node_hash

ORIGIN = "log.example/vectors"
AT = datetime(2026, 11, 20, 9, 15, 30, 123456, tzinfo=UTC)
SIGNED = datetime(2026, 11, 20, 9, 15, 31, tzinfo=UTC)
CONTENT: dict[str, Any] = {"consent": "con_" + "C" * 22, "to": "active", "version": 3}

_DASH = "\N{EM DASH} "


# --- leaf ---
def _leaf(name: str, why: str, kind: str, at: datetime, content: dict[str, Any]) -> Accepted:
    salt = secret(f"salt of {name}")
    mac = commitment(salt, content)
    text = leaf(kind, at, mac)
    read = {
        "type": kind,
        "at": text[7:34].decode(),
        "commitment_hex": mac.hex(),
        "leaf_hash_hex": leaf_hash(text).hex(),
        "salt_hex": salt.hex(),
        "content": content,
    }
    return Accepted(name, why, {"leaf": text.decode()}, read)


def leaves() -> Vectors:
    """The leaf: one byte form per type, time and commitment."""
    plain = _leaf("plain", "an entry about a consent", "consent.changed", AT, CONTENT)
    whole = AT.replace(microsecond=0)
    accepted = [
        plain,
        _leaf("whole-second", "six decimals all the same", "key.rotated", whole, {}),
        _leaf("one-word", "a type of one word", "disclosure", AT, {"text": "Ærlig æøå, «sitat»"}),
        _leaf("longest-type", "64 characters", "a" * 31 + "." + "b" * 32, AT, {"n": 1}),
    ]
    text = str(plain.given["leaf"])
    at, word = text[7:34], text[50:93]
    examples = {
        "space": (text.replace(",", ", ", 1), "white space: another byte form of the same"),
        "newline": (text + "\n", "a line end is a byte too many"),
        "order": (
            f'{{"commitment":"{word}","at":"{at}","type":"consent.changed","v":1}}',
            "members in another order than that of RFC 8785",
        ),
        "member": (text[:-1] + ',"x":1}', "a member that is not in the form"),
        "twice": (text[:-1] + ',"v":1}', "a member that stands twice"),
        "missing": (text.replace(',"v":1', ""), "a member is missing"),
        "version": (text.replace('"v":1', '"v":2'), "of a version that is not known"),
        "float": (text.replace('"v":1', '"v":1.0'), "1.0 is not how RFC 8785 writes 1"),
        "escape": (
            text.replace("consent", "\\u0063onsent"),
            "an escape that RFC 8785 does not use",
        ),
        "upper": (text.replace("consent", "Consent"), "types are lower case"),
        "digit": (text.replace("consent", "c0nsent"), "types have no digits"),
        "dots": (text.replace("consent.", "consent.."), "an empty word in a type"),
        "long": (text.replace("consent", "c" * 60), "a type of more than 64 characters"),
        "padding": (text.replace(word, word + "="), "base64url is without padding"),
        "short": (text.replace(word, word[:-1]), "a commitment of fewer than 32 bytes"),
        "alphabet": (text.replace(word, "+" + word[1:]), "the alphabet is that of base64url"),
        "stray-bits": (text.replace(word, stray(word)), "the last two bits spell no byte"),
        "milliseconds": (text.replace("123456Z", "123Z"), "always six decimals"),
        "offset": (text.replace("456Z", "456+00:00"), "UTC is written Z"),
        "february": (text.replace("2026-11-20", "2026-02-30"), "there is no such day"),
        "leap": (text.replace("T09:15:30", "T23:59:60"), "there is no such second"),
        "midnight": (text.replace("T09", "T24"), "the day ends at 23:59:59"),
        "digits": (text.replace("2026", "\u0662026"), "digits are ASCII digits"),
        "mark": ("\ufeff" + text, "a byte order mark"),
        "array": (f"[{text}]", "not an object"),
        "empty": ("", "nothing"),
    }
    given = {name: {"leaf": example} for name, (example, _) in examples.items()}
    refused = changed(plain, given, {name: why for name, (_, why) in examples.items()})
    broken = {"leaf_hex": (text[:-2] + "\xff}").encode("latin-1").hex()}
    refused.append(Refused("plain-bytes", "plain", "not UTF-8", broken))
    return Vectors(
        "leaf",
        "given `leaf` (text, UTF-8; or `leaf_hex`, bytes): read type, time and commitment, and hash it"
        " as 0x00 ‖ leaf. The commitment is HMAC-SHA256(salt, JCS(content)).",
        ["RFC 8785", "RFC 6962 section 2.1", "RFC 2104"],
        accepted,
        refused,
    )


# --- checkpoint ---
def checkpoints() -> Vectors:
    """The checkpoint: a signed note over origin, size and root."""
    key, stranger = signer("log"), signer("another log")
    vkey, root = str(Vkey.of(ORIGIN, key)), node_hash(secret("left"), secret("right"))
    note = sign_checkpoint(origin=ORIGIN, size=600, root=root, key=key, at=SIGNED)
    head = {"origin": ORIGIN, "size": 600, "root_hex": root.hex(), "at": "2026-11-20T09:15:31Z"}
    plain = Accepted("plain", "signed with its time", {"vkey": vkey, "note": note}, head)
    text, lines = note.split("\n\n")
    first, timed, _ = lines.split("\n")
    body = text + "\n"
    foreign = sign_note(body, name="witness.example", key=stranger).split("\n\n")[1]

    def signed(text: str, *, name: str = ORIGIN) -> str:
        return sign_note(text, name=name, key=key, at=SIGNED)

    def sized(size: str) -> str:
        return signed(body.replace("\n600\n", f"\n{size}\n"))

    def rooted(word: str) -> str:
        return signed(f"{ORIGIN}\n600\n{word}\n")

    word = base64.b64encode(root).decode()
    accepted = [
        plain,
        Accepted(
            "untimed",
            "the plain signature alone; nobody then knows when",
            {"vkey": vkey, "note": f"{body}\n{first}\n"},
            {**head, "at": None},
        ),
        Accepted(
            "empty",
            "nothing has been logged yet",
            {"vkey": vkey, "note": signed(f"{ORIGIN}\n0\n{word}\n")},
            {**head, "size": 0},
        ),
        Accepted(
            "extended",
            "lines after the root are signed and otherwise ignored",
            {"vkey": vkey, "note": signed(body + "an extension\n")},
            head,
        ),
        Accepted(
            "witnessed",
            "a signature by a key that is not asked about is ignored",
            {"vkey": vkey, "note": note + foreign},
            head,
        ),
        Accepted(
            "largest",
            "2^63 - 1 entries",
            {"vkey": vkey, "note": sized(str(MAX_SIZE))},
            {**head, "size": MAX_SIZE},
        ),
    ]
    early = (int(SIGNED.timestamp()) - 60).to_bytes(8, "big")
    blob = base64.b64decode(timed.rpartition(" ")[2])
    backdated = base64.b64encode(blob[:4] + early + blob[12:]).decode()
    examples = {
        "size": (note.replace("\n600\n", "\n512\n"), "the size is signed"),
        "root": (note.replace(word, flipped(word, 5)), "the root is signed"),
        "signature": (note.replace(first, flipped(first, -9)), "one letter of the signature"),
        "origin": (
            signed(f"log.example/other\n600\n{word}\n"),
            "the origin is not the name of the key that signed",
        ),
        "renamed": (note.replace(ORIGIN, "log.example/other"), "the name is part of the key's id"),
        "unsigned": (body, "no signature"),
        "unsigned-blank": (body + "\n", "no signature after the blank line"),
        "stranger": (
            sign_checkpoint(origin=ORIGIN, size=600, root=root, key=stranger, at=SIGNED),
            "another key under the same name",
        ),
        "timed-only": (f"{body}\n{timed}\n", "the timestamped signature alone is no checkpoint's"),
        "second-bad": (
            note + flipped(first, -9) + "\n",
            "one bad signature of the key spoils the note",
        ),
        "backdated": (
            note.replace(timed.rpartition(" ")[2], backdated),
            "the time is signed",
        ),
        "zeros": (sized("0600"), "a size has no leading zeros"),
        "plus": (sized("+600"), "a size has no sign"),
        "minus": (sized("-600"), "a size is not negative"),
        "exponent": (sized("6e2"), "a size is decimal digits"),
        "beyond": (sized(str(MAX_SIZE + 1)), "a size is below 2^63"),
        "arabic": (sized("\u0666\u0660\u0660"), "digits are ASCII digits"),
        "unpadded": (rooted(word.rstrip("=")), "standard base64 is padded"),
        "url": (rooted("-" + word[1:]), "not the alphabet of base64url"),
        "short-root": (
            rooted(base64.b64encode(root[:31]).decode()),
            "a root has 32 bytes",
        ),
        "stray-bits": (rooted(stray(word)), "the last bits spell no byte"),
        "two-lines": (signed(f"{ORIGIN}\n600\n"), "a checkpoint has at least three lines"),
        "blank": (signed(body + "\nmore\n"), "no line of a checkpoint is empty"),
        "crlf": (note.replace("\n", "\r\n"), "lines end in one newline"),
        "tab": (signed(body + "more\n").replace("more", "mo\tre"), "no control characters"),
        "hyphen": (note.replace("\N{EM DASH}", "-"), "signature lines begin with an em dash"),
        "cut": (note[:-1], "the last line ends too"),
        "tail": (note + "\n", "nothing stands after the signatures"),
        "words": (note + "some more words\n", "a line after the blank one that is no signature"),
        "mark": ("\ufeff" + note, "a byte order mark"),
        "name": (
            note + foreign.replace("witness.example", "witness+example"),
            "a name has no plus, not even one that is not asked about",
        ),
        "long-name": (
            note + foreign.replace("witness.example", "w" * 257),
            "a name of more than 256 characters",
        ),
        "many": (note + foreign * 63, "more than 64 signatures"),
        "huge": (signed(body + "x" * 65536 + "\n"), "more than 64 KiB"),
        "empty": ("", "nothing"),
    }
    given = {name: {"note": example} for name, (example, _) in examples.items()}
    refused = changed(plain, given, {name: why for name, (_, why) in examples.items()})
    broken = {"vkey": vkey, "note_hex": (note.encode()[:-4] + b"\xff\n").hex()}
    refused.append(Refused("plain-bytes", "plain", "not UTF-8", broken))
    wrong_id = vkey.replace(vkey.split("+")[1], "00000000")
    refused += changed(
        plain,
        {
            "vkey-id": {"vkey": wrong_id},
            "vkey-other": {"vkey": str(Vkey.of(ORIGIN, stranger))},
        },
        {
            "vkey-id": "the vkey's id is not that of its key",
            "vkey-other": "it is signed, but not by the key that is trusted",
        },
    )
    return Vectors(
        "checkpoint",
        "given `note` (text; or `note_hex`, bytes) and the log's `vkey`: verify, and read origin, size,"
        " root and time (null where the signer gave none).",
        ["C2SP signed-note", "C2SP tlog-checkpoint", "C2SP tlog-cosignature (cosignature/v1)"],
        accepted,
        refused,
    )
