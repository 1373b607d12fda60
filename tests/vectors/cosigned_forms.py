"""Vectors of cosigned checkpoints: a tree head that enough witnesses have seen."""

import base64
from datetime import timedelta
from typing import Any

from tests.vectors.drafts import Accepted, Vectors, changed, flipped, secret, signer
from tests.vectors.log_forms import ORIGIN, SIGNED
from tillit.notelines import TIMED, key_id, signature_line, timed_message
from tillit.notes import Vkey, sign_checkpoint
from tillit.proofs import node_hash
from tillit.witnesses import Witness

NAMES = ("witness.example/one", "witness.example/two", "witness.example/three")
COSIGNED = SIGNED + timedelta(seconds=2)


def witness(name: str) -> Witness:
    """A witness whose key everybody knows."""
    return Witness.of(name, signer(name).public_key())


def line(
    text: str, name: str, *, at: int = int(COSIGNED.timestamp()), key: str | None = None
) -> str:
    """A cosignature line (C2SP tlog-cosignature, Ed25519), by primitives."""
    own = signer(key or name)
    public = own.public_key().public_bytes_raw()
    signature = at.to_bytes(8, "big") + own.sign(timed_message(text, at))
    return signature_line(name, key_id(name, TIMED, public) + signature)


def cosigned_checkpoints() -> Vectors:
    """The log's own signature, and those of its witnesses."""
    key, root = signer("log"), node_hash(secret("left"), secret("right"))
    note = sign_checkpoint(origin=ORIGIN, size=600, root=root, key=key, at=SIGNED)
    text = note.partition("\n\n")[0] + "\n"
    one, two, three = (line(text, name) for name in NAMES)
    vkeys = [str(witness(name)) for name in NAMES]
    at = "2026-11-20T09:15:33Z"

    def example(name: str, why: str, lines: str, threshold: int, *seen: str) -> Accepted:
        given = {
            "vkey": str(Vkey.of(ORIGIN, key)),
            "note": note + lines,
            "witnesses": vkeys,
            "threshold": threshold,
        }
        read = {"size": 600, "root_hex": root.hex(), "cosigned": dict.fromkeys(seen, at)}
        return Accepted(name, why, given, read)

    plain = example("plain", "two of three", one + three, 2, NAMES[0], NAMES[2])
    later = line(text, NAMES[0], at=int(COSIGNED.timestamp()) + 60)
    accepted = [
        plain,
        example("all", "all three", one + two + three, 3, *NAMES),
        example("order", "in any order", three + one, 2, NAMES[0], NAMES[2]),
        example(
            "others",
            "lines of others are ignored",
            one + line(text, "witness.example/other") + three,
            2,
            NAMES[0],
            NAMES[2],
        ),
    ]
    blob = base64.b64decode(one.split(" ")[2])
    early = base64.b64encode(blob[:4] + bytes(8) + blob[12:]).decode()
    plainly = signature_line(
        NAMES[0],
        key_id(NAMES[0], TIMED, witness(NAMES[0]).public_key)
        + signer(NAMES[0]).sign(text.encode()),
    )
    other = text.replace("\n600\n", "\n601\n")
    examples: dict[str, tuple[dict[str, Any], str]] = {
        "none": ({"note": note}, "nobody has cosigned"),
        "few": ({"note": note + one}, "one is fewer than two"),
        "twice": ({"note": note + one + one}, "one witness counts once"),
        "twice-later": ({"note": note + one + later}, "one witness counts once, whenever it signs"),
        "threshold": ({"threshold": 3}, "two are fewer than three"),
        "altered": ({"note": note + flipped(one, -9) + three}, "a signature is altered"),
        "one-bad": (
            {"note": note + one + flipped(two, -9) + three},
            "one bad signature of a known witness spoils the note",
        ),
        "time": (
            {"note": note + one.replace(one.split(" ")[2][:-1], early) + three},
            "the time is signed",
        ),
        "untimed": ({"note": note + plainly + three}, "a witness says when"),
        "other-head": (
            {"note": note + line(other, NAMES[0]) + three},
            "it is of another tree head",
        ),
        "renamed": (
            {"note": note + one.replace(NAMES[0], NAMES[1]) + three},
            "the name is part of the key's id",
        ),
        "stranger": (
            {"note": note + line(text, NAMES[0], key="a stranger") + three},
            "another key under a witness's name",
        ),
        "log": (
            {"note": note.replace(str(note.split("\n")[4]) + "\n", "") + one + three},
            "the log itself has not signed",
        ),
        "log-size": (
            {"note": (note + one + three).replace("\n600\n", "\n601\n")},
            "the size is signed by all",
        ),
        "vkey-type": (
            {"witnesses": [str(Vkey.of(NAMES[0], signer(NAMES[0]))), *vkeys[1:]]},
            "a witness's vkey has type 4",
        ),
    }
    given = {name: members for name, (members, _) in examples.items()}
    refused = changed(plain, given, {name: why for name, (_, why) in examples.items()})
    return Vectors(
        "cosigned-checkpoint",
        "given `note`, the log's `vkey`, the vkeys of its `witnesses` and a `threshold`: the checkpoint is"
        " the log's, and so many of the witnesses have cosigned it; read who, and when.",
        ["C2SP signed-note", "C2SP tlog-checkpoint", "C2SP tlog-cosignature (cosignature/v1)"],
        accepted,
        refused,
    )
