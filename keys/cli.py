"""The custodian's command line, ``tillit-custodian``: its own keyring, and its own process.

Exit codes: 0 done, 1 something it stands on does not answer, 2 the command is wrong.
"""

import argparse
import contextlib
import json
import logging
import os
import pwd
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from keys import depositkeys, files, parting, rotation
from keys.boxes import Cost
from keys.depositkeys import DepositKeys
from keys.errors import CustodianError
from keys.keyring import LocalCustodian
from keys.parts import BROKER, RELEASES, now
from keys.rates import BURST, PER_SECOND, Rate
from keys.remote import tls_context
from keys.roots import Back
from keys.serving import AddressUnfit, serve, tcp_socket, unix_socket
from keys.settings import KeyringSettings, is_open_to_others
from tillit.envelopes import KEY_BYTES
from tillit.releases import HEAD, segment_name

DOWN, WRONG = 1, 2
STILL_OPENS = "still opens for who has it and what opened it: destroy every copy"
MAX_PUBLISHED_BYTES = 64 * 1024

_LOG_LINE = "%(asctime)s %(levelname)s %(name)s %(message)s"


class Mistake(Exception):
    """What was asked for cannot be; the text says what to do instead."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    given = _parser().parse_args(arguments)
    try:
        given.command(given)
    except (Mistake, AddressUnfit) as wrong:
        return _say(str(wrong), WRONG)
    except ValidationError as wrong:
        fields = ", ".join(f"TILLIT_{'_'.join(map(str, e['loc'])).upper()}" for e in wrong.errors())
        return _say(f"these settings cannot be used: {fields}", WRONG)
    except CustodianError as down:
        return _say(f"{down.code}: {down.detail}", DOWN)
    except OSError as down:
        return _say(f"{down.strerror}: {down.filename}", DOWN)
    return 0


def init(given: argparse.Namespace) -> None:
    """Make a keyring of the custodian's own, which trusts the receipts of one broker."""
    issuers = parting.issuers_from(_published(given.trust))
    cost = Cost(n=given.scrypt_n)
    parting.create_custodian(
        given.keyring, _maker(given), issuers=issuers, deposits=given.kind, cost=cost
    )
    print(f"keyring made in {given.keyring}")
    keys(given)


def part(given: argparse.Namespace) -> None:
    """Move a broker's secrets out of the keyring that it shared with the custodian; stop both first."""
    cost = Cost(n=given.scrypt_n)
    parting.part(
        given.keyring,
        _back(given),
        broker=given.broker_keyring,
        broker_protection=_reader(given.broker_passphrase_file)(),
        cost=cost,
    )
    print(f"the broker's keyring is {given.broker_keyring}, the custodian's {given.keyring}")


def trust(given: argparse.Namespace) -> None:
    """Say whose receipts are warrants from now on; a running custodian takes it up by itself."""
    issuers = parting.issuers_from(_published(given.trust))
    parting.trust(given.keyring, _back(given), issuers)
    print(f"receipts of {len(issuers)} keys are warrants")


def rotate(given: argparse.Namespace) -> None:
    """Put a new root key in the keyring while the custodian serves; a repeat resumes."""
    done = rotation.rotate(given.keyring, _back(given))
    print(f"root key of epoch {done.epoch}; {done.files} files sealed under it")
    for name in done.damaged:
        print(f"damaged, and left as it is: {name}")
    print("a copy of the keyring from before", "is shut" if done.destroyed else STILL_OPENS)


def new_deposit_key(given: argparse.Namespace) -> None:
    """Make another key that sources seal to, published at once; those before it admit until they are retired."""
    fresh, at = os.urandom(KEY_BYTES), now()

    def renewed(held: DepositKeys) -> DepositKeys:
        return held.renewed(given.kind or held.newest.kind, fresh, at=at)

    _say_deposit_keys(rotation.change_deposit_keys(given.keyring, _back(given), renewed))


def retire_deposit_keys(given: argparse.Namespace) -> None:
    """Destroy the deposit keys before the newest, ten minutes after that was made: nothing is admitted under them."""
    at = now()
    held = rotation.change_deposit_keys(
        given.keyring, _back(given), lambda held: held.retired(at=at)
    )
    _say_deposit_keys(held)


def _say_deposit_keys(held: DepositKeys) -> None:
    for line in held.listed():
        print(line)


def keys(given: argparse.Namespace) -> None:
    """Print the custodian's public key, which others admit still, and the key of its release log."""
    custodian = LocalCustodian(given.keyring, _back(given))
    public = {
        "custodian": custodian.public_jwk(),
        "admits": [key.kid for key in custodian.deposit_keys().keys],
        "releases": str(custodian.releases_vkey()),
    }
    print(json.dumps(public, indent=2))


def export(given: argparse.Namespace) -> None:
    """Copy the release log, with a head signed now, into a directory for ``tillit-audit reconcile``."""
    custodian = LocalCustodian(given.keyring, _back(given))
    head = custodian.releases_head()
    custodian.close()
    target = Path(given.directory)
    target.mkdir(parents=True, exist_ok=True)
    number = 1
    while (source := Path(given.keyring) / RELEASES / segment_name(number)).exists():
        shutil.copyfile(source, target / source.name)
        number += 1
    files.put(target / HEAD, head.encode())
    print(f"{target} holds the release log in {number - 1} segments")


def run(given: argparse.Namespace) -> None:
    """Serve brokers until told to stop."""
    if (given.socket is None) == (given.listen is None):
        raise Mistake("one of --socket and --listen says where")
    if (Path(given.keyring) / BROKER).exists():
        raise Mistake(
            "the keyring holds the broker's secrets, too, so that the custodian could sign its own "
            "warrants; part them first: tillit-custodian part"
        )
    logging.basicConfig(level=logging.INFO, format=_LOG_LINE)
    rate = Rate(given.releases_per_second, given.releases_burst)
    custodian = LocalCustodian(
        given.keyring, _back(given), rate=rate, sync_each=given.sync_each_release
    )
    custodian.public_jwk()  # Say at once what is wrong; later it waits for whatever went away.
    log = logging.getLogger("tillit.custodian")
    before = {number: signal.signal(number, _stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        if given.socket is not None:
            peers = {os.getuid(), *(_user(name) for name in given.peer)}
            with unix_socket(given.socket, group=given.group) as listening:
                log.info("listening on %s", given.socket)
                serve(custodian, listening, peers=peers)
        else:
            tls = _tls(given)
            with tcp_socket(*given.listen) as listening:
                log.info("listening on %s port %d", *listening.getsockname()[:2])
                serve(custodian, listening, tls=tls)
    finally:
        custodian.close()
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(*_: object) -> NoReturn:
    """What the server leaves to be done when it was told to stop and has: end, and close the log."""
    raise SystemExit(0)


def _back(given: argparse.Namespace) -> Back:
    return _settings().back(_reader(given.passphrase_file))


def _settings() -> KeyringSettings:
    settings = KeyringSettings()
    if wrong := [*settings.lacking(), *settings.exposed()]:
        raise Mistake("\n".join(wrong))
    return settings


def _maker(given: argparse.Namespace) -> bytes | Back:
    """What wraps a new root key: the passphrase, or the back end that is set up."""
    settings = _settings()
    if settings.keyring_backend == "passphrase":
        return _reader(given.passphrase_file)()
    return settings.back(_reader(given.passphrase_file))


def _reader(file: Path | None) -> Callable[[], bytes]:
    """The passphrase in a file, read anew each time."""
    if is_open_to_others(file):
        raise Mistake(f"{file} is readable by others; chmod 600")

    def read() -> bytes:
        if file is None:
            raise LookupError("no passphrase is set")
        return file.read_bytes().strip()

    return read


def _published(file: Path) -> bytes:
    with file.open("rb") as published:
        return published.read(MAX_PUBLISHED_BYTES)


def _tls(given: argparse.Namespace) -> Any:
    if None in {given.cert, given.key, given.client_ca}:
        raise Mistake("--listen needs --cert, --key and --client-ca: there is no plain TCP")
    try:
        return tls_context(
            certificate=given.cert, key=given.key, authorities=given.client_ca, server=True
        )
    except OSError as error:
        raise Mistake(f"certificate, key or authorities cannot be used: {error}") from None


def _user(name: str) -> int:
    with contextlib.suppress(KeyError, ValueError):
        return int(name) if name.isdigit() else pwd.getpwnam(name).pw_uid
    raise Mistake(f"no user {name}")


def _say(text: str, code: int) -> int:
    for line in text.splitlines():
        print(f"tillit-custodian: {line}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tillit-custodian",
        description="Tillit's custodian in its own process: it holds keys, and never a value.",
        epilog="The root key's back end is chosen by the environment: "
        + ", ".join(f"TILLIT_{name.upper()}" for name in KeyringSettings.model_fields),
    )
    parser.add_argument("--version", action="version", version=version("tillit-broker"))
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    making = _add(commands, "init", init)
    making.add_argument("--trust", type=Path, required=True, metavar="FILE", help=_TRUST)
    _declare_kind(making, default="x25519")
    parting_ = _add(commands, "part", part)
    parting_.add_argument(
        "--broker-keyring", type=Path, required=True, metavar="DIR", help="the broker's, to be made"
    )
    parting_.add_argument(
        "--broker-passphrase-file", type=Path, required=True, metavar="FILE", help="its passphrase"
    )
    for costly in (making, parting_):
        costly.add_argument(
            "--scrypt-n", type=int, default=Cost().n, metavar="N", help="cost of the passphrase"
        )
    trusting = _add(commands, "trust", trust)
    trusting.add_argument("--trust", type=Path, required=True, metavar="FILE", help=_TRUST)
    _add(commands, "rotate", rotate)
    of_deposits = commands.add_parser("deposit-key", help="exchange the key that sources seal to")
    steps = of_deposits.add_subparsers(required=True, metavar="COMMAND")
    _declare_kind(_add(steps, "new", new_deposit_key), default=None)
    _add(steps, "retire", retire_deposit_keys)
    _add(commands, "keys", keys)
    exporting = _add(commands, "export", export)
    exporting.add_argument("directory", metavar="DIR", help="where the copy is to lie")
    _declare_serve(_add(commands, "serve", run))
    return parser


_TRUST = "whose receipts are warrants: a JWK set, or what the broker answers at /v1/keys"


def _declare_kind(parser: argparse.ArgumentParser, *, default: str | None) -> None:
    said = "x25519, unless told" if default else "as the one before, unless told"
    parser.add_argument(
        "--kind",
        choices=depositkeys.KINDS,
        default=default,
        help=f"of the deposit key; hybrid resists quantum computers, too ({said})",
    )


def _declare_serve(serving: argparse.ArgumentParser) -> None:
    where = serving.add_argument_group("where")
    where.add_argument("--socket", type=Path, metavar="FILE", help="listen on this unix socket")
    where.add_argument("--group", help="a group that may open the socket, besides its owner")
    where.add_argument(
        "--peer",
        action="append",
        default=[],
        metavar="USER",
        help="a user who may connect, besides one's own",
    )
    where.add_argument(
        "--listen", type=_address, metavar="HOST:PORT", help="listen on TCP, with TLS"
    )
    where.add_argument("--cert", type=Path, metavar="FILE", help="certificate chain (PEM)")
    where.add_argument("--key", type=Path, metavar="FILE", help="its private key (PEM)")
    where.add_argument(
        "--client-ca", type=Path, metavar="FILE", help="who signs the certificates of brokers (PEM)"
    )
    bounds = serving.add_argument_group("releases")
    bounds.add_argument(
        "--releases-per-second", type=float, default=PER_SECOND, metavar="N",
        help=f"to one recipient's key (default {PER_SECOND})",
    )  # fmt: skip
    bounds.add_argument(
        "--releases-burst", type=int, default=BURST, metavar="N",
        help=f"so many at once, before that counts (default {BURST})",
    )  # fmt: skip
    bounds.add_argument(
        "--sync-each-release", action="store_true",
        help="wait for the disk at each release, instead of once a second",
    )  # fmt: skip


def _add(
    commands: Any, name: str, command: Callable[[argparse.Namespace], None]
) -> argparse.ArgumentParser:
    said = (command.__doc__ or "").splitlines()[0]
    added: argparse.ArgumentParser = commands.add_parser(name, help=said, description=said)
    added.add_argument(
        "--keyring", type=Path, required=True, metavar="DIR", help="the custodian's keyring"
    )
    added.add_argument(
        "--passphrase-file",
        type=Path,
        metavar="FILE",
        help="its passphrase, readable by its owner only",
    )
    added.set_defaults(command=command)
    return added


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:  # noqa: PLR2004 (sixteen bits)
        raise argparse.ArgumentTypeError("an address is HOST:PORT")
    return host.strip("[]"), int(port)
