"""The operator's command line, ``tillit-broker``: set up, serve, tick, enrol services, show keys, check the policies.

Settings come from the environment (``TILLIT_…``). Exit codes: 0 done, 1 something the broker stands on does not answer, 2 the
command or the settings are wrong.
"""

import argparse
import hashlib
import logging
import secrets
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import timedelta
from importlib.metadata import version
from typing import Any, get_args

import uvicorn
from rich.console import Console
from rich.progress import Progress
from uvicorn.supervisors import Multiprocess

from audit.entries import Entry
from broker import change, compose, erasing_cli, keys_cli, policy_cli
from broker.commands import DOWN, WRONG, Ends, Mistake, add
from broker.domain.facets import facets, known
from broker.domain.ids import UnitId
from broker.engine import bundle
from broker.errors import BrokerError
from broker.settings import PACKAGED_POLICIES, Settings, SettingsWrong, described
from broker.store.migrate import migrate
from broker.usecases import counting, noticing, retention, sending, signalling, ticking
from broker.usecases.trust import AUDITOR
from keys import depositkeys, keyring, parting
from keys.errors import CustodianError, KeyringExists
from keys.parts import CUSTODIAN
from tillit.notes import Vkey
from tillit.wire.auditing import Role

ENROLMENT_LASTS = timedelta(hours=24)
CODE_BYTES = 16

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"err": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"level": "INFO", "handlers": ["err"]},
    "loggers": {"alembic": {"level": "WARNING"}, "httpx": {"level": "WARNING"}},
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    given = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], Ends] = given.command
    try:
        return command(given) or 0
    except (SettingsWrong, Mistake, bundle.BundleError, ValueError) as wrong:
        return _say(str(wrong), WRONG)
    except (BrokerError, CustodianError) as down:
        return _say(_told(down), DOWN)
    except OSError as down:
        return _say(f"{down.strerror}: {down.filename}", DOWN)
    except KeyboardInterrupt:
        return 130


def init(_: argparse.Namespace, settings: Settings) -> None:
    """Make the data directory, the keyring and the database, where they are not there yet."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    if settings.keyring_backend == "passphrase":
        _require_passphrase(settings)
    try:
        _make_keyring(settings)
        print(f"keyring made in {settings.keyring}")
    except KeyringExists:
        print(f"keyring kept in {settings.keyring}")
    migrate(settings.database)
    print("database ready")
    _adopt(settings)
    print(f"log verifier key: {_vkey(settings)}")


def _make_keyring(settings: Settings) -> None:
    back = settings.back(settings.read_passphrase)
    if settings.custodian is None:
        deposits: depositkeys.Kind = "hybrid" if settings.post_quantum else "x25519"
        keyring.create(settings.keyring, back, deposits=deposits)
    else:
        parting.create_broker(settings.keyring, back)


def _require_passphrase(settings: Settings) -> None:
    try:
        settings.read_passphrase()
    except (OSError, LookupError):
        raise Mistake("set TILLIT_PASSPHRASE_FILE (or TILLIT_PASSPHRASE) first") from None


def serve(given: argparse.Namespace, settings: Settings) -> None:
    """Serve until told to stop."""
    _check_set_up(settings)
    policy_cli.say_what_is_in_force(settings)
    # Workers build their own from the same environment; here it is built to fail early, and in words.
    application = compose.compose(settings)
    config = uvicorn.Config(
        application if given.workers == 1 else "broker.compose:serve",
        factory=given.workers > 1,
        workers=given.workers,
        log_config=LOGGING,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        timeout_graceful_shutdown=10,
    )
    server = uvicorn.Server(config)
    with _listening(given.host, given.port) as listening:
        logging.getLogger("tillit.broker").info(
            "listening on %s port %d", *listening.getsockname()[:2]
        )
        if given.workers == 1:
            server.run(sockets=[listening])
        else:
            Multiprocess(config, sockets=[listening]).run()


def migrate_command(_: argparse.Namespace, settings: Settings) -> None:
    """Bring the database to this release's schema."""
    migrate(settings.database)
    print("database ready")
    _adopt(settings)


def enrol(given: argparse.Namespace, settings: Settings) -> None:
    """Give each unit, or auditor, a one-time code with which it registers its first keys: all of them or none."""
    _check_set_up(settings)
    with closing(compose.opened(settings)) as store:
        catalogue = change.in_force(store).catalogue
        if any(u not in catalogue.units and not u.startswith(AUDITOR) for u in given.units):
            raise Mistake(
                f"no unit by that id; there are: {', '.join(sorted(catalogue.units))}; "
                f"an auditor's id starts with {AUDITOR}"
            )
        codes, at = [secrets.token_hex(CODE_BYTES) for _ in given.units], compose.now()
        with store.write() as tx:
            for unit, code in zip(given.units, codes, strict=True):
                hashed = hashlib.sha256(code.encode()).digest()
                tx.add_enrolment(UnitId(unit), hashed, expires_at=at + ENROLMENT_LASTS)
                found_by = facets(services=known((unit,), catalogue.units))
                content = {"unit": unit}
                if unit not in catalogue.units:
                    content["role"] = given.role
                    tx.set_auditor(UnitId(unit), given.role, at=at)
                tx.append(Entry("enrolment.opened", at, content, None, found_by))
    print(*codes, sep="\n")
    print("one use, within 24 hours; hand it over in person or by phone", file=sys.stderr)


def tick(_: argparse.Namespace, settings: Settings) -> None:
    """Do now what time does by itself: end, lapse, offer again, remind, tell, let the log's contents go. The server does."""
    _check_set_up(settings)
    custodian = compose.custodian(settings)
    with closing(compose.opened(settings, custodian)) as store:
        ports = compose.ported(settings, store, custodian)
        if isinstance(ports.register, compose.NoRegister):
            _say(compose.NO_BIRTHDAYS, 0)
        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as shown:
            task = shown.add_task("looking", total=None)
            ticked = ticking.tick(
                ports=ports,
                progress=lambda done, total: shown.update(task, completed=done, total=total),
            )
        counted = looked = 0
        while counting.count_due(ports=ports):
            counted += 1
        sent = sending.send(ports=ports)
        waiting = len(noticing.due(ports=ports))
        kept = retention.keep(ports=ports)
        while some := signalling.look_for(ports=ports):
            looked += some
    own = {"months_counted": counted, "asks_looked_at_for_signals": looked}
    messages = {f"messages_{name}": number for name, number in asdict(sent).items()}
    told = asdict(ticked) | asdict(kept) | messages | {"notices_waiting": waiting} | own
    for name, number in told.items():
        print(f"{name.replace('_', ' ')}: {number}")


def _listening(host: str, port: int) -> socket.socket:
    """A bound socket that says that it is TCP: only then does the event loop turn Nagle's algorithm off on what it accepts.

    uvicorn's own for several workers does not, which costs 40 ms an answer.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        raise Mistake(f"cannot listen on {host} port {port}: {error.strerror}") from None
    listening.set_inheritable(True)
    return listening


def _adopt(settings: Settings) -> None:
    """The first bundle is the release's own; only a demo begins with a directory of its own. Any other is loaded."""
    directory = settings.policies_dir if settings.mode == "demo" else PACKAGED_POLICIES
    with closing(compose.opened(settings)) as store:
        if change.adopt(store, bundle.load(directory), at=compose.now()):
            print("policies of this release are in force")


def _vkey(settings: Settings) -> str:
    own = compose.secrets(settings)
    return str(Vkey.of(settings.origin, own.log.public_key()))


def _check_set_up(settings: Settings) -> None:
    url = settings.database
    if not settings.keyring.is_dir():
        raise Mistake(f"no keyring in {settings.keyring}; run: tillit-broker init")
    if settings.custodian is not None and (settings.keyring / CUSTODIAN).exists():
        raise Mistake(
            f"{settings.keyring} holds the custodian's keys, too; run: tillit-custodian part"
        )
    if url.startswith("sqlite:///"):
        file = url.removeprefix("sqlite:///")
        try:
            with open(file, "rb"):  # noqa: PTH123 (only asks whether it is there)
                return
        except FileNotFoundError:
            raise Mistake(f"no database {file}; run: tillit-broker init") from None


def _told(down: BrokerError | CustodianError) -> str:
    return f"{down.code}: {down.detail}" if down.detail else down.code


def _say(text: str, code: int) -> int:
    for line in text.splitlines():
        print(f"tillit-broker: {line}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tillit-broker",
        description="Tillit's broker. Settings come from the environment.",
        epilog=f"settings:\n{described()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=version("tillit-broker"))
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add(commands, "init", init)
    add(commands, "migrate", migrate_command)
    keys_cli.declare(commands)
    add(commands, "tick", tick)
    serving = add(commands, "serve", serve)
    serving.add_argument("--host", default="127.0.0.1", help="address to listen on")
    serving.add_argument("--port", type=_port, default=8000, help="port to listen on")
    serving.add_argument("--workers", type=_positive, default=1, help="processes that serve")
    enrolling = add(commands, "enrol", enrol)
    enrolling.add_argument(
        "units",
        metavar="UNIT",
        nargs="+",
        help=f"a unit's id, as the catalogue has it, or an auditor's: {AUDITOR}…; a line for each",
    )
    enrolling.add_argument(
        "--role",
        choices=get_args(Role),
        default="integrity",
        help="what an auditor may see: nobody (integrity), or contents too, each look logged",
    )
    erasing_cli.declare(commands)
    policy_cli.declare(commands)
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:  # noqa: PLR2004 (sixteen bits)
        raise argparse.ArgumentTypeError("a port is 0 to 65535")
    return port


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
