"""The demo's child processes: the broker, the login and the services' clients, each ended by its pid."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO, Any, Self, TypeVar

import httpx

STOP_SECONDS = 10.0
READY_SECONDS = 60.0
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_POLL_SECONDS = 0.05


class ChildFailed(Exception):
    """A child process ended or could not do something. ``log`` says where to look."""

    def __init__(self, what: str, log: Path) -> None:
        super().__init__(what)
        self.log = log


class Child:
    """One child process in a session of its own, so that Ctrl-C reaches only the storyteller.

    Its standard error goes to ``log``; its standard output too, unless ``piped``.
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        log: Path,
        directory: Path,
        environment: Mapping[str, str],
        piped: bool = False,
    ) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as sink:
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and modules
                [sys.executable, "-m", *arguments],
                cwd=directory,
                env={**inherited(), **environment},
                stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
                stdout=subprocess.PIPE if piped else sink,
                stderr=sink,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    def ended(self) -> bool:
        """Whether it has ended by itself."""
        return self.process.poll() is not None

    def stop(self) -> None:
        """End it by its pid: politely, then for good."""
        self._close(self.process.stdin)
        if not self.ended():
            self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        # Only now: a thread that waits for a line of it holds what it would be closed with.
        self._close(self.process.stdout)

    @staticmethod
    def _close(stream: IO[bytes] | None) -> None:
        if stream is not None:
            with suppress(OSError):
                stream.close()


def inherited() -> dict[str, str]:
    """The environment without settings of a broker that may be configured in this shell."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TILLIT_")}


class ServiceProcess(Child):
    """A client process that acts for one service, or for several, told what to do one JSON line at a time."""

    def __init__(
        self, name: str, units: Sequence[str], *, url: str, directory: Path, log: Path
    ) -> None:
        """``directory`` has one of each unit's own."""
        super().__init__(
            name,
            ["broker.demo.service", "--url", url, *units],
            log=log,
            directory=directory,
            environment={},
            piped=True,
        )
        self._turn = threading.Lock()

    def do(
        self, act: str, *, progress: Callable[[int], None] = lambda _: None, **arguments: Any
    ) -> Any:
        """Have it do something, and wait for what it reports. Threads take turns.

        Raises:
            ChildFailed: it could not, or it is gone.
        """
        with self._turn:
            self.tell(act, **arguments)
            return self.hear(progress=progress)

    def tell(self, act: str, **arguments: Any) -> None:
        """Have it begin something. Raises ``ChildFailed`` when it is gone."""
        line = json.dumps({"do": act, **arguments}) + "\n"
        assert self.process.stdin is not None  # noqa: S101 - piped
        try:
            self.process.stdin.write(line.encode())
            self.process.stdin.flush()
        except (OSError, ValueError) as error:  # its end, or ours
            raise ChildFailed(f"{self.name} has ended", self.log) from error

    def hear(self, *, progress: Callable[[int], None] = lambda _: None) -> Any:
        """Wait for the report on what it was told. Raises ``ChildFailed``."""
        for said in self._lines():
            if "progress" in said:
                progress(said["progress"])
            elif "failed" in said:
                raise ChildFailed(f"{self.name}: {said['failed']}", self.log)
            else:
                return said["done"]
        raise ChildFailed(f"{self.name} has ended", self.log)

    def _lines(self) -> Iterator[dict[str, Any]]:
        assert self.process.stdout is not None  # noqa: S101 - piped
        try:
            for line in iter(self.process.stdout.readline, b""):
                yield json.loads(line)
        except ValueError as error:  # stopped in the middle of a line
            raise ChildFailed(f"{self.name} has ended", self.log) from error


_Child = TypeVar("_Child", bound=Child)


class Children:
    """Every child of one demo; leaving the context ends them all, the last started first."""

    def __init__(self) -> None:
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with _deaf():
            for child in reversed(self._children):
                child.stop()

    def start(self, make: Callable[[], _Child]) -> _Child:
        """Start one and take responsibility for it, with no moment between in which Ctrl-C would leave it behind."""
        with _put_off():
            child = make()
            self._children.append(child)
        return child

    def check(self) -> None:
        """Raises ``ChildFailed`` when one has ended by itself."""
        for child in self._children:
            if child.ended():
                raise ChildFailed(f"{child.name} has ended", child.log)


@contextmanager
def _handled(by: Callable[[int, FrameType | None], None] | signal.Handlers) -> Iterator[None]:
    """Have signals that end the demo handled so meanwhile."""
    before = {number: signal.signal(number, by) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _deaf() -> AbstractContextManager[None]:
    """Ctrl-C is not heard meanwhile, so that a second one leaves no child behind."""
    return _handled(signal.SIG_IGN)


@contextmanager
def _put_off() -> Iterator[None]:
    """Ctrl-C is heard after this, if it came meanwhile."""
    came: list[int] = []
    with _handled(lambda number, _: came.append(number)):
        yield
    for number in came:
        signal.raise_signal(number)


def wait_until_ready(url: str, broker: Child) -> None:
    """Wait until the broker is ready. Raises ``ChildFailed`` when it ends or takes too long."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if broker.ended():
            raise ChildFailed("the broker has ended", broker.log)
        with suppress(httpx.HTTPError):
            if httpx.get(f"{url}/readyz", timeout=2.0).is_success:
                return
        time.sleep(_POLL_SECONDS)
    raise ChildFailed("the broker did not become ready", broker.log)


def free_port(wanted: int) -> int:
    """The wanted port of the loopback interface when it is free, else any free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port on the loopback interface")
