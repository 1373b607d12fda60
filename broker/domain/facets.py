"""Facets: what an entry of the log is found by. Words of the catalogue, ids of units; never a person, never an actor.

What a service wrote is a facet only where the catalogue knows the word: an unknown purpose could be anybody's name.
"""

from collections.abc import Collection, Iterable, Iterator

from audit.facets import Facets
from broker.domain.catalogue import Catalogue
from broker.domain.decisions import Decision
from tillit.wire import Ask, Ground, Manifest


def facets(
    *,
    services: Iterable[str | None] = (),
    purposes: Iterable[str] = (),
    collaboration: str | None = None,
    grounds: Iterable[str] = (),
    reasons: Iterable[str] = (),
    outcome: str | None = None,
) -> Facets:
    """The facets of these values, each once; None and the empty string are absent ones.

    The first service is the one whose act the entry is.
    """
    given = {
        "service": services,
        "purpose": purposes,
        "outcome": (outcome,),
        "ground": grounds,
        "collaboration": (collaboration,),
        "reason": reasons,
    }
    distinct = {
        kind: tuple(dict.fromkeys(v for v in values if v)) for kind, values in given.items()
    }
    return {kind: values for kind, values in distinct.items() if values}


def of_decision(ask: Ask, decision: Decision, *, recipient: str, catalogue: Catalogue) -> Facets:
    """What a decided ask is found by: who asked whom, what for, on which grounds, why not.

    A ground is its kind, and the statute's id where it is one.
    """
    grounds = [g for permit in decision.permitted().values() for g in permit.grounds]
    return facets(
        services=known(
            (recipient, ask.source, *sorted(g.source for g in grounds)), catalogue.units
        ),
        purposes=known((ask.purpose,), catalogue.purposes),
        collaboration=next(known((ask.collaboration,), catalogue.collaborations), None),
        grounds=sorted(_named(grounds, catalogue)),
        reasons=sorted(code for held in decision.withheld().values() for code in held.reasons),
        outcome=decision.outcome,
    )


def of_manifest(manifest: Manifest, catalogue: Catalogue, *, reasons: Iterable[str] = ()) -> Facets:
    """What happens to a disclosure later is found by."""
    return facets(
        services=(manifest.recipient,),
        purposes=known((manifest.purpose,), catalogue.purposes),
        collaboration=next(known((manifest.collaboration,), catalogue.collaborations), None),
        reasons=reasons,
    )


def known(words: Iterable[str | None], shelf: Collection[str]) -> Iterator[str]:
    """Those of the words that stand in the catalogue."""
    return (word for word in words if word is not None and word in shelf)


def _named(grounds: Iterable[Ground], catalogue: Catalogue) -> Iterator[str]:
    for ground in grounds:
        yield ground.kind
        if ground.kind != "consent":
            yield from known((ground.id,), catalogue.statutes)
