"""The release log's files: nothing released is unwritten, nothing written is changed."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keys import files, releases
from keys.errors import KeyringDamaged
from keys.releases import LOCK, ReleaseLog
from keys.warrants import Warranted
from tests.architecture.sources import ROOT
from tillit.jose import b64u
from tillit.notes import open_checkpoint
from tillit.releases import HEAD, Chain, Release, Start, segment_name, vkey

SIGNER = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
AT = datetime(2026, 11, 20, 9, 15, tzinfo=UTC)
KID = b64u(b"k" * 32)
WARRANTED = Warranted(b"l" * 32, b"m" * 32, "nav-larvik")
LONG = 3600.0


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The directory of a log with nothing in it."""
    releases.begin(tmp_path / "releases")
    return tmp_path / "releases"


def opened(home: Path, **changes: Any) -> ReleaseLog:
    """The log, with nothing settled but when told to."""
    given: dict[str, Any] = {"signer": SIGNER, "clock": lambda: AT, "settle_seconds": LONG}
    return ReleaseLog(home, **{**given, **changes})


def add(log: ReleaseLog, count: int = 1) -> int:
    """One more release."""
    return log.append(WARRANTED, kid=KID, count=count)


def read(home: Path) -> tuple[Chain, list[Release]]:
    """The log as an auditor reads it: every segment in order, each told of the one before."""
    chain, found = Chain(), list[Release]()

    def seen(line: Release | Start) -> None:
        if isinstance(line, Release):
            found.append(line)

    for path in sorted(home.glob("*.jsonl")):
        assert path.name == segment_name(chain.segment + 1)
        was = chain.segment
        chain.follow(path.read_bytes(), seen)
        assert chain.segment == was + 1
    return chain, found


def test_every_release_is_in_the_file_when_the_call_returns(home: Path) -> None:
    """Numbered, in order, with nothing about any person."""
    log = opened(home)
    assert [add(log, count) for count in (1, 20, 0)] == [1, 2, 3]
    chain, found = read(home)
    assert [(release.number, release.count) for release in found] == [(1, 1), (2, 20), (3, 0)]
    assert found[0] == Release(1, AT, b"l" * 32, b"m" * 32, KID, 1)
    assert (chain.number, chain.torn) == (3, 0)


def test_beginning_again_changes_nothing(home: Path) -> None:
    """A second start of the same installation keeps what is there."""
    add(opened(home))
    releases.begin(home)
    assert len(read(home)[1]) == 1


def test_full_segments_are_followed_by_others(home: Path) -> None:
    """Files stay small, and the chain runs through all of them."""
    log = opened(home, segment_bytes=1000)
    for _ in range(20):
        add(log)
    chain, found = read(home)
    assert len(found) == 20
    assert chain.segment == len(list(home.glob("*.jsonl"))) == 5
    assert all(path.stat().st_size < 2000 for path in home.glob("*.jsonl"))
    assert add(opened(home, segment_bytes=1000)) == 21


def test_several_writers_share_one_chain(home: Path) -> None:
    """Workers of one broker each have the keyring open."""
    logs = [opened(home, segment_bytes=3000) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda at: add(logs[at % 4]), range(200)))
    assert sorted(numbers) == list(range(1, 201))
    assert [release.number for release in read(home)[1]] == list(range(1, 201))


@pytest.mark.parametrize("cut", [1, 2, 150, 280])
def test_a_torn_line_is_left_and_gone_on_after(home: Path, cut: int) -> None:
    """Whoever died in it had not answered; nothing is cut off or overwritten."""
    log = opened(home)
    for _ in range(3):
        add(log)
    first = home / segment_name(1)
    torn = first.read_bytes()[:-cut]
    first.write_bytes(torn)
    for other in (opened(home), log):
        add(other)
    chain, found = read(home)
    assert first.read_bytes() == torn
    assert chain.segment == 2
    assert [release.number for release in found] == [1, 2, 3, 4]


def test_what_a_power_cut_left_is_gone_on_after(home: Path) -> None:
    """Blocks that never reached the disk read as zeros, with later lines after them."""
    log = opened(home)
    for _ in range(4):
        add(log)
    first = home / segment_name(1)
    data = bytearray(first.read_bytes())
    data[500:700] = bytes(200)
    first.write_bytes(data)
    add(opened(home))
    chain, found = read(home)
    assert (chain.segment, [release.number for release in found]) == (2, [1, 2])


def test_a_running_writer_sees_what_a_dead_one_left(home: Path) -> None:
    """A line torn by another process is found by whoever writes next."""
    log = opened(home)
    add(log)
    with (home / segment_name(1)).open("ab") as file:
        file.write(b'{"at":"2026')
    assert add(log) == 2
    assert read(home)[0].segment == 2


def test_a_disk_that_is_full_releases_nothing(home: Path) -> None:
    """No line, no release; once there is room again it goes on."""
    log = opened(home)
    add(log)
    size = (home / segment_name(1)).stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        for room in (0, 100):
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + room, hard))
            with pytest.raises(OSError, match=r"too large|No space"):
                add(log)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert add(log) == 2
    chain, found = read(home)
    assert (chain.segment, len(found)) == (2, 2)


def test_a_head_is_kept_once_it_lasts(home: Path) -> None:
    """What was signed is on the disk, and a little later by itself."""
    log = opened(home, settle_seconds=0.05)
    add(log)
    until = time.monotonic() + 10
    while not (home / HEAD).exists() and time.monotonic() < until:
        time.sleep(0.01)
    head = open_checkpoint((home / HEAD).read_bytes(), vkey(SIGNER))
    assert (head.size, head.root) == (1, read(home)[0].head)
    add(log)
    assert open_checkpoint(log.settle(), vkey(SIGNER)).size == 2
    log.close()


def test_closing_settles_what_is_not(home: Path) -> None:
    """A stop that was asked for leaves nothing to a power cut; the log can be used again."""
    log = opened(home)
    log.close()
    assert not (home / HEAD).exists()
    add(log)
    log.close()
    assert open_checkpoint((home / HEAD).read_bytes(), vkey(SIGNER)).size == 1
    assert add(log) == 2


def test_an_older_head_never_takes_a_newer_ones_place(home: Path) -> None:
    """Two processes settle in any order; a copy stands for what the quick one sees and the slow one not yet."""
    other = home.with_name("other")
    shutil.copytree(home, other)
    slow, quick = opened(home), opened(other)
    add(slow)
    for _ in range(2):
        add(quick)
    files.put(home / HEAD, quick.settle().encode())
    assert open_checkpoint(slow.settle(), vkey(SIGNER)).size == 1
    assert open_checkpoint((home / HEAD).read_bytes(), vkey(SIGNER)).size == 2


def test_a_log_shorter_than_its_head_is_not_gone_on_with(home: Path) -> None:
    """Taking releases away by hand stops the custodian, it does not pass."""
    log = opened(home)
    for _ in range(3):
        add(log)
    log.close()
    first = home / segment_name(1)
    lines = first.read_bytes().splitlines(keepends=True)
    first.write_bytes(b"".join(lines[:-1]))
    with pytest.raises(KeyringDamaged, match="shorter"):
        add(opened(home))
    (home / HEAD).write_text("not a note")
    assert add(opened(home)) == 3


@pytest.mark.parametrize(
    "spoil",
    [
        lambda home: (home / segment_name(1)).unlink(),
        lambda home: (home / segment_name(1)).write_bytes(b""),
        lambda home: (home / segment_name(1)).write_bytes(b"x" * 100),
        lambda home: (home / segment_name(2)).write_bytes(b"x" * 1000),
        lambda home: (home / segment_name(2)).write_bytes((home / segment_name(1)).read_bytes()),
    ],
    ids=["gone", "empty", "garbage", "garbage after it", "the same after it"],
)
def test_what_is_no_release_log_is_not_written_to(
    home: Path, spoil: Callable[[Path], object]
) -> None:
    """Releases stop until somebody has looked; the files are left for them to see."""
    full = opened(home, segment_bytes=200)
    add(full)
    spoil(home)
    kept = {path: path.read_bytes() for path in home.glob("*.jsonl")}
    for log in (opened(home, segment_bytes=200), full):
        with pytest.raises(KeyringDamaged):
            add(log)
    assert {path: path.read_bytes() for path in home.glob("*.jsonl")} == kept


def test_a_log_that_was_put_back_is_taken_up(home: Path) -> None:
    """A directory exchanged under a running custodian is not written to unseen."""
    log = opened(home)
    add(log)
    away = home.with_name("away")
    home.rename(away)
    with pytest.raises(OSError, match="No such file"):
        add(log)
    away.rename(home)
    assert add(log) == 2
    (home / LOCK).unlink()
    assert add(log) == 3
    assert len(read(home)[1]) == 3


def test_what_cannot_be_made_to_last_is_not_added_to(home: Path) -> None:
    """A disk that fails is noticed by the next release, and again until it works."""
    log = opened(home, settle_seconds=0.01)
    add(log)
    (home / HEAD).unlink(missing_ok=True)
    (home / HEAD).mkdir()
    until = time.monotonic() + 10
    while not log._unsettled and time.monotonic() < until:
        time.sleep(0.01)
    with pytest.raises(OSError, match="directory"):
        add(log)
    (home / HEAD).rmdir()
    assert add(log) == 2
    log.close()


def test_each_release_can_be_made_to_last_at_once(home: Path) -> None:
    """For who would rather wait than lose a second to a power cut."""
    log = opened(home, sync_each=True)
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(lambda _: add(log), range(20))) == list(range(1, 21))
    assert len(read(home)[1]) == 20


def test_a_fork_takes_turns_with_its_parent(home: Path) -> None:
    """A lock that a child inherits would be no lock between the two."""
    log = opened(home)
    add(log)
    child = os.fork()
    if not child:
        try:
            for _ in range(50):
                add(log)
        finally:
            os._exit(0)
    for _ in range(50):
        add(log)
    assert os.waitpid(child, 0)[1] == 0
    chain, found = read(home)
    assert [release.number for release in found] == list(range(1, 102))
    assert chain.segment == 1


WRITER = """
import sys
from pathlib import Path
from tests.unit.test_release_log import add, opened
log = opened(Path(sys.argv[1]), segment_bytes=4000, settle_seconds=0.01)
print("ready", flush=True)
while True:
    print(add(log), flush=True)
"""


def test_a_writer_killed_at_any_moment_leaves_a_log_that_goes_on(home: Path) -> None:
    """Kill -9, twenty times: every release that was answered for is there, once, in order."""
    told: list[int] = []
    for turn in range(20):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(home)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
            killer = threading.Timer(0.01 * turn, writer.kill)
            killer.start()
            told += [int(line) for line in writer.stdout if line.endswith("\n")]
            killer.join()
    assert told
    numbers = [release.number for release in read(home)[1]]
    assert numbers == list(range(1, len(numbers) + 1))
    assert sorted(told) == sorted(set(told))
    assert set(told) <= set(numbers)
    assert add(opened(home)) == len(numbers) + 1
