"""Killed at any step of a disclosure, the broker has lost nothing it acknowledged and shared nothing unlogged.

A real broker process gets SIGKILL at a random moment within each of the steps 3 to 7 of design.md § 3,
fifty times each, while services ask and deposit and a youth answers. Each time the next process starts
on what the last one left behind, without any repair, and is asked about everything the last one said.
"""

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, text

from audit import cli as audit_cli
from broker.demo.people import EMIL, KRISTIN, NAV, OT, SCHOOL
from broker.demo.person import Browser, RequestRefused
from broker.domain.ids import RecordId
from tests.killable import POINTS
from tests.killing import Killable
from tests.processes import Site, serving, site
from tillit import Actor, Answer, Client, NotFound, Proven, TillitError
from tillit.notes import Vkey

KILLS = 50
ACTOR = Actor(id="a1", role="veileder")
LARVIK = "ungdomsutvalget-larvik"
FIELD = "education.grades"
GROUNDWORK = "functioning.daily_rhythm"
ROUND_SECONDS = 30.0
SEQUENCED_SECONDS = 5.0


@dataclass
class Heard:
    """What the parties were told before the broker died, and what they had begun to say."""

    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    records: list[str] = field(default_factory=list)
    deposits: int = 0
    answered: list[str] = field(default_factory=list)

    def counted(self) -> dict[str, int]:
        """How often they were told that something was done, by what."""
        return {
            "asks": len(self.answers),
            "deposits": self.deposits,
            "consents": len(self.answered),
        }


class Parties:
    """Nav asks about Emil, the school deposits about him, Kristin answers consents."""

    def __init__(self, where: Site) -> None:
        self.site = where
        self.nav = where.client(NAV)
        self.school = where.client(SCHOOL)
        self.ot = where.client(OT)
        self.kristin: Browser = where.browser(KRISTIN.national_id)
        self.emil = self.nav.subject(national_id=EMIL.national_id)
        self.pupil = self.school.subject(national_id=EMIL.national_id)
        self.left = self.ot.subject(national_id=KRISTIN.national_id)
        self._numbers = iter(range(1, 1_000_000))

    def prepare(self) -> None:
        """A deposit, and Emil's yes to it being shared with Nav."""
        self._deposit({GROUNDWORK: "up at noon", FIELD: {"round": "0"}})
        asked = self.nav.request_consent(
            self.emil,
            services=[NAV, SCHOOL],
            purposes=["case_discussion"],
            categories=["education", "functioning"],
            collaboration=LARVIK,
            actor=ACTOR,
        )
        emil = self.site.browser(EMIL.national_id)
        seen = emil.consent(asked.id)
        emil.answer(seen, {grant.id: "yes" for grant in seen.grants})
        emil.close()

    def talk(self, heard: Heard) -> None:
        """Everybody says something again and again until the broker is gone."""
        acts = (self._asking, self._depositing, self._answering)
        threads = [threading.Thread(target=_until_gone, args=(act, heard)) for act in acts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(ROUND_SECONDS)
        assert not any(thread.is_alive() for thread in threads), "the broker did not die"

    def ask(self, key: str) -> Answer:
        """Ask under an idempotency key."""
        return self.nav.ask(
            self.emil,
            [FIELD, GROUNDWORK],
            purpose="case_discussion",
            collaboration=LARVIK,
            actor=ACTOR,
            idempotency_key=key,
        )

    def close(self) -> None:
        """Close every connection."""
        for party in (self.nav, self.school, self.ot, self.kristin):
            party.close()

    def _asking(self, heard: Heard) -> None:
        key = f"asking-{next(self._numbers):08}"
        heard.asked.append(key)
        heard.answers[key] = self.ask(key)

    def _depositing(self, heard: Heard) -> None:
        number = next(self._numbers)
        records = self._deposit({FIELD: {"round": str(number)}})
        heard.records.extend(records)
        heard.deposits += 1

    def _answering(self, heard: Heard) -> None:
        asked = self.ot.request_consent(
            self.left,
            services=[OT, NAV],
            purposes=["case_discussion"],
            categories=["functioning"],
            collaboration=LARVIK,
            actor=Actor(id="a2", role="ot_radgiver"),
        )
        seen = self.kristin.consent(asked.id)
        self.kristin.answer(seen, {grant.id: "yes" for grant in seen.grants})
        heard.answered.append(asked.id)

    def _deposit(self, values: dict[str, Any]) -> list[str]:
        deposited = self.school.deposit(
            self.pupil,
            values,
            observed_at=datetime.now(UTC),
            basis="measured",
            author_role="laerer",
        )
        return list(deposited.records.values())


def _until_gone(act: Callable[[Heard], None], heard: Heard) -> None:
    with suppress(TillitError, RequestRefused, httpx.HTTPError):
        while True:
            act(heard)


def check(parties: Parties, heard: Heard) -> None:
    """Hold the broker that came after to everything its predecessor said."""
    for key, answer in heard.answers.items():
        assert FIELD in answer.values
        assert answer.receipt.leaf_hash == _proven(parties.nav, answer).leaf_hash
        again = parties.ask(key)
        assert (again.id, again.values) == (answer.id, answer.values)
    for key in set(heard.asked) - heard.answers.keys():
        # Never answered: whether it was recorded or not, repeating it gives one disclosure.
        assert parties.ask(key).id == parties.ask(key).id
    store = parties.site.store()
    with store.read() as tx:
        assert all(tx.has_record(RecordId(record)) for record in heard.records)
    store.close()
    for identity in heard.answered:
        consent = parties.kristin.consent(identity)
        assert consent.state in ("active", "superseded")
        assert all(grant.answer == "yes" for grant in consent.grants)


def _proven(client: Client, answer: Answer) -> Proven:
    """The inclusion proof, waiting for the entry to be taken into the tree."""
    until = time.monotonic() + SEQUENCED_SECONDS
    while True:
        try:
            return client.proof(answer)
        except NotFound as pending:
            if pending.code != "proof.pending" or time.monotonic() > until:
                raise
            time.sleep(0.02)


def check_log(where: Site, parties: Parties) -> None:
    """The whole log verifies from outside, and every disclosure that was ever stored stands in it."""
    vkey = parties.nav.trust().log
    Vkey.parse(vkey)
    mirror = where.directory / "mirror"
    key = where.directory / "nav.jwk"
    where.keys[NAV].save(key)
    assert audit_cli.main(["mirror", where.issuer_url, str(mirror), "--key", str(key)]) == 0
    assert audit_cli.main(["verify", str(mirror), "--vkey", vkey]) == 0
    engine = create_engine(where.database_url)
    missing = (
        "SELECT count(*) FROM disclosure WHERE leaf_hash NOT IN (SELECT leaf_hash FROM log_entry)"
    )
    with engine.connect() as connection:
        assert connection.execute(text(missing)).scalar_one() == 0
        assert connection.execute(text("SELECT count(*) FROM disclosure")).scalar_one() > 0
    engine.dispose()


@pytest.fixture
def parties(tmp_path: Path) -> Iterator[Parties]:
    """A site whose parties are enrolled and whose first deposit and consent are in place."""
    where = site(tmp_path / "site")
    with serving(where):
        made = Parties(where)
        made.prepare()
    yield made
    made.close()


@pytest.mark.slow
@pytest.mark.parametrize("step", [3, 4, 5, 6, 7])
def test_a_broker_killed_at_any_step_loses_nothing_and_shares_nothing_unlogged(
    parties: Parties, step: int
) -> None:
    """A power cut must not be a way to learn something unseen, or to lose a youth's answer."""
    rng = random.Random(step)
    points = [point for point, of in POINTS.items() if of == step]
    killable = Killable(parties.site)
    heard, told = Heard(), Counter[str]()
    try:
        for _ in range(KILLS):
            killable.start(rng.choice(points), nth=rng.randrange(1, 10))
            check(parties, heard)
            told.update(heard.counted())
            heard = Heard()
            killable.arm()
            parties.talk(heard)
            assert os.WTERMSIG(killable.status()) == signal.SIGKILL
        assert told.total() > KILLS, "the broker hardly said anything before it died"
        assert min(told.values()) > 0, told
        killable.start("never", nth=1)
        check(parties, heard)
        check_log(parties.site, parties)
        killable.kill()
        killable.status()
    finally:
        killable.close()
