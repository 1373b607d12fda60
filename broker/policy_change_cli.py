"""The operator's ``tillit-broker policy …`` that change what is decided by: key, sign, impact, load, replay, gaps."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from broker import change, compose
from broker.commands import DOWN, Ends, Mistake, add, add_bare
from broker.domain.decisions import Decision
from broker.domain.facts import Facts
from broker.engine import bundle, signing
from broker.engine.impact import PATIENT_SECONDS, Impact, Line, Tally
from broker.engine.regorus import RegorusEngine
from broker.settings import Settings
from broker.store.sql import SqlStore
from broker.stored import Recorded

NARROWS, WIDENS = 3, 4
_PAGE = 500


def declare(policies: Any) -> None:
    """Add the commands."""
    making = add_bare(policies, "key", key)
    making.add_argument("file", type=Path, metavar="FILE", help="where the key is to lie")
    making.add_argument("--name", required=True, metavar="WHO", help="whose it is")
    signing_ = add_bare(policies, "sign", sign)
    _directory(signing_)
    signing_.add_argument("--key", type=Path, required=True, metavar="FILE", help="your key")
    looking = add(policies, "impact", impact)
    _directory(looking)
    looking.add_argument("--json", action="store_true", help="for machines")
    _directory(add(policies, "load", load))
    again = add(policies, "replay", replay)
    again.add_argument("disclosure", nargs="*", metavar="DISCLOSURE", help="disclosures by id")
    again.add_argument("--all", action="store_true", help="every decision there is")
    add(policies, "gaps", gaps).add_argument("--json", action="store_true", help="for machines")


def key(given: argparse.Namespace) -> None:
    """Make a key of your own for signing policies; prints its public half for the file of signers."""
    try:
        signer = signing.new_signer(given.name, given.file)
    except FileExistsError:
        raise Mistake(f"{given.file} is there already; name a new file") from None
    except signing.SignatureWrong as wrong:
        raise Mistake(str(wrong)) from None
    print(json.dumps(signer.public_jwk()))


def sign(given: argparse.Namespace) -> None:
    """Sign a directory of policies as it is: you have read its files and its tables."""
    policies = bundle.load(given.directory)
    try:
        signer = signing.read_signer(given.key)
        signing.sign(given.directory, signer, digest=policies.digest)
    except signing.SignatureWrong as wrong:
        raise Mistake(str(wrong)) from None
    print(f"{signer.who} has signed version {policies.version}, digest {policies.digest}")


def impact(given: argparse.Namespace, settings: Settings) -> Ends:
    """Replay every recorded decision on a directory of policies: who would gain or lose what."""
    with closing(compose.opened(settings)) as store:
        found = _looked_at(store, given.directory, settings)
    if given.json:
        print(json.dumps(_as_json(found), indent=2))
    else:
        _tell(found)
    if found.impact.widens:
        return WIDENS
    return NARROWS if found.impact.loses else None


def load(given: argparse.Namespace, settings: Settings) -> Ends:
    """Put a directory of policies in force: checked, signed, its impact looked at, and logged."""
    with closing(compose.opened(settings)) as store:
        found = _looked_at(store, given.directory, settings)
        if found.old.digest == found.new.digest:
            print(f"in force already: version {found.new.version}, digest {found.new.digest}")
            return None
        _tell(found)
        try:
            who = change.load(
                store,
                given.directory,
                found,
                signers_file=settings.policy_signers_file,
                demo=settings.mode == "demo",
                at=compose.now(),
            )
        except change.NotLoaded as refused:
            print(f"not loaded: {refused}", file=sys.stderr)
            return DOWN
    print(f"in force: version {found.new.version}, digest {found.new.digest}")
    print(f"signed by: {', '.join(who) or 'nobody (demo)'}")
    return None


def replay(given: argparse.Namespace, settings: Settings) -> Ends:
    """Decide again from the stored facts and the bundle of the time: equal, or how it differs."""
    if given.all == bool(given.disclosure):
        raise Mistake("name disclosures, or --all")
    wanted = set(given.disclosure)
    engines: dict[str, RegorusEngine | None] = {}
    equal = differing = 0
    with closing(compose.opened(settings)) as store:
        for row in _recorded(store):
            if wanted and row.disclosure not in wanted:
                continue
            wanted.discard(row.disclosure)
            said = _again(store, row, engines)
            equal, differing = equal + (not said), differing + bool(said)
            if said or given.disclosure:
                print(f"{row.disclosure}: {said or 'equal'}")
            if given.disclosure and not wanted:
                break
    for missing in sorted(wanted):
        print(f"{missing}: no such disclosure")
    print(f"{equal} equal, {differing} differ")
    return DOWN if differing or wanted else None


def gaps(given: argparse.Namespace, settings: Settings) -> None:
    """What services asked for that no rule knows: what, who, how often."""
    with closing(compose.opened(settings)) as store, store.read() as tx:
        found = tx.gaps()
    if given.json:
        rows = [
            {
                "kind": gap.kind,
                "asked": gap.asked,
                "unit": gap.unit,
                "times": gap.times,
                "first": gap.first_at.isoformat(),
                "last": gap.last_at.isoformat(),
            }
            for gap in found
        ]
        print(json.dumps(rows, indent=2))
        return
    for gap in found:
        print(
            f"{gap.times:>6}  {gap.kind:<18} {gap.asked}  by {gap.unit}, last {gap.last_at:%Y-%m-%d}"
        )
    if not found:
        print("nobody asked for anything unknown")


def _looked_at(store: SqlStore, directory: Path, settings: Settings) -> change.Change:
    """The whole change, with a bar while it is looked at."""
    last: change.Change | None = None
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("decisions", total=_how_many(store))
        for found, size in change.changed(store, directory, (settings.policies_dir,)):
            last = found
            progress.advance(bar, size)
    if last is None:
        raise AssertionError
    return last


def _how_many(store: SqlStore) -> int:
    with store.read() as tx:
        return tx.how_many_recorded()


def _again(store: SqlStore, row: Recorded, engines: dict[str, RegorusEngine | None]) -> str:
    """How a decision differs when it is made again; empty where it does not."""
    stored = Decision.model_validate_json(row.decision)
    digest = stored.policy.digest
    if digest not in engines:
        with store.read() as tx:
            kept = tx.bundle(digest)
        engines[digest] = (
            RegorusEngine(bundle.restored(kept.content, digest), deadline=PATIENT_SECONDS)
            if kept
            else None
        )
    engine = engines[digest]
    if engine is None:
        return f"its bundle {digest} is not kept"
    made = engine.decide(Facts.model_validate_json(row.facts))
    if made == stored:
        return ""
    names = sorted(n for n in stored.fields if stored.fields[n] != made.fields.get(n))
    return f"differs in {', '.join(names) or 'its obligations or how long it stands'}"


def _recorded(store: SqlStore) -> Iterator[Recorded]:
    after = 0
    while True:
        with store.read() as tx:
            page: Sequence[Recorded] = tx.recorded(after=after, limit=_PAGE)
        if not page:
            return
        yield from page
        after = page[-1].position


def _tell(found: change.Change) -> None:
    looked: Impact = found.impact
    print(f"from version {found.old.version}, {found.old.digest}")
    print(f"to version {found.new.version}, {found.new.digest}")
    for name in found.touches:
        print(f"touches {name}")
    for word, shelf in (("gains", looked.gains), ("loses", looked.loses)):
        for line, tally in sorted(shelf.items()):
            print(f"{word}: {_line(line, tally)}")
    if looked.unreadable:
        print(f"{looked.unreadable} decisions could not be read, and count as widened")
    widens = (
        "widens" if looked.widens else "narrows only" if looked.loses else "changes no decision"
    )
    print(
        f"{looked.decisions} decisions replayed, and the tables: {widens}; needs {found.needs} signers"
    )


def _line(line: Line, tally: Tally) -> str:
    recipient, purpose, collaboration, name = line
    where = f" in {collaboration}" if collaboration else ""
    many = f"{tally.decisions} decisions, {len(tally.subjects)} subjects"
    return f"{recipient} {name} for {purpose}{where} ({many})"


def _as_json(found: change.Change) -> dict[str, Any]:
    def rows(shelf: dict[Line, Tally]) -> list[dict[str, Any]]:
        return [
            {
                "recipient": line[0],
                "purpose": line[1],
                "collaboration": line[2] or None,
                "field": line[3],
                "decisions": tally.decisions,
                "subjects": len(tally.subjects),
            }
            for line, tally in sorted(shelf.items())
        ]

    return {
        "from": found.old.policy.model_dump(),
        "to": found.new.policy.model_dump(),
        "touches": list(found.touches),
        "decisions": found.impact.decisions,
        "unreadable": found.impact.unreadable,
        "gains": rows(found.impact.gains),
        "loses": rows(found.impact.loses),
        "needs_signers": found.needs,
    }


def _directory(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", type=Path, metavar="DIR", help="a directory of policies")
