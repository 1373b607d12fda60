"""A keyring in use: deposits to it, releases from it, and where a subject's key lies."""

from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keys.custodian import Custodian
from keys.depositkeys import BEGINNING, DepositKeys
from keys.keyring import SUBJECTS, LocalCustodian
from keys.roots import Passphrase
from keys.rotation import change_deposit_keys
from tests.sealed_case import SOURCE, SUBJECT, TWO_VALUES, deposited, warrant_for
from tillit.keys import ServiceKey
from tillit.wire import Deposit


def a_deposit(custodian: LocalCustodian) -> Deposit:
    """Two values sealed to the custodian."""
    source = ServiceKey.generate(SOURCE)
    return deposited(TWO_VALUES, source=source, custodian_jwk=custodian.public_jwk())


def release(custodian: LocalCustodian, stored: dict[str, str], subject: str = SUBJECT) -> int:
    """Release to a recipient of no importance; how many keys came out."""
    return release_by(custodian.broker_keys().receipts, custodian, stored, subject)


def release_by(
    signer: Ed25519PrivateKey, custodian: Custodian, stored: dict[str, str], subject: str = SUBJECT
) -> int:
    """The same on a warrant by this signer, where custodian and broker are apart."""
    enc = ServiceKey.generate("nav-larvik").public_jwks()["keys"][1]
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


def deposit_keys_age(home: Path, passphrase: bytes) -> None:
    """As if the newest deposit key had been made long ago."""

    def aged(held: DepositKeys) -> DepositKeys:
        return DepositKeys(tuple(replace(key, since=BEGINNING) for key in held.keys))

    change_deposit_keys(home, Passphrase(lambda: passphrase), aged)
