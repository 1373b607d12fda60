"""Rotation of a keyring's keys, while other processes go on.

The root key is exchanged under all that it seals, resumably after any crash:

1. The back end makes a new key of its own. The ``root`` file is replaced by one with the new root
   key, and the old one under it: every process that shares the keyring opens both from now on, and
   seals under the new one.
2. Every other file is sealed anew, in batches. What a process shredded meanwhile stays shredded.
3. The ``root`` file forgets the old root key; the back end destroys what had wrapped it.

After that a copy of the keyring from before opens nothing, provided that the back end could destroy
its old key. The subjects' keys are the same, so no ciphertext and no wrapped content key changes.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from keys import boxes, files, roots
from keys.depositkeys import DepositKeys
from keys.epochs import EPOCHS
from keys.errors import KeyringDamaged, KeyringMissing, KeyringUnreachable, RotationRunning
from keys.parts import CUSTODIAN, SUBJECTS, broker_secrets_in, content, reported, root_of
from keys.roots import ROOT, Back, RootFile, Roots
from keys.signing import SIGNING, SigningKeys
from tillit.envelopes import KEY_BYTES, Randomness

BATCH = 1024
"""So many files are written before they take their places: a crash repeats so much at most."""

_WRITERS = 16
_LOCK = ".rotation"

Progress = Callable[[int, int], None]
"""Told how many files of how many are done."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation has come to.

    ``damaged``: names of files that open under neither root key, and were left as they are.
    ``destroyed``: whether no copy of the keyring from before can ever be opened. Where another back end
    had wrapped the root key, that one's keys are left to it, and such a copy still opens.
    """

    epoch: int
    files: int
    damaged: tuple[str, ...]
    destroyed: bool


def rotate(
    directory: str | os.PathLike[str],
    back: Back,
    *,
    progress: Progress = lambda done, total: None,  # noqa: ARG005 - nobody looks
    randomness: Randomness = os.urandom,
) -> Rotated:
    """Rotate the keyring's root key, or end a rotation that was begun.

    ``back`` unwraps the root key there is and wraps the new one (``keys.roots.Backs``: two that
    differ). Raises ``RotationRunning``, ``KeyringMissing``, ``KeyringUnreachable``,
    ``KeyringDamaged`` for the ``root`` file, or what the back end raises; what was begun then is
    ended by a repeat.
    """
    home = Path(directory).absolute()
    try:
        with _alone(home):
            file, opened = _begun(home, back, randomness)
            count, damaged = _rewrap(home, opened, progress=progress, randomness=randomness)
            files.replace(home / ROOT, replace(file, previous=None, moved=False).written())
            destroyed = back.destroy_older(file.wrapped) and not file.moved
            return Rotated(file.epoch, count, damaged, destroyed)
    except FileNotFoundError:
        raise KeyringMissing("there is no keyring in the directory") from None
    except OSError as error:
        raise KeyringUnreachable(f"the keyring's files cannot be used: {error.strerror}") from None


def _begun(home: Path, back: Back, randomness: Randomness) -> tuple[RootFile, Roots]:
    """A new root key that stands in the ``root`` file beside the old one, made now or before a crash."""
    file = RootFile.parse(files.read(home / ROOT))
    opened = file.unwrapped(back)
    if opened.before is not None:
        return file, opened
    back.renew()
    fresh = randomness(KEY_BYTES)
    file = roots.following(file, opened, back=back, root=fresh, randomness=randomness)
    files.replace(home / ROOT, file.written())
    return file, Roots(file.epoch, fresh, opened.now)


def _rewrap(
    home: Path, opened: Roots, *, progress: Progress, randomness: Randomness
) -> tuple[int, tuple[str, ...]]:
    """Seal every file under the new root key; how many there are, and which are damaged."""
    batches = list(_batches(home))
    total, done = sum(map(len, batches)), 0
    damaged: list[str] = []

    def drafted(path: Path) -> files.Draft | None:
        def change(data: bytes) -> bytes | None:
            if boxes.is_shredded(data):
                return None
            return opened.rewrapped(data, name=path.name, randomness=randomness)

        try:
            return files.drafted(path, change)
        except KeyringDamaged:
            damaged.append(path.name)
            return None

    with ThreadPoolExecutor(_WRITERS) as writers:
        for batch in batches:
            again = batch
            while again:
                again = files.take([draft for draft in writers.map(drafted, again) if draft])
            done += len(batch)
            progress(done, total)
    return total, tuple(sorted(damaged))


def _batches(home: Path) -> Iterator[Sequence[Path]]:
    """Every sealed file but the root's own, so many at once, each time of one directory."""
    for directory in (home, home / SUBJECTS, home / EPOCHS):
        paths = sorted(directory.iterdir()) if directory.is_dir() else []
        sealed = [path for path in paths if _is_sealed(path) and path != home / ROOT]
        for start in range(0, len(sealed), BATCH):
            yield sealed[start : start + BATCH]


def _is_sealed(path: Path) -> bool:
    return not path.name.startswith(".") and path.is_file()


def change_signing(
    directory: str | os.PathLike[str],
    back: Back,
    change: Callable[[SigningKeys], SigningKeys],
    *,
    randomness: Randomness = os.urandom,
) -> SigningKeys:
    """Rotate, retire or revoke one of the broker's signing keys (``keys.signing``); gives the new ones.

    Whoever shares the keyring sees them at its next look. Raises what ``change`` does,
    ``RotationRunning``, or as opening a keyring does.
    """
    home = Path(directory).absolute()
    with reported(), _alone(home):
        _, opened = root_of(home, back)
        secrets = broker_secrets_in(home, opened)
        if secrets is None:
            raise KeyringMissing("the broker's secrets are in a keyring of their own")
        changed = change(secrets.signing)
        box = opened.seal(changed.written(), name=SIGNING, randomness=randomness)
        if not files.write_first(home / SIGNING, box):
            files.replace(home / SIGNING, box)
    return changed


def change_deposit_keys(
    directory: str | os.PathLike[str],
    back: Back,
    change: Callable[[DepositKeys], DepositKeys],
    *,
    randomness: Randomness = os.urandom,
) -> DepositKeys:
    """Renew or retire the custodian's deposit keys (``keys.depositkeys``); gives the new ones.

    Whoever shares the keyring takes them up by itself; what the file held before is overwritten.
    Raises what ``change`` does, ``RotationRunning``, or as opening a keyring does.
    """
    home = Path(directory).absolute()
    with reported(), _alone(home):
        _, opened = root_of(home, back)
        box = content(home / CUSTODIAN)
        if box is None:
            raise KeyringMissing("the custodian's keys are in a keyring of their own")
        raw = opened.unseal(box, name=CUSTODIAN)
        changed = change(DepositKeys.parse(raw, name=CUSTODIAN))
        box = opened.seal(changed.written(), name=CUSTODIAN, randomness=randomness)
        files.replace(home / CUSTODIAN, box)
    return changed


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    descriptor = os.open(home / _LOCK, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise RotationRunning("the root key of this keyring is being rotated already") from None
    finally:
        os.close(descriptor)
