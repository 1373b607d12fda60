"""A keyring in use: deposits to it, releases from it, and where a subject's key lies."""

from pathlib import Path

from keys.keyring import SUBJECTS, LocalCustodian
from tests.sealed_case import SOURCE, SUBJECT, TWO_VALUES, deposited, warrant_for
from tillit.keys import ServiceKey
from tillit.wire import Deposit


def a_deposit(custodian: LocalCustodian) -> Deposit:
    """Two values sealed to the custodian."""
    source = ServiceKey.generate(SOURCE)
    return deposited(TWO_VALUES, source=source, custodian_jwk=custodian.public_jwk())


def release(custodian: LocalCustodian, stored: dict[str, str], subject: str = SUBJECT) -> int:
    """Release to a recipient of no importance; how many keys came out."""
    enc = ServiceKey.generate("nav-larvik").public_jwks()["keys"][1]
    signer = custodian.broker_keys().receipts
    released = custodian.release(
        subject=subject,
        wrapped=stored,
        recipient_jwk=enc,
        kid=enc["kid"],
        warrant=warrant_for(stored, enc["kid"], signer),
    )
    return len(released.wrapped)


def subject_file(home: Path) -> Path:
    """The one subject's file."""
    (path,) = (home / SUBJECTS).iterdir()
    return path
