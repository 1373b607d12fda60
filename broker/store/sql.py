"""The SQL store: ``broker.ports.Store`` and ``Transaction`` on SQLite and PostgreSQL."""

import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, Engine, Pool, delete, or_

from audit import reads
from audit.entries import Entry, Promised
from audit.retention import rules
from audit.sealing import LogKeys, Sealer, Sealing
from audit.storage import append
from broker.domain.ids import ConsentId, Randomness
from broker.errors import StoreDown
from broker.store import portal_tables, tables
from broker.store.auditing import Auditing
from broker.store.cases import Cases
from broker.store.choosing import Choosing
from broker.store.complaining import Complaining
from broker.store.consents import Consents
from broker.store.contacts import Contacts
from broker.store.contents import Contents
from broker.store.contesting import Contesting
from broker.store.disclosures import Disclosures
from broker.store.engine import WAIT_SECONDS, bare_engine, begun
from broker.store.faults import faults, readable
from broker.store.feeds import Feeds
from broker.store.helping import Helping
from broker.store.looks import Looks
from broker.store.meetings import Meetings
from broker.store.pathways import Pathways
from broker.store.policies import Policies
from broker.store.questions import Questions
from broker.store.records import Records
from broker.store.services import Services
from broker.store.sessions import Sessions
from broker.store.signals import Signals
from broker.store.statistics import Counts
from broker.store.statutes import Statutes
from broker.store.subjects import Subjects
from tillit.jose import b64u
from tillit.wire import ProofAnswer

_SALT_BYTES = 32


class SqlTransaction(
    Subjects,
    Services,
    Records,
    Contesting,
    Consents,
    Questions,
    Disclosures,
    Complaining,
    Meetings,
    Helping,
    Choosing,
    Contacts,
    Pathways,
    Cases,
    Statutes,
    Looks,
    Policies,
    Feeds,
    Auditing,
    Contents,
    Counts,
    Signals,
    Sessions,
):
    """One database transaction, composed of its groups of queries and the log."""

    def __init__(
        self,
        connection: Connection,
        *,
        origin: str,
        randomness: Randomness,
        sealing: Sealing | None = None,
        witnessed: bool = False,
    ) -> None:
        super().__init__(connection)
        self._witnessed = witnessed
        self._origin = origin
        self._randomness = randomness
        self._sealing = sealing

    def append(self, entry: Entry) -> Promised:
        """Write a log entry; with this transaction it stands or falls."""
        salt = self._randomness(_SALT_BYTES)
        return append(
            self._connection, entry, origin=self._origin, salt=salt, sealing=self._sealer()
        )

    def proof(self, leaf_hash: bytes) -> ProofAnswer | None:
        """Where an entry stands in the signed (and witnessed) tree; None while it waits, or when there is none."""
        with readable():
            found = reads.inclusion(self._connection, leaf_hash, witnessed=self._witnessed)
        if found is None:
            return None
        return ProofAnswer(
            index=found.index,
            leaf_hash=b64u(found.leaf_hash),
            path=tuple(b64u(node) for node in found.path),
            checkpoint=found.checkpoint,
        )


class SqlStore:
    """The store in the database at ``url``, whose log is called ``origin``.

    Nothing is connected to before the first transaction, and a database that comes back is used
    again without further ado. ``engine`` is for the log's sequencer and readers. Without ``log_keys``
    no entry can be written. ``witnessed``: an entry counts as proven under a witnessed checkpoint only.
    """

    def __init__(
        self,
        url: str,
        *,
        origin: str,
        log_keys: LogKeys | None = None,
        randomness: Randomness = secrets.token_bytes,
        wait: float = WAIT_SECONDS,
        witnessed: bool = False,
    ) -> None:
        self._witnessed = witnessed
        self._write = bare_engine(url, wait=wait)
        self.engine: Engine = begun(self._write)
        self._wait = wait
        self._origin = origin
        self._randomness = randomness
        self._sealer: Sealer | None = None
        if log_keys is not None:
            epoch_of = rules().epoch_of
            self._sealer = Sealer(log_keys, epoch_of=epoch_of, randomness=randomness)
        self._sqlite = self.engine.dialect.name == "sqlite"
        # SQLite has one writer, and waits for it by polling: threads of one process take turns at one connection instead.
        self._turn = threading.Lock()
        self._writer: tuple[Pool, Connection] | None = None
        self._read = (
            self._write
            if self._sqlite
            else self.engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        )

    @contextmanager
    def write(self) -> Iterator[SqlTransaction]:
        """A transaction that commits on leaving, and rolls back on any exception."""
        sealing = self._sealer.begin() if self._sealer else None
        with faults(), self._writing() as connection, connection.begin():
            self._begin(connection, "BEGIN IMMEDIATE")
            tx = self._transaction(connection, sealing)
            yield tx
            tx.write_events()
        if sealing:
            sealing.committed()

    @contextmanager
    def read(self) -> Iterator[SqlTransaction]:
        """A consistent snapshot; nothing is written."""
        with faults(), self._read.connect() as connection:
            self._begin(connection, "BEGIN")
            yield self._transaction(connection)

    @contextmanager
    def hold(self, consents: Sequence[tuple[ConsentId, int]]) -> Iterator[SqlTransaction | None]:
        """Hold consents still: see ``broker.ports.Store``. Never nested in a transaction."""
        if not consents:
            with self.read() as tx:
                yield tx
            return
        with faults(), self._writing() as connection, connection.begin() as held:
            self._begin(connection, "BEGIN IMMEDIATE")
            tx = self._transaction(connection)
            yield tx if tx.hold_still(consents) else None
            held.rollback()

    def sweep(self, *, at: datetime, remembered_before: datetime) -> int:
        """Delete what has served: expired assertions, enrolments and sessions, answers remembered long ago.

        Returns how many rows.
        """
        gone = (
            delete(tables.assertion).where(tables.assertion.c.expires_at <= at),
            delete(tables.enrolment).where(
                or_(tables.enrolment.c.expires_at <= at, tables.enrolment.c.spent_at.is_not(None))
            ),
            delete(tables.remembered).where(tables.remembered.c.at < remembered_before),
            *(delete(kept).where(kept.c.expires_at <= at) for kept in portal_tables.KEPT),
        )
        with faults(), self._writing() as connection, connection.begin():
            self._begin(connection, "BEGIN IMMEDIATE")
            return sum(connection.execute(statement).rowcount for statement in gone)

    def close(self) -> None:
        """Give every connection back to the operating system."""
        with self._turn:
            if self._writer is not None:
                self._writer[1].close()
                self._writer = None
        self.engine.dispose()

    def _transaction(
        self, connection: Connection, sealing: Sealing | None = None
    ) -> SqlTransaction:
        return SqlTransaction(
            connection,
            origin=self._origin,
            randomness=self._randomness,
            sealing=sealing,
            witnessed=self._witnessed,
        )

    def _begin(self, connection: Connection, how: str) -> None:
        if self._sqlite:
            connection.exec_driver_sql(how)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """A connection to write on; SQLite's is kept open for the next turn unless something went wrong on it."""
        if not self._sqlite:
            with self._write.connect() as connection:
                yield connection
            return
        if not self._turn.acquire(timeout=self._wait):
            raise StoreDown("locked")
        try:
            pool, connection = self._taken()
            try:
                yield connection
            except BaseException:
                connection.close()
                raise
            self._writer = pool, connection
        finally:
            self._turn.release()

    def _taken(self) -> tuple[Pool, Connection]:
        """The connection of the turn before, unless all connections were given back since; and whose it is."""
        kept, self._writer = self._writer, None
        if kept is not None and kept[0] is self._write.pool:
            return kept
        if kept is not None:
            # Its pool is gone: given back there it would stay open.
            kept[1].invalidate()
            kept[1].close()
        return self._write.pool, self._write.connect()
