"""A database that cannot: it says so in one way, nothing is half done, and it works again by itself."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, make_url, text

from audit.entries import Entry
from broker.domain.ids import PersonKey, SubjectId
from broker.errors import BrokerError, Contended, StoreDown
from broker.store.engine import open_engine
from broker.store.migrate import migrate
from broker.store.sql import SqlStore
from tests.consenting import NOW, active
from tests.databases import ORIGIN, Postgres
from tests.log_keys import log_keys
from tests.stored import EMIL, NAV, SCHOOL, add_subjects, disclosure, item, meeting, record
from tests.stored import event as told

IMPATIENT = 0.2


@pytest.fixture
def impatient(database_url: str) -> Iterator[SqlStore]:
    """A store that waits for nothing long."""
    with closing(
        SqlStore(database_url, origin=ORIGIN, log_keys=log_keys(), wait=IMPATIENT)
    ) as store:
        yield store


def add_sara(store: SqlStore) -> None:
    """Write something."""
    with store.write() as tx:
        tx.add_subject(SubjectId("sub_2"), PersonKey("d" * 64), at=NOW)


def add_much(store: SqlStore, *, between: Callable[[], None] = lambda: None) -> None:
    """Write a little, then, in the same transaction, much."""
    with store.write() as tx:
        add_subjects(tx)
        between()
        tx.append(Entry("test", NOW, {"long": "x" * 100_000}, EMIL))


def has_sara(store: SqlStore) -> bool:
    """Read it."""
    with store.read() as tx:
        return tx.subject_by_person(PersonKey("d" * 64)) is not None


def says_nothing(error: BrokerError) -> bool:
    """No SQL, no parameters, no words of the database's."""
    shown = f"{error!r} {error.__cause__!r}"
    return not any(word in shown for word in ("INSERT", "SELECT", "d" * 64, "sub_2", "DETAIL"))


def test_a_locked_database_is_down_until_it_is_free(database_url: str, impatient: SqlStore) -> None:
    """Somebody else keeps it locked for longer than anyone waits."""
    other = open_engine(database_url)
    with other.execution_options(tillit_begin="BEGIN IMMEDIATE").begin() as connection:
        if other.dialect.name == "postgresql":
            connection.execute(text("LOCK TABLE subject IN EXCLUSIVE MODE"))
        with pytest.raises(StoreDown) as down:
            add_sara(impatient)
        assert down.value.detail in {"SQLITE_BUSY", "55P03"}
        assert says_nothing(down.value)
    other.dispose()
    assert not has_sara(impatient)
    add_sara(impatient)
    assert has_sara(impatient)


def test_a_lost_race_says_nothing_of_what_was_raced_for(store: SqlStore) -> None:
    """The database's message would quote the row."""
    add_sara(store)
    with pytest.raises(Contended) as lost:
        add_sara(store)
    assert says_nothing(lost.value)


def test_a_pool_without_a_free_connection_is_down(impatient: SqlStore) -> None:
    """Too many at once: wait a little, then say so."""
    with ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(impatient.read())
        with pytest.raises(StoreDown):
            has_sara(impatient)
    assert not has_sara(impatient)


def test_threads_of_one_process_do_not_wait_for_ever(impatient: SqlStore) -> None:
    """A write inside a write of the same process is given up, and nothing of it is kept."""
    if impatient.engine.dialect.name == "postgresql":
        with impatient.write() as outer:
            outer.add_subject(SubjectId("sub_9"), PersonKey("d" * 64), at=NOW)
            with pytest.raises(StoreDown):
                add_sara(impatient)
    else:
        with impatient.write(), pytest.raises(StoreDown):
            add_sara(impatient)
    with impatient.read() as tx:
        assert tx.subject_by_person(PersonKey("d" * 64)) != "sub_2"


def test_a_full_disk_is_down_and_keeps_nothing(sqlite_url: str) -> None:
    """SQLite, told that it may not grow; once there is room again it works."""
    with closing(SqlStore(sqlite_url, origin=ORIGIN, log_keys=log_keys())) as store:
        room = {"pages": 1}

        @event.listens_for(store.engine, "checkout")
        def limit(connection: sqlite3.Connection, *_: Any) -> None:
            connection.execute(f"PRAGMA max_page_count = {room['pages']}")

        with pytest.raises(StoreDown, match="SQLITE_FULL"):
            add_much(store)
        assert not has_sara(store)
        room["pages"] = 1_000_000
        add_sara(store)
        assert has_sara(store)


def test_a_disk_that_postgresql_finds_full_is_down(postgres_url: str) -> None:
    """The error is the server's own; a trigger stands in for the disk."""
    with closing(SqlStore(postgres_url, origin=ORIGIN, log_keys=log_keys())) as store:
        with store.engine.begin() as connection:
            connection.execute(
                text(
                    "CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS"
                    " $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; END $$"
                )
            )
            connection.execute(
                text("CREATE TRIGGER disk BEFORE INSERT ON log_entry EXECUTE FUNCTION disk_full()")
            )
        with pytest.raises(StoreDown, match="53100"):
            add_much(store)
        assert not has_sara(store)
        with store.engine.begin() as connection:
            connection.execute(text("DROP TRIGGER disk ON log_entry"))
        add_sara(store)
        assert has_sara(store)


def disconnect(server: Postgres, url: str) -> None:
    """End every session at the database, as a restart of the server does."""
    name = make_url(url).database
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
    server.run(f"{end}'{name}'")


def test_idle_connections_that_were_lost_are_replaced_unseen(
    postgres: Postgres, postgres_url: str
) -> None:
    """A restart of the database between two calls is nobody's error."""
    with closing(SqlStore(postgres_url, origin=ORIGIN, log_keys=log_keys())) as store:
        add_sara(store)
        disconnect(postgres, postgres_url)
        assert has_sara(store)


def test_a_connection_lost_in_the_middle_is_down_once(
    postgres: Postgres, postgres_url: str
) -> None:
    """Nothing of the transaction is kept; the next one works."""
    with closing(SqlStore(postgres_url, origin=ORIGIN, log_keys=log_keys())) as store:
        with pytest.raises(StoreDown) as down:
            add_much(store, between=lambda: disconnect(postgres, postgres_url))
        assert says_nothing(down.value)
        assert not has_sara(store)
        add_sara(store)


def test_a_database_that_is_gone_is_down_until_it_is_back(
    postgres: Postgres, postgres_url: str
) -> None:
    """It resumes by itself."""
    with closing(SqlStore(postgres_url, origin=ORIGIN, wait=IMPATIENT)) as store:
        add_sara(store)
        name = make_url(postgres_url).database
        disconnect(postgres, postgres_url)
        postgres.run(f"ALTER DATABASE {name} RENAME TO {name}_gone")
        with pytest.raises(StoreDown):
            has_sara(store)
        with pytest.raises(StoreDown), store.hold([(active().id, 1)]):
            pass
        postgres.run(f"ALTER DATABASE {name}_gone RENAME TO {name}")
        assert has_sara(store)


def test_a_server_that_does_not_answer_is_down() -> None:
    """Nobody listens on port 1."""
    store = SqlStore("postgresql+psycopg://tillit@127.0.0.1:1/tillit", origin=ORIGIN)
    with pytest.raises(StoreDown):
        has_sara(store)
    with pytest.raises(StoreDown):
        migrate("postgresql+psycopg://tillit@127.0.0.1:1/tillit")


def test_a_directory_that_is_not_there_is_down(tmp_path: Path) -> None:
    """No file is made where there is no directory."""
    url = f"sqlite:///{tmp_path}/none/tillit.db"
    with pytest.raises(StoreDown, match="SQLITE_CANTOPEN"):
        migrate(url)
    with pytest.raises(StoreDown):
        has_sara(SqlStore(url, origin=ORIGIN))


def test_a_file_that_is_no_database_is_down(tmp_path: Path) -> None:
    """Nor is it written over."""
    path = tmp_path / "tillit.db"
    path.write_text("something else entirely, and long enough to be no header " * 20)
    with pytest.raises(StoreDown, match="SQLITE_NOTADB"):
        migrate(f"sqlite:///{path}")
    assert path.read_text().startswith("something else")


def test_a_schema_that_was_never_made_is_down(tmp_path: Path) -> None:
    """A new, empty file is no store."""
    with closing(SqlStore(f"sqlite:///{tmp_path}/empty.db", origin=ORIGIN)) as store:
        with pytest.raises(StoreDown):
            has_sara(store)
        with pytest.raises(StoreDown):
            store.sweep(at=NOW, remembered_before=NOW)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///",
        "postgresql://localhost/tillit",
        "mysql+pymysql://localhost/tillit",
    ],
)
def test_another_kind_of_database_is_refused_at_once(url: str) -> None:
    """In memory, each connection would have a database of its own."""
    with pytest.raises(ValueError, match="neither"):
        SqlStore(url, origin=ORIGIN)


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("consent", "body", "{"),
        ("consent", "body", '{"id": "con_1"}'),
        ("disclosure", "decision", '{"outcome": "released"}'),
        ("disclosure", "facts", "[]"),
        ("record", "sealed", "{}"),
        ("meeting", "participants", "[{}]"),
        ("event", "body", "null"),
    ],
)
def test_a_row_that_cannot_be_read_back_is_down(
    store: SqlStore, table: str, column: str, value: str
) -> None:
    """Closed on doubt: whatever was changed in the database, nothing is guessed."""
    consent = active()
    with store.write() as tx:
        add_subjects(tx)
        tx.add_consent(consent)
        tx.add_disclosure(disclosure(1))
        tx.add_records(EMIL, SCHOOL, [item(1)], at=NOW)
        tx.add_meeting(meeting(1))
        tx.add_event(NAV, told())
    with store.engine.begin() as connection:
        connection.execute(text(f"UPDATE {table} SET {column} = :value"), {"value": value})  # noqa: S608 - our own names
    with store.read() as tx:
        reads: dict[str, Callable[[], object]] = {
            "consent": lambda: tx.consent(consent.id),
            "disclosure": lambda: tx.disclosure(disclosure(1).id),
            "record": lambda: tx.sealed(EMIL, [record(1)]),
            "meeting": lambda: tx.meeting(meeting(1).id),
            "event": lambda: tx.events(NAV, after=0, limit=1),
        }
        with pytest.raises(StoreDown, match="unreadable"):
            reads[table]()


def test_a_damaged_log_is_down(store: SqlStore) -> None:
    """A checkpoint that is none proves nothing."""
    with store.write() as tx:
        promised = tx.append(Entry("test", NOW, {}, None))
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE log_entry SET idx = 0"))
        connection.execute(text("INSERT INTO log_checkpoint VALUES (1, 1, 'nothing')"))
    with store.read() as tx, pytest.raises(StoreDown, match="unreadable"):
        tx.proof(promised.leaf_hash)


def test_no_statement_outlives_its_limit(postgres_url: str) -> None:
    """Locks, statements and forgotten transactions are all bounded on PostgreSQL."""
    engine = open_engine(postgres_url)
    with engine.connect() as connection:
        limits = [
            connection.execute(text(f"SHOW {name}")).scalar()
            for name in (
                "lock_timeout",
                "statement_timeout",
                "idle_in_transaction_session_timeout",
            )
        ]
    engine.dispose()
    assert limits == ["5s", "30s", "1min"]


def test_sqlite_is_opened_to_survive_a_power_cut(sqlite_url: str) -> None:
    """WAL, fully synchronous, foreign keys kept, deleted content overwritten."""
    engine = open_engine(sqlite_url)
    with engine.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in (
                "journal_mode",
                "synchronous",
                "foreign_keys",
                "secure_delete",
                "busy_timeout",
            )
        }
    engine.dispose()
    assert settings == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
        "busy_timeout": 5000,
    }


def test_postgresql_is_what_the_tests_talk_to(postgres_url: str) -> None:
    """A real server, of the version that it says."""
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        assert connection.info.server_version >= 150000
