"""Contacts: an address outside the portal at which a subject hears that there is something new, from the asking for a code on.

An address is the subject's own act: nobody is told anywhere but in the portal until they have shown, with a code that was
sent there, that the address is theirs. What is sent says nothing (``broker.domain.messages``).
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from broker.domain.errors import AddressUnlike
from broker.domain.ids import ContactId, SubjectId
from tillit.wire import Channel, Language

CODE_LASTS = timedelta(minutes=30)
MOST_TRIES = 5
MOST_ASKED, ASKED_WITHIN = 5, timedelta(hours=24)
"""So many codes are sent for one subject in that time, wherever to: nobody's letter box is filled from here."""
LEASE = timedelta(minutes=5)
"""Who has begun to send has so long before another may; longer than any channel takes."""
QUIET = timedelta(minutes=10)
"""After a message there is no other for so long: what comes meanwhile is told by the next one."""

Standing = Literal["waiting", "confirmed", "over"]

MAX_EMAIL_CHARS = 254  # RFC 5321 § 4.5.3.1.3, without its brackets
MAX_LOCAL_CHARS = 64
# RFC 5321's Dot-string and Domain, in ASCII: no quotes, comments, address literals, white space or control characters, nor
# what begins an encoded word (RFC 2047), in which all of these could stand.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(
    rf"(?P<local>(?![^@]*=\?){_ATOM}(?:\.{_ATOM})*)@(?P<domain>{_LABEL}(?:\.{_LABEL})*\.[A-Za-z]{{2,63}})"
)
_SPACING = re.compile(r"[ .()-]")
_NORWEGIAN = re.compile(r"[49][0-9]{7}")
_INTERNATIONAL = re.compile(r"\+[1-9][0-9]{7,14}")  # E.164
_NUMBER = re.compile(r"[0-9]{11}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """An address that a subject asked to be told at; the address itself is sealed and lies beside it.

    ``sent_at``: when its code was handed on. ``message``: what is on its way has this id until it was handed on, however
    often it is tried; ``failures`` how often it was in vain. Nothing is sent before ``try_at``.
    """

    id: ContactId
    subject: SubjectId
    version: int
    channel: Channel
    language: Language
    asked_at: datetime
    code_until: datetime
    tries: int = 0
    sent_at: datetime | None = None
    confirmed_at: datetime | None = None
    refused_at: datetime | None = None
    ended_at: datetime | None = None
    message: str | None = None
    failures: int = 0
    try_at: datetime

    def standing(self, now: datetime) -> Standing:
        """Whether it waits for its code, is confirmed, or is over."""
        if self.ended_at is not None:
            return "over"
        if self.confirmed_at is not None:
            return "confirmed"
        return "waiting" if now < self.code_until else "over"

    def try_code(self, *, at: datetime) -> "Contact":
        """One try at its code counted, before the code is looked at.

        Raises:
            ValueError: it waits for none, or was tried too often; the caller has looked.
        """
        if not self.may_be_tried(at):
            raise ValueError("no code is tried here")
        return replace(self, version=self.version + 1, tries=self.tries + 1)

    def may_be_tried(self, now: datetime) -> bool:
        """Whether a code may be tried."""
        return self.standing(now) == "waiting" and self.tries < MOST_TRIES

    def confirm(self, *, at: datetime) -> "Contact":
        """The address is the subject's. *Not checked*: the code.

        Raises:
            ValueError: it does not wait; the caller has looked.
        """
        if self.standing(at) != "waiting":
            raise ValueError("what waits for no code is not confirmed")
        return replace(
            self, version=self.version + 1, confirmed_at=at, message=None, failures=0, try_at=at
        )

    def end(self, *, at: datetime) -> "Contact":
        """Used no more.

        Raises:
            ValueError: it ended before; the caller has looked.
        """
        if self.ended_at is not None:
            raise ValueError("what has ended does not end again")
        return replace(self, version=self.version + 1, ended_at=at)

    def speaking(self, language: Language) -> "Contact":
        """Told in another language from now on."""
        return replace(self, version=self.version + 1, language=language)

    # --- what is sent there

    def begin(self, message: str, *, at: datetime) -> "Contact":
        """Somebody sends, alone for as long as the lease lasts: what was on its way, or else ``message``."""
        return replace(
            self, version=self.version + 1, message=self.message or message, try_at=at + LEASE
        )

    def told(self, *, at: datetime) -> "Contact":
        """The message was handed on."""
        quiet = at + QUIET if self.confirmed_at else at
        return replace(
            self, version=self.version + 1, sent_at=at, message=None, failures=0, try_at=quiet
        )

    def unquiet(self, *, at: datetime) -> "Contact":
        """What waits is told at once, also soon after a message; what is on its way already goes on as it was."""
        if self.message is not None:
            return self
        return replace(self, version=self.version + 1, try_at=min(self.try_at, at))

    def postponed(self, *, at: datetime, wait: timedelta) -> "Contact":
        """It was in vain, and is tried again after a while, the same message."""
        return replace(self, version=self.version + 1, failures=self.failures + 1, try_at=at + wait)

    def refuse(self, *, at: datetime) -> "Contact":
        """Whoever runs the channel will not have the address: nothing more is sent there."""
        return replace(self, version=self.version + 1, refused_at=at, message=None)


def address_of(channel: Channel, text: str) -> str:
    """The address as it is kept and sent to: what people write around a number is left out.

    *Not checked*: that anybody is there.

    Raises:
        AddressUnlike: the channel has no such addresses.
    """
    bare = text.strip(" ")
    digits = _SPACING.sub("", bare)
    if channel == "email":
        found = _EMAIL.fullmatch(bare)
        short = len(bare) <= MAX_EMAIL_CHARS
        if found is not None and short and len(found["local"]) <= MAX_LOCAL_CHARS:
            return f"{found['local']}@{found['domain'].lower()}"
    elif channel == "sms":
        if _NORWEGIAN.fullmatch(digits):
            return f"+47{digits}"
        if _INTERNATIONAL.fullmatch(digits):
            return digits
    elif _NUMBER.fullmatch(digits):
        return digits
    raise AddressUnlike
