"""After a withdrawal has returned nothing is released on that consent, by any process.

Two broker processes on one PostgreSQL, as replicas. The asks are the SDK's own, so what counts as
released is what a service could open.
"""

import asyncio
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from broker.demo.people import EMIL, NAV, SCHOOL
from broker.demo.person import Browser
from tests.processes import Site, free_port, serving, site
from tillit import Actor, AsyncClient, Invalid, Retries, Subject
from tillit.wire import ConsentView

ASKS = 10_000
CONCURRENT = 48
RACES = 12
ACTOR = Actor(id="a1", role="veileder")
LARVIK = "ungdomsutvalget-larvik"
FIELDS = ["education.grades", "functioning.daily_rhythm"]


@dataclass
class Replicas:
    """Two processes of one site, with a deposit about Emil, and Emil."""

    where: Site
    urls: tuple[str, str]
    emil: Browser
    subject: Subject
    deposited: list[str] = field(default_factory=list)

    def consented(self) -> ConsentView:
        """A consent that Emil has answered with yes, through the first process."""
        with self.where.client(NAV, self.urls[0], retries=4) as nav:
            asked = nav.request_consent(
                self.subject,
                services=[NAV, SCHOOL],
                purposes=["case_discussion"],
                categories=["education", "functioning"],
                collaboration=LARVIK,
                actor=ACTOR,
            )
        seen = self.emil.consent(asked.id)
        return self.emil.answer(seen, {grant.id: "yes" for grant in seen.grants})


@pytest.fixture
def replicas(tmp_path: Path, postgres_url: str) -> Iterator[Replicas]:
    """Two running processes on one PostgreSQL."""
    where = site(tmp_path / "site", postgres_url)
    with ExitStack() as stack:
        first = stack.enter_context(serving(where))
        second = stack.enter_context(serving(where, port=free_port()))
        nav = stack.enter_context(where.client(NAV))
        school = stack.enter_context(where.client(SCHOOL))
        school.deposit(
            school.subject(national_id=EMIL.national_id),
            {FIELDS[0]: {"English": "5"}, FIELDS[1]: "up at noon"},
            observed_at=datetime.now(UTC),
            basis="measured",
            author_role="laerer",
        )
        emil = where.browser(EMIL.national_id)
        stack.callback(emil.close)
        subject = nav.subject(national_id=EMIL.national_id)
        yield Replicas(where, (first.url, second.url), emil, subject)


@dataclass(frozen=True)
class Asked:
    """When an ask was put and answered (monotonic seconds), and what came of it."""

    begun: float
    ended: float
    outcome: str
    values: int


async def _ask(client: AsyncClient, subject: Subject) -> Asked:
    begun = time.monotonic()
    try:
        answer = await client.ask(
            subject, FIELDS, purpose="case_discussion", collaboration=LARVIK, actor=ACTOR
        )
    except Invalid as gone:
        # Recorded just before the withdrawal, and not handed out any more.
        return Asked(begun, time.monotonic(), gone.code, 0)
    return Asked(begun, time.monotonic(), answer.outcome, len(answer.values))


def _never(_: list[Asked]) -> bool:
    return False


async def _ask_all(
    replicas: Replicas, number: int, *, enough: Callable[[list[Asked]], bool] = _never
) -> list[Asked]:
    """Ask over both processes, ``CONCURRENT`` at a time: so many in all, or until it is enough."""
    left = iter(range(number))
    results: list[Asked] = []
    async with AsyncExit(replicas) as clients:

        async def work(client: AsyncClient) -> None:
            for _ in left:
                results.append(await _ask(client, replicas.subject))
                if enough(results):
                    return

        await asyncio.gather(*(work(clients[n % 2]) for n in range(CONCURRENT)))
    return results


class AsyncExit:
    """One client per process, closed on leaving."""

    def __init__(self, replicas: Replicas) -> None:
        self._clients = [
            AsyncClient(url, service=NAV, key=replicas.where.keys[NAV], retries=Retries(attempts=6))
            for url in replicas.urls
        ]

    async def __aenter__(self) -> list[AsyncClient]:
        return self._clients

    async def __aexit__(self, *_: object) -> None:
        for client in self._clients:
            await client.close()


@pytest.mark.slow
def test_after_withdrawal_ten_thousand_asks_over_two_processes_release_nothing(
    replicas: Replicas,
) -> None:
    """A withdrawal that works a little later is not one."""
    consent = replicas.consented()
    before = asyncio.run(_ask_all(replicas, CONCURRENT))
    assert Counter(ask.outcome for ask in before) == {"released": CONCURRENT}
    withdrawn = replicas.emil.withdraw(consent)
    assert withdrawn.state == "withdrawn"
    asked = asyncio.run(_ask_all(replicas, ASKS))
    assert Counter(ask.outcome for ask in asked) == {"refused": ASKS}
    assert sum(ask.values for ask in asked) == 0


@pytest.mark.slow
def test_asks_put_while_it_is_withdrawn_release_nothing_after_it_returned(
    replicas: Replicas,
) -> None:
    """An ask already under way when the youth says stop must not be handed out once that has returned."""
    released = 0
    for _ in range(RACES):
        consent = replicas.consented()
        asked, returned = asyncio.run(_race(replicas, consent))
        released += sum(ask.outcome == "released" for ask in asked)
        late = [ask for ask in asked if ask.begun > returned]
        assert late, "nothing was asked after the withdrawal"
        assert {ask.outcome for ask in late} == {"refused"}
        assert {ask.outcome for ask in asked} <= {"released", "refused", "disclosure.gone"}
    assert released > 0, "nothing was released before the withdrawals either"


async def _race(replicas: Replicas, consent: ConsentView) -> tuple[list[Asked], float]:
    """Ask without pause, withdraw once some were answered; gives the asks, and when the withdrawal returned."""
    returned, answered, under_way = math.inf, random.randint(1, 4 * CONCURRENT), asyncio.Event()

    def enough(asked: list[Asked]) -> bool:
        if len(asked) >= answered:
            under_way.set()
        return sum(ask.begun > returned for ask in asked[-CONCURRENT:]) >= CONCURRENT // 2

    asking = asyncio.create_task(_ask_all(replicas, ASKS, enough=enough))
    await under_way.wait()
    await asyncio.to_thread(replicas.emil.withdraw, consent)
    returned = time.monotonic()
    return await asking, returned
