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
from keys import depositkeys, rotation
from keys.depositkeys import DepositKeys
from keys.errors import CustodianUnreachable
from keys.keyring import LocalCustodian
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
    of_deposits = add(kinds, "deposit", rotate_deposit)
    of_deposits.add_argument(
        "--kind",
        choices=depositkeys.KINDS,
        help="hybrid resists quantum computers, too (as the one before, unless told)",
    )
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
    add(retiring, "deposit", retire_deposit)
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


def rotate_deposit(given: argparse.Namespace, settings: Settings) -> None:
    """Make another key that sources seal to, published at once; those before it admit until they are retired."""
    if settings.post_quantum and given.kind == "x25519":
        raise Mistake("TILLIT_POST_QUANTUM is on: a deposit key is a hybrid")
    fresh, at = os.urandom(KEY_BYTES), compose.now()
    kind: depositkeys.Kind | None = "hybrid" if settings.post_quantum else given.kind

    def renewed(held: DepositKeys) -> DepositKeys:
        return held.renewed(kind or held.newest.kind, fresh, at=at)

    _change_deposit_keys(settings, "key.rotated", renewed)


def retire_deposit(_: argparse.Namespace, settings: Settings) -> None:
    """Destroy the deposit keys before the newest, ten minutes after that was made: nothing is admitted under them."""
    at = compose.now()
    _change_deposit_keys(settings, "key.retired", lambda held: held.retired(at=at))


def _change_deposit_keys(
    settings: Settings, type_: str, change: Callable[[DepositKeys], DepositKeys]
) -> None:
    """Change the deposit keys, entered in the log first; what cannot be changed so is not entered."""
    custodian = compose.custodian(settings)
    if not isinstance(custodian, LocalCustodian):
        raise Mistake("the custodian is another process; there: tillit-custodian deposit-key")
    before = custodian.deposit_keys()
    changed = {key.kid for key in before.keys} ^ {key.kid for key in change(before).keys}
    _enter(settings, type_, {"kind": "deposit", "kids": sorted(changed)})
    back = settings.back(settings.read_passphrase)
    for line in rotation.change_deposit_keys(settings.keyring, back, change).listed():
        print(line)


@contextmanager
def _about(given: argparse.Namespace, settings: Settings) -> Iterator[tuple[SubjectId, Ports]]:
    custodian = compose.custodian(settings)
    with closing(compose.opened(settings, custodian)) as store:
        ports = compose.ported(settings, store, custodian)
        yield whom(given, ports), ports


def list_(_: argparse.Namespace, settings: Settings) -> None:
    """List every key of broker and custodian: its kind, its id, what it is good for and since when."""
    at = compose.now()
    epoch = RootFile.parse((settings.keyring / ROOT).read_bytes()).epoch
    print(f"root       epoch {epoch}")
    for line in _deposit_keys(settings):
        print(f"deposit    {line}")
    for key in compose.secrets(settings).signing.keys:
        print(f"{key.kind:<9}  {key.kid}  {key.state(at):<8} since {key.since:%Y-%m-%d %H:%M:%S}Z")
    with closing(compose.opened(settings)) as store, store.read() as tx:
        registered = {unit: tx.service_keys(unit) for unit in tx.units_with_keys()}
    for unit, keys in registered.items():
        for held in keys:
            state = service_keys.state(held, at)
            print(f"service    {held.kid}  {state:<8} {held.use} of {unit}")


def _deposit_keys(settings: Settings) -> tuple[str, ...]:
    """A line for each deposit key; of a custodian of its own process only the published one is known."""
    custodian = compose.custodian(settings)
    if isinstance(custodian, LocalCustodian):
        return custodian.deposit_keys().listed()
    jwk = _custodian_jwk(settings)
    return ("does not answer" if jwk is None else f"{jwk['kid']}  published",)


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
