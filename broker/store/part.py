"""A part of a transaction: its connection, and how statements run on it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult, Executable, Table
from sqlalchemy.dialects import postgresql, sqlite

from audit.errors import NoLogKeys
from audit.sealing import Sealing

Insert = postgresql.Insert | sqlite.Insert


class Part:
    """Base of the groups of queries. A fault of the database ends the transaction, which says it in the broker's errors."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sealing: Sealing | None = None

    def _sealer(self) -> Sealing:
        """What seals in this transaction. Raises ``NoLogKeys`` in a store that was given no keys."""
        if self._sealing is None:
            raise NoLogKeys
        return self._sealing

    def _run(
        self,
        statement: Executable,
        parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> CursorResult[*tuple[Any, ...]]:
        return self._connection.execute(statement, parameters)

    def _insert(self, table: Table) -> Insert:
        """An insert that knows ``on_conflict_*``, which both databases spell the same."""
        if self._connection.dialect.name == "postgresql":
            return postgresql.insert(table)
        return sqlite.insert(table)

    def _insert_new(self, table: Table, row: Mapping[str, Any]) -> bool:
        """Insert unless its key is there already; says whether it was new."""
        statement = self._insert(table).on_conflict_do_nothing()
        counted = statement.execution_options(preserve_rowcount=True)
        return self._run(counted, row).rowcount == 1
