"""The last chapter: the whole log checked from outside, by a process that has nothing but the log's public key."""

import json
import os
from pathlib import Path

from broker.demo.people import NAV
from broker.demo.processes import ChildFailed
from broker.demo.stage import Stage, audit, command
from broker.demo.story import Scene, expect


def from_outside(scene: Scene, stage: Stage) -> str:
    """Mirror the log, verify it with the public key alone, and prove one receipt; gives the key."""
    scene.teller.chapter(
        "Somebody from outside checks the log",
        """Every ask, refusal, answer, deposit and withdrawal is an entry in a transparency log. A copy of
        it holds no name, no value and no number. The checker below is a process of its own, started
        without settings, that gets the copy and the log's public key, and nothing else.""",
    )
    vkey = str(json.loads(command(stage, "keys"))["log"])
    mirror = stage.directory / "log-mirror"
    own_key = stage.home(NAV) / "key.jwk"
    copy = os.path.relpath(mirror)
    fetched = audit(stage, "mirror", stage.url, copy, "--client", NAV, "--key", str(own_key))
    _quote(scene, "tillit-audit mirror", fetched)
    checked = audit(stage, "verify", str(mirror), "--vkey", vkey)
    _quote(scene, "tillit-audit verify", checked)
    _spoiled_is_found(scene, stage, mirror, vkey)
    proof = scene.services[NAV].do("prove", disclosure=scene.first["id"])
    scene.teller.prose(
        f"""Nav proves the receipt of its first disclosure about Emil: entry {proof["index"]} of
        {proof["size"]}, by {proof["path"]} hashes, under the same signed checkpoint key."""
    )
    return vkey


def _spoiled_is_found(scene: Scene, stage: Stage, mirror: Path, vkey: str) -> None:
    """A check that cannot fail shows nothing: change one byte of the copy and check again."""
    bundle = next(
        path for path in sorted((mirror / "tile" / "entries").rglob("*")) if path.is_file()
    )
    whole = bundle.read_bytes()
    middle = len(whole) // 2
    bundle.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    try:
        audit(stage, "verify", str(mirror), "--vkey", vkey)
    except ChildFailed:
        scene.teller.line("one bit of the copy flipped: tillit-audit verify finds it")
    else:
        expect(holds=False, what="a changed log was found in order")
    finally:
        bundle.write_bytes(whole)


def _quote(scene: Scene, command: str, said: str) -> None:
    scene.teller.line(f"{command}:")
    for line in said.splitlines():
        scene.teller.line(f"  {line.rstrip()}")
