"""Identifiers: opaque, random, typed. Which id belongs to which service is the store's business."""

import base64
from collections.abc import Callable
from typing import NewType

SubjectId = NewType("SubjectId", str)
PersonKey = NewType("PersonKey", str)
UnitId = NewType("UnitId", str)
SubjectHandle = NewType("SubjectHandle", str)
ContactId = NewType("ContactId", str)
ConsentId = NewType("ConsentId", str)
GrantId = NewType("GrantId", str)
DisclosureId = NewType("DisclosureId", str)
RecordId = NewType("RecordId", str)
MeetingId = NewType("MeetingId", str)
CaseId = NewType("CaseId", str)
InvocationId = NewType("InvocationId", str)
HelperId = NewType("HelperId", str)
QuestionId = NewType("QuestionId", str)
ComplaintId = NewType("ComplaintId", str)

Randomness = Callable[[int], bytes]


def fresh(prefix: str, randomness: Randomness) -> str:
    """``<prefix>_`` and 128 random bits in base64url, as every id of the wire has it."""
    return f"{prefix}_{base64.urlsafe_b64encode(randomness(16)).rstrip(b'=').decode()}"
