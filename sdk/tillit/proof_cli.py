"""``tillit proof`` and ``tillit verify-proof``: what they read, and how they say what holds."""

import argparse
import json
import sys
from pathlib import Path

from tillit import display, errors, proof_files
from tillit.notes import MAX_NOTE_BYTES, NoteInvalid, Vkey
from tillit.proof_files import MAX_PROOF_BYTES, ProofFile, VerifiedProof
from tillit.quorums import MAX_POLICY_BYTES, Policy
from tillit.receipts import MAX_CHARS


def receipt(given: str) -> str | None:
    """The receipt in a file, None when ``given`` is a disclosure's id."""
    if given.startswith("dis_"):
        return None
    return _read(given, MAX_CHARS).decode("ascii", "replace").strip()


def verify(given: argparse.Namespace) -> int:
    """Check a proof file against the log's key and its witnesses; raises what is wrong."""
    vkey = _vkey(given.vkey)
    policy = Policy.parse(_read(given.witnesses, MAX_POLICY_BYTES)) if given.witnesses else None
    file = ProofFile.parse(_read(given.file, MAX_PROOF_BYTES))
    proven = proof_files.verify(file, vkey, policy=policy)
    if given.json:
        print(json.dumps(as_json(proven), ensure_ascii=False, indent=2))
    else:
        for line in lines(proven):
            print(display.plain(line))
    return 0


def lines(proven: VerifiedProof) -> list[str]:
    """What holds, in words."""
    head = proven.checkpoint
    said = [
        f"Holds: entry {proven.index} of {head.size} in {head.origin}",
        f"  {proven.leaf.type} at {proven.leaf.at.isoformat()}",
    ]
    if proven.statement is not None:
        told = proven.statement
        said.append(f"  {told.id} to {told.recipient} for {told.purpose}: {told.outcome}")
    if head.at is not None:
        said.append(f"  signed by the log {head.at.isoformat()}")
    if proven.witnessed is None:
        said.append("  witnesses were not asked for: others may have been shown another log")
    else:
        seen = proven.witnessed.cosignatures
        said += [f"  seen by {each.witness.name} {each.at.isoformat()}" for each in seen]
    return said


def as_json(proven: VerifiedProof) -> dict[str, object]:
    """The same for machines."""
    head, told, seen = proven.checkpoint, proven.statement, proven.witnessed
    return {
        "ok": True,
        "origin": head.origin,
        "index": proven.index,
        "size": head.size,
        "type": proven.leaf.type,
        "at": proven.leaf.at.isoformat(),
        "statement": told.model_dump(mode="json") if told else None,
        "signed": head.at.isoformat() if head.at else None,
        "witnesses": None
        if seen is None
        else {each.witness.name: each.at.isoformat() for each in seen.cosignatures},
    }


def _vkey(given: str) -> Vkey:
    try:
        if "+" not in given or Path(given).is_file():
            given = _read(given, MAX_NOTE_BYTES).decode("utf-8", "replace").strip()
        return Vkey.parse(given)
    except NoteInvalid as wrong:
        raise errors.UsageError(f"--vkey: {wrong.detail}") from None


def _read(path: str, limit: int) -> bytes:
    try:
        if path == "-":
            return sys.stdin.buffer.read(limit + 1)
        with Path(path).open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise errors.UsageError(f"{path} cannot be read: {error.strerror}") from None
