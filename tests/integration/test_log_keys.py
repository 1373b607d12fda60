"""One key of the log follows another: both sign for a while, and whoever knows either verifies."""

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit import fsck
from audit.errors import LogDamaged
from audit.sequencer import Sequencer
from audit.signers import Signers
from audit.sources import DirectorySource
from tests.logs import ORIGIN, Log, opened
from tillit.errors import VerificationError
from tillit.notes import Vkey, open_checkpoint

OLD, NEW = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()


@pytest.fixture
def log(sqlite_url: str) -> Iterator[Log]:
    """A log that the old key has signed so far."""
    with opened(sqlite_url) as log:
        log.key = OLD
        log.grow(3)
        yield log


def _sequence(log: Log, signers: Signers) -> Sequencer:
    sequencer = Sequencer(log.engine, origin=ORIGIN, signer=lambda: signers, clock=log.clock)
    sequencer.run_once()
    return sequencer


def _note(log: Log) -> bytes:
    return log.resource("checkpoint") or b""


def _verifies(log: Log, key: Ed25519PrivateKey) -> bool:
    try:
        open_checkpoint(_note(log), Vkey.of(ORIGIN, key))
    except VerificationError:
        return False
    return True


def test_while_both_sign_who_knows_either_verifies(log: Log) -> None:
    """Auditors take the new key up in their own time. The head is signed at once, though nothing waits."""
    sequencer = _sequence(log, Signers((NEW, OLD)))
    assert (_verifies(log, OLD), _verifies(log, NEW)) == (True, True)
    assert sequencer.vkey == Vkey.of(ORIGIN, NEW)
    assert sequencer.head(_note(log)) == open_checkpoint(_note(log), Vkey.of(ORIGIN, NEW))


def test_the_old_one_retires(log: Log, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The new key goes on from a head that both have signed, and an auditor who kept one sees one log."""
    _sequence(log, Signers((NEW, OLD)))
    kept = open_checkpoint(_note(log), Vkey.of(ORIGIN, OLD))
    log.append(4)
    log.clock.forward(120)
    _sequence(log, Signers((NEW,)))
    assert (_verifies(log, OLD), _verifies(log, NEW)) == (False, True)
    log.key = NEW
    served = log.export(tmp_path_factory.mktemp("served"))
    source, vkey = DirectorySource(served), Vkey.of(ORIGIN, NEW)
    assert fsck.verify(source, vkey, now=log.clock(), since=kept).holds


def test_one_that_was_revoked_is_gone_on_from_and_signs_no_more(log: Log) -> None:
    """Its last head is the log's; the next is signed by the new key alone."""
    _sequence(log, Signers((NEW,), before=(OLD.public_key(),)))
    assert (_verifies(log, OLD), _verifies(log, NEW)) == (False, True)


def test_a_strangers_head_is_not_gone_on_from(log: Log) -> None:
    """Whoever can write to the database cannot have it signed on."""
    with pytest.raises(LogDamaged):
        _sequence(log, Signers((NEW,)))
    assert _verifies(log, OLD)


def test_a_replica_that_looks_late_does_not_stop_the_others(log: Log) -> None:
    """It signs with the old key alone; whoever knows both signs again."""
    _sequence(log, Signers((NEW, OLD)))
    log.append(1)
    _sequence(log, Signers((OLD,)))
    assert (_verifies(log, OLD), _verifies(log, NEW)) == (True, False)
    _sequence(log, Signers((NEW, OLD)))
    assert (_verifies(log, OLD), _verifies(log, NEW)) == (True, True)
