"""The operator's ``tillit-broker keys …``: which keys there are, and how each kind is rotated, retired and revoked.

Without a further word it prints the public keys that services and auditors need. Each change is an entry of the log: one before
anything is done, so that without a log nothing is, and one after it.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import Progress

from audit.entries import Entry
from broker import compose
from broker.commands import Ends, add
from broker.settings import Settings
from keys import rotation
from tillit.jose import ed25519_jwk
from tillit.notes import Vkey

NOT_ENFORCED = """\
A passphrase cannot be made to be forgotten. Until each copy of the keyring from before is destroyed (backups,
snapshots, replicas), whoever has one and the passphrase of that time still opens what was shredded since."""


def declare(commands: Any) -> None:
    """Add the commands about keys."""
    actions = add(commands, "keys", public).add_subparsers(metavar="COMMAND")
    rotating = actions.add_parser("rotate", help="put a new key in a key's place")
    kinds = rotating.add_subparsers(required=True, metavar="KIND")
    add(kinds, "root", rotate_root)


def public(_: argparse.Namespace, settings: Settings) -> None:
    """Print the public keys that services and auditors need; or list, rotate, retire, revoke keys."""
    custodian = compose.custodian(settings)
    own = custodian.broker_keys()
    print(
        json.dumps(
            {
                "issuer": settings.issuer,
                "log": str(Vkey.of(settings.origin, own.log.public_key())),
                "receipts": ed25519_jwk(own.receipts.public_key()),
                "tokens": ed25519_jwk(own.tokens.public_key()),
                "custodian": custodian.public_jwk(),
            },
            indent=2,
        )
    )


def rotate_root(_: argparse.Namespace, settings: Settings) -> Ends:
    """Put a new root key in the keyring while everything runs; moves it to the back end that is set. A repeat resumes.

    Every file of the keyring is sealed anew. Afterwards a copy of the keyring from before opens nothing, where the back end
    destroys what had wrapped the old root key (vault, pkcs11).
    """
    said = {"kind": "root", "back": settings.keyring_backend}
    _enter(settings, "key.rotation_begun", said)
    with _progress() as shown:
        done = rotation.rotate(
            settings.keyring, settings.back(settings.read_passphrase), progress=shown
        )
    ended = {"epoch": done.epoch, "files": done.files, "damaged": len(done.damaged)}
    _enter(settings, "key.rotated", {**said, **ended, "destroyed": done.destroyed})
    print(f"root key of epoch {done.epoch}; {done.files} files sealed under it")
    for name in done.damaged:
        print(f"damaged, and left as it is: {name}")
    print("what had wrapped the old one is destroyed" if done.destroyed else NOT_ENFORCED)
    return 1 if done.damaged else None


def _enter(settings: Settings, type_: str, content: Mapping[str, Any]) -> None:
    store = compose.opened(settings)
    try:
        with store.write() as tx:
            tx.append(Entry(type_, compose.now(), content))
    finally:
        store.close()


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, nothing elsewhere; is told how many of how many are done."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task("sealing", total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)
