"""Epochs: the keyring's files of the log's epoch keys, made when first needed, destroyed for good.

A key is read from its file for every call and never kept; ``end`` returns after the last user is
done, as shredding a subject does.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from keys import boxes, files
from keys.errors import EpochEnded, EpochInvalid, KeyringDamaged
from tillit.contents import is_epoch
from tillit.envelopes import KEY_BYTES

EPOCHS = "epochs"

Unseal = Callable[[bytes, str], bytes]
"""Opens a file's content under the keyring's root key, by the file's name."""


class Epochs:
    """The epochs of the keyring in ``directory``."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory / EPOCHS

    @contextmanager
    def seed(self, epoch: str, *, unseal: Unseal) -> Iterator[bytes | None]:
        """The seed of an epoch's key while it is used, None when it never had one.

        Raises ``EpochInvalid``, ``EpochEnded`` or ``KeyringDamaged``.
        """
        path = self._path(epoch)
        try:
            with files.held(path) as data:
                if boxes.is_shredded(data):
                    raise EpochEnded("the epoch's key was destroyed")
                seed = unseal(data, path.name)
                if len(seed) != KEY_BYTES:
                    raise KeyringDamaged(f"{path.name} does not hold what it should")
                yield seed
        except FileNotFoundError:
            yield None

    def make(self, epoch: str, *, keep: Callable[[Path], object]) -> None:
        """Make the epoch's key, unless there is or was one. Raises ``EpochInvalid``."""
        path = self._path(epoch)
        if path.exists():
            return
        self._directory.mkdir(mode=0o700, exist_ok=True)
        keep(path)

    def end(self, epoch: str) -> None:
        """Destroy the epoch's key, whether or not it had one. Raises ``EpochInvalid``."""
        path = self._path(epoch)
        self._directory.mkdir(mode=0o700, exist_ok=True)
        files.destroy(path, boxes.SHREDDED)

    def _path(self, epoch: str) -> Path:
        if not is_epoch(epoch):
            raise EpochInvalid("an epoch is named CLASS-YYYY-MM")
        return self._directory / epoch
