"""Replicas on one PostgreSQL, killed at random under load: nothing lost, doubled or unlogged, no repair.

Two brokers, their custodian, and a sequencer beside those that the brokers run; each round one of them,
drawn at random, gets SIGKILL at a random moment and is started again as it is. ``make long`` kills two
hundred times.
"""

import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pytest
from sqlalchemy import create_engine

from audit import cli as audit_cli
from audit import reads
from broker.demo.people import EMIL, NAV, SCHOOL
from broker.domain.ids import RecordId
from keys.cli import main as custodian_cli
from tests.e2e.test_custodian_apart import Apart, parted
from tests.killing import Killable
from tests.processes import SETTLE_SECONDS, Site, counted, free_port, settle, site
from tests.vectors import verifier
from tillit import Actor, Answer, Client, TillitError
from tillit.notes import VerifiedCheckpoint, Vkey, open_checkpoint

KILLS = int(os.environ.get("TILLIT_KILLS", "12"))
ACTOR = Actor(id="a1", role="veileder")
LARVIK = "ungdomsutvalget-larvik"
FIELD = "education.grades"
ASKING = 2


@dataclass
class Load:
    """Nav asks and the school deposits at every replica, until told to stop.

    ``records``: each that was acknowledged, and by whom.
    """

    where: Site
    urls: tuple[str, ...]
    stop: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    records: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._numbers = iter(range(10**9))
        places = [(self._asking, url) for url in self.urls for _ in range(ASKING)]
        places += [(self._depositing, url) for url in self.urls]
        self._threads = [threading.Thread(target=self._go_on, args=each) for each in places]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self._threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self._threads)

    def _go_on(self, act: Any, url: str) -> None:
        while not self.stop.is_set():
            with suppress(TillitError):
                act(url)
            self.stop.wait(0.02)

    def _asking(self, url: str) -> None:
        with self.where.client(NAV, url) as nav:
            emil = nav.subject(national_id=EMIL.national_id)
            while not self.stop.is_set():
                key = f"asking-{next(self._numbers):012}"
                self.asked.append(key)
                self.answers[key] = ask(nav, emil, key)

    def _depositing(self, url: str) -> None:
        with self.where.client(SCHOOL, url) as school:
            emil = school.subject(national_id=EMIL.national_id)
            while not self.stop.is_set():
                for record in deposit(school, emil, next(self._numbers)):
                    self.records[record] = url


def ask(nav: Client, emil: Any, key: str) -> Answer:
    """Nav's ask about Emil under an idempotency key."""
    return nav.ask(
        emil,
        [FIELD],
        purpose="case_discussion",
        collaboration=LARVIK,
        actor=ACTOR,
        idempotency_key=key,
    )


def deposit(school: Client, emil: Any, number: int) -> list[str]:
    """The school's deposit about Emil; gives its records."""
    deposited = school.deposit(
        emil,
        {FIELD: {"round": str(number)}},
        observed_at=datetime.now(UTC),
        basis="measured",
        author_role="laerer",
    )
    return list(deposited.records.values())


@pytest.fixture
def where(tmp_path: Path, postgres_url: str) -> Iterator[Apart]:
    """A site on PostgreSQL, its custodian in a process of its own."""
    with parted(site(tmp_path / "site", postgres_url)) as made:
        yield made


@pytest.fixture
def parts(where: Apart) -> Iterator[dict[str, Killable]]:
    """Everything running, and Emil sharing the school's word with Nav."""
    first = Killable(where)
    made = {"custodian": Killable(where, port=free_port()), "first broker": first}
    made |= {"second broker": Killable(where, port=free_port())}
    made |= {"sequencer": Killable(where, port=free_port())}
    try:
        for name, part in made.items():
            start(name, part, where)
        share(where)
        yield made
    finally:
        for part in reversed(made.values()):
            part.close()


def start(name: str, part: Killable, where: Apart) -> None:
    """Start a part, for the first time or again."""
    match name:
        case "custodian":
            part.start_custodian(where.custodians_arguments(), where.custodian_answers)
        case "sequencer":
            part.start_sequencer()
        case _:
            part.start("never", nth=1)


def share(where: Site) -> None:
    """A deposit about Emil, and his yes."""
    with where.client(SCHOOL) as school, where.client(NAV) as nav:
        deposit(school, school.subject(national_id=EMIL.national_id), 0)
        asked = nav.request_consent(
            nav.subject(national_id=EMIL.national_id),
            services=[NAV, SCHOOL],
            purposes=["case_discussion"],
            categories=["education"],
            collaboration=LARVIK,
            actor=ACTOR,
        )
        emil = where.browser(EMIL.national_id)
        seen = emil.consent(asked.id)
        emil.answer(seen, {grant.id: "yes" for grant in seen.grants})
        emil.close()


@pytest.mark.slow
def test_replicas_killed_at_random_lose_double_and_hide_nothing(
    where: Apart, parts: dict[str, Killable], capsys: pytest.CaptureFixture[str]
) -> None:
    """What a power cut does to one of them must be nobody's business but the operator's."""
    chance = random.Random(20261125)
    heads: list[str] = []
    urls = tuple(part.url for name, part in parts.items() if "broker" in name)
    killed: Counter[str] = Counter()
    with Load(where, urls) as load:
        for _ in range(KILLS):
            name = chance.choice(list(parts))
            time.sleep(chance.uniform(0, 0.4))
            parts[name].kill_now()
            start(name, parts[name], where)
            killed[name] += 1
            heads.append(head(where))
            wait_until_heard(load, beyond=len(load.answers))
    assert len(load.answers) > KILLS
    assert killed.keys() == parts.keys()
    check_answers(where, load)
    check_records(where, load)
    check_tables(where, load)
    check_log(where, heads)
    check_releases(where, load, capsys)


def wait_until_heard(load: Load, *, beyond: int) -> None:
    """Each round must disclose something, or it would have killed what was idle."""
    until = time.monotonic() + SETTLE_SECONDS
    while len(load.answers) <= beyond:
        assert time.monotonic() < until, "nobody answers"
        time.sleep(0.01)


def check_answers(where: Site, load: Load) -> None:
    """Every ask has one disclosure: the one that was told, or one that is told from now on."""
    with where.client(NAV) as nav:
        emil = nav.subject(national_id=EMIL.national_id)
        for key in load.asked:
            again = ask(nav, emil, key)
            told = load.answers.get(key) or ask(nav, emil, key)
            assert (again.id, again.values) == (told.id, told.values)
            assert FIELD in told.values
        told = load.answers.get(load.asked[-1], again)
        settle(where)
        assert nav.proof(told).leaf_hash == told.receipt.leaf_hash


def check_records(where: Site, load: Load) -> None:
    """Every record that a deposit's answer named is there, whichever broker gave it."""
    assert set(load.records.values()) == set(load.urls)
    store = where.store()
    with store.read() as tx:
        lost = [record for record in load.records if not tx.has_record(RecordId(record))]
    store.close()
    assert lost == []


def check_tables(where: Site, load: Load) -> None:
    """As many disclosures as asks, each with its entry, and places without a gap."""
    assert counted(where, "SELECT count(*) FROM disclosure") == len(load.asked)
    unlogged = (
        "SELECT count(*) FROM disclosure d LEFT JOIN log_entry e USING (leaf_hash) "
        "WHERE e.idx IS NULL"
    )
    assert counted(where, unlogged) == 0
    entries = counted(where, "SELECT count(*) FROM log_entry")
    assert counted(where, "SELECT count(DISTINCT idx) FROM log_entry") == entries
    assert counted(where, "SELECT max(idx) + 1 FROM log_entry") == entries
    kinds = "SELECT count(*) FROM log_entry WHERE type = 'disclosure'"
    assert counted(where, kinds) == len(load.asked)


def check_log(where: Site, heads: list[str]) -> None:
    """From outside: the log holds, by both implementations, and continues every head it ever showed."""
    with where.client(NAV) as nav:
        vkey = nav.trust().log
    key, mirror = where.directory / "nav.jwk", where.directory / "mirror"
    where.keys[NAV].save(key)
    assert audit_cli.main(["mirror", where.issuer_url, str(mirror), "--key", str(key)]) == 0
    assert audit_cli.main(["verify", str(mirror), "--vkey", vkey]) == 0
    verifier.log(mirror, vkey, heads[0])
    newest = opened(head(where), vkey)
    engine = create_engine(where.database_url)
    with engine.connect() as connection:
        seen = [opened(note, vkey) for note in heads]
        for older in {(each.size, each.root): each for each in seen}.values():
            path = reads.consistency(connection, older.size, newest.size)
            newest.check_continues(older, path)
    engine.dispose()


def check_releases(where: Apart, load: Load, capsys: pytest.CaptureFixture[str]) -> None:
    """Every key that left the custodian is on an entry of the log; the two are read by the command."""
    released = {release.leaf_hash for release in where.released()}
    answered = {answer.receipt.leaf_hash for answer in load.answers.values()}
    assert answered <= released
    own = ["--keyring", str(where.keyring), "--passphrase-file"]
    own += [str(where.directory / "passphrase")]
    copy, mirror = where.directory / "releases", where.directory / "mirror"
    capsys.readouterr()
    assert custodian_cli(["keys", *own]) == 0
    releases_vkey = json.loads(capsys.readouterr().out)["releases"]
    assert custodian_cli(["export", *own, str(copy)]) == 0
    with where.client(NAV) as nav:
        given = ["--vkey", nav.trust().log, "--releases", str(copy)]
    capsys.readouterr()
    given += ["--releases-vkey", releases_vkey, "--json"]
    code = audit_cli.main(["reconcile", str(mirror), *given])
    said = json.loads(capsys.readouterr().out)
    assert (code, said["ok"]) == (0, True)


def opened(note: str, vkey: str) -> VerifiedCheckpoint:
    """A head, verified."""
    return open_checkpoint(note, Vkey.parse(vkey))


def head(where: Site) -> str:
    """The newest checkpoint."""
    engine = create_engine(where.database_url)
    with engine.connect() as connection:
        note = reads.checkpoint(connection)
    engine.dispose()
    return note
