"""Errors of the broker: one tree, each with a stable code; no HTTP here, no personal data in any text.

``broker.api.problems`` maps code → status and title, and a test keeps that table whole. A class without a ``code`` of its own
is only a branch of the tree and never raised.
"""

from typing import ClassVar


class BrokerError(Exception):
    """Base of the tree. ``detail`` may be shown to the caller: it never holds personal data, tokens or SQL."""

    code: ClassVar[str]

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.code)
        self.detail = detail


# --- what the broker stands on ---------------------------------------------------------------------


class Unavailable(BrokerError):
    """Something the broker stands on cannot answer now; nothing was released; try again later."""


class StoreDown(Unavailable):
    """The database is gone, full or locked."""

    code = "store.unavailable"


class Contended(Unavailable):
    """Another transaction got there first; the same call can be tried again at once."""

    code = "store.contended"


class EngineDown(Unavailable):
    """The policy engine cannot be asked."""

    code = "policy.unavailable"


class RegisterDown(Unavailable):
    """The population register cannot be asked."""

    code = "register.unavailable"


class ChannelDown(Unavailable):
    """What carries messages out of the portal does not take one now; ``detail`` says why, never to whom."""

    code = "channel.unavailable"


class AddressBusy(Unavailable):
    """The channel takes messages, and none to that address now."""

    code = "channel.address_busy"


class CustodianDown(Unavailable):
    """The custodian is locked or gone."""

    code = "custodian.unavailable"


# --- what the caller got wrong ---------------------------------------------------------------------


class Refused(BrokerError):
    """The caller's request cannot be met as it stands; nothing changed."""


class IdempotencyKeyReused(Refused):
    """The same idempotency key came with a different body."""

    code = "idempotency.key_reused"


class LoginLost(Refused):
    """The browser did not begin the login that is answered here, or it began it too long ago."""

    code = "login.lost"


class SpotGone(Refused):
    """A code to answer on the spot is used, too old, never was, or leads to somebody else's request: all read the same."""

    code = "spot.gone"


class ConsentMoved(Refused):
    """The consent is not as it was when it was shown: somebody, or another window, was first."""

    code = "consent.moved"


class UnknownPerson(Refused):
    """The population register knows nobody by that number."""

    code = "subject.unknown_person"


class UnknownHandle(Refused):
    """The service has no subject by that handle (another service's handle reads the same)."""

    code = "subject.unknown_handle"


class NotTheCaller(Refused):
    """A service asked as another one than itself."""

    code = "subject.not_caller"


class NotASubject(Refused):
    """The broker holds nothing about this person."""

    code = "subject.none"


class NotYourField(Refused):
    """The field is not one that the subject writes themself, or takes fewer characters; ``detail`` says which."""

    code = "own_words.field"


class NothingToContest(Refused):
    """No value about the caller by that id that others wrote and the caller may read; or it is not contested."""

    code = "contest.unknown"


class UnknownDepositField(Refused):
    """A deposit names a field that is not in the catalogue."""

    code = "deposit.unknown_field"


class NotASource(Refused):
    """The service's type is not a source of that field."""

    code = "deposit.not_a_source"


class DepositBindingBroken(Refused):
    """A sealed value's associated data does not say this source, a record and one field, or says a field twice."""

    code = "deposit.binding"


class DepositKeyInvalid(Refused):
    """The deposit key was not sealed to a key that this custodian has now, for exactly this deposit."""

    code = "deposit.key_invalid"


class RecordExists(Refused):
    """The record id is taken."""

    code = "deposit.record_exists"


class ObservedInFuture(Refused):
    """A value claims to have been observed in the future."""

    code = "deposit.observed_in_future"


class SubjectErased(Refused):
    """The subject's key was shredded; nothing about them can be deposited or released."""

    code = "subject.erased"


class UnknownConsent(Refused):
    """No such consent, as far as the caller may know."""

    code = "consent.unknown"


class UnknownHelper(Refused):
    """No such helper, as far as the caller may know."""

    code = "helper.unknown"


class HelperThere(Refused):
    """There is a helper already; one at a time."""

    code = "helper.one_at_a_time"


class HelperTooYoung(Refused):
    """There is nothing yet that the person answers for alone, and so could show."""

    code = "helper.too_young"


class HelperCodeRefused(Refused):
    """No invitation waits for that code: it is wrong, taken, over, or was tried too often."""

    code = "helper.code_refused"


class HelperIsOneself(Refused):
    """Nobody is their own helper."""

    code = "helper.oneself"


class HelperNotShown(Refused):
    """The subject does not show this to the helper."""

    code = "helper.not_shown"


class HelperReadsOnly(Refused):
    """A helper reads, and neither answers nor takes back."""

    code = "helper.read_only"


class AddressRefused(Refused):
    """The channel takes no message to that address, now or later."""

    code = "channel.address_refused"


class NoSuchChannel(Refused):
    """The broker has no such way out of the portal."""

    code = "contact.no_channel"


class TooManyCodes(Refused):
    """So many codes were sent for the person within a day that no more are."""

    code = "contact.too_many"


class ContactCodeRefused(Refused):
    """No address waits for that code: it is wrong, used, over, or was tried too often."""

    code = "contact.code_refused"


class NoContact(Refused):
    """The person is told nowhere but in the portal."""

    code = "contact.none"


class UnknownComplaint(Refused):
    """No such complaint, as far as the caller may know."""

    code = "complaint.unknown"


class UnknownComplaintReason(Refused):
    """The catalogue has no such reason to complain."""

    code = "complaint.reason"


class NotComplainedOf(Refused):
    """The disclosure is the subject's own reading: there is no service that could answer."""

    code = "complaint.own_reading"


class ComplaintOpen(Refused):
    """The subject has complained of the disclosure already, and not closed that."""

    code = "complaint.open"


class TooManyComplaints(Refused):
    """So many of the subject's complaints are not closed that no other is taken."""

    code = "complaint.too_many"


class UnknownQuestion(Refused):
    """No such question, as far as the caller may know."""

    code = "question.unknown"


class UnknownInvocation(Refused):
    """No such invocation, as far as the caller may know."""

    code = "statute.unknown_invocation"


class UnknownDisclosure(Refused):
    """No such disclosure, as far as the caller may know."""

    code = "disclosure.unknown"


class DisclosureGone(Refused):
    """What the disclosure rested on no longer stands; it is not handed out again."""

    code = "disclosure.gone"


class PreviewTooLarge(Refused):
    """A preview names more services and purposes than one holds."""

    code = "preview.too_large"


class ErasureRefused(Refused):
    """The attestation of an erasure does not hold, or there is one already."""

    code = "erasure.refused"


class UnknownEntry(Refused):
    """The log's tree has no entry there."""

    code = "audit.unknown_entry"


class UnknownSignal(Refused):
    """No signal has that id."""

    code = "audit.unknown_signal"


class NotCounted(Refused):
    """The month is not over for long enough to be counted, or lies before the log."""

    code = "audit.not_counted"


class ProofPending(Refused):
    """The entry is logged but not yet in a signed tree; ask again in a second."""

    code = "proof.pending"


class TooManyReleases(Refused):
    """So much was released to the recipient that it must wait ``retry_after`` whole seconds."""

    code = "release.too_many"

    def __init__(self, detail: str = "", *, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class ReadingKeyUnusable(Refused):
    """The key to read with is no public X25519 or hybrid key under its own thumbprint."""

    code = "own_access.key_unusable"


class NoRecipientKey(Refused):
    """The service has registered no encryption key that a disclosure could be sealed to."""

    code = "recipient.no_key"


class MeetingInvalid(Refused):
    """The meeting is in the past, or names a unit or category twice, or one that is no member or none of the catalogue."""

    code = "meeting.invalid"


class MeetingWithoutConsent(Refused):
    """No consent in force: the name is not on the list (N30)."""

    code = "meeting.no_consent"


class CollaborationUnknown(Refused):
    """No such collaboration, or its agreement is not in force."""

    code = "collaboration.unknown"


class NotTheCoordinator(Refused):
    """Only the service that coordinates the collaboration may say this."""

    code = "collaboration.not_coordinator"


class StageBeyond(Refused):
    """The collaboration's pathway does not go so far; ``detail`` names its last point."""

    code = "stage.beyond"


class NotOfTheCollaboration(Refused):
    """The service is no current member of the collaboration."""

    code = "collaboration.not_a_member"


class NotAnonymousHere(Refused):
    """The collaboration has not agreed to talk about cases without saying who it is."""

    code = "anonymous.not_here"


class WordUnknown(Refused):
    """The case is told in the catalogue's words, and this is none of them; ``detail`` names it."""

    code = "anonymous.unknown_word"


class PlaceUnknown(Refused):
    """The municipality is neither the service's own nor one of its county."""

    code = "anonymous.municipality"


class TooFew(Refused):
    """So few people are like this that somebody would know who it is; ``detail`` says how to say less."""

    code = "anonymous.too_few"


class ClaimUnknown(Refused):
    """No case is waiting for that code (one that has been claimed reads the same)."""

    code = "anonymous.claim"


class NotNav(Refused):
    """Lists are matched with Nav offices only."""

    code = "match.source"


class EnrolmentRefused(Refused):
    """The code is wrong, spent or expired, or the keys or their proof of possession do not hold."""

    code = "enrolment.refused"


class KeyRotationRefused(Refused):
    """The new keys, or the word of the present one for them, do not hold; ``detail`` says what."""

    code = "keys.rotation_refused"


class UnknownServiceKey(Refused):
    """The service has no such key, or it was revoked already."""

    code = "keys.unknown"


class HybridKeyRequired(Refused):
    """Nothing is sealed here to a key that quantum computers break, and the reading key, or the deposit key used, is one."""

    code = "keys.hybrid_required"


class UnknownService(Refused):
    """No such service."""

    code = "service.unknown"
