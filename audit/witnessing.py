"""Witnessing: gets the log's checkpoints cosigned, and keeps the newest one that enough witnesses have cosigned.

Apart from the sequencer: a witness that is slow or down holds up nobody but itself. The checkpoint to cosign is chosen once
for all witnesses (it is *offered*), since cosignatures of different trees do not add up; when the quorum has cosigned it, it
is *held*, which is what the world is shown, and the next is offered. Everything is in the database: any number of replicas
may run this, each witness is spoken to by one of them at a time, and whoever is killed is carried on from.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event, Thread

import httpx
from sqlalchemy import Connection, Engine, Row, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from audit import reads
from audit.errors import AuditError
from audit.locks import lock
from audit.storage import log_checkpoint, log_head, log_witness
from audit.submissions import Cosigned, Elsewhere, SubmissionFailed, submit
from tillit.errors import VerificationError
from tillit.leaves import instant
from tillit.notelines import NoteInvalid, split
from tillit.notes import Vkey
from tillit.quorums import NotWitnessed, Policy
from tillit.witnesses import Witness, cosignatures

PAUSE = 0.3
"""Seconds between looks for something to cosign."""

PATIENCE = timedelta(seconds=15)
"""How long a checkpoint is offered that the quorum does not cosign, while a newer one is there."""

LEASE = timedelta(seconds=60)
"""How long a replica may take with a witness before another thinks that it was killed; longer than two submissions."""

LONGEST_WAIT = timedelta(seconds=120)
"""The longest pause before a witness that fails is tried again; the first is a second, each next is twice as long."""

_LOCK = int.from_bytes(b"tillitwt", "big")
_log = logging.getLogger(__name__)


class Witnessing:
    """Has the log in ``engine``'s database cosigned by the witnesses that ``policy`` gives an address.

    ``log`` gives the key that signs it now.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        log: Callable[[], Vkey],
        policy: Policy,
        clock: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._log = log
        self._policy = policy
        self._clock = clock

    def run_forever(self, stop: Event) -> None:
        """Have checkpoints cosigned until ``stop`` is set, in a thread for each witness."""
        with httpx.Client(follow_redirects=False, trust_env=False) as client:
            threads = [
                Thread(target=self._follow, args=(name, client, stop), daemon=True, name=name)
                for name in self._policy.urls
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    def _follow(self, name: str, client: httpx.Client, stop: Event) -> None:
        while not stop.is_set():
            try:
                self.run_once(name, client)
            except SQLAlchemyError as wrong:
                _log.warning("witnessing waits for the database: %s", type(wrong).__name__)
            except AuditError as wrong:
                _log.critical("witnessing: %s: %s", wrong.code, wrong.detail)
            stop.wait(PAUSE)

    def run_once(self, name: str, client: httpx.Client) -> bool:
        """Let one witness, by its name in the policy, cosign what is offered; says whether it did.

        False also where there is nothing to cosign, another replica is at it, or the witness is left alone for a while.
        Raises ``LogDamaged`` and whatever the database does.
        """
        self.offer()
        witness = self._policy.witnesses[name]
        with self._engine.connect() as connection:
            offered = _head(connection, "offered")
            known = _known(connection, witness)
        if offered is None or (known is not None and known.round == offered.round):
            return False
        known = self._claim(witness)
        if known is None:
            return False
        try:
            line = self._cosigned(name, witness, client, offered, known.size)
        except SubmissionFailed as failed:
            self._failed(name, witness, known.failures + 1, failed)
            return False
        self._keep(witness, offered, line)
        return True

    def offer(self) -> None:
        """Offer the newest checkpoint, when the one before is held by the quorum or has been waiting too long."""
        with self._engine.connect() as connection:
            if not self._due(connection):
                return
        with self._engine.begin() as connection:
            lock(connection, _LOCK)
            newest = self._due(connection)
            if newest:
                before = _head(connection, "offered")
                number = before.round + 1 if before else 1
                _write_head(connection, "offered", number, newest.size, self._clock(), newest.note)

    def _due(self, connection: Connection) -> "Row[int, str] | None":
        """The newest checkpoint, if it is its turn. The empty tree shows nothing, and is not offered."""
        newest = connection.execute(select(log_checkpoint.c.size, log_checkpoint.c.note)).first()
        offered, held = _head(connection, "offered"), _head(connection, "held")
        if newest is None or not newest.size or (offered and offered.note == newest.note):
            return None
        if offered is None or (held and held.round == offered.round):
            return newest
        return newest if offered.at <= instant(self._clock() - PATIENCE) else None

    def _claim(self, witness: Witness) -> "Row[int, int, int] | None":
        """What is known of the witness, if nobody else is speaking to it and it is time to; then it is this replica's."""
        key, now = witness.public_key.hex(), self._clock()
        with self._engine.begin() as connection:
            lock(connection, _LOCK)
            if _known(connection, witness) is None:
                connection.execute(
                    insert(log_witness).values(
                        witness=key, size=0, round=0, line="", failures=0, free_at=instant(now)
                    )
                )
            mine = connection.execute(
                update(log_witness)
                .where(log_witness.c.witness == key, log_witness.c.free_at <= instant(now))
                .values(free_at=instant(now + LEASE))
            )
            return _known(connection, witness) if mine.rowcount else None

    def _cosigned(
        self,
        name: str,
        witness: Witness,
        client: httpx.Client,
        offered: "Row[int, int, str, str]",
        old: int,
    ) -> str:
        """The witness's line on what is offered. It is asked again once, when it has another tree than was known."""
        answer = self._submit(name, client, offered, old)
        if isinstance(answer, Elsewhere):
            answer = self._submit(name, client, offered, answer.size)
        if isinstance(answer, Elsewhere):
            raise SubmissionFailed("its tree changes while it is asked")
        try:
            together = offered.note + answer.lines
            if split(together)[0] != split(offered.note)[0]:
                raise SubmissionFailed("its answer is no signature lines")
            (found,) = cosignatures(together, [witness])
        except (NoteInvalid, ValueError) as wrong:
            raise SubmissionFailed("its answer holds no good cosignature of its own") from wrong
        return found.line

    def _submit(
        self, name: str, client: httpx.Client, offered: "Row[int, int, str, str]", old: int
    ) -> Cosigned | Elsewhere:
        with self._engine.connect() as connection:
            newest = connection.execute(select(log_checkpoint.c.size)).scalar_one()
            if old > newest:
                raise SubmissionFailed(f"it has seen {old} entries, of {newest}", grave=True)
            if old > offered.size:
                raise SubmissionFailed("it has seen more than is offered")
            path = reads.consistency(connection, old, offered.size) if old else ()
        url = self._policy.urls[name].rstrip("/")
        return submit(client, url, old=old, path=path, checkpoint=offered.note)

    def _keep(self, witness: Witness, offered: "Row[int, int, str, str]", line: str) -> None:
        with self._engine.begin() as connection:
            lock(connection, _LOCK)
            _update(
                connection,
                witness,
                size=offered.size,
                round=offered.round,
                line=line,
                failures=0,
                free_at=instant(self._clock()),
            )
            self._hold(connection, offered, line)

    def _hold(self, connection: Connection, offered: "Row[int, int, str, str]", line: str) -> None:
        """Show the world the checkpoint of this round, if the quorum has cosigned it and no newer one is shown."""
        held = _head(connection, "held")
        if held and held.round > offered.round:
            return
        if held and held.round == offered.round:
            note = held.note if line in held.note else held.note + line
        else:
            keys = [each.public_key.hex() for each in self._policy.witnesses.values()]
            lines = connection.execute(
                select(log_witness.c.line)
                .where(log_witness.c.round == offered.round, log_witness.c.witness.in_(keys))
                .order_by(log_witness.c.witness)
            ).scalars()
            note = offered.note + "".join(lines)
        try:
            self._policy.check(note, log=self._log())
        except NotWitnessed:
            return
        except VerificationError as wrong:
            _log.critical("what witnesses have said was changed in the database: %s", wrong.detail)
            return
        _write_head(connection, "held", offered.round, offered.size, self._clock(), note)

    def _failed(self, name: str, witness: Witness, failures: int, failed: SubmissionFailed) -> None:
        wait = min(timedelta(seconds=2 ** min(failures - 1, 16)), LONGEST_WAIT)
        with self._engine.begin() as connection:
            lock(connection, _LOCK)
            _update(connection, witness, failures=failures, free_at=instant(self._clock() + wait))
        level = logging.CRITICAL if failed.grave else logging.WARNING
        _log.log(level, "witness %s: %s", name, failed.reason)


def _head(connection: Connection, state: str) -> "Row[int, int, str, str] | None":
    columns = (log_head.c.round, log_head.c.size, log_head.c.at, log_head.c.note)
    return connection.execute(select(*columns).where(log_head.c.state == state)).first()


def _write_head(
    connection: Connection, state: str, number: int, size: int, at: datetime, note: str
) -> None:
    values = {"round": number, "size": size, "at": instant(at), "note": note}
    changed = connection.execute(update(log_head).where(log_head.c.state == state).values(**values))
    if not changed.rowcount:
        connection.execute(insert(log_head).values(state=state, **values))


def _known(connection: Connection, witness: Witness) -> "Row[int, int, int] | None":
    columns = (log_witness.c.size, log_witness.c.round, log_witness.c.failures)
    key = witness.public_key.hex()
    return connection.execute(select(*columns).where(log_witness.c.witness == key)).first()


def _update(connection: Connection, witness: Witness, **values: object) -> None:
    key = witness.public_key.hex()
    connection.execute(update(log_witness).where(log_witness.c.witness == key).values(**values))
