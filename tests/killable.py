"""A broker that kills itself at a chosen point of a disclosure's way (design.md § 3, steps 3 to 7).

    python -m tests.killable

The parent imports everything once and forks a child per line of standard input, which is
``{"port": …, "point": …, "nth": …}``, ``{"part": "sequencer"}`` for a process that only sequences, or
``{"part": "custodian", "arguments": …}`` for ``tillit-custodian``. The first is the real application on
real ports, each wrapped to send the process SIGKILL, which nothing can catch, when the point is reached
for the nth time after SIGUSR1. The parent answers with ``{"pid": …}`` and, when the child is dead,
``{"status": …}``.
"""

import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from threading import Event
from typing import Any, NoReturn

import uvicorn

from audit.sequencer import Sequencer
from broker import compose, settings
from broker.api import app
from broker.api.log import Log
from broker.domain.decisions import Decision
from broker.domain.facts import Facts
from broker.engine import bundle
from broker.ports import Ports
from broker.store.sql import SqlStore
from keys.cli import main as custodian_cli

# Point → the step of design.md § 3 it lies in. A point is named where it is reached, below.
POINTS: Mapping[str, int] = {
    "tx.subject_of": 3,
    "tx.consents_of": 3,
    "tx.newest": 3,
    "engine.before": 4,
    "engine.after": 4,
    "tx.append": 5,
    "tx.add_disclosure": 5,
    "tx.add_records": 5,
    "tx.save_consent": 5,
    "tx.remember": 5,
    "commit.before": 5,
    "commit.after": 5,
    "hold.before": 6,
    "tx.sealed": 6,
    "release.before": 6,
    "release.after": 6,
    "admit.after": 6,
    "answer.before": 7,
    "answer.head": 7,
    "answer.half": 7,
    "answer.after": 7,
}


class Fuse:
    """Kills this process when its point is reached for the nth time after it was armed."""

    def __init__(self, point: str, nth: int) -> None:
        self._point = point
        self._left = nth
        self._armed = False

    def arm(self, *_: object) -> None:
        """Begin to count."""
        self._armed = True

    def reach(self, point: str) -> None:
        """Count, and at the nth time die."""
        if self._armed and point == self._point:
            self._left -= 1
            if self._left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)


class Burning:
    """Anything, with fuses at some of its methods: before each call, and after it where named so."""

    def __init__(self, inner: Any, fuse: Fuse, points: Mapping[str, tuple[str, str]]) -> None:
        self._inner = inner
        self._fuse = fuse
        self._points = points

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in self._points:
            return found
        before, after = self._points[name]

        def called(*arguments: Any, **named: Any) -> Any:
            self._fuse.reach(before)
            answer = found(*arguments, **named)
            self._fuse.reach(after)
            return answer

        return called


_TRANSACTION = {
    point.removeprefix("tx."): (point, "") for point in POINTS if point.startswith("tx.")
}


class BurningStore:
    """The store, with fuses in its transactions and around their commit."""

    def __init__(self, inner: SqlStore, fuse: Fuse) -> None:
        self._inner = inner
        self._fuse = fuse

    @contextmanager
    def write(self) -> Iterator[Any]:
        """A transaction of the real store."""
        with self._inner.write() as tx:
            yield Burning(tx, self._fuse, _TRANSACTION)
            self._fuse.reach("commit.before")
        self._fuse.reach("commit.after")

    @contextmanager
    def read(self) -> Iterator[Any]:
        """A snapshot of the real store."""
        with self._inner.read() as tx:
            yield Burning(tx, self._fuse, _TRANSACTION)

    @contextmanager
    def hold(self, consents: Sequence[Any]) -> Iterator[Any]:
        """Hold consents of the real store."""
        self._fuse.reach("hold.before")
        with self._inner.hold(consents) as tx:
            yield None if tx is None else Burning(tx, self._fuse, _TRANSACTION)


class BurningEngine(Burning):
    """The policy engine, with fuses around a decision."""

    def decide(self, facts: Facts) -> Decision:
        """Decide, or die before or after."""
        self._fuse.reach("engine.before")
        decision: Decision = self._inner.decide(facts)
        self._fuse.reach("engine.after")
        return decision


class BurningAnswers:
    """The application, with fuses before, inside and after each answer to a POST."""

    def __init__(self, inner: Any, fuse: Fuse) -> None:
        self._inner = inner
        self._fuse = fuse

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._inner(scope, receive, send)
            return

        async def burning(message: Any) -> None:
            if message["type"] == "http.response.start":
                self._fuse.reach("answer.before")
                await send(message)
                self._fuse.reach("answer.head")
                return
            body = message.get("body", b"")
            half = len(body) // 2
            await send({**message, "body": body[:half], "more_body": True})
            self._fuse.reach("answer.half")
            await send({**message, "body": body[half:]})

        await self._inner(scope, receive, burning)
        self._fuse.reach("answer.after")


def serve(policies: bundle.Bundle, *, port: int, fuse: Fuse) -> None:
    """Compose the application as ``broker.compose`` does, on ports with fuses, and serve it."""
    chosen = settings.read()
    keyring = compose.custodian(chosen)
    secrets = compose.secrets(chosen)
    store = compose.opened(chosen, keyring)
    sequencer = Sequencer(store.engine, origin=chosen.origin, signer=secrets.log, clock=compose.now)
    real = Ports(
        store=store,
        engine=compose.engine(chosen, policies),
        custodian=keyring,
        secrets=secrets,
        register=compose.register(chosen, secrets),
        catalogue=policies.catalogue,
        clock=compose.now,
        randomness=os.urandom,
        origin=chosen.origin,
        issuer=chosen.issuer,
    )
    around = {"release": ("release.before", "release.after"), "admit": ("", "admit.after")}
    custodian: Any = Burning(keyring, fuse, around)
    engine: Any = BurningEngine(real.engine, fuse, {})
    ports = replace(real, store=BurningStore(store, fuse), engine=engine, custodian=custodian)
    application = app.create(
        ports,
        chosen,
        log=Log(store.engine.connect, sequencer.head),
        background=(sequencer.run_forever,),
    )
    uvicorn.run(
        BurningAnswers(application, fuse),
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
    )


def sequence() -> NoReturn:
    """Sequence the log until killed, with nothing else in the process."""
    chosen = settings.read()
    store = SqlStore(chosen.database, origin=chosen.origin)
    signer = compose.secrets(chosen).log
    sequencer = Sequencer(store.engine, origin=chosen.origin, signer=signer, clock=compose.now)
    sequencer.run_forever(Event())
    os._exit(1)


def _say(what: Mapping[str, int]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Fork a child per line, until there is none."""
    policies = bundle.load(settings.read().policies_dir)
    for line in sys.stdin:
        told = json.loads(line)
        child = os.fork()
        if child == 0:
            if told.get("part") == "sequencer":
                sequence()
            if told.get("part") == "custodian":
                os._exit(custodian_cli(told["arguments"]))
            fuse = Fuse(told["point"], told["nth"])
            signal.signal(signal.SIGUSR1, fuse.arm)
            serve(policies, port=told["port"], fuse=fuse)
            os._exit(0)
        _say({"pid": child})
        _, status = os.waitpid(child, 0)
        _say({"status": status})
    return 0


if __name__ == "__main__":
    sys.exit(main())
