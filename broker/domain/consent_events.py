"""Events of a consent: what one transition changed, for log, feeds and the subject's notices."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from broker.domain.ids import ConsentId, GrantId, SubjectId
from broker.domain.signatures import Recorder, Signature, Signer
from tillit.wire import AskBack, AskFirst, EventName, Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentEvent:
    """One transition. ``version`` and ``state`` are those after it.

    ``grants`` are the lines it changed; ``by`` is absent where time or another consent moved it.
    """

    type: ClassVar[str]

    consent: ConsentId
    subject: SubjectId
    collaboration: str | None
    version: int
    state: str
    at: datetime
    by: Signer | None
    grants: tuple[GrantId, ...]

    def content(self) -> dict[str, Any]:
        """For a log entry: JSON values only, the signer by kind and never by key."""
        return {
            "consent": self.consent,
            "collaboration": self.collaboration,
            "version": self.version,
            "state": self.state,
            "by": self.by.kind if self.by else None,
            "grants": list(self.grants),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRequested(ConsentEvent):
    """A service asked; or, where ``reconfirms`` names a consent, a birthday is near on which lines of it lapse."""

    type = "consent.requested"

    reconfirms: ConsentId | None = None

    def content(self) -> dict[str, Any]:
        """The base's, and what is to be confirmed again."""
        content = ConsentEvent.content(self)
        return {**content, "reconfirms": self.reconfirms} if self.reconfirms else content


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureGiven(ConsentEvent):
    """Somebody answered: the answer stands in ``signature``, what they want beside a yes in ``also``."""

    type = "consent.signed"

    signature: Signature
    also: Mapping[GrantId, AskFirst] = field(default_factory=dict)

    def content(self) -> dict[str, Any]:
        """The base's, and how, what was read, who recorded it, yes and no by line."""
        recorder = self.signature.recorded_by
        return {
            **({"also": dict(self.also)} if self.also else {}),
            **ConsentEvent.content(self),
            "method": self.signature.method,
            "answered_at": self.signature.at.isoformat(),
            "read": self.signature.read,
            "yes": list(self.signature.yes),
            "no": list(self.signature.no),
            **({"not_now": list(self.signature.not_now)} if self.signature.not_now else {}),
            **({"scan": self.signature.scan} if self.signature.scan else {}),
            "child_heard": self.signature.child_heard,
            "recorded_by": recorder and _said(recorder),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentPartlySigned(SignatureGiven):
    """More signatures are needed; nothing is shared yet."""

    type = "consent.partly_signed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentActivated(SignatureGiven):
    """Every line with a yes has all its signatures: it is in force."""

    type = "consent.activated"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentAnsweredLater(SignatureGiven):
    """Lines of a consent in force that had been put off were answered."""

    type = "consent.answered_later"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentPutOff(SignatureGiven):
    """No line has a yes, and some are put off: nothing is given, and nothing refused."""

    type = "consent.put_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRefused(SignatureGiven):
    """No to every line."""

    type = "consent.refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentSettled(ConsentEvent):
    """In force without another answer: the signatures it has are enough since a birthday."""

    type = "consent.settled"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentPaused(ConsentEvent):
    """Nothing is shared until it is resumed."""

    type = "consent.paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentResumed(ConsentEvent):
    """In force again."""

    type = "consent.resumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentConditioned(ConsentEvent):
    """Beside the conditions of the lines in ``grants`` now stands what ``also`` says, or nothing more than was asked for."""

    type = "consent.conditioned"

    also: Mapping[GrantId, AskFirst | None]

    def content(self) -> dict[str, Any]:
        """The base's, and what stands beside each line's condition now."""
        return {**ConsentEvent.content(self), "also": dict(self.also)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentAskedBack(ConsentEvent):
    """The subject asks the service something before they answer; nothing else changed."""

    type = "consent.asked_back"

    said: AskBack

    def content(self) -> dict[str, Any]:
        """The base's, and what was asked."""
        return {**ConsentEvent.content(self), "said": self.said}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentReplied(ConsentEvent):
    """The service answered what was asked back; nothing else changed."""

    type = "consent.replied"

    said: Reply
    recorded_by: Recorder

    def content(self) -> dict[str, Any]:
        """The base's, what was answered, and by whom."""
        more = {"said": self.said, "recorded_by": _said(self.recorded_by)}
        return {**ConsentEvent.content(self), **more}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentNarrowed(ConsentEvent):
    """The lines in ``grants`` were taken back; the rest stands."""

    type = "consent.narrowed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentWithdrawn(ConsentEvent):
    """All of it was taken back."""

    type = "consent.withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRestored(ConsentEvent):
    """Whoever did the latest act took it back within seconds: it stands as before, the lines in ``grants`` too."""

    type = "consent.restored"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentExpired(ConsentEvent):
    """Its time is over."""

    type = "consent.expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentLapsed(ConsentEvent):
    """The lines in ``grants`` ended: whoever signed them no longer may."""

    type = "consent.lapsed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentSuperseded(ConsentEvent):
    """``successor`` takes its place."""

    type = "consent.superseded"

    successor: ConsentId

    def content(self) -> dict[str, Any]:
        """The base's, and the successor."""
        return {**ConsentEvent.content(self), "successor": self.successor}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentEventHappened(ConsentEvent):
    """The event has come that the lines in ``grants`` were to hold until."""

    type = "consent.event_happened"

    event: EventName
    recorded_by: Recorder

    def content(self) -> dict[str, Any]:
        """The base's, the event, and who said that it has come."""
        more = {"event": self.event, "recorded_by": _said(self.recorded_by)}
        return {**ConsentEvent.content(self), **more}


def _said(recorder: Recorder) -> dict[str, str]:
    return {"unit": recorder.unit, "actor": recorder.actor, "role": recorder.role}
