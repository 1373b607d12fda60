"""The operator's ``tillit-broker shred``: a person erased for good, on an order that stands in the log."""

import argparse
import sys
from contextlib import closing
from typing import Any

from broker import compose
from broker.commands import WRONG, Ends, Mistake, add
from broker.domain.ids import SubjectId, UnitId
from broker.ports import Ports
from broker.settings import Settings
from broker.usecases import shredding
from broker.usecases.people import person_key
from broker.usecases.shredding import Order

MAX_NUMBER_CHARS = 32
STILL = """\
What lies elsewhere: services keep what they were given (each is told in its feed). Copies of the keyring from before still
hold the key, until they are destroyed, or the root key is rotated under a back end that destroys the old one
(tillit-broker keys rotate root)."""

UNSIGNED = (
    "no certificate: the custodian destroys without its keys, and signs with them; it is locked"
)


def declare(commands: Any) -> None:
    """Add the command."""
    shredding_ = add(commands, "shred", shred)
    shredding_.add_argument("--by", required=True, help="who has it done: an id, no name")
    shredding_.add_argument("--case", required=True, help="the case's number")
    shredding_.add_argument("--reason", required=True, help="why, in words")
    add_whom(shredding_)
    shredding_.add_argument("--yes", action="store_true", help="do it; without it, only look")


def add_whom(parser: argparse.ArgumentParser) -> None:
    """Let a command say whom it is about."""
    parser.add_argument(
        "--handle",
        nargs=2,
        metavar=("UNIT", "HANDLE"),
        help="whom: by a service's own handle; without it the national identity number is read from standard input",
    )


def shred(given: argparse.Namespace, settings: Settings) -> Ends:
    """Erase a person for good: keys, contents of the log, live rows. It is an entry before and after."""
    order = Order(by=given.by, case=given.case, reason=given.reason)
    custodian = compose.custodian(settings)
    with closing(compose.opened(settings, custodian)) as store:
        ports = compose.ported(settings, store, custodian)
        subject = whom(given, ports)
        if not given.yes:
            print(
                "the person is known; nothing was done. With --yes everything about them is erased for good"
            )
            return WRONG
        print(f"erased, {shredding.shred(subject, order, ports=ports)} rows")
        print(shredding.certificate(subject, ports=ports) or UNSIGNED)
        print(STILL, file=sys.stderr)
    return None


def whom(given: argparse.Namespace, ports: Ports) -> SubjectId:
    """Whom a command is about."""
    if given.handle:
        unit, handle = given.handle
        return shredding.of_handle(UnitId(unit), handle, ports=ports)
    number = sys.stdin.readline(MAX_NUMBER_CHARS).strip()
    if not number:
        raise Mistake("write the national identity number on standard input, or give --handle")
    return shredding.of_person(person_key(number, ports.secrets), ports=ports)
