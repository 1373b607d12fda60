"""Killing: parts of the broker as processes that can be killed and started again within moments.

``tests.killable`` is the process at the other end.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from tests.architecture.sources import ROOT
from tests.processes import Site, wait_until, wait_until_ready


class Killable:
    """The process that forks brokers which kill themselves, or parts that are killed from outside."""

    def __init__(self, where: Site, *, port: int | None = None) -> None:
        self._site = where
        self.port = port or int(where.issuer_url.rpartition(":")[2])
        self._log = where.directory / f"killable-{self.port}.log"
        with self._log.open("ab") as sink:
            self._parent = subprocess.Popen(
                [sys.executable, "-m", "tests.killable"],
                cwd=ROOT,
                env={**os.environ, **where.environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=sink,
                text=True,
                start_new_session=True,
            )
        self._child = 0

    def start(self, point: str, nth: int) -> None:
        """Start a broker that, once armed, dies when it reaches the point for the nth time."""
        self._tell({"port": self.port, "point": point, "nth": nth})
        self._child = self._hear()["pid"]
        wait_until_ready(self.url, lambda: True, log=self._log)

    def start_sequencer(self) -> None:
        """Start a process that sequences the log and does nothing else."""
        self._tell({"part": "sequencer"})
        self._child = self._hear()["pid"]

    def start_custodian(self, arguments: list[str], answers: Callable[[], bool]) -> None:
        """Start ``tillit-custodian`` with these arguments, and wait until it answers."""
        self._tell({"part": "custodian", "arguments": arguments})
        self._child = self._hear()["pid"]
        wait_until(answers, alive=lambda: True, log=self._log)

    @property
    def url(self) -> str:
        """Where the broker answers."""
        return f"http://127.0.0.1:{self.port}"

    def arm(self) -> None:
        """Let it count from now on."""
        os.kill(self._child, signal.SIGUSR1)

    def kill(self) -> None:
        """Kill it from outside."""
        os.kill(self._child, signal.SIGKILL)

    def kill_now(self) -> None:
        """Kill it from outside, and see that it died of that."""
        self.kill()
        assert os.WTERMSIG(self.status()) == signal.SIGKILL

    def status(self) -> int:
        """Wait until it is dead; gives its wait status."""
        status: int = self._hear()["status"]
        self._child = 0
        return status

    def close(self) -> None:
        """End the parent, and a child that a failed test left behind."""
        if self._child:
            os.kill(self._child, signal.SIGKILL)
        for stream in (self._parent.stdin, self._parent.stdout):
            assert stream is not None
            stream.close()
        self._parent.terminate()
        self._parent.wait(10)

    def _tell(self, what: dict[str, Any]) -> None:
        assert self._parent.stdin is not None
        self._parent.stdin.write(json.dumps(what) + "\n")
        self._parent.stdin.flush()

    def _hear(self) -> dict[str, Any]:
        assert self._parent.stdout is not None
        line = self._parent.stdout.readline()
        assert line, self._log.read_text(errors="replace")
        heard: dict[str, Any] = json.loads(line)
        return heard
