"""The demo as a reader runs it: from a fresh directory, twice, beside another one, stopped at any time."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from broker.demo.larvik import municipality
from broker.demo.people import EMIL, MENTAL_HEALTH
from broker.demo.processes import Child, Children
from broker.demo.records import records
from broker.demo.story import CHAPTERS
from tests.processes import free_port
from tests.vectors import verifier

PATIENCE = 180.0
CHAPTER = re.compile(r"^(\d+)\. ", re.MULTILINE)
PROCESS = re.compile(r": process (\d+)")


@contextmanager
def demo(directory: Path, *arguments: str) -> Iterator["Demo"]:
    """A running demo of the twelve, in a session of its own; ended on leaving."""
    output = directory / f"output-{time.monotonic_ns()}"
    with output.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "broker.demo", "--youths", "12", *arguments],
            cwd=directory,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "100"},
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Demo(process, output)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(30)


class Demo:
    """A demo's process and what it has said so far."""

    def __init__(self, process: "subprocess.Popen[bytes]", output: Path) -> None:
        self._process = process
        self._output = output

    def said(self) -> str:
        """Everything so far."""
        return self._output.read_text(encoding="utf-8")

    def children(self) -> list[int]:
        """The processes it has named."""
        return [int(pid) for pid in PROCESS.findall(self.said())]

    def until(self, text: str) -> None:
        """Wait until it has said something."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.said():
            assert self._process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.02)

    def end(self) -> int:
        """Wait for its end; gives the exit code."""
        return self._process.wait(PATIENCE)

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _told_whole(text: str) -> None:
    chapters = [int(number) for number in CHAPTER.findall(text)]
    assert chapters == list(range(1, len(CHAPTERS) + 2))


@pytest.mark.slow
def test_once_tells_the_whole_story_and_leaves_nothing_running(tmp_path: Path) -> None:
    """The first thing anybody runs must work, end, and clean up."""
    with demo(tmp_path, "--once", "--port", str(free_port())) as running:
        assert running.end() == 0, running.said()
    text = running.said()
    _told_whole(text)
    assert text.lstrip("╭─╮│ \n").startswith("DEMO MODE. Synthetic people")
    for promised in (
        "consent.none",
        "consent.no_grant",
        "consent.withdrawn",
        "Oppfølgingstjenesten",
        "notice.dropout",
        "tillit-audit verify",
        "Holds",
        "one bit of the copy flipped",
    ):
        assert promised in text, promised
    # The broker, the two logins and four services.
    assert len(running.children()) == 7
    assert not any(_alive(pid) for pid in running.children())
    # What the story says is not shared is not on the screen, nor anyone's number.
    assert _diagnosis() not in text
    numbers = [youth.national_id for youth in municipality(seed=2026, youths=12).youths]
    assert EMIL.national_id in numbers
    assert [number for number in numbers if number in text] == []


def _diagnosis() -> str:
    """What Emil's therapist wrote."""
    written = records(EMIL, MENTAL_HEALTH, seed=2026, now=datetime.now(UTC))
    return next(str(one.value) for one in written if one.field == "health.diagnosis")


@pytest.mark.slow
def test_two_run_beside_each_other_and_again(tmp_path: Path) -> None:
    """A second demo takes another port and says so; each has a run directory of its own."""
    port = str(free_port())
    with demo(tmp_path, "--port", port) as first:
        first.until("broker: process")
        with demo(tmp_path, "--once", "--port", port) as second:
            assert second.end() == 0, second.said()
        assert f"port {port} is taken; this demo listens on" in second.said()
        first.until("What to try next")
    _told_whole(second.said())
    _told_whole(first.said())
    assert len(list((tmp_path / ".run").iterdir())) == 2


@pytest.mark.slow
def test_it_goes_on_serving_and_what_it_says_to_try_works(tmp_path: Path) -> None:
    """Advice that does not work is worse than none; Ctrl-C is the ordinary end."""
    with demo(tmp_path, "--port", str(free_port())) as running:
        running.until("Ctrl-C")
        running.until("cases.json")
        lines = running.said().splitlines()
        commands = [line for line in lines if "tillit-audit verify" in line and "--vkey" in line]
        assert len(commands) == 1
        tried = subprocess.run(
            shlex.split(commands[0]),
            cwd=tmp_path,
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert tried.returncode == 0, tried.stderr
        assert "Holds" in tried.stdout
        vkey = shlex.split(commands[0])[shlex.split(commands[0]).index("--vkey") + 1]
        (mirror,) = tmp_path.glob(".run/*/log-mirror")
        assert verifier.log(mirror, vkey)["types"]["disclosure"] > 0
        running.signal(signal.SIGINT)
        assert running.end() == 0
    assert not any(_alive(pid) for pid in running.children())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("run directory", signal.SIGINT),
        ("broker: process", signal.SIGTERM),
        ("3. Nav asks", signal.SIGINT),
    ],
)
def test_stopped_at_any_time_it_stops_its_children(
    tmp_path: Path, moment: str, number: signal.Signals
) -> None:
    """A forgotten broker would hold its port, and the next demo would wonder."""
    with demo(tmp_path, "--port", str(free_port())) as running:
        running.until(moment)
        running.signal(number)
        assert running.end() == 130
    assert not any(_alive(pid) for pid in running.children())
    assert "Traceback" not in running.said()


def test_stopped_while_it_starts_a_child_it_stops_that_one_too(tmp_path: Path) -> None:
    """A signal that comes after the process is there and before anybody has noted it waits."""
    made: list[Child] = []

    def interrupted() -> Child:
        serve = ["http.server", "0", "--bind", "127.0.0.1"]
        log = tmp_path / "child.log"
        made.append(Child("a child", serve, log=log, directory=tmp_path, environment={}))
        signal.raise_signal(signal.SIGINT)
        return made[0]

    with pytest.raises(KeyboardInterrupt), Children() as children:
        children.start(interrupted)
    assert made[0].ended()


@pytest.mark.slow
def test_when_the_broker_dies_it_says_so_and_where_the_logs_are(tmp_path: Path) -> None:
    """A failure names its step and the logs, and is no success to whoever scripted it."""
    with demo(tmp_path, "--port", str(free_port())) as running:
        running.until("What to try next")
        with suppress(ProcessLookupError):
            os.kill(running.children()[0], signal.SIGKILL)
        assert running.end() == 1
    text = running.said()
    assert "failed while serving: the broker has ended" in text
    assert re.search(r"logs of every process are in \.run/demo-\S+/logs/", text)
    assert not any(_alive(pid) for pid in running.children())


def test_a_place_where_nothing_can_be_written_is_said(tmp_path: Path) -> None:
    """Before anything is started."""
    (tmp_path / ".run").write_text("a file")
    with demo(tmp_path, "--once") as running:
        assert running.end() == 1
    assert "failed while finding a port and a directory" in running.said()
    assert "Traceback" not in running.said()


@pytest.mark.parametrize(
    "wrong", [["--youths", "3"], ["--port", "99999"], ["--seed", "x"], ["--tell"]]
)
def test_wrong_arguments_are_explained(tmp_path: Path, wrong: list[str]) -> None:
    """Exit code 2 and a usage line, as of any command."""
    with demo(tmp_path, "--once", *wrong) as running:
        assert running.end() == 2
    assert "usage: make demo" in running.said()
