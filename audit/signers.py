"""Who signs the log: one key, or several while one follows another, and those whose last head is still gone on from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tillit.errors import VerificationError
from tillit.notes import VerifiedCheckpoint, Vkey, open_checkpoint


@dataclass(frozen=True, slots=True)
class Signers:
    """The log's keys at one moment. ``now``, at least one, each sign, the newest first.

    ``before`` sign no more (retired or revoked a moment ago); a head that only they have signed is
    taken up once, and signed anew by those now.
    """

    now: Sequence[Ed25519PrivateKey] = field(repr=False)
    before: Sequence[Ed25519PublicKey] = ()

    def vkey(self, origin: str) -> Vkey:
        """The newest key's: what somebody who comes now verifies by."""
        return Vkey.of(origin, self.now[0])

    def have_all_signed(self, note: str, origin: str) -> bool:
        """Whether every key that signs now has signed this head."""
        return all(_opened(note, Vkey.of(origin, key)) for key in self.now)

    def opened(self, note: str | bytes, origin: str) -> VerifiedCheckpoint | None:
        """The head, as any of these keys has signed it; None when none has."""
        for public in (*(key.public_key() for key in self.now), *self.before):
            head = _opened(note, Vkey.of(origin, public))
            if head is not None:
                return head
        return None


Signing = Ed25519PrivateKey | Callable[[], Signers]
"""A key for good, or what gives the keys as they are now."""


def given(signing: Signing) -> Callable[[], Signers]:
    """What gives the keys as they are now."""
    if isinstance(signing, Ed25519PrivateKey):
        only = Signers((signing,))
        return lambda: only
    return signing


def _opened(note: str | bytes, vkey: Vkey) -> VerifiedCheckpoint | None:
    try:
        return open_checkpoint(note, vkey)
    except VerificationError:
        return None
