"""Proof files: that the log holds an entry, to keep for years and verify with no network (C2SP tlog-proof@v1).

A file holds the entry's place, the path to the root, and the checkpoint with the witnesses' cosignatures. Its extra data is
JSON from which the leaf is computed anew: ``{"receipt": <compact JWS>, "v": 1}`` for who was part of a disclosure, or
``{"leaf": <the leaf>, "v": 1}``, which says no more than the log does. The log's vkey and its witnesses' are all it takes.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from tillit import receipts
from tillit.errors import VerificationError
from tillit.jcs import canonical
from tillit.jose import strict_json
from tillit.leaves import Leaf, leaf_hash, parse_leaf
from tillit.notelines import NoteInvalid, plain_base64
from tillit.notes import VerifiedCheckpoint, Vkey, open_checkpoint
from tillit.proofs import HASH_BYTES, MAX_SIZE
from tillit.quorums import Policy, Witnessed
from tillit.wire import Receipt, Statement

MAX_PROOF_BYTES = 512 * 1024
MAX_PATH = 63

_HEADER = "c2sp.org/tlog-proof@v1"
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


class ProofFileInvalid(VerificationError):
    """The file is not in the form of C2SP tlog-proof@v1, or says of no entry what it should."""

    code = "verification.proof_file_invalid"


@dataclass(frozen=True, slots=True)
class ProofFile:
    """What a proof file says, whoever wrote it. ``checkpoint`` is the whole signed note; ``extra`` is signed by nobody."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    @classmethod
    def parse(cls, data: str | bytes) -> Self:
        """Read a file strictly. Raises ``ProofFileInvalid``."""
        try:
            text = data if isinstance(data, str) else data.decode()
            size = len(text.encode())
        except UnicodeError as wrong:
            raise ProofFileInvalid("not UTF-8") from wrong
        head, blank, note = text.partition("\n\n")
        header, *lines = head.split("\n")
        if size > MAX_PROOF_BYTES or not blank or header != _HEADER:
            raise ProofFileInvalid("not a proof of version 1")
        try:
            extra = plain_base64(lines.pop(0)[6:]) if lines and lines[0][:6] == "extra " else None
            index = lines.pop(0) if lines else ""
            path = tuple(plain_base64(line) for line in lines)
        except NoteInvalid as wrong:
            raise ProofFileInvalid(wrong.detail) from wrong
        number = index.removeprefix("index ")
        if number == index or not _NUMBER.fullmatch(number) or int(number) >= MAX_SIZE:
            raise ProofFileInvalid("no index")
        if len(path) > MAX_PATH or any(len(step) != HASH_BYTES for step in path):
            raise ProofFileInvalid("no path of hashes")
        return cls(int(number), path, note, extra)

    def __str__(self) -> str:
        extra = [] if self.extra is None else [f"extra {base64.b64encode(self.extra).decode()}"]
        path = [base64.b64encode(step).decode() for step in self.path]
        return "\n".join([_HEADER, *extra, f"index {self.index}", *path, "", self.checkpoint])


@dataclass(frozen=True, slots=True)
class VerifiedProof:
    """An entry that stands in the log at ``index``.

    ``statement`` is what a receipt says of a disclosure, with which the log's leaf agrees; None where the file holds the leaf
    only. ``witnessed`` is None where no policy was given. ``signed``: the receipt's own signature was checked as well.
    """

    index: int
    leaf: Leaf
    checkpoint: VerifiedCheckpoint
    statement: Statement | None
    witnessed: Witnessed | None
    signed: bool


def of_receipt(token: str) -> bytes:
    """The extra data that carries a receipt."""
    return canonical({"receipt": token, "v": 1})


def of_leaf(leaf: bytes) -> bytes:
    """The extra data that carries a leaf."""
    return canonical({"leaf": leaf.decode("ascii"), "v": 1})


def verify(
    file: ProofFile,
    vkey: Vkey,
    *,
    policy: Policy | None = None,
    receipt_keys: Mapping[str, Any] | None = None,
) -> VerifiedProof:
    """Check that the log that ``vkey`` names holds the entry, and that the policy's quorum has seen it.

    With ``receipt_keys`` (the broker's, a JWK set) the receipt's signature as well; without, the log alone vouches for what
    the receipt says, which is as good: the leaf commits to every word of it. Raises a ``VerificationError``. *Not checked*:
    whether the log still goes on from this checkpoint (``tillit-audit watch``).
    """
    leaf, receipt = _leaf(file.extra)
    if receipt is not None and receipt.promise.origin != vkey.name:
        raise ProofFileInvalid("the receipt promises another log")
    checkpoint = open_checkpoint(file.checkpoint, vkey)
    checkpoint.check_inclusion(leaf_hash=leaf_hash(leaf), index=file.index, path=file.path)
    witnessed = policy.check(file.checkpoint, log=vkey) if policy is not None else None
    signed = receipt_keys is not None and receipt is not None
    if receipt_keys is not None:
        receipts.verify(_said(file.extra).get("receipt", ""), receipt_keys)
    statement = receipt.statement if receipt else None
    return VerifiedProof(file.index, parse_leaf(leaf), checkpoint, statement, witnessed, signed)


def _leaf(extra: bytes | None) -> tuple[bytes, Receipt | None]:
    """The leaf that the extra data leads to, and the receipt if it is by one."""
    said = _said(extra)
    if "leaf" in said:
        return said["leaf"].encode(), None
    receipt = receipts.read_unsafe(said["receipt"])
    try:
        return receipts.leaf_of(receipt.statement, receipt.promise), receipt
    except ValueError as wrong:
        raise ProofFileInvalid("the receipt leads to no leaf") from wrong


def _said(extra: bytes | None) -> dict[str, str]:
    try:
        said: Any = strict_json(extra or b"")
    except ValueError as wrong:
        raise ProofFileInvalid("the extra data is no JSON") from wrong
    version = said.pop("v", None) if isinstance(said, dict) else None
    if type(version) is not int or version != 1 or len(said) != 1:  # True and 1.0 are equal to 1
        raise ProofFileInvalid("the extra data is not of version 1")
    ((kind, value),) = said.items()
    if kind not in {"receipt", "leaf"} or not isinstance(value, str):
        raise ProofFileInvalid("the extra data holds neither receipt nor leaf")
    return {kind: value}
