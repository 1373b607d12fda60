"""Errors of the log: one tree, each with a stable code; no content of entries in any text."""

from typing import ClassVar


class AuditError(Exception):
    """Base of the tree."""

    code: ClassVar[str] = "audit.error"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.code)
        self.detail = detail


class EntryInvalid(AuditError):
    """The entry cannot be written: no leaf can commit to its type, time, salt or content."""

    code = "audit.entry_invalid"


class NoLogKeys(AuditError):
    """Nothing was given to seal contents to, so no content is written at all."""

    code = "audit.no_log_keys"


class NoCheckpoint(AuditError):
    """The log has not been started: nothing has been signed yet."""

    code = "audit.no_checkpoint"


class SizeUnknown(AuditError):
    """A proof was asked for tree sizes that this log does not have."""

    code = "audit.size_unknown"


class LogDamaged(AuditError):
    """What is stored does not add up to what the log has signed; nothing more is signed on it."""

    code = "audit.log_damaged"


class HeadMoved(AuditError):
    """Somebody else has signed a checkpoint meanwhile: nothing of this round is kept, and the next begins anew."""

    code = "audit.head_moved"


class SourceUnavailable(AuditError):
    """The log cannot be read from where it should be: nothing is known about it, good or bad."""

    code = "audit.source_unavailable"


class ResourceMissing(AuditError):
    """The log is there but does not serve a resource that its signed checkpoint promises."""

    code = "audit.resource_missing"
