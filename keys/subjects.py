"""A subject's keys: the one that content keys are wrapped under now, the one before, and the seed of the log's.

The file of a subject whose key was never exchanged holds that key alone. After an exchange it holds
the new one, the seed of the subject's log key (which stays, so that what the log holds is read on),
and, until it is retired, the key before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NoReturn

from keys.errors import ContentKeyBroken, KeyringDamaged
from keys.logkeys import subject_seed
from tillit.envelopes import KEY_BYTES, unwrap, wrap
from tillit.jose import TokenInvalid


@dataclass(frozen=True, slots=True)
class SubjectKeys:
    """The keys; they stay out of ``repr`` and are not pickled."""

    now: bytes = field(repr=False)
    log_seed: bytes = field(repr=False)
    before: bytes | None = field(default=None, repr=False)

    @classmethod
    def first(cls, key: bytes) -> "SubjectKeys":
        """Those of a subject whose key was never exchanged."""
        return cls(key, subject_seed(key))

    @classmethod
    def parse(cls, raw: bytes, *, name: str) -> "SubjectKeys":
        """What the file called ``name`` holds. Raises ``KeyringDamaged``."""
        parts = [raw[start : start + KEY_BYTES] for start in range(0, len(raw), KEY_BYTES)]
        if len(raw) % KEY_BYTES == 0:
            match parts:
                case [now]:
                    return cls.first(now)
                case [now, log_seed]:
                    return cls(now, log_seed)
                case [now, log_seed, before]:
                    return cls(now, log_seed, before)
        raise KeyringDamaged(f"{name} does not hold what it should")

    def written(self) -> bytes:
        """As the file holds them, once the key was exchanged."""
        return self.now + self.log_seed + (self.before or b"")

    def renewed(self, fresh: bytes) -> "SubjectKeys":
        """With a new key, and the one now as the one before."""
        return SubjectKeys(fresh, self.log_seed, self.now)

    def retired(self) -> "SubjectKeys":
        """Without the key before."""
        return replace(self, before=None)

    def unwrapped(self, text: str) -> bytes:
        """A content key, under whichever of the two keys it is. Raises ``ContentKeyBroken``."""
        for key in (self.now, self.before):
            if key is not None:
                try:
                    return unwrap(text, key=key)
                except TokenInvalid:
                    continue
        raise ContentKeyBroken("a stored content key does not open")

    def rewrapped(self, wrapped: Mapping[str, str]) -> dict[str, str]:
        """Content keys under the key now, those that are already as they were."""
        return {
            record: wrap(self.unwrapped(text), key=self.now) for record, text in wrapped.items()
        }

    def __reduce__(self) -> NoReturn:
        raise TypeError("a subject's keys are neither pickled nor copied")
