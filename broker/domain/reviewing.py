"""Reviewing: which legal entries no lawyer has signed, so that the product can say so wherever it rests on one."""

from collections.abc import Iterator

from broker.domain.catalogue import Catalogue
from broker.domain.entries import Sourced


def unreviewed(catalogue: Catalogue) -> tuple[str, ...]:
    """The legal entries whose ``reviewed_by`` is null, named as in ``policies/facts/law``; none when all are signed."""
    return tuple(name for name, entry in _legal(catalogue) if not entry.reviewed)


def signing_reviewed(catalogue: Catalogue, category: str) -> bool:
    """Whether a lawyer has signed the age at which a subject signs alone in the category."""
    return catalogue.ages.categories.get(category, catalogue.ages.default).reviewed


def all_reviewed(catalogue: Catalogue, kind: str) -> bool:
    """Whether every legal entry of a kind (``ages``, ``limits``, ``regimes``, ``statutes``) is signed."""
    return all(entry.reviewed for name, entry in _legal(catalogue) if name.split(".")[0] == kind)


def _legal(catalogue: Catalogue) -> Iterator[tuple[str, Sourced]]:
    yield "ages.default", catalogue.ages.default
    yield from ((f"ages.{name}", rule) for name, rule in catalogue.ages.categories.items())
    yield "limits", catalogue.limits
    yield from ((f"regimes.{name}", regime) for name, regime in catalogue.regimes.items())
    yield from ((f"statutes.{name}", statute) for name, statute in catalogue.statutes.items())
