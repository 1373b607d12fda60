"""Replicas on one PostgreSQL, killed at random under load: nothing lost, doubled or unlogged, no repair.

Two brokers, and a sequencer beside those that the brokers run; each round one of them, drawn at random,
gets SIGKILL at a random moment and is started again as it is. ``make long`` kills two hundred times.
"""

import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pytest
from sqlalchemy import create_engine, text

from audit import cli as audit_cli
from audit import reads
from broker.demo.people import EMIL, NAV, SCHOOL
from tests.killing import Killable
from tests.processes import Site, free_port, serving, site
from tests.vectors import verifier
from tillit import Actor, Answer, Client, TillitError
from tillit.notes import VerifiedCheckpoint, Vkey, open_checkpoint

KILLS = int(os.environ.get("TILLIT_KILLS", "12"))
ACTOR = Actor(id="a1", role="veileder")
LARVIK = "ungdomsutvalget-larvik"
FIELD = "education.grades"
ASKING = 2
SETTLE_SECONDS = 20.0


@dataclass
class Load:
    """Nav asks at every replica, the school deposits at one after the other, until told to stop."""

    where: Site
    urls: tuple[str, ...]
    stop: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    deposits: int = 0

    def __enter__(self) -> Self:
        self._numbers = iter(range(10**9))
        places = [(self._asking, url) for url in self.urls for _ in range(ASKING)]
        places.append((self._depositing, self.urls[0]))
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
                deposit(school, emil, self.deposits)
                self.deposits += 1


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


def deposit(school: Client, emil: Any, number: int) -> None:
    """The school's deposit about Emil."""
    school.deposit(
        emil,
        {FIELD: {"round": str(number)}},
        observed_at=datetime.now(UTC),
        basis="measured",
        author_role="laerer",
    )


@pytest.fixture
def where(tmp_path: Path, postgres_url: str) -> Site:
    """A site on PostgreSQL where Emil shares the school's word with Nav."""
    made = site(tmp_path / "site", postgres_url)
    with serving(made), made.client(SCHOOL) as school, made.client(NAV) as nav:
        deposit(school, school.subject(national_id=EMIL.national_id), 0)
        asked = nav.request_consent(
            nav.subject(national_id=EMIL.national_id),
            services=[NAV, SCHOOL],
            purposes=["case_discussion"],
            categories=["education"],
            collaboration=LARVIK,
            actor=ACTOR,
        )
        emil = made.browser(EMIL.national_id)
        seen = emil.consent(asked.id)
        emil.answer(seen, {grant.id: "yes" for grant in seen.grants})
        emil.close()
    return made


@pytest.fixture
def parts(where: Site) -> Iterator[tuple[Killable, ...]]:
    """Two brokers and a sequencer, running."""
    made = tuple(Killable(where, port=port) for port in (None, free_port(), free_port()))
    try:
        for part in made:
            start(part, made)
        yield made
    finally:
        for part in made:
            part.close()


def start(part: Killable, parts: tuple[Killable, ...]) -> None:
    """The last one sequences, the others serve."""
    if part is parts[-1]:
        part.start_sequencer()
    else:
        part.start("never", nth=1)


@pytest.mark.slow
def test_replicas_killed_at_random_lose_double_and_hide_nothing(
    where: Site, parts: tuple[Killable, ...]
) -> None:
    """What a power cut does to one of them must be nobody's business but the operator's."""
    chance = random.Random(20261125)
    heads: list[str] = []
    with Load(where, tuple(part.url for part in parts[:-1])) as load:
        for _ in range(KILLS):
            heard = len(load.answers)
            victim = chance.choice(parts)
            time.sleep(chance.uniform(0, 0.4))
            victim.kill_now()
            start(victim, parts)
            heads.append(head(where))
            wait_until_heard(load, beyond=heard)
    assert len(load.answers) > KILLS
    check_answers(where, load)
    check_tables(where, load)
    check_log(where, heads)


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


def settle(where: Site) -> None:
    """Wait until everything is in the tree, by itself."""
    until = time.monotonic() + SETTLE_SECONDS
    while counted(where, "SELECT count(*) FROM log_entry WHERE idx IS NULL"):
        assert time.monotonic() < until, "the log is not sequenced"
        time.sleep(0.05)


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
        for older in {opened(note, vkey).size: opened(note, vkey) for note in heads}.values():
            path = reads.consistency(connection, older.size, newest.size)
            newest.check_continues(older, path)
    engine.dispose()


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


def counted(where: Site, query: str) -> int:
    """What a query counts."""
    engine = create_engine(where.database_url)
    with engine.connect() as connection:
        number: int = connection.execute(text(query)).scalar_one()
    engine.dispose()
    return number
