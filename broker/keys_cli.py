"""The operator's ``tillit-broker keys …``: which keys there are, and how each kind is rotated, retired and revoked.

Without a further word it prints the public keys that services and auditors need. Each change is an entry of the log: one before
anything is done, so that without a log nothing is, and one after it.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console
from rich.progress import Progress

from audit.entries import Entry
from broker import compose
from broker.commands import Ends, Mistake, add
from broker.domain.ids import SubjectId, UnitId
from broker.erasing_cli import add_whom, whom
from broker.ports import Ports
from broker.settings import Settings
from broker.usecases import service_keys, subject_keys
from keys import rotation
from keys.errors import CustodianUnreachable
from keys.roots import ROOT, RootFile
from keys.signing import KINDS, LEAD, Kind, SigningKey, SigningKeys
from tillit.envelopes import KEY_BYTES
from tillit.jose import ed25519_jwk
from tillit.notes import Vkey

MOST_SECONDS = 90 * 24 * 3600

NOT_ENFORCED = """\
A passphrase cannot be made to be forgotten. Until each copy of the keyring from before is destroyed (backups,
snapshots, replicas), whoever has one and the passphrase of that time still opens what was shredded since."""


def declare(commands: Any) -> None:
    """Add the commands about keys."""
    actions = add(commands, "keys", public).add_subparsers(metavar="COMMAND")
    add(actions, "list", list_)
    rotating = actions.add_parser("rotate", help="put a new key in a key's place")
    kinds = rotating.add_subparsers(required=True, metavar="KIND")
    add(kinds, "root", rotate_root)
    add_whom(add(kinds, "subject", rotate_subject))
    for kind in KINDS:
        exchanging = add(kinds, kind, rotate_signing)
        exchanging.set_defaults(kind=kind)
        exchanging.add_argument(
            "--in",
            dest="seconds",
            type=_seconds,
            default=int(LEAD.total_seconds()),
            metavar="SECONDS",
            help="it signs after so long; by then whoever checks has fetched it (default: %(default)s)",
        )
    retiring = actions.add_parser("retire", help="let an old key go").add_subparsers(
        required=True, metavar="KIND"
    )
    of_log = add(retiring, "log", retire)
    of_log.set_defaults(kind="log")
    _kid(of_log)
    add_whom(add(retiring, "subject", retire_subject))
    revoking = add(actions, "revoke", revoke)
    revoking.add_argument("kind", choices=(*KINDS, "service"), help="which kind")
    _kid(revoking)
    revoking.add_argument("--unit", help="whose key it is, of kind service")


def _kid(parser: argparse.ArgumentParser) -> None:
    """An option, since an id may begin with a dash."""
    parser.add_argument(
        "--kid", required=True, help="the key's id, as `keys list` has it; written --kid=KID"
    )


def public(_: argparse.Namespace, settings: Settings) -> None:
    """Print the public keys that services and auditors need; or list, rotate, retire, revoke keys."""
    own = compose.secrets(settings)
    print(
        json.dumps(
            {
                "issuer": settings.issuer,
                "log": str(Vkey.of(settings.origin, own.log.public_key())),
                "receipts": ed25519_jwk(own.receipts.public_key()),
                "tokens": ed25519_jwk(own.tokens.public_key()),
                "custodian": _custodian_jwk(settings),
            },
            indent=2,
        )
    )


def _custodian_jwk(settings: Settings) -> dict[str, Any] | None:
    """The custodian's public key; None while one of its own process does not answer, as before it is first started."""
    try:
        return compose.custodian(settings).public_jwk()
    except CustodianUnreachable as away:
        print(f"tillit-broker: {away.code}: {away.detail}", file=sys.stderr)
        return None


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


def rotate_subject(given: argparse.Namespace, settings: Settings) -> None:
    """Put another key in the place of a person's, and wrap every stored content key anew; no ciphertext is touched.

    The key before still opens what it did, until it is retired.
    """
    with _about(given, settings) as (subject, ports), _progress() as shown:
        count = subject_keys.rotate(subject, ports=ports, progress=lambda done: shown(done, done))
    print(f"{count} content keys are under the new key; retire the one before in ten minutes")


def retire_subject(given: argparse.Namespace, settings: Settings) -> None:
    """Wrap anew what came in meanwhile, and destroy the key before a person's key now."""
    with _about(given, settings) as (subject, ports), _progress() as shown:
        count = subject_keys.retire(subject, ports=ports, progress=lambda done: shown(done, done))
    print(f"{count} content keys, all under the key now; the one before is destroyed")


@contextmanager
def _about(given: argparse.Namespace, settings: Settings) -> Iterator[tuple[SubjectId, Ports]]:
    custodian = compose.custodian(settings)
    with closing(compose.opened(settings, custodian)) as store:
        ports = compose.ported(settings, store, custodian)
        yield whom(given, ports), ports


def list_(_: argparse.Namespace, settings: Settings) -> None:
    """List every key of broker and custodian: its kind, its id, what it is good for and since when."""
    at, jwk = compose.now(), _custodian_jwk(settings)
    epoch = RootFile.parse((settings.keyring / ROOT).read_bytes()).epoch
    print(f"root       epoch {epoch}")
    print(f"custodian  {'does not answer' if jwk is None else jwk['kid']}")
    for key in compose.secrets(settings).signing.keys:
        print(f"{key.kind:<9}  {key.kid}  {key.state(at):<8} since {key.since:%Y-%m-%d %H:%M:%S}Z")
    with closing(compose.opened(settings)) as store, store.read() as tx:
        registered = {unit: tx.service_keys(unit) for unit in tx.units_with_keys()}
    for unit, keys in registered.items():
        for held in keys:
            state = service_keys.state(held, at)
            print(f"service    {held.kid}  {state:<8} {held.use} of {unit}")


def rotate_signing(given: argparse.Namespace, settings: Settings) -> None:
    """Make a new signing key: published at once, it signs after a while; what the old one signed is believed on.

    Of the log both keys sign from then on, until the old one is retired.
    """
    fresh, lead = os.urandom(KEY_BYTES), timedelta(seconds=given.seconds)
    _change(
        settings,
        "key.rotated",
        given.kind,
        SigningKey.of(given.kind, fresh, compose.now()).kid,
        lambda keys, at: keys.rotated(given.kind, fresh, at=at, lead=lead),
    )


def retire(given: argparse.Namespace, settings: Settings) -> None:
    """Let a key of the log sign no more, once another does and has signed the newest checkpoint."""
    _change(
        settings,
        "key.retired",
        given.kind,
        given.kid,
        lambda keys, at: keys.retired(given.kind, given.kid, at=at),
    )
    _sign_the_log_anew(settings)


def revoke(given: argparse.Namespace, settings: Settings) -> None:
    """Let nothing that a key has signed be believed from now on; where it was the last, a fresh one signs at once.

    For a key that somebody else may have. Receipts by it no longer verify by their signature, only by their proof; and what was
    disclosed under them is not handed out again. A service that has no other key is enrolled anew.
    """
    if given.kind == "service":
        _revoke_of_service(given, settings)
        return
    fresh = os.urandom(KEY_BYTES)
    _change(
        settings,
        "key.revoked",
        given.kind,
        given.kid,
        lambda keys, at: keys.revoked(given.kind, given.kid, fresh, at=at),
    )
    if given.kind == "log":
        _sign_the_log_anew(settings)


def _revoke_of_service(given: argparse.Namespace, settings: Settings) -> None:
    if not given.unit:
        raise Mistake("say whose key it is: --unit UNIT")
    with closing(compose.opened(settings)) as store:
        ports = compose.ported(settings, store)
        with store.write() as tx:
            service_keys.revoked(
                tx,
                UnitId(given.unit),
                given.kid,
                reason="compromised",
                by="operator",
                at=compose.now(),
                ports=ports,
            )
    print(f"{given.kid}  revoked")


def _change(
    settings: Settings,
    type_: str,
    kind: Kind,
    kid: str,
    change: Callable[[SigningKeys, datetime], SigningKeys],
) -> None:
    """Change a signing key, entered in the log first; what cannot be changed so is not entered."""
    at = compose.now()
    change(compose.secrets(settings).signing, at)
    _enter(settings, type_, {"kind": kind, "kid": kid})
    changed = rotation.change_signing(
        settings.keyring, settings.back(settings.read_passphrase), lambda keys: change(keys, at)
    )
    for key in changed.keys:
        if key.kind == kind and key.state(at) in {"coming", "signs"}:
            print(f"{key.kid}  {key.state(at)} since {key.since:%Y-%m-%d %H:%M:%S}Z")
    if kind == "log":
        print(f"log verifier key: {compose.log_signers(changed).vkey(settings.origin)}")


def _sign_the_log_anew(settings: Settings) -> None:
    """Have the newest checkpoint signed by the keys that sign now, also where no broker runs."""
    keyring = compose.custodian(settings)
    secrets = compose.secrets_of(settings, keyring)
    with closing(compose.opened(settings, keyring)) as store:
        compose.sequencer(store, lambda: secrets().signing, origin=settings.origin).run_once()


def _seconds(text: str) -> int:
    if not text.isdecimal() or int(text) > MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"0 to {MOST_SECONDS} seconds")
    return int(text)


def _enter(settings: Settings, type_: str, content: Mapping[str, Any]) -> None:
    with closing(compose.opened(settings)) as store, store.write() as tx:
        tx.append(Entry(type_, compose.now(), content))


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, nothing elsewhere; is told how many of how many are done."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task("sealing", total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)
