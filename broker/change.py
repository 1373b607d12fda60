"""Changing the policies: which bundle is in force, and what it takes to put another in its place.

A bundle comes in by one transaction that is also a log entry. Whatever lets anybody gain a field, and whatever touches rules or
law, needs the signatures of two persons; in production everything needs one.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from audit.entries import Entry
from broker.domain.facts import Facts
from broker.engine import bundle, cases, impact, signing
from broker.engine.bundle import Bundle
from broker.engine.impact import Comparison, Impact
from broker.ports import Store, Transaction
from broker.stored import Loaded

TWO = 2
_SHELVES = ("categories", "ceilings", "fields", "purposes", "service_types")
_PAGE = 500


class NotLoaded(Exception):
    """The bundle was not loaded; the text says what it takes. The one in force stays."""


@dataclass(frozen=True, slots=True)
class Change:
    """What loading a bundle would do: the rules it touches, and whom it lets gain or lose what."""

    old: Bundle
    new: Bundle
    impact: Impact
    touches: tuple[str, ...]

    @property
    def needs(self) -> int:
        """How many persons must have signed it, in production and out of it, on account of what it does."""
        return TWO if self.impact.widens or self.touches else 1


def adopt(store: Store, first: Bundle, *, at: datetime) -> bool:
    """Put the first bundle in force; does nothing, and says so, where one is already."""
    with store.write() as tx:
        if tx.in_force() is not None:
            return False
        _put(tx, first, (), at=at, previous=None, signers=(), widens=True)
    return True


def in_force(store: Store) -> Bundle:
    """The bundle in force.

    Raises:
        BundleError: there is none, or what is kept is not what its digest says.
    """
    with store.read() as tx:
        digest = tx.in_force()
        kept = tx.bundle(digest) if digest else None
    if kept is None:
        raise bundle.BundleError("no bundle is in force; run: tillit-broker init")
    return bundle.restored(kept.content, kept.digest)


def changed(
    store: Store, directory: Path, tables: tuple[Path, ...] = ()
) -> Iterator[tuple[Change, int]]:
    """What loading a directory would do: after each step, so far, and how many decisions the step took in.

    ``tables``: further directories whose decision tables are run too.

    Raises:
        BundleError: the directory cannot be used, or no bundle is in force.
    """
    old, new = in_force(store), bundle.load(directory)
    touches = tuple(sorted(_touched(old, new)))
    last = Impact()
    for found, size in impact.replayed(_recorded(store), old, new):
        last = found
        yield Change(old, new, found, touches), size
    both = Comparison(old, new)
    for one in {directory, *tables}:
        _tables(one, both, new, last)
    yield Change(old, new, last, touches), 0


def load(
    store: Store,
    directory: Path,
    change: Change,
    *,
    signers_file: Path | None,
    demo: bool,
    at: datetime,
) -> tuple[str, ...]:
    """Put a directory in force, whose change has been looked at; returns who signed it.

    Raises:
        NotLoaded: a signature is wrong, or there are too few; the refusal is a log entry.
    """
    try:
        who = signing.signers(
            directory, signing.read_signers(signers_file), digest=change.new.digest
        )
        signed = signing.tokens(directory)
    except signing.SignatureWrong as wrong:
        _refused(store, change.new, f"signature: {wrong}", at=at)
        raise NotLoaded(f"{wrong}; the bundle in force stays") from None
    if len(who) < change.needs and not demo:
        said = f"signed by {len(who)}, needs {change.needs}"
        _refused(store, change.new, said, at=at)
        raise NotLoaded(f"{said} different signers; the bundle in force stays")
    with store.write() as tx:
        if tx.in_force() != change.old.digest:
            raise NotLoaded("another bundle came in force meanwhile; look at the impact again")
        _put(
            tx,
            change.new,
            signed,
            at=at,
            previous=change.old.digest,
            signers=who,
            widens=change.impact.widens,
        )
    return who


def _put(
    tx: Transaction,
    new: Bundle,
    signatures: tuple[str, ...],
    *,
    at: datetime,
    previous: str | None,
    signers: tuple[str, ...],
    widens: bool,
) -> None:
    tx.add_bundle(Loaded(new.digest, new.version, new.content(), signatures, at))
    content = {
        "digest": new.digest,
        "previous": previous,
        "signers": list(signers),
        "version": new.version,
        "widens": widens,
    }
    tx.append(Entry("policy.loaded", at, content))


def _refused(store: Store, new: Bundle, why: str, *, at: datetime) -> None:
    content = {"digest": new.digest, "reason": why, "version": new.version}
    with store.write() as tx:
        tx.append(Entry("policy.refused", at, content))


def _touched(old: Bundle, new: Bundle) -> Iterator[str]:
    """Rules, law and what the catalogue says of sharing, words aside: no replay of what was asked can clear these."""
    for name in old.modules.keys() | new.modules.keys():
        if old.modules.get(name) != new.modules.get(name):
            yield name
    before, after = old.facts["law"], new.facts["law"]
    yield from (
        f"law/{name}"
        for name in before.keys() | after.keys()
        if before.get(name) != after.get(name)
    )

    before, after = old.facts["catalogue"], new.facts["catalogue"]
    yield from (
        f"catalogue/{shelf}" for shelf in _SHELVES if _bare(before[shelf]) != _bare(after[shelf])
    )


def _bare(entry: object) -> object:
    """An entry without its words."""
    if isinstance(entry, dict):
        return {key: _bare(value) for key, value in entry.items() if key != "labels"}
    return entry


def _recorded(store: Store) -> Iterator[impact.Stored]:
    after = 0
    while True:
        with store.read() as tx:
            page = tx.recorded(after=after, limit=_PAGE)
        if not page:
            return
        yield from ((row.subject, row.facts, row.decision) for row in page)
        after = page[-1].position


def _tables(directory: Path, both: Comparison, new: Bundle, found: Impact) -> None:
    """What changes in the situations that the directory's own decision tables describe."""
    for path in sorted((directory / "tables").glob("*.yaml")):
        for case in cases.table(path):
            with contextlib.suppress(ValueError, TypeError, AttributeError):  # `policy try` tells
                document = cases.document(case.facts, case.collaboration, new.catalogue)
                facts = Facts.model_validate(document)
                found.add(both.decided(facts, f"table: {case}"))
