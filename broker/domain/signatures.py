"""Signatures: who answered which lines of a consent, how, and whether that is enough."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from broker.domain.errors import SignersUnknown
from broker.domain.ids import GrantId, PersonKey, UnitId

SignerKind = Literal["subject", "guardian"]
Method = Literal["digital", "oral", "paper"]


class Needed(Protocol):
    """The signatures one category needs, as the policy says (``broker.ports.SignersNeeded``)."""

    @property
    def subject(self) -> bool:
        """The subject signs."""
        ...

    @property
    def guardians(self) -> int:
        """So many guardians sign."""
        ...

    @property
    def child_heard(self) -> bool:
        """The child must have been heard."""
        ...


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs. ``key`` is absent when an oral answer was recorded without identifying them."""

    kind: SignerKind
    key: PersonKey | None = None


@dataclass(frozen=True, slots=True)
class Recorder:
    """The professional who recorded an answer given out loud or on paper: unit, opaque actor id, role."""

    unit: UnitId
    actor: str
    role: str


@dataclass(frozen=True, slots=True)
class Signature:
    """One signer's answer to the lines that are theirs.

    ``read`` is the base64url SHA-256 of the text they saw or heard, ``at`` when they answered. An
    answer out loud or on paper names who recorded it; a digital one names the signer by key. Lines
    ``not_now`` wait for another signature of the same signer's. ``scan`` is the SHA-256 of the paper.
    """

    signer: Signer
    method: Method
    at: datetime
    read: str
    yes: tuple[GrantId, ...]
    no: tuple[GrantId, ...]
    child_heard: bool = False
    recorded_by: Recorder | None = None
    not_now: tuple[GrantId, ...] = ()
    scan: str | None = None

    def __post_init__(self) -> None:
        if (self.method == "digital") == (self.recorded_by is not None):
            raise ValueError(
                "an answer that is not digital, and only that, is recorded by somebody"
            )
        if (self.method == "paper") != (self.scan is not None):
            raise ValueError("an answer on paper, and only that, has a scan")
        if self.method == "digital" and self.signer.key is None:
            raise ValueError("a digital answer is by a known person")


@dataclass(frozen=True, slots=True)
class Signed:
    """Who has said yes to one line. ``child_heard`` is also true when the child has signed."""

    subject: bool
    guardians: int
    child_heard: bool

    def lacks(self, needed: Needed) -> frozenset[str]:
        """What is missing: of ``subject``, ``guardian``, ``child_heard``."""
        checks = {
            "subject": self.subject or not needed.subject,
            "guardian": self.guardians >= needed.guardians,
            "child_heard": self.child_heard or not needed.child_heard,
        }
        return frozenset(what for what, there in checks.items() if not there)


def signed(signatures: Iterable[Signature], grant: GrantId) -> Signed:
    """The yeses to one line.

    Guardians without a key cannot be told apart, from each other nor from those with one: they
    count as one guardian, and only while none with a key has signed.
    """
    yes = [signature for signature in signatures if grant in signature.yes]
    by_subject = any(s.signer.kind == "subject" for s in yes)
    keys = {s.signer.key for s in yes if s.signer.kind == "guardian"}
    return Signed(
        subject=by_subject,
        guardians=len(keys - {None}) or len(keys),
        child_heard=by_subject or any(s.child_heard for s in yes),
    )


def needed_for(category: str, needed: Mapping[str, Needed]) -> Needed:
    """Who must sign a category; closed on doubt. Raises ``SignersUnknown`` when nobody is named."""
    need = needed.get(category)
    if need is None or not (need.subject or need.guardians > 0):
        raise SignersUnknown(category)
    return need
