"""``tillit-audit proof``: check a proof file, or fetch the proof of one entry from the log's tiles."""

import argparse
import sys
from typing import Any

from audit import bundles, tree
from audit.commands import given
from audit.commands.saying import HOLDS, progress
from audit.errors import ResourceMissing, SourceUnavailable
from audit.fsck import Progress
from audit.paths import CHECKPOINT, TilePath
from audit.sources import Source
from audit.watching import FetchedTiles
from tillit import proof_cli
from tillit.leaves import leaf_hash
from tillit.notes import MAX_NOTE_BYTES, Vkey, open_checkpoint
from tillit.proof_files import ProofFile, of_leaf
from tillit.proof_files import verify as verify_file
from tillit.proofs import HASH_BYTES


def declare(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command."""
    proof = commands.add_parser(
        "proof", parents=[common], help="check a proof file, or fetch one for an entry"
    )
    proof.add_argument(
        "source", metavar="FILE|SOURCE", help="a proof; broker URL or mirror to fetch"
    )
    proof.add_argument("--vkey", required=True, help="the log's vkey, or a file that holds it")
    proof.add_argument(
        "--witnesses", metavar="FILE", help="who must have seen it: C2SP tlog-policy"
    )
    which = proof.add_mutually_exclusive_group()
    which.add_argument("--index", type=int, help="fetch the proof of the entry at this place")
    which.add_argument(
        "--leaf-hash", metavar="HEX", help="fetch the proof of the entry of this hash"
    )
    proof.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check a file; or write one to standard output, checked."""
    vkey = given.vkey(options.vkey)
    policy = given.policy(options.witnesses) if options.witnesses else None
    if options.index is None and options.leaf_hash is None:
        options.file = options.source
        return proof_cli.verify(options)
    wanted = _hash(options.leaf_hash) if options.leaf_hash else None
    with given.source(options) as source, progress("tiles") as told:
        file = fetch(source, vkey, index=options.index, wanted=wanted, progress=told)
    verify_file(file, vkey, policy=policy)
    sys.stdout.write(str(file))
    return HOLDS


def fetch(
    source: Source,
    vkey: Vkey,
    *,
    index: int | None = None,
    wanted: bytes | None = None,
    progress: Progress | None = None,
) -> ProofFile:
    """The proof of the entry at ``index``, or of the one whose leaf hash is ``wanted``, newest first.

    Raises ``SourceUnavailable`` where there is no such entry, ``ResourceMissing``, or a ``VerificationError``.
    """
    try:
        note = source.get(CHECKPOINT, limit=MAX_NOTE_BYTES)
    except ResourceMissing as wrong:
        raise SourceUnavailable("there is no checkpoint") from wrong
    head = open_checkpoint(note, vkey)
    tiles = FetchedTiles(source, head.size)
    if wanted is not None:
        index = _find(tiles, head.size, wanted, progress)
    if index is None or not 0 <= index < head.size:
        raise SourceUnavailable(f"there is no such entry among the {head.size}")
    n, at = divmod(index, tree.TILE_WIDTH)
    path = TilePath(None, n, tree.width(head.size, 0, n))
    bundle = source.get(str(path), limit=bundles.MAX_BUNDLE_BYTES)
    try:
        leaf = bundles.unpack(bundle, path.width)[at]
        extra = of_leaf(leaf)
    except ValueError as wrong:
        raise ResourceMissing(f"{path} holds no whole entries") from wrong
    steps = tree.inclusion(tiles, index, head.size)
    head.check_inclusion(leaf_hash=leaf_hash(leaf), index=index, path=steps)
    return ProofFile(index, steps, head.note, extra)


def _find(tiles: FetchedTiles, size: int, wanted: bytes, progress: Progress | None) -> int | None:
    rows = -(-size // tree.TILE_WIDTH)
    for done, n in enumerate(reversed(range(rows)), 1):
        held = tiles(0, n)
        for at in range(0, len(held), HASH_BYTES):
            if held[at : at + HASH_BYTES] == wanted:
                return n * tree.TILE_WIDTH + at // HASH_BYTES
        if progress:
            progress(done, rows)
    return None


def _hash(text: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != HASH_BYTES:
        raise SourceUnavailable("--leaf-hash: not 64 hexadecimal digits")
    return found
