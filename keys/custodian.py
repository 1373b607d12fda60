"""The custodian: holds keys and never sees values.

Its port, and the re-addressing that every adapter shares.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from keys.depositkeys import DepositKeys
from keys.errors import DepositKeyWrong, RecipientKeyUnusable, TooManyKeys
from keys.logkeys import OpenedVolumes
from keys.subjects import SubjectKeys
from keys.warrants import Warrant
from tillit.contents import Volume
from tillit.envelopes import KEY_BYTES, Randomness, open_key, seal_key, unwrap, wrap
from tillit.jose import TokenInvalid, thumbprint
from tillit.wire import MAX_FIELDS, SealedKey


@dataclass(frozen=True, slots=True)
class Released:
    """A disclosure key sealed to its recipient, and content keys wrapped under it, by record."""

    key: SealedKey
    wrapped: Mapping[str, str]


class Custodian(Protocol):
    """Holds each subject's key. Content keys go in and out wrapped; ciphertext never comes here.

    ``wrapped``: record → ``encrypted_key`` of its sealed field. Every method may raise
    ``KeyringLocked`` or ``KeyringDamaged`` (and their like): nothing was done then, and the same
    call may be repeated.
    """

    def public_jwk(self) -> dict[str, Any]:
        """The key that sources seal deposit keys to from now on, with the custodian's word for it.

        See ``tillit.deposit_keys``.
        """
        ...

    def admit(
        self, *, subject: str, key: SealedKey, wrapped: Mapping[str, str], manifest_hash: bytes
    ) -> dict[str, str]:
        """Content keys of a deposit, wrapped under the subject's key instead (made on first use).

        They are sealed to the published key, or to one before that was not retired. Raises
        ``DepositKeyWrong`` or ``SubjectShredded``.
        """
        ...

    def release(
        self,
        *,
        subject: str,
        wrapped: Mapping[str, str],
        recipient_jwk: Mapping[str, Any],
        kid: str,
        warrant: Warrant,
    ) -> Released:
        """Content keys under a fresh disclosure key, which is sealed to the recipient.

        ``kid``: the recipient's key as the caller knows it; must be the thumbprint of
        ``recipient_jwk``, and the one that the warrant names. The release stands in the custodian's
        own log when this returns; a repeat is one more release of the same entry. Raises
        ``WarrantInvalid``, ``ReleaseRateExceeded``, ``NoSubjectKey``, ``SubjectShredded``,
        ``ContentKeyBroken`` or ``RecipientKeyUnusable``.
        """
        ...

    def shred(self, *, subject: str) -> None:
        """Destroy the subject's key for good.

        Once this has returned, no process releases anything about the subject.
        """
        ...

    def shred_certificate(self, *, subject: str) -> str:
        """The custodian's signed word that the subject's key was destroyed (``tillit.shredding``).

        Raises ``NotShredded``.
        """
        ...

    def renew(self, *, subject: str) -> None:
        """Make another key for the subject; content keys under the one before are released as ever.

        While there is one before, a repeat changes nothing. Raises ``NoSubjectKey`` or
        ``SubjectShredded``.
        """
        ...

    def rewrap(self, *, subject: str, wrapped: Mapping[str, str]) -> dict[str, str]:
        """Content keys under the subject's key now, whichever they were under.

        Raises ``ContentKeyBroken``, ``NoSubjectKey``, ``SubjectShredded`` or ``TooManyKeys``.
        """
        ...

    def retire(self, *, subject: str) -> None:
        """Destroy the key before: what was not rewrapped by then is lost, which is not checked here.

        Raises ``KeyChangeRefused`` until a deposit that was admitted under it must have ended.
        """
        ...

    def log_subject_key(self, *, subject: str) -> dict[str, Any]:
        """The public key that log contents about the subject are sealed to (made on first use).

        It goes with the subject's key. An ``AKP`` JWK, see ``tillit.contents``. Raises
        ``SubjectShredded``.
        """
        ...

    def log_epoch_key(self, *, epoch: str) -> dict[str, Any]:
        """The public key that log contents of an epoch are sealed to (made on first use).

        Raises ``EpochInvalid`` or ``EpochEnded``.
        """
        ...

    def end_log_epoch(self, *, epoch: str) -> None:
        """Destroy an epoch's key for good: nobody can read what was written in it, in any copy.

        Whether its time is out is not checked here. A repeat changes nothing. Raises
        ``EpochInvalid``.
        """
        ...

    def open_log_volumes(self, *, volumes: Sequence[Volume]) -> OpenedVolumes:
        """The keys of so many volumes (at most ``logkeys.MAX_VOLUMES``), and which are gone and why.

        Whether the caller may read is not checked here. Raises ``TooManyKeys``.
        """
        ...


def admitted(
    *,
    key: SealedKey,
    wrapped: Mapping[str, str],
    manifest_hash: bytes,
    deposit_keys: DepositKeys,
    subject_key: bytes,
) -> dict[str, str]:
    """Content keys under a deposit key, rewrapped under the subject's key.

    Raises ``DepositKeyWrong``.
    """
    require_few(wrapped)
    own = deposit_keys.by(key.kid)
    try:
        deposit_key = open_key(key, key=own.private, kid=own.kid, manifest_hash=manifest_hash)
        return _rewrapped(wrapped, old=deposit_key, new=subject_key)
    except TokenInvalid:
        raise DepositKeyWrong("the deposit is not sealed to this custodian, or altered") from None


def released(
    *,
    wrapped: Mapping[str, str],
    recipient_jwk: Mapping[str, Any],
    manifest_hash: bytes,
    kid: str,
    subject_keys: SubjectKeys,
    randomness: Randomness,
) -> Released:
    """Content keys under a subject's keys, rewrapped under a fresh key sealed to the recipient."""
    require_few(wrapped)
    disclosure_key = randomness(KEY_BYTES)
    rewrapped = {
        record: wrap(subject_keys.unwrapped(text), key=disclosure_key)
        for record, text in wrapped.items()
    }
    try:
        if thumbprint(recipient_jwk) != kid:
            raise RecipientKeyUnusable("the key id is not the thumbprint of the recipient's key")
        sealed = seal_key(disclosure_key, reader=recipient_jwk, manifest_hash=manifest_hash)
    except TokenInvalid:
        raise RecipientKeyUnusable("the recipient's key cannot be sealed to") from None
    return Released(key=sealed, wrapped=rewrapped)


def _rewrapped(wrapped: Mapping[str, str], *, old: bytes, new: bytes) -> dict[str, str]:
    return {record: wrap(unwrap(text, key=old), key=new) for record, text in wrapped.items()}


def require_few(wrapped: Mapping[str, str]) -> None:
    """Raises ``TooManyKeys`` for more than a disclosure can have."""
    if len(wrapped) > MAX_FIELDS:
        raise TooManyKeys(f"at most {MAX_FIELDS} content keys at once")
