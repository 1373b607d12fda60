"""The schema: made by the migrations, the same as the tables say, with nobody's name in it."""

import re
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, inspect, select, text

from audit.entries import Entry
from audit.storage import metadata as log
from broker.domain.ids import PersonKey, SubjectId
from broker.store.engine import open_engine
from broker.store.migrate import configuration, migrate
from broker.store.sql import SqlStore
from broker.store.tables import Row
from broker.stored import Remembered
from tests.consenting import NOW, active
from tests.databases import Postgres
from tests.log_keys import log_keys
from tests.stored import EMIL, NAV, SCHOOL, add_subjects, disclosure, event, item, meeting

CANARY = "13867912345"
TELLING = re.compile(
    r"(^|_)(nin|name|navn|national|identity|ssn|pnr|pid|birth|born|phone|address|email|value|plain)(_|$)"
)


def test_the_migrations_make_what_the_tables_say(database_url: str) -> None:
    """Nothing is missing and nothing is left over, in the broker's tables and the log's."""
    both = MetaData()
    for table in (*Row.metadata.sorted_tables, *log.sorted_tables):
        table.to_metadata(both)
    engine = open_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, both) == []
    engine.dispose()


def test_no_column_could_hold_who_somebody_is(database_url: str) -> None:
    """No national identity number, name, birth date or address has a place, nor a value in clear."""
    engine = open_engine(database_url)
    columns = {
        f"{table}.{column['name']}"
        for table in inspect(engine).get_table_names()
        for column in inspect(engine).get_columns(table)
    }
    engine.dispose()
    assert len(columns) > 60
    assert not [column for column in columns if TELLING.search(column.split(".")[1])]


def test_what_is_stored_is_stored_as_it_was_given(store: SqlStore, database_url: str) -> None:
    """The store adds nothing: a canary that was never given is in no table, one that was is found."""
    with store.write() as tx:
        add_subjects(tx)
        tx.add_consent(active())
        tx.add_records(EMIL, SCHOOL, [item(1)], at=NOW)
        tx.add_disclosure(disclosure(1))
        tx.add_meeting(meeting(1))
        tx.add_event(NAV, event())
        tx.remember("nav", "key", Remembered(b"mac", "{}"), at=NOW)
        tx.append(Entry("test", NOW, {"consent": "con_1"}, EMIL))
    dump = everything(database_url)
    assert CANARY not in dump
    assert "c" * 64 not in dump
    assert "a" * 64 in dump


def everything(url: str) -> str:
    """Every cell of every table."""
    engine = open_engine(url)
    with engine.connect() as connection:
        rows = [
            str(tuple(row))
            for metadata in (Row.metadata, log)
            for table in metadata.sorted_tables
            for row in connection.execute(select(table))
        ]
    engine.dispose()
    return "\n".join(rows)


def test_migrating_again_changes_nothing(database_url: str) -> None:
    """Every start of every replica does it."""
    store = SqlStore(database_url, origin="log")
    with store.write() as tx:
        tx.add_subject(SubjectId("sub_1"), PersonKey("a" * 64), at=NOW)
    migrate(database_url)
    with store.read() as tx:
        assert tx.person_of(SubjectId("sub_1")) == "a" * 64
    store.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_replicas_may_migrate_at_the_same_time(
    kind: str, tmp_path: Path, postgres: Postgres
) -> None:
    """One does it, the others wait and find it done."""
    url = f"sqlite:///{tmp_path}/new.db"
    if kind == "postgres":
        postgres.run("CREATE DATABASE test_replicas")
        url = postgres.url("test_replicas")
    with ThreadPoolExecutor(4) as pool:
        commands = [
            sys.executable,
            "-c",
            "import sys; from broker.store.migrate import migrate; migrate(sys.argv[1])",
            url,
        ]
        done = list(pool.map(lambda _: subprocess.run(commands, check=False).returncode, range(4)))
    assert done == [0] * 4
    engine = open_engine(url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).all()
    engine.dispose()
    if kind == "postgres":
        postgres.run("DROP DATABASE test_replicas WITH (FORCE)")


def test_a_new_sqlite_file_is_its_owners_only(tmp_path: Path) -> None:
    """Nobody else on the machine reads it, nor what is beside it."""
    url = f"sqlite:///{tmp_path}/tillit.db"
    migrate(url)
    store = SqlStore(url, origin="log")
    with store.write() as tx:
        tx.add_subject(SubjectId("sub_1"), PersonKey("a" * 64), at=NOW)
        files = list(tmp_path.iterdir())
        assert {"tillit.db", "tillit.db-wal"} <= {path.name for path in files}
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    store.close()


def test_the_newest_revision_can_be_taken_back_and_put_on_again(sqlite_url: str) -> None:
    """The newest, also on a database with something in it; nothing that anybody said is lost."""
    store = SqlStore(sqlite_url, origin="log", log_keys=log_keys())
    with store.write() as tx:
        add_subjects(tx)
        tx.add_consent(active())
        tx.add_disclosure(disclosure(1))
    with store.engine.begin() as connection:
        command.downgrade(configuration(connection), "0004")
        assert "told_once" not in inspect(connection).get_table_names()
    migrate(sqlite_url)
    with store.read() as tx:
        assert tx.due(at=NOW) == 2
        assert tx.consent(active().id) == active()
    store.close()


def test_the_release_before_writes_on(sqlite_url: str) -> None:
    """While replicas are renewed one by one, the older ones know nothing of the new columns; what they add is due soon."""
    store = SqlStore(sqlite_url, origin="log")
    with store.write() as tx:
        add_subjects(tx)
    with store.engine.begin() as connection:
        older = "INSERT INTO consent (id, subject, version, state, body) VALUES (:id, :subject, 1, 'active', '{}')"
        connection.execute(text(older), {"id": "con_1", "subject": EMIL})
    with store.read() as tx:
        assert tx.due(at=NOW) == 1
    store.close()


def test_revisions_form_one_line(sqlite_url: str) -> None:
    """One head, one base; and going below the first is refused, since data would be gone."""
    engine = open_engine(sqlite_url)
    with engine.connect() as connection:
        scripts = ScriptDirectory.from_config(configuration(connection))
        assert len(scripts.get_heads()) == len(scripts.get_bases()) == 1
        first = scripts.get_revision(scripts.get_bases()[0])
        with pytest.raises(NotImplementedError):
            first.module.downgrade()
    engine.dispose()
