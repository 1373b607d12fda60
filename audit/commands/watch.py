"""``tillit-audit watch``: follow a log, and say at once when something is wrong with it."""

import argparse
import contextlib
import hashlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from audit.commands import given
from audit.commands.saying import HOLDS, UNCHECKED, WRONG
from audit.errors import SourceUnavailable
from audit.files import write
from audit.sources import Source
from audit.watching import STALE, Alarm, Sighting, look
from tillit.notes import VerifiedCheckpoint, Vkey
from tillit.quorums import Policy


def declare(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command."""
    watch = commands.add_parser(
        "watch", parents=[common], help="follow a log; alarm on fork, rollback, standstill"
    )
    watch.add_argument("source", metavar="SOURCE", help="broker URL, or mirrored directory")
    watch.add_argument("--vkey", required=True, help="the log's vkey, or a file that holds it")
    watch.add_argument(
        "--witnesses", metavar="FILE", help="who must have seen it: C2SP tlog-policy"
    )
    watch.add_argument("--state", metavar="DIR", type=Path, help="remember what was seen here")
    watch.add_argument("--every", type=_seconds, default=30.0, metavar="SECONDS")
    stale = STALE.total_seconds()
    watch.add_argument(
        "--stale", type=_seconds, default=stale, metavar="SECONDS", help="alarm after"
    )
    watch.add_argument("--once", action="store_true", help="look once and end")
    watch.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Watch until interrupted, or once; the exit code tells the worst that was seen."""
    vkey = given.vkey(options.vkey)
    policy = given.policy(options.witnesses) if options.witnesses else None
    kept = options.state / "checkpoint" if options.state else None
    before = given.since(str(kept), vkey) if kept and kept.exists() else None
    with given.source(options) as source:
        watcher = Watcher(
            source,
            vkey,
            policy=policy,
            state=options.state,
            stale=timedelta(seconds=options.stale),
            before=before,
            tell=_as_json if options.json else _as_line,
        )
        with contextlib.suppress(KeyboardInterrupt):
            watcher.look()
            while not options.once:
                time.sleep(options.every)
                watcher.look()
    return watcher.worst


@dataclass
class Watcher:
    """Looks again and again. What is wrong is said when it begins to be, and when it is over; a log that grew is said too."""

    source: Source
    vkey: Vkey
    policy: Policy | None
    state: Path | None
    stale: timedelta
    before: VerifiedCheckpoint | None
    tell: Callable[[datetime, str, str], None]
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    worst: int = HOLDS
    wrong: dict[str, str] = field(default_factory=dict)

    def look(self) -> None:
        """Look once, and say what is new."""
        now = self.clock()
        try:
            seen = look(
                self.source,
                self.vkey,
                now=now,
                before=self.before,
                policy=self.policy,
                stale=self.stale,
            )
        except SourceUnavailable as wrong:
            self._alarmed(now, (Alarm("unreachable", wrong.detail),))
            self.worst = self.worst or UNCHECKED
            return
        if seen.alarms:
            self.worst = WRONG
            self._keep_evidence(seen)
        self._alarmed(now, seen.alarms)
        if seen.keep and seen.head is not None:
            self._remember(now, seen, seen.head)

    def _alarmed(self, now: datetime, alarms: tuple[Alarm, ...]) -> None:
        found = {alarm.kind: alarm.detail for alarm in alarms}
        for kind, detail in found.items():
            if kind not in self.wrong:
                self.tell(now, kind, detail)
        for kind in self.wrong:
            if kind not in found:
                self.tell(now, "over", kind)
        self.wrong = found

    def _remember(self, now: datetime, seen: Sighting, head: VerifiedCheckpoint) -> None:
        if self.before is None or head.size != self.before.size:
            by = f", seen by {len(seen.cosignatures)} witnesses" if self.policy else ""
            self.tell(now, "head", f"{head.origin}: {head.size} entries{by}")
        self.before = head
        if self.state is not None:
            write(self.state / "checkpoint", head.note.encode())

    def _keep_evidence(self, seen: Sighting) -> None:
        """A head that does not fit convicts its log only beside the one that it does not fit: both are kept."""
        if self.state is not None and not seen.keep:
            data = seen.note.encode()
            write(self.state / f"evidence-{hashlib.sha256(data).hexdigest()[:16]}", data)


def _as_line(at: datetime, kind: str, detail: str) -> None:
    word = kind if kind in {"head", "over"} else f"ALARM {kind}"
    print(f"{at.isoformat(timespec='seconds')} {word}: {detail}", flush=True)


def _as_json(at: datetime, kind: str, detail: str) -> None:
    ok = {"head": True, "over": True, "unreachable": None}.get(kind, False)
    event = {"at": at.isoformat(timespec="seconds"), "ok": ok, "event": kind, "detail": detail}
    sys.stdout.write(json.dumps(event, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 10**8:
        raise argparse.ArgumentTypeError("a number of seconds above 0")
    return seconds
