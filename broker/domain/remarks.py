"""Remarks: what subject and service say to each other about a request, in closed words."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tillit.wire import AskBack, Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One of them: ``said`` is what the subject asks back, or what the service answers."""

    by: Literal["subject", "service"]
    said: AskBack | Reply
    at: datetime
