"""The broker's own keyring, where the custodian stands apart: its signing keys, and nothing that a value is under."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from keys.parts import BROKER, BrokerSecrets, broker_secrets, now
from keys.roots import ROOT, Back
from keys.signing import SIGNING


class BrokerKeyring:
    """Opened when first needed, and again when a file of it was exchanged."""

    def __init__(
        self,
        directory: str | os.PathLike[str],
        protection: Callable[[], bytes] | Back,
        *,
        clock: Callable[[], datetime] = now,
    ) -> None:
        """Nothing is read yet."""
        self._directory = Path(directory).absolute()
        self._protection = protection
        self._clock = clock
        self._opened: tuple[tuple[object, ...], BrokerSecrets] | None = None

    def broker_keys(self) -> BrokerSecrets:
        """The broker's own secrets as they are now. Raises as ``parts.broker_secrets``."""
        identity = tuple(_identity(self._directory / name) for name in (ROOT, BROKER, SIGNING))
        opened = self._opened
        if opened is None or opened[0] != identity:
            opened = (identity, broker_secrets(self._directory, self._protection))
            self._opened = opened
        return opened[1].at(self._clock())


def _identity(path: Path) -> tuple[int, ...] | None:
    """Which file it is; None where none can be looked at, which is told when it is read."""
    try:
        seen = path.stat()
    except OSError:
        return None
    return (seen.st_dev, seen.st_ino, seen.st_mtime_ns, seen.st_size)
