"""Errors of the domain: what cannot be done to a consent or on a statute, each with a stable code.

A ``detail`` names lines, units and catalogue ids, never a person.
"""

from collections.abc import Iterable

from broker.errors import Refused


class AddressUnlike(Refused):
    """It is no address of that channel: not of its form, or not the person's own."""

    code = "contact.unlike"


class ConsentError(Refused):
    """Base of what the domain refuses about a consent; nothing changed."""

    code = "consent.error"


class IllegalTransition(ConsentError):
    """The consent's state does not allow this."""

    code = "consent.state"


class LinesMissing(ConsentError):
    """A signer must answer every line that is theirs; ``detail`` names those without an answer."""

    code = "consent.lines_missing"


class LinesUnknown(ConsentError):
    """The consent has no such lines, or none left to take back; ``detail`` names them."""

    code = "consent.lines_unknown"


class LinesNotForSigner(ConsentError):
    """Lines that somebody else answers, or opens wider, alone; ``detail`` names them."""

    code = "consent.lines_not_for_signer"


class NothingAnswered(ConsentError):
    """Everything was put off: that is no answer, and nothing is recorded."""

    code = "consent.nothing_answered"


class OthersMustSign(ConsentError):
    """The consent is in force, and the lines wait for somebody else too; the service asks for them anew."""

    code = "consent.others_must_sign"


class NothingToUndo(ConsentError):
    """The latest change of the consent is no act of the person's that can be taken back as it stands now."""

    code = "consent.nothing_to_undo"


class UndoTooLate(ConsentError):
    """The seconds in which an act is taken back are over."""

    code = "consent.undo_too_late"


class AskedBackAlready(ConsentError):
    """That was asked back about this request before."""

    code = "consent.asked_back_already"


class NothingToReply(ConsentError):
    """Nothing was asked back that has no answer."""

    code = "consent.nothing_to_reply"


class TextDiffers(ConsentError):
    """What the signer read is not the text of this consent."""

    code = "consent.text_differs"


class SignerNotNeeded(ConsentError):
    """A guardian who has no say in this consent."""

    code = "consent.signer_not_needed"


class SignerHasSigned(ConsentError):
    """This signer has answered already (guardians without a key cannot be told apart)."""

    code = "consent.already_signed"


class SignersUnknown(ConsentError):
    """Who must sign a category is not known, so nobody can."""

    code = "consent.signers_unknown"


class NotTheOneWhoPaused(ConsentError):
    """A guardian never resumes what the youth paused, nor the reverse."""

    code = "consent.paused_by_another"


class OutOfTime(ConsentError):
    """The consent's time is over, or the answer's time lies outside it."""

    code = "consent.out_of_time"


class NotOverYet(ConsentError):
    """A consent expires at its end, not before."""

    code = "consent.not_over_yet"


class LifetimeTooLong(ConsentError):
    """Asked for longer than the collaboration allows."""

    code = "consent.lifetime"


class AskedTooSoon(ConsentError):
    """The subject has refused; asking again waits for the cool-down (N5)."""

    code = "consent.cooldown"


class RequesterNotAmongServices(ConsentError):
    """Whoever asks for a consent is one of the services it names."""

    code = "consent.requester_not_named"


class UnknownUnit(ConsentError):
    """No such service; ``detail`` names it."""

    code = "consent.unknown_service"


class UnknownCategory(ConsentError):
    """No such category; ``detail`` names it."""

    code = "consent.unknown_category"


class UnknownField(ConsentError):
    """No such field; ``detail`` names it."""

    code = "consent.unknown_field"


class UnknownPurpose(ConsentError):
    """No such purpose, or none of the collaboration's; ``detail`` names it."""

    code = "consent.unknown_purpose"


class PurposeNotByConsent(ConsentError):
    """The purpose does not rest on a consent, so none is asked for it; ``detail`` names it."""

    code = "consent.purpose_not_by_consent"


class NotAboutAnyone(ConsentError):
    """Services meet about the system here, never about a person, so no consent is asked for."""

    code = "consent.not_about_anyone"


class OutsideAges(ConsentError):
    """The subject is not of the ages that the collaboration is for."""

    code = "consent.outside_ages"


class ConditionNotHere(ConsentError):
    """Only a collaboration that names the event binds its consents to one."""

    code = "consent.condition"


class FamilyConsentInvalid(ConsentError):
    """A member of the family is grown, somebody else than the youth, and asked by name for what is about the family."""

    code = "consent.family"


class EventNotHere(ConsentError):
    """No line that was said yes to ends with that event."""

    code = "consent.event"


class FormNotHere(ConsentError):
    """The collaboration does not take consent in this form."""

    code = "consent.form"


class UnknownCollaboration(ConsentError):
    """No such collaboration, or its agreement is not in force; ``detail`` names it."""

    code = "consent.unknown_collaboration"


class NotAMember(ConsentError):
    """A service that is no current member of the collaboration; ``detail`` names it."""

    code = "consent.not_a_member"


class MeetingMissing(ConsentError):
    """A condition bound to a meeting names the meeting, and only such a condition does."""

    code = "consent.meeting"


class NothingToGrant(ConsentError):
    """No service named could share anything of what is asked for with another."""

    code = "consent.nothing_to_grant"


class TooManyLines(ConsentError):
    """More lines than anyone can answer."""

    code = "consent.too_many_lines"


# --- statutes -------------------------------------------------------------------------------------------


class QuestionAnswered(Refused):
    """The question is answered, or this signer's word is among those that it has."""

    code = "question.answered"


class QuestionOver(Refused):
    """The question's time has run out, or what it was about is not shared any more."""

    code = "question.over"


class ComplaintOver(Refused):
    """The subject has closed the complaint."""

    code = "complaint.over"


class StatuteError(Refused):
    """Base of what the domain refuses about relying on a statute; nothing changed."""


class StatuteNotInUse(StatuteError):
    """No such statute, or this deployment does not use it."""

    code = "statute.not_in_use"


class StatuteNotInvoked(StatuteError):
    """Nobody invokes this statute: the ask alone is enough."""

    code = "statute.not_invoked"


class WrongSide(StatuteError):
    """The statute is not for the calling unit to invoke, or not between these two services."""

    code = "statute.wrong_side"


class RoleNotAllowed(StatuteError):
    """The statute does not trust this role to rely on it."""

    code = "statute.role"


class OutsideStatute(StatuteError):
    """Fields that do not exist or that the statute does not open for; ``detail`` names them."""

    code = "statute.fields"


class NecessityMissing(StatuteError):
    """The statute wants the necessity of each field in words, and of no other; ``detail`` names them."""

    code = "statute.necessity"


class OutsideStatuteAges(StatuteError):
    """The statute is not about people of the subject's age."""

    code = "statute.age"


class HoursTooMany(StatuteError):
    """Asked for longer than the statute allows."""

    code = "statute.hours"


class NoticeDelayTooLong(StatuteError):
    """The statute does not let the notice to the subject wait, or not so long."""

    code = "statute.notice_delay"


class SamePerson(StatuteError):
    """Whoever confirms or reviews is somebody else than those who acted before."""

    code = "statute.same_person"


class NothingToConfirm(StatuteError):
    """The statute wants no second person."""

    code = "statute.nothing_to_confirm"


class InvocationState(StatuteError):
    """It has been confirmed, or its time has run out."""

    code = "statute.state"


class NothingToReview(StatuteError):
    """No review is wanted, or there is one already."""

    code = "statute.nothing_to_review"


class ObjectionTooYoung(Refused):
    """Objections are heard from an age that the law sets."""

    code = "objection.too_young"


def named(ids: Iterable[str]) -> str:
    """The ids for a ``detail``, sorted, at most twenty."""
    listed = sorted(ids)
    return ", ".join(listed[:20]) + (" …" if len(listed) > 20 else "")  # noqa: PLR2004 - said above
