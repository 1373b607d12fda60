"""Tillit's SDK: ask, deposit, seal, open and verify, for services that share under a youth's consent."""

from tillit.aio import AsyncClient
from tillit.client import Client
from tillit.errors import (
    AuthenticationFailed,
    Conflict,
    Invalid,
    KeyFileError,
    ManifestMismatch,
    NotFound,
    ProblemError,
    ProtocolError,
    RateLimited,
    ReceiptInvalid,
    SealBroken,
    SourceSignatureInvalid,
    SubjectMismatch,
    TillitError,
    Timeout,
    TransportError,
    Unavailable,
    UsageError,
    VerificationError,
)
from tillit.keys import ServiceKey
from tillit.opening import OpenedValue
from tillit.results import Answer, Catalogue, Check, Deposited, Proven, Subject
from tillit.sealing import Value
from tillit.transport import Retries
from tillit.wire import (
    Actor,
    BrokerKeys,
    Condition,
    ConsentView,
    Event,
    InvocationView,
    NoticeDelay,
    Participant,
    Reason,
)

__all__ = [
    "Actor",
    "Answer",
    "AsyncClient",
    "AuthenticationFailed",
    "BrokerKeys",
    "Catalogue",
    "Check",
    "Client",
    "Condition",
    "Conflict",
    "ConsentView",
    "Deposited",
    "Event",
    "Invalid",
    "InvocationView",
    "KeyFileError",
    "ManifestMismatch",
    "NotFound",
    "NoticeDelay",
    "OpenedValue",
    "Participant",
    "ProblemError",
    "ProtocolError",
    "Proven",
    "RateLimited",
    "Reason",
    "ReceiptInvalid",
    "Retries",
    "SealBroken",
    "ServiceKey",
    "SourceSignatureInvalid",
    "Subject",
    "SubjectMismatch",
    "TillitError",
    "Timeout",
    "TransportError",
    "Unavailable",
    "UsageError",
    "Value",
    "VerificationError",
]
