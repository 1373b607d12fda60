"""``tillit-audit watch`` and ``proof``: a log followed from outside, and one entry of it proven.

The attacks are made on real logs; the witness is written from the specification and served over HTTP.
"""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from audit import cli
from audit.commands.watch import Watcher
from audit.errors import SourceUnavailable
from audit.sources import DirectorySource
from audit.storage import log_checkpoint
from audit.watching import Sighting, look
from audit.witnessing import Witnessing
from tests.logs import ORIGIN, Clock, Log, opened
from tests.witness import Witness, listening
from tillit.notes import VerifiedCheckpoint, sign_checkpoint, sign_note
from tillit.proof_files import ProofFile
from tillit.quorums import Policy

SIZE = 300


@pytest.fixture
def log(sqlite_url: str) -> Iterator[Log]:
    """A log of a little more than one tile."""
    with opened(sqlite_url) as log:
        log.grow(SIZE)
        yield log


@pytest.fixture
def home(log: Log, tmp_path: Path) -> Path:
    """What it serves, as files."""
    return log.export(tmp_path / "served")


def seen(
    log: Log, home: Path, before: VerifiedCheckpoint | None = None, policy: Policy | None = None
) -> Sighting:
    """One look at what is served."""
    return look(DirectorySource(home), log.vkey, now=log.clock(), before=before, policy=policy)


def kinds(sighting: Sighting) -> list[str]:
    """What was found."""
    return [alarm.kind for alarm in sighting.alarms]


def sign(log: Log, home: Path, size: int, root: bytes) -> None:
    """What only the holder of the key can do: serve any head."""
    note = sign_checkpoint(origin=ORIGIN, size=size, root=root, key=log.key, at=log.clock())
    (home / "checkpoint").write_text(note)


def test_a_log_that_goes_on_is_no_alarm(log: Log, home: Path) -> None:
    """At once, later, and when nothing has happened; only a few tiles are read."""
    first = seen(log, home)
    assert (kinds(first), first.keep, first.head) == ([], True, log.checkpoint())
    assert kinds(seen(log, home, first.head)) == []
    log.grow(250)
    log.export(home)
    (home / "tile" / "entries" / "000").unlink()
    second = seen(log, home, first.head)
    assert (kinds(second), second.keep) == ([], True)
    empty = VerifiedCheckpoint(ORIGIN, 0, b"", None, "")
    assert kinds(seen(log, home, empty)) == []


def test_a_rollback_is_an_alarm(log: Log, home: Path) -> None:
    """Fewer entries than before, or an older head of as many."""
    first = seen(log, home).head
    log.grow(1)
    later = log.checkpoint()
    rolled = seen(log, home, later)
    assert (kinds(rolled), rolled.keep) == (["rollback"], False)
    log.clock.forward(61)
    log.sequencer.run_once()
    again = log.checkpoint()
    (home / "checkpoint").write_text(later.note)
    assert kinds(seen(log, home, again)) == ["rollback"]
    assert first is not None


def test_a_fork_is_an_alarm(log: Log, home: Path) -> None:
    """Two trees of one size, or one that does not begin with what was seen."""
    first = log.checkpoint()
    forged = VerifiedCheckpoint(ORIGIN, SIZE, bytes(32), first.at, "")
    assert kinds(seen(log, home, forged)) == ["fork"]
    log.grow(5)
    log.export(home)
    assert kinds(seen(log, home, forged)) == ["fork"]
    assert kinds(seen(log, home, first)) == []


def test_tiles_that_do_not_add_up_are_an_alarm(log: Log, home: Path) -> None:
    """Missing, short, or not those of the tree that is signed."""
    first = log.checkpoint()
    log.grow(5)
    log.export(home)
    whole, partial = home / "tile" / "0" / "000", home / "tile" / "0" / "001.p" / "49"
    good = partial.read_bytes()
    for bad in (bytes(len(good)), good[:-32]):
        partial.write_bytes(bad)
        assert kinds(seen(log, home, first)) == ["damaged"]
    partial.unlink()
    assert kinds(seen(log, home, first)) == ["damaged"]
    partial.write_bytes(good)
    assert kinds(seen(log, home, first)) == []
    assert whole.is_file()


def test_times_that_cannot_be_are_alarms(log: Log, home: Path) -> None:
    """A log that stands still, one ahead of its time, one that does not say."""
    head = log.checkpoint()
    log.clock.forward(301)
    assert kinds(seen(log, home)) == ["stale"]
    log.clock.now -= timedelta(days=1)
    assert kinds(seen(log, home)) == ["postdated"]
    text = head.note.partition("\n\n")[0] + "\n"
    (home / "checkpoint").write_text(sign_note(text, name=ORIGIN, key=log.key))
    assert kinds(seen(log, home)) == ["untimed"]
    (home / "checkpoint").write_text(head.note.replace(f"\n{SIZE}\n", "\n7\n"))
    wrong = seen(log, home)
    assert (kinds(wrong), wrong.head, wrong.keep) == (["signature"], None, False)
    (home / "checkpoint").unlink()
    with pytest.raises(SourceUnavailable):
        seen(log, home)


def test_a_head_that_its_witnesses_have_not_seen_is_an_alarm(log: Log, home: Path) -> None:
    """Too few, too long ago, or a line that does not hold."""
    witness = Witness("witness.example/w1", ORIGIN, log.vkey.public_key)
    policy = Policy.parse(f"witness w {witness.vkey}\nquorum w\n")
    note = log.checkpoint().note
    body, now = note.partition("\n\n")[0] + "\n", int(log.clock().timestamp())
    lone = seen(log, home, policy=policy)
    assert (kinds(lone), lone.keep) == (["unwitnessed"], False)
    (home / "checkpoint").write_text(note + witness.cosign(body, now))
    good = seen(log, home, policy=policy)
    assert (kinds(good), len(good.cosignatures)) == ([], 1)
    (home / "checkpoint").write_text(note + witness.cosign(body, now - 3600))
    assert kinds(seen(log, home, policy=policy)) == ["unwitnessed"]
    (home / "checkpoint").write_text(note + witness.cosign("other\n", now))
    assert kinds(seen(log, home, policy=policy)) == ["cosignature"]


def test_a_fork_shown_to_two_viewers_is_found(
    log: Log, home: Path, postgres_url: str, tmp_path: Path
) -> None:
    """One log for the auditor, another for the youth, both signed: the witness cosigns one of them, and no more.

    Whoever asks for its cosignature finds out; so does whoever has seen both.
    """
    with contextlib.ExitStack() as stack:
        other = stack.enter_context(opened(postgres_url))
        other.key, other.clock, other.appended = log.key, Clock(), 1000
        other.grow(SIZE)
        witness = Witness("witness.example/w1", ORIGIN, log.vkey.public_key)
        witness.clock = lambda: log.clock().timestamp()
        url = stack.enter_context(listening(witness))
        policy = Policy.parse(f"witness w {witness.vkey} {url}\nquorum w\n")
        client = stack.enter_context(httpx.Client(trust_env=False))
        shown = []
        for each, where in ((log, home), (other, other.export(tmp_path / "other"))):
            each.clock.now = log.clock()
            cosigning = Witnessing(
                each.engine, log=lambda: log.vkey, policy=policy, clock=each.clock
            )
            cosigned = cosigning.run_once("w", client)
            with contextlib.suppress(FileNotFoundError):
                body = each.checkpoint().note.partition("\n\n")[0] + "\n"
                line = witness.cosign(body) if cosigned else ""
                (where / "checkpoint").write_text(each.checkpoint().note + line)
            shown.append((cosigned, seen(each, where, policy=policy)))
        assert [(cosigned, kinds(sight)) for cosigned, sight in shown] == [
            (True, []),
            (False, ["unwitnessed"]),
        ]
        assert witness.refusals == [409, 409]
        both = seen(other, tmp_path / "other", shown[0][1].head)
        assert kinds(both) == ["fork"]


class Said:
    """What a watcher tells."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    def __call__(self, _: object, kind: str, detail: str) -> None:
        """Remember it."""
        self.events.append((kind, detail))


def test_each_thing_is_said_once_and_again_when_it_is_over(
    log: Log, home: Path, tmp_path: Path
) -> None:
    """Evidence of what does not fit is kept beside what was seen before."""
    said, state = Said(), tmp_path / "state"
    watcher = Watcher(
        DirectorySource(home),
        log.vkey,
        policy=None,
        state=state,
        stale=timedelta(minutes=5),
        before=None,
        tell=said,
        clock=log.clock,
    )
    watcher.look()
    watcher.look()
    kept = (state / "checkpoint").read_text()
    assert kept == log.checkpoint().note
    good = (home / "checkpoint").read_bytes()
    sign(log, home, SIZE, bytes(32))
    watcher.look()
    watcher.look()
    assert (watcher.worst, (state / "checkpoint").read_text()) == (1, kept)
    (evidence,) = state.glob("evidence-*")
    assert evidence.read_bytes() == (home / "checkpoint").read_bytes()
    (home / "checkpoint").write_bytes(good)
    watcher.look()
    (home / "checkpoint").unlink()
    watcher.look()
    assert said.events == [
        ("head", f"{ORIGIN}: {SIZE} entries"),
        ("fork", f"two different trees of {SIZE} entries are signed"),
        ("over", "fork"),
        ("unreachable", "there is no checkpoint"),
    ]
    assert watcher.worst == 1


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    code = cli.main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_watch_on_the_command_line(
    log: Log, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line an event, exit codes for scripts, what was seen kept for the next time."""
    state, witnesses = tmp_path / "state", tmp_path / "witnesses"
    asked = ["watch", home, "--vkey", log.vkey, "--state", state, "--once", "--stale", "99999999"]
    code, out, err = run(capsys, *asked)
    assert (code, out.partition(" ")[2], err) == (0, f"head: {ORIGIN}: {SIZE} entries\n", "")
    assert run(capsys, *asked)[1] == ""
    sign(log, home, SIZE - 1, bytes(32))
    code, out, _ = run(capsys, *asked)
    assert (code, "ALARM rollback: the log had 300 entries and has 299" in out) == (1, True)
    code, out, _ = run(capsys, *asked, "--json")
    event = json.loads(out)
    assert (code, event["ok"], event["event"]) == (1, False, "rollback")
    witnesses.write_text("quorum none\n")
    log.export(home)
    assert run(capsys, *asked, "--witnesses", witnesses)[0] == 0
    witnesses.write_text("quorum\n")
    code, _, err = run(capsys, *asked, "--witnesses", witnesses)
    assert (code, "--witnesses: line 1" in err) == (2, True)
    (home / "checkpoint").unlink()
    code, out, _ = run(capsys, *asked, "--json")
    assert (code, json.loads(out)["ok"]) == (2, None)
    for wrong in ("0", "nan", "soon"):
        with pytest.raises(SystemExit):
            cli.main(["watch", str(home), "--vkey", str(log.vkey), "--every", wrong])


def test_watch_follows_until_it_is_interrupted(log: Log, home: Path) -> None:
    """As a service does: what happens while it runs is told at once, and the exit code tells it again."""
    command = ["-m", "audit.cli", "watch", home, "--vkey", log.vkey, "--every", "0.05"]
    process = subprocess.Popen(
        [sys.executable, *map(str, command), "--stale", "99999999"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert f"{SIZE} entries" in process.stdout.readline()
        log.run(update(log_checkpoint).values(size=SIZE))
        sign(log, home, SIZE, bytes(32))
        assert "ALARM fork" in process.stdout.readline()
        time.sleep(0.1)
        process.send_signal(2)
        process.stdout.read()
        assert process.wait(30) == 1
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def test_a_proof_is_fetched_from_tiles_and_checked_from_the_file(
    log: Log, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By place or by hash; the file says so again with no log beside it."""
    promised = log.append(1)[0]
    log.sequencer.run_once()
    log.export(home)
    file = tmp_path / "entry.tlog-proof"
    for which in (("--index", SIZE), ("--leaf-hash", promised.leaf_hash.hex())):
        code, out, _ = run(capsys, "proof", home, "--vkey", log.vkey, *which)
        assert (code, ProofFile.parse(out).index) == (0, SIZE)
        file.write_text(out)
        code, out, _ = run(capsys, "proof", file, "--vkey", log.vkey)
        assert code == 0
        assert f"Holds: entry {SIZE} of {SIZE + 1} in {ORIGIN}\n  disclosure.released at" in out
    first = run(capsys, "proof", home, "--vkey", log.vkey, "--index", 0)[1]
    leaf = json.loads(ProofFile.parse(first).extra or b"")["leaf"]
    file.write_text(first.replace("index 0", "index 1"))
    code, _, err = run(capsys, "proof", file, "--vkey", log.vkey)
    assert (code, err.startswith("wrong: verification.proof_invalid"), "at" in leaf) == (
        1,
        True,
        True,
    )


def test_proofs_that_cannot_be_had(
    log: Log, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is not there says nothing; what is there and wrong is wrong; witnesses are asked for where one says so."""
    asked = ["proof", home, "--vkey", log.vkey]
    for which in (("--index", SIZE), ("--index", -1), ("--leaf-hash", "00" * 32)):
        code, _, err = run(capsys, *asked, *which)
        assert (code, "no such entry" in err) == (2, True)
    assert run(capsys, *asked, "--leaf-hash", "xyz")[0] == 2
    witness = Witness("witness.example/w1", ORIGIN, b"")
    witnesses = tmp_path / "witnesses"
    witnesses.write_text(f"witness w {witness.vkey}\nquorum w\n")
    code, out, err = run(capsys, *asked, "--index", 0, "--witnesses", witnesses)
    assert (code, out, "verification.not_witnessed" in err) == (1, "", True)
    bundle = home / "tile" / "entries" / "000"
    good = bundle.read_bytes()
    for bad in (good[:-1], b"\0\1\xff" * 256):
        bundle.write_bytes(bad)
        code, _, err = run(capsys, *asked, "--index", 0)
        assert (code, "holds no whole entries" in err) == (1, True)
    (home / "checkpoint").unlink()
    assert run(capsys, *asked, "--index", 0)[0] == 2
