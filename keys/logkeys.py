"""Log keys: what the contents of log entries are sealed to, and what forgets them (design.md § 7).

The subject's log key is derived from the subject's key, so that shredding takes both. An epoch's
key is kept in the keyring under the root key, one file per retention class and month, until the
time is out. The formats are ``tillit.contents``; here is what the custodian does with its halves.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keys.errors import EpochEnded, NoSubjectKey, SubjectShredded, TooManyKeys
from tillit.contents import Volume, open_volume
from tillit.envelopes import KEY_BYTES, hybrid_jwk, hybrid_private
from tillit.jose import TokenInvalid

MAX_VOLUMES = 256
"""At most so many volumes in one call."""

Gone = Literal["shredded", "ended", "no_key", "broken"]

_SUBJECT = b"tillit log subject key v1"


@dataclass(frozen=True, slots=True)
class OpenedVolumes:
    """Volume keys by the volume's id, and why there is none for the others.

    ``shredded``: the subject's key was destroyed. ``ended``: the epoch's was, its time being out.
    ``no_key``: this keyring never had one. ``broken``: it does not open; altered.
    """

    keys: Mapping[str, bytes] = field(repr=False)
    gone: Mapping[str, Gone]

    def __reduce__(self) -> NoReturn:
        raise TypeError("opened keys are neither pickled nor copied")


def subject_seed(subject_key: bytes) -> bytes:
    """The seed of the subject's log key: HKDF-SHA256 (RFC 5869) of the subject's key."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=_SUBJECT).derive(subject_key)


def public_jwk(seed: bytes) -> dict[str, Any]:
    """The public half of a log key, an ``AKP`` JWK, as ``tillit.envelopes.hybrid_jwk`` has it."""
    return hybrid_jwk(seed)


def opened(
    volumes: Sequence[Volume],
    *,
    epoch_seed: Callable[[str], bytes | None],
    log_seed: Callable[[str], bytes],
) -> OpenedVolumes:
    """Volume keys, each key of the custodian looked up once.

    ``epoch_seed`` gives None for an epoch that never was, and raises ``EpochEnded``; ``log_seed``
    raises ``SubjectShredded`` or ``NoSubjectKey``. Raises ``TooManyKeys``.
    """
    if len(volumes) > MAX_VOLUMES:
        raise TooManyKeys(f"at most {MAX_VOLUMES} volumes at once")
    keys: dict[str, bytes] = {}
    gone: dict[str, Gone] = {}
    epochs: dict[str, bytes | None] = {}
    subjects: dict[str, bytes] = {}
    for volume in volumes:
        try:
            epoch = volume.epoch
            if epoch not in epochs:
                epochs[epoch] = epoch_seed(epoch)
            if volume.subject is not None and volume.subject not in subjects:
                subjects[volume.subject] = log_seed(volume.subject)
            seed = epochs[epoch]
            if seed is None:
                gone[volume.id] = "no_key"
                continue
            own = None if volume.subject is None else hybrid_private(subjects[volume.subject])
            keys[volume.id] = open_volume(volume, epoch_key=hybrid_private(seed), subject_key=own)
        except SubjectShredded:
            gone[volume.id] = "shredded"
        except NoSubjectKey:
            gone[volume.id] = "no_key"
        except EpochEnded:
            gone[volume.id] = "ended"
        except TokenInvalid:
            gone[volume.id] = "broken"
    return OpenedVolumes(keys, gone)
