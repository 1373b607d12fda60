"""Errors of the custodian: one tree, each with a stable code.

No key material and no personal data in any text.
"""

from typing import ClassVar


class CustodianError(Exception):
    """Base of the tree."""

    code: ClassVar[str] = "custodian.error"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.code)
        self.detail = detail


# --- the keyring cannot be used now; the same call works once the cause is gone ---
class KeyringLocked(CustodianError):
    """The keys cannot be reached now."""

    code = "keyring.locked"


class PassphraseWrong(KeyringLocked):
    """The passphrase does not open the keyring, or there is none to be had."""

    code = "keyring.passphrase_wrong"


class KeyringMissing(KeyringLocked):
    """There is no keyring in the directory."""

    code = "keyring.missing"


class KeyringUnreachable(KeyringLocked):
    """The keyring's files cannot be read or written: disk full, no permission, an I/O error."""

    code = "keyring.unreachable"


class RootBackMissing(KeyringLocked):
    """The root key is wrapped by a back end that is not set up in this process."""

    code = "root.back_missing"


class RootBackDown(KeyringLocked):
    """What wraps the root key does not answer, or not in time."""

    code = "root.back_down"


class RootBackRefused(KeyringLocked):
    """What wraps the root key refuses: no or a wrong token or PIN, no permission, no such key."""

    code = "root.back_refused"


class RotationRunning(CustodianError):
    """Another process is rotating the root key of this keyring."""

    code = "root.rotation_running"


class KeyChangeRefused(CustodianError):
    """A key cannot be rotated, retired or revoked so: there is none, none would be left, or too early."""

    code = "key.change_refused"


class RootDestroyed(CustodianError):
    """What the root key was wrapped by was destroyed. This is final."""

    code = "root.destroyed"


class CustodianUnreachable(CustodianError):
    """The custodian's process does not answer, or not so that it can be understood."""

    code = "custodian.unreachable"


class KeyringDamaged(CustodianError):
    """A file of the keyring is truncated, altered or another keyring's."""

    code = "keyring.damaged"


class KeyringExists(CustodianError):
    """Where a keyring was to be created there is something already; it was left as it is."""

    code = "keyring.exists"


class PassphraseUnfit(CustodianError):
    """The passphrase is too short or too long to protect a keyring."""

    code = "keyring.passphrase_unfit"


class IssuersUnfit(CustodianError):
    """What was given as the keys that warrants may be signed with is not that."""

    code = "keyring.issuers_unfit"


# --- what was handed in cannot be used ---
class DepositKeyWrong(CustodianError):
    """A deposit key, or a content key under it, does not open for this custodian and manifest."""

    code = "deposit.key_wrong"


class RecipientKeyUnusable(CustodianError):
    """The recipient's public key is no key that can be sealed to."""

    code = "recipient.key_unusable"


class ContentKeyBroken(CustodianError):
    """A stored content key does not open under the subject's key."""

    code = "content_key.broken"


class WarrantInvalid(CustodianError):
    """The warrant of a release is not signed by the broker, or is for something else."""

    code = "release.warrant_invalid"


class ReleaseRateExceeded(CustodianError):
    """So many releases to one recipient's key that more must wait.

    ``retry_after``: so many whole seconds.
    """

    code = "release.rate_exceeded"

    def __init__(self, detail: str = "", *, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class TooManyKeys(CustodianError):
    """More content keys in one call than a disclosure can have."""

    code = "content_key.too_many"


# --- the subject's key ---
class NoSubjectKey(CustodianError):
    """Nothing was ever admitted about the subject."""

    code = "subject.no_key"


class SubjectShredded(CustodianError):
    """The subject's key was destroyed. This is final."""

    code = "subject.shredded"


class NotShredded(CustodianError):
    """The subject's key was not destroyed, so that nothing can be certified."""

    code = "subject.not_shredded"


# --- log keys ---
class EpochInvalid(CustodianError):
    """Not the name of an epoch."""

    code = "log.epoch_invalid"


class EpochEnded(CustodianError):
    """The epoch's key was destroyed when its time was out. This is final."""

    code = "log.epoch_ended"
