"""The local keyring.

A directory of sealed keys that opens with a passphrase or the like, and the custodian on it.

``root`` holds the root key under the passphrase, or under another back end (``keys.roots``);
``custodian`` and ``broker`` hold the custodian's and the broker's own secrets under the root key;
``subjects/`` one file per subject, ``epochs/`` one per epoch of the log (``keys.epochs``). A
subject's key is read from its file for every call and never kept, so that shredding works in every
process at once. What was admitted, released or shredded outlives kill -9 at any moment.

Not promised: that a disk forgets what was overwritten, or that a backup of the directory does.
"""

import errno
import hashlib
import os
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from keys import boxes, custodian, files, logkeys, roots
from keys.boxes import Cost
from keys.custodian import Released
from keys.epochs import Epochs
from keys.errors import (
    KeyringDamaged,
    KeyringExists,
    KeyringMissing,
    KeyringUnreachable,
    NoSubjectKey,
    SubjectShredded,
)
from keys.logkeys import OpenedVolumes
from keys.roots import ROOT, Back, Passphrase, RootFile, Roots
from tillit.contents import Volume
from tillit.envelopes import KEY_BYTES, Randomness
from tillit.jose import x25519_jwk
from tillit.wire import SealedKey

CUSTODIAN, BROKER, SUBJECTS = "custodian", "broker", "subjects"
Result = TypeVar("Result")

_BROKER_SECRETS = 4
_OCCUPIED = {errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR}


@dataclass(frozen=True, slots=True)
class BrokerSecrets:
    """The broker's own secrets. They stay out of ``repr`` and are not pickled.

    ``person_mac`` keys the hash of the national identity number.
    """

    receipts: Ed25519PrivateKey = field(repr=False)
    tokens: Ed25519PrivateKey = field(repr=False)
    log: Ed25519PrivateKey = field(repr=False)
    person_mac: bytes = field(repr=False)

    def __reduce__(self) -> NoReturn:
        raise TypeError("the broker's secrets are neither pickled nor copied")


def create(
    directory: str | os.PathLike[str],
    protection: bytes | Back,
    *,
    cost: Cost = Cost(),  # noqa: B008 - a frozen value
    randomness: Randomness = os.urandom,
) -> None:
    """Make a keyring with fresh keys, under a passphrase or another back end.

    It appears whole, or not at all. Raises ``KeyringExists`` when there is anything but an empty
    directory, ``PassphraseUnfit``, ``KeyringUnreachable`` when the files cannot be written, or what
    the back end raises. ``cost`` is a passphrase's.
    """
    target = Path(directory).absolute()
    root = randomness(KEY_BYTES)
    back = _passphrase(protection, cost) if isinstance(protection, bytes) else protection
    contents = {ROOT: roots.first(root, back=back, randomness=randomness).written()}
    for name, size in ((CUSTODIAN, KEY_BYTES), (BROKER, _BROKER_SECRETS * KEY_BYTES)):
        contents[name] = boxes.seal(randomness(size), key=root, name=name, randomness=randomness)
    with _reported():
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
        files.make_directory(draft)
        try:
            files.make_directory(draft / SUBJECTS)
            for name, content in contents.items():
                files.write_first(draft / name, content)
            _put_in_place(draft, target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        files.sync_directory(target.parent)


def _passphrase(passphrase: bytes, cost: Cost) -> Back:
    return Passphrase(lambda: passphrase, cost=cost)


def _put_in_place(draft: Path, target: Path) -> None:
    try:
        draft.rename(target)
    except OSError as error:
        found = KeyringExists if error.errno in _OCCUPIED else KeyringUnreachable
        raise found(f"the keyring cannot be put in its place: {error.strerror}") from None


@contextmanager
def _reported() -> Iterator[None]:
    """Give what the operating system refuses the custodian's own name."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or "input/output error"
        raise KeyringUnreachable(f"the keyring's files cannot be used: {reason}") from None


@dataclass(frozen=True, slots=True, repr=False)
class _Unlocked:
    """What the root key opened, and which file it was: another file means opening again."""

    identity: tuple[int, int, int, int]
    roots: Roots
    custodian: X25519PrivateKey
    jwk: Mapping[str, Any]
    broker: BrokerSecrets


class LocalCustodian:
    """The custodian in this process, on a keyring directory that other processes may share.

    It opens the keyring when first needed, and again when the file has changed or the last attempt
    failed: every call stands on what is on the disk now.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        protection: Callable[[], bytes] | Back,
        *,
        randomness: Randomness = os.urandom,
    ) -> None:
        """Nothing is read yet.

        ``protection`` gives the passphrase, or is another back end; it is asked each time the
        keyring is opened.
        """
        self._directory = Path(directory).absolute()
        self._back = Passphrase(protection) if callable(protection) else protection
        self._randomness = randomness
        self._epochs = Epochs(self._directory)
        self._lock = threading.Lock()
        self._unlocked: _Unlocked | None = None

    def public_jwk(self) -> dict[str, Any]:
        """The custodian's public X25519 key."""
        return dict(self._open().jwk)

    def broker_keys(self) -> BrokerSecrets:
        """The broker's own secrets."""
        return self._open().broker

    def admit(
        self, *, subject: str, key: SealedKey, wrapped: Mapping[str, str], manifest_hash: bytes
    ) -> dict[str, str]:
        """See ``keys.custodian.Custodian.admit``."""
        unlocked = self._open()

        def admitted(subject_key: bytes) -> dict[str, str]:
            return custodian.admitted(
                key=key,
                wrapped=wrapped,
                manifest_hash=manifest_hash,
                custodian_key=unlocked.custodian,
                custodian_kid=str(unlocked.jwk["kid"]),
                subject_key=subject_key,
            )

        return self._first_used(unlocked, subject, admitted)

    def release(
        self,
        *,
        subject: str,
        wrapped: Mapping[str, str],
        recipient_jwk: Mapping[str, Any],
        manifest_hash: bytes,
        kid: str,
    ) -> Released:
        """See ``keys.custodian.Custodian.release``."""
        unlocked = self._open()
        with _reported(), self._subject_key(unlocked, subject) as subject_key:
            return custodian.released(
                wrapped=wrapped,
                recipient_jwk=recipient_jwk,
                manifest_hash=manifest_hash,
                kid=kid,
                subject_key=subject_key,
                randomness=self._randomness,
            )

    def shred(self, *, subject: str) -> None:
        """See ``keys.custodian.Custodian.shred``.

        Works without the passphrase; a repeat changes nothing.
        """
        self._identity()
        with _reported():
            files.destroy(self._path(subject), boxes.SHREDDED)

    def log_subject_key(self, *, subject: str) -> dict[str, Any]:
        """See ``keys.custodian.Custodian.log_subject_key``."""

        def public(subject_key: bytes) -> dict[str, Any]:
            return logkeys.public_jwk(logkeys.subject_seed(subject_key))

        return self._first_used(self._open(), subject, public)

    def log_epoch_key(self, *, epoch: str) -> dict[str, Any]:
        """See ``keys.custodian.Custodian.log_epoch_key``."""
        unseal = partial(self._unsealed, self._open())
        with _reported():
            self._epochs.make(
                epoch, keep=lambda path: self._keep(path, self._randomness(KEY_BYTES))
            )
            with self._epochs.seed(epoch, unseal=unseal) as seed:
                return logkeys.public_jwk(_sized(seed or b"", KEY_BYTES, epoch))

    def end_log_epoch(self, *, epoch: str) -> None:
        """See ``keys.custodian.Custodian.end_log_epoch``. Works without the passphrase."""
        self._identity()
        with _reported():
            self._epochs.end(epoch)

    def open_log_volumes(self, *, volumes: Sequence[Volume]) -> OpenedVolumes:
        """See ``keys.custodian.Custodian.open_log_volumes``."""
        unlocked = self._open()
        with _reported(), ExitStack() as held:
            return logkeys.opened(
                volumes,
                epoch_seed=lambda epoch: held.enter_context(
                    self._epochs.seed(epoch, unseal=partial(self._unsealed, unlocked))
                ),
                subject_key=lambda subject: held.enter_context(
                    self._subject_key(unlocked, subject)
                ),
            )

    def __reduce__(self) -> NoReturn:
        raise TypeError("a custodian is neither pickled nor copied")

    def _first_used(
        self, unlocked: _Unlocked, subject: str, use: Callable[[bytes], Result]
    ) -> Result:
        """Use the subject's key; one that is made for it is kept only if the use of it succeeds."""
        with _reported():
            try:
                with self._subject_key(unlocked, subject) as subject_key:
                    return use(subject_key)
            except NoSubjectKey:
                fresh = self._randomness(KEY_BYTES)
                used = use(fresh)
                if self._keep(self._path(subject), fresh):
                    return used
            with self._subject_key(unlocked, subject) as subject_key:
                return use(subject_key)

    @contextmanager
    def _subject_key(self, unlocked: _Unlocked, subject: str) -> Iterator[bytes]:
        """The subject's key while it is used; ``shred`` returns after the last user is done."""
        path = self._path(subject)
        try:
            with files.held(path) as data:
                if boxes.is_shredded(data):
                    raise SubjectShredded("the subject's key was destroyed")
                key = self._unsealed(unlocked, data, path.name)
                yield _sized(key, KEY_BYTES, path.name)
        except FileNotFoundError:
            if not path.parent.is_dir():
                raise KeyringDamaged(f"{SUBJECTS} is gone from the keyring") from None
            raise NoSubjectKey("nothing was admitted about the subject") from None

    def _unsealed(self, unlocked: _Unlocked, data: bytes, name: str) -> bytes:
        """What a file holds, also when the root key was rotated since it was opened."""
        try:
            return unlocked.roots.unseal(data, name=name)
        except KeyringDamaged:
            again = self._open()
            if again is unlocked:
                raise
            return again.roots.unseal(data, name=name)

    @contextmanager
    def _current(self) -> Iterator[Roots]:
        """The root key to seal under; it is not rotated away before what was sealed is written."""
        with files.held(self._directory / ROOT):
            yield self._open().roots

    def _keep(self, path: Path, key: bytes) -> bool:
        with self._current() as now:
            box = now.seal(key, name=path.name, randomness=self._randomness)
            return files.write_first(path, box)

    def _path(self, subject: str) -> Path:
        """Where a subject's key lies: under a hash, so that no id can name another place."""
        return self._directory / SUBJECTS / hashlib.sha256(subject.encode()).hexdigest()

    def _open(self) -> _Unlocked:
        identity = self._identity()
        unlocked = self._unlocked
        if unlocked is not None and unlocked.identity == identity:
            return unlocked
        with self._lock:
            while self._unlocked is None or self._unlocked.identity != identity:
                self._unlocked = None
                try:
                    self._unlocked = self._unlock(identity)
                except KeyringDamaged:
                    # Read while the root key was being rotated: of one epoch this, of another that.
                    seen, identity = identity, self._identity()
                    if seen == identity:
                        raise
            return self._unlocked

    def _identity(self) -> tuple[int, int, int, int]:
        try:
            seen = (self._directory / ROOT).stat()
        except FileNotFoundError:
            raise KeyringMissing("there is no keyring in the directory") from None
        except OSError as error:
            raise KeyringUnreachable(f"the keyring cannot be read: {error.strerror}") from None
        return (seen.st_dev, seen.st_ino, seen.st_mtime_ns, seen.st_size)

    def _unlock(self, identity: tuple[int, int, int, int]) -> _Unlocked:
        opened = RootFile.parse(self._content(ROOT)).unwrapped(self._back)
        own = opened.unseal(self._content(CUSTODIAN), name=CUSTODIAN)
        own = _sized(own, KEY_BYTES, CUSTODIAN)
        broker = opened.unseal(self._content(BROKER), name=BROKER)
        broker = _sized(broker, _BROKER_SECRETS * KEY_BYTES, BROKER)
        private = X25519PrivateKey.from_private_bytes(own)
        return _Unlocked(
            identity, opened, private, x25519_jwk(private.public_key()), _broker_secrets(broker)
        )

    def _content(self, name: str) -> bytes:
        with _reported():
            try:
                return files.read(self._directory / name)
            except FileNotFoundError:
                raise KeyringDamaged(f"{name} is gone from the keyring") from None


def _broker_secrets(raw: bytes) -> BrokerSecrets:
    receipts, tokens, log, person = (raw[i : i + KEY_BYTES] for i in range(0, len(raw), KEY_BYTES))
    return BrokerSecrets(
        receipts=Ed25519PrivateKey.from_private_bytes(receipts),
        tokens=Ed25519PrivateKey.from_private_bytes(tokens),
        log=Ed25519PrivateKey.from_private_bytes(log),
        person_mac=person,
    )


def _sized(secret: bytes, size: int, name: str) -> bytes:
    if len(secret) != size:
        raise KeyringDamaged(f"{name} does not hold what it should")
    return secret
