"""The log over HTTP: C2SP tiles, entry bundles and checkpoint, for whoever holds the scope ``log``."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from audit import reads
from audit.errors import AuditError
from broker.errors import StoreDown
from tillit.notes import VerifiedCheckpoint


@dataclass(frozen=True, slots=True)
class Log:
    """What the API needs of the log: to read its resources, and to know its signature."""

    connect: Callable[[], AbstractContextManager[Connection]]
    head: Callable[[bytes], VerifiedCheckpoint | None]
    witnessed: bool = False
    """Whether to show only checkpoints that the quorum of witnesses has cosigned."""

    def resource(self, path: str) -> bytes | None:
        """What the log serves under a path, None when nothing.

        Raises:
            StoreDown: the log cannot be read now, has not been started, or has not been witnessed yet.
        """
        return self._read(path, witnessed=self.witnessed)

    def _read(self, path: str, *, witnessed: bool) -> bytes | None:
        try:
            with self.connect() as connection:
                return reads.resource(connection, path, witnessed=witnessed)
        except (SQLAlchemyError, AuditError) as error:
            raise StoreDown("the log cannot be read") from error

    def signed_within(self, age: timedelta, *, now: datetime) -> bool:
        """Whether the newest checkpoint was signed that recently: the sequencer is alive, here or on another replica.

        Raises:
            StoreDown: the log cannot be read.
        """
        head = self.head(self._read("checkpoint", witnessed=False) or b"")
        if head is None:
            raise StoreDown("the stored checkpoint is not this log's")
        return head.at is not None and now - head.at <= age
