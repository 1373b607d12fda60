"""Errors of the SDK: one tree, each with a stable ``code``.

Below ``TillitError``: the broker said no (``ProblemError``), it could not be reached
(``TransportError``), it answered something that is not the protocol (``ProtocolError``), or what it
answered does not hold (``VerificationError``: no value may be used). No text holds personal data,
values, tokens or keys.
"""


class TillitError(Exception):
    """Base of the tree. ``code`` is stable and may be matched on; ``detail`` is for people."""

    code: str = "tillit.error"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.code)
        self.detail = detail


# --- what was answered does not hold ---


class VerificationError(TillitError):
    """A check failed: something is wrong with what was received. No value may be used."""

    code = "verification.failed"


class ReceiptInvalid(VerificationError):
    """The receipt is not the broker's, or does not speak of this disclosure."""

    code = "verification.receipt_invalid"


class ManifestMismatch(VerificationError):
    """The manifest, the receipt and what was asked do not say the same."""

    code = "verification.manifest_mismatch"


class SealBroken(VerificationError):
    """A sealed value or key does not open: altered, swapped, or sealed to somebody else."""

    code = "verification.seal_broken"


class SourceSignatureInvalid(VerificationError):
    """A value is not signed by the source that the manifest names."""

    code = "verification.source_signature_invalid"


class SubjectMismatch(VerificationError):
    """A value is about another person than the one that was asked about."""

    code = "verification.subject_mismatch"


class KeyFileError(TillitError):
    """A key file cannot be read, written, or does not hold what it should."""

    code = "key_file.unusable"


# --- the broker said no ---


class ProblemError(TillitError):
    """The broker answered with a problem (RFC 9457). ``code`` is the broker's own stable code."""

    def __init__(self, *, code: str, status: int, title: str, detail: str | None = None) -> None:
        super().__init__(f"{title}: {detail}" if detail else title)
        self.code = code
        self.status = status
        self.title = title
        self.detail = detail or ""


class AuthenticationFailed(ProblemError):
    """401 or 403: this service's key is not known, or the service may not do this."""


class NotFound(ProblemError):
    """404: there is nothing by that id for this service. Another service's thing looks the same."""


class Conflict(ProblemError):
    """409 or 412: at odds with what is there, such as a used idempotency key with a new body."""


class Invalid(ProblemError):
    """Any other 4xx: the request is malformed, too large, or cannot be met as it stands."""


class RateLimited(ProblemError):
    """429: too many requests, also after the retries."""


class Unavailable(ProblemError):
    """5xx: the broker cannot answer now; nothing was released. The same call may be repeated."""


# --- the broker was not reached, or did not speak the protocol ---


class TransportError(TillitError):
    """Not reached, also after the retries; whether the broker acted on the request is unknown."""

    code = "transport.failed"


class Timeout(TransportError):
    """The broker did not answer in time, also after the retries."""

    code = "transport.timeout"


class ProtocolError(TillitError):
    """What came back is no answer of the protocol: not JSON, too large, or of another shape."""

    code = "protocol.unusable_answer"


class UsageError(TillitError):
    """The call cannot be made as it stands; nothing was sent."""

    code = "usage.invalid"
