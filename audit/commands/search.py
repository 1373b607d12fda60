"""``tillit-audit search``: entries by time and facets, as a broker finds them, each held against its leaf."""

import argparse
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from audit.commands import given
from audit.commands.saying import HOLDS, progress
from audit.facets import KINDS, TYPE, is_word
from tillit.wire.auditing import AuditedEvent

MOST = 1000


def declare(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command."""
    search = commands.add_parser(
        "search", parents=[common], help="find entries by time, type and what they are found by"
    )
    search.add_argument("source", metavar="URL", help="broker URL")
    filters(search)
    search.add_argument(
        "--most", metavar="N", type=_count, default=MOST, help=f"at most so many; {MOST}"
    )
    search.set_defaults(run=run)


def filters(parser: argparse.ArgumentParser) -> None:
    """The flags that say what is searched for."""
    for kind in (TYPE, *KINDS):
        parser.add_argument(f"--{kind}", metavar="WORD", type=_word, help=f"only of this {kind}")
    parser.add_argument("--since", metavar="TIME", type=_instant, help="not before (RFC 3339)")
    parser.add_argument("--until", metavar="TIME", type=_instant, help="before (RFC 3339)")
    parser.add_argument(
        "--after", metavar="INDEX", type=int, default=-1, help="after the entry at this index"
    )


def query(options: argparse.Namespace) -> Mapping[str, str]:
    """What the flags ask for, as the broker takes it."""
    words = {kind: getattr(options, kind) for kind in (TYPE, *KINDS)}
    times = {"since": options.since, "until": options.until}
    return {
        **{kind: word for kind, word in words.items() if word is not None},
        **{name: at.isoformat() for name, at in times.items() if at is not None},
    }


def run(options: argparse.Namespace) -> int:
    """Search, and say what was found."""
    with given.auditor(options) as auditor, progress("entries searched") as told:
        found = list(
            auditor.events(query(options), after=options.after, most=options.most, progress=told)
        )
    if options.json:
        events = [event.model_dump(mode="json") for event in found]
        print(json.dumps({"ok": True, "events": events}, ensure_ascii=False, indent=2))
        return HOLDS
    for event in found:
        print(line(event))
    full = f"; go on with --after {found[-1].index}" if len(found) == options.most else ""
    print(f"{len(found)} entries{full}")
    return HOLDS


def line(event: AuditedEvent) -> str:
    """One event in a line."""
    words = "  ".join(f"{kind}={','.join(said)}" for kind, said in event.facets.items())
    return f"{event.index:>9}  {event.at.isoformat()}  {event.type:<20}  {words}".rstrip()


def _word(text: str) -> str:
    if not is_word(text):
        raise argparse.ArgumentTypeError("not a word that entries are found by")
    return text


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("not a time; write 2026-11-23T09:00:00Z") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("a number, at least 1")
    return int(text)
