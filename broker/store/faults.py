"""Faults: what a database says when it cannot, as the broker's own errors.

Neither SQL nor parameters nor the database's own words go on: a fault's ``detail`` is its standard
code and nothing else.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from audit.errors import AuditError
from broker.errors import BrokerError, Contended, StoreDown
from tillit.errors import VerificationError

_LOST_A_RACE = frozenset(
    {
        "23505",  # unique_violation
        "40001",  # serialization_failure
        "40P01",  # deadlock_detected
        "SQLITE_CONSTRAINT_PRIMARYKEY",
        "SQLITE_CONSTRAINT_UNIQUE",
        "SQLITE_BUSY_SNAPSHOT",
    }
)


def fault(error: DBAPIError | PoolTimeout) -> BrokerError:
    """``Contended`` where another transaction got there first, else ``StoreDown``."""
    cause = getattr(error, "orig", None)
    code = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
    if code in _LOST_A_RACE:
        return Contended()
    return StoreDown(code or type(cause or error).__name__)


@contextmanager
def faults() -> Iterator[None]:
    """Turn what the database raises inside into the broker's errors; bugs of ours stay bugs."""
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        raise fault(error) from None


@contextmanager
def readable() -> Iterator[None]:
    """Turn a row that cannot be read back into ``StoreDown``: closed on doubt."""
    try:
        yield
    except (ValidationError, AuditError, VerificationError) as error:
        # The message would quote the row.
        raise StoreDown(f"unreadable: {type(error).__name__}") from None
