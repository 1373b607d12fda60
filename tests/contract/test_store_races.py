"""The store under concurrency: whoever gets there first, nothing is released late and nothing is skipped."""

import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from broker.domain.consents import Consent
from broker.domain.ids import DisclosureId, GrantId, PersonKey, SubjectId
from broker.errors import Contended
from broker.store.sql import SqlStore
from broker.stored import Remembered
from tests.consenting import EMIL as EMIL_SIGNS
from tests.consenting import NOW, active
from tests.databases import ORIGIN
from tests.stored import EMIL, NAV, OT, SCHOOL, add_subjects, event, item

LATER = NOW + timedelta(hours=1)
SOON = 0.3
ROOT = Path(__file__).parents[2]
WAIT = 20.0


@pytest.fixture
def consent(store: SqlStore) -> Consent:
    """An active consent in the store."""
    made = active()
    with store.write() as tx:
        add_subjects(tx)
        tx.add_consent(made)
    return made


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Threads to run transactions in."""
    with ThreadPoolExecutor(16) as pool:
        yield pool


@contextmanager
def worker(url: str, act: str, consent: Consent) -> Iterator["subprocess.Popen[str]"]:
    """Another process at the same database."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.store_worker", url, act, consent.id, str(consent.version)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def says(process: "subprocess.Popen[str]") -> list[str]:
    """The next line of a worker's."""
    assert process.stdout is not None
    return process.stdout.readline().split()


def tell(process: "subprocess.Popen[str]") -> None:
    """Let a worker go on."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def withdraw(store: SqlStore, consent: Consent) -> int:
    """Withdraw, and say when that returned."""
    withdrawn, _ = consent.withdraw(at=LATER, by=EMIL_SIGNS)
    with store.write() as tx:
        tx.save_consent(withdrawn, was=consent.version)
    return time.monotonic_ns()


def is_waiting(running: Future[int]) -> bool:
    """Whether it has not come back after a while."""
    time.sleep(SOON)
    return not running.done()


def test_a_withdrawal_waits_for_another_process_that_is_releasing(
    store: SqlStore, database_url: str, consent: Consent, threads: ThreadPoolExecutor
) -> None:
    """It returns only when nothing is being released any more, and then nothing is."""
    with worker(database_url, "hold", consent) as other:
        assert says(other) == ["held"]
        withdrawal = threads.submit(withdraw, store, consent)
        assert is_waiting(withdrawal)
        tell(other)
        withdrawal.result(WAIT)
    with store.hold([(consent.id, consent.version)]) as tx:
        assert tx is None


def test_a_release_waits_for_a_withdrawal_in_another_process(
    store: SqlStore, database_url: str, consent: Consent
) -> None:
    """While the withdrawal commits, the release waits, and then may not."""
    withdrawn, _ = consent.withdraw(at=LATER, by=EMIL_SIGNS)
    answer: list[list[str]] = []
    with worker(database_url, "hold", consent) as other:
        reader = threading.Thread(target=lambda: answer.append(says(other)))
        with store.write() as tx:
            tx.save_consent(withdrawn, was=consent.version)
            reader.start()
            time.sleep(SOON)
            # It may have started late, but it has not been told that it may.
            assert answer in ([], [["refused"]])
        reader.join(WAIT)
        assert answer == [["refused"]]


def test_a_process_that_dies_while_releasing_holds_nothing(
    store: SqlStore, database_url: str, consent: Consent, threads: ThreadPoolExecutor
) -> None:
    """Kill -9 at that moment leaves nobody waiting."""
    with worker(database_url, "hold", consent) as other:
        assert says(other) == ["held"]
        withdrawal = threads.submit(withdraw, store, consent)
        assert is_waiting(withdrawal)
        other.kill()
        withdrawal.result(WAIT)


@pytest.mark.slow
def test_nothing_is_released_after_a_withdrawal_has_returned(
    store: SqlStore, database_url: str, consent: Consent
) -> None:
    """Two processes release as fast as they can; none does so later than the withdrawal's return."""
    with (
        worker(database_url, "release", consent) as one,
        worker(database_url, "release", consent) as two,
    ):
        assert says(one) == says(two) == ["ready"]
        time.sleep(1)
        returned = withdraw(store, consent)
        for last, count in (map(int, says(one)), map(int, says(two))):
            assert 0 < last < returned
            assert count > 0


def test_two_may_release_on_one_consent_at_once(
    store: SqlStore, consent: Consent, threads: ThreadPoolExecutor
) -> None:
    """Holds are for changes to wait, not for each other (SQLite lets them take turns)."""
    named = [(consent.id, consent.version)]

    def release(_: int) -> bool:
        with store.hold(named) as tx:
            return tx is not None

    assert all(threads.map(release, range(40)))


def test_of_concurrent_changes_of_one_version_one_wins(
    store: SqlStore, consent: Consent, threads: ThreadPoolExecutor
) -> None:
    """The others are told that they have lost, and change nothing."""

    def change(_: int) -> bool:
        try:
            withdraw(store, consent)
        except Contended:
            return False
        return True

    assert sum(threads.map(change, range(8))) == 1


def test_a_single_use_grant_is_used_by_one_of_many(
    store: SqlStore, consent: Consent, threads: ThreadPoolExecutor
) -> None:
    """Once is once, however many ask at the same time."""

    def use(number: int) -> bool:
        with store.write() as tx:
            return tx.use_grant(consent.id, 2, GrantId("g1"), DisclosureId(f"dis_{number}"))

    assert sum(threads.map(use, range(8))) == 1


def test_concurrent_calls_with_one_key_are_answered_once(
    store: SqlStore, threads: ThreadPoolExecutor
) -> None:
    """Whoever loses tries again and finds the answer."""

    def call(number: int) -> str:
        mine = Remembered(b"h" * 32, str(number))
        try:
            with store.write() as tx:
                if (prior := tx.remembered("nav", "k")) is not None:
                    return prior.answer
                tx.remember("nav", "k", mine, at=NOW)
        except Contended:
            return call(number)
        return mine.answer

    assert len(set(threads.map(call, range(8)))) == 1


def test_concurrent_resolutions_of_one_person_make_one_subject(
    store: SqlStore, threads: ThreadPoolExecutor
) -> None:
    """The second finds the first's."""

    def resolve(number: int) -> SubjectId:
        person = PersonKey("f" * 64)
        try:
            with store.write() as tx:
                found = tx.subject_by_person(person)
                if found is None:
                    found = SubjectId(f"sub_{number}")
                    tx.add_subject(found, person, at=NOW)
                return found
        except Contended:
            return resolve(number)

    assert len(set(threads.map(resolve, range(8)))) == 1


def test_concurrent_deposits_of_the_same_fields_all_get_in(
    store: SqlStore, consent: Consent, threads: ThreadPoolExecutor
) -> None:
    """In whatever order a deposit lists its fields, two never wait for each other."""
    fields = ["education.grades", "education.wishes", "work.cv"]
    numbers = itertools.count(1)
    deposits = [
        [item(next(numbers), field=field) for field in order]
        for order in (fields, fields[::-1]) * 6
    ]

    def deposit(items: list[object]) -> None:
        with store.write() as tx:
            tx.add_records(consent.subject, SCHOOL, items, at=NOW)  # type: ignore[arg-type]

    list(threads.map(deposit, deposits))
    with store.read() as tx:
        assert {len(found) for found in tx.newest(EMIL, fields).values()} == {1}


def follow(store: SqlStore, stop: Callable[[], bool]) -> list[int]:
    """Read a feed by cursor as a service does, until told to stop and it is at the end."""
    seen: list[int] = []
    while True:
        stopping = stop()
        with store.read() as tx:
            page = tx.events(NAV, after=seen[-1] if seen else 0, limit=7)
        seen += [told.id for told in page]
        if stopping and not page:
            return seen


def test_a_reader_of_a_feed_never_skips_an_event(
    store: SqlStore, threads: ThreadPoolExecutor
) -> None:
    """Transactions commit in any order; below a cursor that was handed out nothing appears later."""
    writers, rounds = 6, 25
    done = threading.Event()

    def write(number: int) -> None:
        for turn in range(rounds):
            with store.write() as tx:
                first, second = (NAV, OT) if (number + turn) % 2 else (OT, NAV)
                tx.add_event(first, event(number))
                # The longer ago an event was added, the likelier that others commit meanwhile.
                time.sleep(0.001 * (number % 3))
                tx.add_event(second, event(number))

    reader = threads.submit(follow, store, done.is_set)
    list(threads.map(write, range(writers)))
    done.set()
    seen = reader.result(WAIT)
    with store.read() as tx:
        everything = [told.id for told in tx.events(NAV, after=0, limit=10_000)]
    assert len(everything) == writers * rounds
    assert seen == everything


def test_an_event_of_a_late_commit_comes_after_those_that_were_read(
    postgres_url: str, threads: ThreadPoolExecutor
) -> None:
    """Added first, committed last: it stands last; SQLite has one writer at a time anyway."""
    store = SqlStore(postgres_url, origin=ORIGIN)

    def quick() -> list[int]:
        with store.write() as tx:
            tx.add_event(NAV, event(2))
        with store.read() as tx:
            return [told.id for told in tx.events(NAV, after=0, limit=9)]

    with store.write() as slow:
        slow.add_event(NAV, event(1))
        (read,) = threads.submit(quick).result(WAIT)
    with store.read() as tx:
        told = tx.events(NAV, after=0, limit=9)
    store.close()
    assert [each.at for each in told] == [event(2).at, event(1).at]
    assert read == told[0].id < told[1].id
