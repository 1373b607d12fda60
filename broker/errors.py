"""Errors of the broker: one tree, each with a stable code; no HTTP here, no personal data in any text.

``broker.api.problems`` maps code → status and title, and a test keeps that table whole.
"""

from typing import ClassVar


class BrokerError(Exception):
    """Base of the tree. ``detail`` may be shown to the caller: it never holds personal data, tokens or SQL."""

    code: ClassVar[str] = "broker.error"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.code)
        self.detail = detail


class Unavailable(BrokerError):
    """Something the broker stands on cannot answer now; nothing was released; try again later."""

    code = "unavailable"


class StoreDown(Unavailable):
    """The database is gone, full or locked."""

    code = "store.unavailable"


class EngineDown(Unavailable):
    """The policy engine cannot be asked."""

    code = "policy.unavailable"


class RegisterDown(Unavailable):
    """The population register cannot be asked."""

    code = "register.unavailable"


class CustodianDown(Unavailable):
    """The custodian is locked or gone."""

    code = "custodian.unavailable"


class Refused(BrokerError):
    """The caller's request cannot be met as it stands; nothing changed."""

    code = "request.refused"
