"""Log keys: the custodian as ``audit.sealing`` needs it, asked only for what the database does not know yet."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from audit.retention import Rules, rules
from broker.errors import CustodianDown
from keys.custodian import Custodian
from keys.errors import CustodianError, EpochEnded, SubjectShredded


class CustodiansLogKeys:
    """Public log keys from a custodian. An epoch that is over by the rules gets no key any more."""

    def __init__(
        self,
        custodian: Custodian,
        *,
        kept: Rules | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._custodian = custodian
        self._kept = kept or rules()
        self._clock = clock

    def subject(self, subject: str) -> Mapping[str, Any] | None:
        """The subject's key, None when the subject was shredded. Raises ``CustodianDown``."""
        try:
            return self._custodian.log_subject_key(subject=subject)
        except SubjectShredded:
            return None
        except CustodianError as down:
            raise CustodianDown from down

    def epoch(self, epoch: str) -> Mapping[str, Any] | None:
        """The epoch's key, None when the epoch is over. Raises ``CustodianDown``."""
        if self._kept.is_over(epoch, self._clock()):
            return None
        try:
            return self._custodian.log_epoch_key(epoch=epoch)
        except EpochEnded:
            return None
        except CustodianError as down:
            raise CustodianDown from down
