"""Witnessing on SQLite and PostgreSQL, against witnesses written from the specification and served over HTTP.

What is shown is what enough of them have cosigned, whoever is slow, down, killed or wrong.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest
from sqlalchemy import delete, select, update

from audit import reads, witnessing
from audit.errors import NoCheckpoint
from audit.storage import log_checkpoint, log_head, log_witness
from audit.submissions import SubmissionFailed, submit
from audit.witnessing import Witnessing
from tests.logs import ORIGIN, Log, opened
from tests.witness import Witness, listening
from tillit.notes import VerifiedCheckpoint, open_checkpoint
from tillit.quorums import Policy, Witnessed


@dataclass
class Watched:
    """A log with three witnesses, of whom two are enough."""

    log: Log
    witnesses: dict[str, Witness]
    policy: Policy
    client: httpx.Client

    @property
    def witnessing(self) -> Witnessing:
        """One more process that has the log cosigned."""
        return Witnessing(
            self.log.engine,
            log=lambda: self.log.vkey,
            policy=self.policy,
            clock=self.log.clock,
        )

    def ask(self, *names: str) -> list[bool]:
        """Have each of these cosign what is offered."""
        return [self.witnessing.run_once(name, self.client) for name in names]

    def served(self) -> VerifiedCheckpoint:
        """What the world is shown, verified."""
        with self.log.engine.connect() as connection:
            note = reads.checkpoint(connection, witnessed=True)
        return open_checkpoint(note, self.log.vkey)

    def witnessed(self) -> Witnessed:
        """Who has cosigned that."""
        return self.policy.check(self.served().note, log=self.log.vkey)


@pytest.fixture
def watched(database_url: str) -> Iterator[Watched]:
    """A log of ten entries that no witness has seen."""
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(opened(database_url))
        log.grow(10)
        witnesses, lines = {}, ""
        for name in ("a", "b", "c"):
            each = Witness(f"witness.example/{name}", ORIGIN, log.vkey.public_key)
            each.clock = lambda: log.clock().timestamp()
            witnesses[name] = each
            lines += f"witness {name} {each.vkey} {stack.enter_context(listening(each))}\n"
        policy = Policy.parse(f"{lines}group two 2 a b c\nquorum two\n")
        client = stack.enter_context(httpx.Client(trust_env=False))
        yield Watched(log, witnesses, policy, client)


def said(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    """What an operator reads."""
    return [each.getMessage() for each in caplog.records if each.levelno == level]


def test_nothing_is_shown_before_enough_have_cosigned(watched: Watched) -> None:
    """A monitor never sees a head that only the log has signed, nor a proof under one."""
    promised = watched.log.grow(1)[0]
    assert watched.ask("a") == [True]
    with pytest.raises(NoCheckpoint):
        watched.served()
    with watched.log.engine.connect() as connection:
        assert reads.inclusion(connection, promised.leaf_hash, witnessed=True) is None
    assert watched.ask("b") == [True]
    assert (watched.served().size, watched.witnessed().missing) == (11, ("c",))
    with watched.log.engine.connect() as connection:
        proof = reads.inclusion(connection, promised.leaf_hash, witnessed=True)
    assert proof is not None
    assert proof.checkpoint == watched.served().note
    watched.served().check_inclusion(leaf_hash=promised.leaf_hash, index=10, path=proof.path)


def test_a_late_cosignature_is_added_to_what_is_shown(watched: Watched) -> None:
    """More witnesses than needed are welcome; asked again about the same, they are left alone."""
    assert watched.ask("a", "b", "c", "c") == [True, True, True, False]
    assert watched.witnessed().missing == ()
    assert watched.served().note.count("witness.example/c") == 1


def test_what_is_shown_stays_until_the_next_is_cosigned(watched: Watched) -> None:
    """An entry that is not witnessed yet is not proven yet; those before are."""
    watched.ask("a", "b")
    first = watched.served()
    promised = watched.log.grow(300)[-1]
    assert watched.ask("a") == [True]
    assert watched.served() == first
    with watched.log.engine.connect() as connection:
        assert reads.inclusion(connection, promised.leaf_hash, witnessed=True) is None
    assert watched.ask("c") == [True]
    assert watched.served().size == 310
    assert watched.witnesses["c"].asked == [(0, 310)]
    assert watched.witnesses["a"].asked == [(0, 10), (10, 310)]


def test_all_are_asked_about_one_tree_however_fast_the_log_grows(watched: Watched) -> None:
    """Cosignatures of different trees would never add up."""
    watched.ask("a")
    watched.log.grow(5)
    assert watched.ask("b") == [True]
    assert watched.served().size == 10
    watched.ask("a", "b")
    assert watched.served().size == 15


def test_a_checkpoint_signed_again_is_cosigned_again(watched: Watched) -> None:
    """A log that stands still stays fresh, with the witnesses' time as well."""
    watched.ask("a", "b")
    watched.log.clock.forward(61)
    watched.log.sequencer.run_once()
    watched.ask("a", "b")
    times = [each.at for each in watched.witnessed().cosignatures]
    assert (watched.served().size, min(times)) == (10, watched.log.clock().replace(microsecond=0))


def test_a_witness_that_has_seen_more_than_we_remember(watched: Watched) -> None:
    """Killed between its answer and our commit: the witness says how far it is, and goes on from there (409)."""
    watched.ask("a", "b", "c")
    watched.log.run(delete(log_witness))
    watched.log.run(delete(log_head))
    assert watched.ask("a", "b") == [True, True]
    assert watched.witnesses["a"].asked == [(0, 10), (0, 10), (10, 10)]
    watched.log.grow(7)
    watched.log.run(update(log_witness).values(size=3))
    watched.ask("a", "b")
    assert watched.witnesses["a"].asked[-2:] == [(3, 17), (10, 17)]
    assert watched.served().size == 17


def test_a_witness_that_is_down_is_left_alone_for_a_while(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    """Longer each time, and it holds up nobody; when it is back, it cosigns."""
    down = watched.witnesses["a"]
    down.broken = 503
    waits = []
    for _ in range(9):
        assert watched.ask("a") == [False]
        with watched.log.engine.connect() as connection:
            row = connection.execute(select(log_witness.c.failures, log_witness.c.free_at)).one()
        assert watched.ask("a") == [False]
        waits.append(row.failures)
        watched.log.clock.forward(120)
    assert waits == list(range(1, 10))
    assert set(said(caplog, logging.WARNING)) == {"witness a: HTTP 503"}
    assert len(said(caplog, logging.WARNING)) == 9
    assert watched.ask("b", "c") == [True, True]
    assert watched.witnessed().missing == ("a",)
    down.broken = None
    watched.log.clock.forward(120)
    assert watched.ask("a") == [True]
    assert watched.witnessed().missing == ()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "no good cosignature"),
        (b"garbage", "no good cosignature"),
        (b"\xff\n", "not text"),
        (b"\n\xe2\x80\x94 x AAAAAAA=\n", "no signature lines"),
        (b"\xe2\x80\x94 " + b"x" * 70_000, "too large"),
    ],
)
def test_an_answer_that_is_none_is_not_kept(
    watched: Watched, caplog: pytest.LogCaptureFixture, answer: bytes, why: str
) -> None:
    """Nothing that a witness says gets into the checkpoint but its own good line."""
    watched.witnesses["a"].answer = answer
    assert watched.ask("a") == [False]
    assert why in said(caplog, logging.WARNING)[0]
    assert watched.ask("b", "c") == [True, True]
    assert watched.witnessed().missing == ("a",)


def test_only_the_witnesss_own_line_is_taken_from_its_answer(watched: Watched) -> None:
    """It may send others', which count for nothing."""
    stranger = Witness("witness.example/x", ORIGIN, b"")
    a = watched.witnesses["a"]
    watched.ask("b")
    body = watched.log.checkpoint().note.partition("\n\n")[0] + "\n"
    a.answer = (stranger.cosign(body) + a.cosign(body)).encode()
    assert watched.ask("a") == [True]
    assert "witness.example/x" not in watched.served().note
    assert watched.witnessed().missing == ("c",)


@pytest.mark.parametrize(
    ("origin", "key", "why"),
    [
        ("log.example/oslo", None, "does not know this log"),
        (ORIGIN, bytes(32), "does not know this log's key"),
    ],
)
def test_a_witness_that_does_not_know_the_log_says_so(
    watched: Watched, caplog: pytest.LogCaptureFixture, origin: str, key: bytes | None, why: str
) -> None:
    """What an operator has to arrange with the witness is read in the broker's log."""
    a = watched.witnesses["a"]
    a.origin, a.log_key = origin, key or a.log_key
    assert watched.ask("a") == [False]
    assert said(caplog, logging.WARNING) == [f"witness a: it {why}"]


def test_a_conflict_that_names_no_size_is_no_answer(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    """There is nothing to go on from; it is asked again later."""
    watched.witnesses["a"].broken = 409
    assert watched.ask("a") == [False]
    assert said(caplog, logging.WARNING) == ["witness a: a conflict that names no size"]


def test_an_answer_that_does_not_end_is_given_up(watched: Watched) -> None:
    """A witness that sends a byte now and then holds up its own thread for a bounded time."""
    note = watched.log.checkpoint().note
    url = watched.policy.urls["a"]
    with pytest.raises(SubmissionFailed, match="does not end"):
        submit(watched.client, url, old=0, path=(), checkpoint=note, deadline=-1)


def test_another_tree_of_the_same_size_is_an_alarm(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    """The witness has cosigned another tree: this database, or that one, is a fork."""
    a = watched.witnesses["a"]
    a.size, a.root = 10, bytes(32)
    assert watched.ask("a") == [False]
    assert a.refusals == [409, 409]
    assert said(caplog, logging.CRITICAL) == [
        "witness a: it has seen another tree of the same size"
    ]


def test_a_tree_that_does_not_continue_the_witnesss_is_an_alarm(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever is proven, the witness starts from another root (422), and does not cosign."""
    a = watched.witnesses["a"]
    a.size, a.root = 7, bytes(32)
    assert watched.ask("a") == [False]
    assert a.refusals == [409, 422]
    assert said(caplog, logging.CRITICAL) == ["witness a: it does not accept the consistency proof"]


def test_a_witness_that_has_seen_a_longer_log_is_an_alarm(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    """A database restored from an old backup: what was cosigned since is gone from it."""
    watched.witnesses["a"].size = 5000
    assert watched.ask("a") == [False]
    assert said(caplog, logging.CRITICAL) == ["witness a: it has seen 5000 entries, of 10"]


def test_an_offer_that_nobody_takes_makes_way_for_a_newer_one(watched: Watched) -> None:
    """A witness that is ahead of it cannot take it; after a while the newest is offered."""
    watched.witnessing.offer()
    grown = watched.log.grow(2)
    assert grown
    a = watched.witnesses["a"]
    ahead = watched.log.checkpoint()
    a.size, a.root = ahead.size, ahead.root
    assert watched.ask("a") == [False]
    watched.log.clock.forward(witnessing.PATIENCE.total_seconds() + 1)
    assert watched.ask("a", "b") == [True, True]
    assert watched.served().size == 12


def test_a_slow_round_does_not_take_back_a_newer_one(watched: Watched) -> None:
    """What is shown never becomes shorter, whoever finishes last."""
    watched.ask("a")
    slow = watched.witnesses["c"]
    slow.delay = 0.5
    late = threading.Thread(target=watched.ask, args=("c",))
    late.start()
    time.sleep(0.2)
    watched.ask("b")
    watched.log.grow(3)
    watched.ask("a", "b")
    assert watched.served().size == 13
    late.join()
    assert watched.served().size == 13
    slow.delay = 0
    assert watched.ask("c") == [True]
    assert watched.witnessed().missing == ()


def test_two_replicas_do_not_ask_one_witness_at_once(watched: Watched) -> None:
    """Whoever is first asks; the other leaves it alone until then, or until the first must be dead."""
    slow = watched.witnesses["a"]
    slow.delay = 0.5
    results: list[bool] = []
    one = threading.Thread(target=lambda: results.extend(watched.ask("a")))
    one.start()
    time.sleep(0.2)
    assert watched.ask("a") == [False]
    one.join()
    assert (results, len(slow.asked)) == ([True], 1)


def test_a_replica_killed_while_it_asks_is_carried_on_from(watched: Watched) -> None:
    """Its claim lapses, and another asks."""
    watched.witnessing.offer()
    lapsing = watched.log.clock() + witnessing.LEASE
    watched.ask("a")
    watched.log.grow(1)
    watched.ask("b")
    watched.log.run(
        update(log_witness).values(
            free_at=lapsing.isoformat(timespec="microseconds").replace("+00:00", "Z")
        )
    )
    assert watched.ask("a", "b") == [False, False]
    watched.log.clock.forward(witnessing.LEASE.total_seconds())
    assert watched.ask("a", "b") == [True, True]
    assert watched.served().size == 11


def test_what_was_changed_in_the_database_is_not_shown(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    """A cosignature is verified again with the whole note before the world sees it."""
    watched.ask("a")
    line = watched.witnesses["a"].cosign("another text\n")
    watched.log.run(update(log_witness).values(line=line))
    assert watched.ask("b") == [True]
    assert "changed in the database" in said(caplog, logging.CRITICAL)[0]
    with pytest.raises(NoCheckpoint):
        watched.served()


def test_an_empty_log_is_not_offered(watched: Watched) -> None:
    """Everything continues it: a cosignature of it would show nothing."""
    watched.log.run(update(log_checkpoint).values(size=0))
    assert watched.ask("a") == [False]
    assert watched.witnesses["a"].asked == []


def test_a_running_log_is_cosigned_with_a_witness_slow_and_one_down(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    """All of it together, in its own threads, until it is told to stop; the third witness is nobody's port."""
    closed = f"witness d {Witness('witness.example/d', ORIGIN, b'').vkey} http://127.0.0.1:9\n"
    lines = "".join(
        f"witness {name} {each.vkey} {watched.policy.urls[name]}\n"
        for name, each in watched.witnesses.items()
    )
    watched.policy = Policy.parse(f"{closed}{lines}group two 2 a b c d\nquorum two\n")
    watched.witnesses["c"].delay = 1.0
    stop = threading.Event()
    running = threading.Thread(target=watched.witnessing.run_forever, args=(stop,))
    running.start()
    try:
        wait_until(lambda: _size(watched) == 10)
        watched.log.grow(20)
        wait_until(lambda: _size(watched) == 30)
    finally:
        stop.set()
        running.join(30)
    assert not running.is_alive()
    assert "witness d: ConnectError" in said(caplog, logging.WARNING)


def test_a_database_that_is_gone_is_waited_for(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    """The runner ends when it is told to, and not before."""
    watched.log.run(delete(log_head))
    watched.log.clock.forward(1)
    with watched.log.engine.begin() as connection:
        log_witness.drop(connection)
    stop = threading.Event()
    running = threading.Thread(target=watched.witnessing.run_forever, args=(stop,))
    running.start()
    try:
        wait_until(
            lambda: any("waits for the database" in each for each in said(caplog, logging.WARNING))
        )
        with watched.log.engine.begin() as connection:
            log_witness.create(connection)
        wait_until(lambda: _size(watched) == 10)
    finally:
        stop.set()
        running.join(30)
    assert not running.is_alive()


def _size(watched: Watched) -> int:
    try:
        return watched.served().size
    except NoCheckpoint:
        return 0


def wait_until(holds: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for what happens in other threads."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it does not come to hold"
        time.sleep(0.05)
