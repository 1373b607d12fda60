"""The local keyring.

A directory of sealed keys that opens with a passphrase or the like, and the custodian on it.

``root`` holds the root key under the passphrase, or under another back end (``keys.roots``);
``custodian`` holds the deposit keys (``keys.depositkeys``) and ``broker`` the broker's own secrets
under the root key, ``signer`` the key of the release log that lies in ``releases/``, ``issuers`` the
public keys that warrants are signed with where the broker's secrets lie elsewhere (``keys.parting``);
``subjects/`` one file per subject, ``epochs/`` one per epoch of the log (``keys.epochs``). A subject's
key is read from its file for every call and never kept, so that shredding works in every process at
once.
What was admitted, released or shredded outlives kill -9 at any moment.

Not promised: that a disk forgets what was overwritten, or that a backup of the directory does.
"""

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keys import boxes, custodian, files, logkeys, releases, warrants
from keys.custodian import Released
from keys.depositkeys import DepositKeys
from keys.epochs import Epochs
from keys.errors import (
    CustodianError,
    KeyChangeRefused,
    KeyringDamaged,
    KeyringMissing,
    KeyringUnreachable,
    NoSubjectKey,
    NotShredded,
    SubjectShredded,
)
from keys.logkeys import OpenedVolumes
from keys.making import create
from keys.parts import (
    BROKER,
    CUSTODIAN,
    ISSUERS,
    RELEASES,
    SIGNER,
    SUBJECTS,
    BrokerSecrets,
    broker_secrets_in,
    content,
    issuers_in,
    now,
    reported,
    sized,
)
from keys.rates import Rate, Rates
from keys.releases import ReleaseLog
from keys.roots import ROOT, Back, Passphrase, RootFile, Roots
from keys.signing import SIGNING
from keys.subjects import SubjectKeys
from keys.warrants import Warrant
from tillit import deposit_keys, shredding
from tillit.contents import Volume
from tillit.envelopes import KEY_BYTES, Randomness
from tillit.leaves import instant
from tillit.notes import Vkey
from tillit.releases import vkey
from tillit.shredding import ShredStatement
from tillit.wire import SUBJECT, SealedKey

__all__ = ["BROKER", "CUSTODIAN", "SUBJECTS", "BrokerSecrets", "LocalCustodian", "create"]

Result = TypeVar("Result")

SETTLED_SECONDS = 600.0
"""What was admitted under a subject's key before it was exchanged is committed by then, or never."""


@dataclass(frozen=True, slots=True, repr=False)
class _Unlocked:
    """What the root key opened, and which file it was: another file means opening again."""

    identity: tuple[int, ...]
    roots: Roots
    deposits: DepositKeys
    jwk: Mapping[str, Any]
    broker: BrokerSecrets | None
    issuers: Mapping[str, Any]
    signer: Ed25519PrivateKey
    log: ReleaseLog


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
        clock: Callable[[], datetime] = now,
        rate: Rate = Rate(),  # noqa: B008 - a frozen value
        sync_each: bool = False,
    ) -> None:
        """Nothing is read yet.

        ``protection`` gives the passphrase, or is another back end; it is asked each time the
        keyring is opened.

        ``rate`` bounds the releases of this process; ``sync_each``: see ``keys.releases``.
        """
        self._directory = Path(directory).absolute()
        self._back = Passphrase(protection) if callable(protection) else protection
        self._randomness = randomness
        self._epochs = Epochs(self._directory)
        self._clock = clock
        self._rates = Rates(rate, time.monotonic)
        self._sync_each = sync_each
        self._lock = threading.Lock()
        self._unlocked: _Unlocked | None = None

    def public_jwk(self) -> dict[str, Any]:
        """See ``keys.custodian.Custodian.public_jwk``."""
        return dict(self._open().jwk)

    def deposit_keys(self) -> DepositKeys:
        """The deposit keys, the published one first."""
        return self._open().deposits

    def broker_keys(self) -> BrokerSecrets:
        """The broker's own secrets. Raises ``KeyringMissing`` when they lie elsewhere."""
        broker = self._open().broker
        if broker is None:
            raise KeyringMissing("the broker's secrets are in a keyring of their own")
        return broker.at(self._clock())

    def releases_vkey(self) -> Vkey:
        """The key that heads of the release log are signed with."""
        return vkey(self._open().signer)

    def releases_head(self) -> str:
        """Make the release log last, and sign how far it is (``tillit.releases``)."""
        with reported():
            return self._open().log.settle()

    def close(self) -> None:
        """Make the release log last, and let go of its files. The custodian may be used again."""
        unlocked = self._unlocked
        if unlocked is not None:
            with reported():
                unlocked.log.close()

    def admit(
        self, *, subject: str, key: SealedKey, wrapped: Mapping[str, str], manifest_hash: bytes
    ) -> dict[str, str]:
        """See ``keys.custodian.Custodian.admit``."""
        unlocked = self._open()

        def admitted(subject_keys: SubjectKeys) -> dict[str, str]:
            return custodian.admitted(
                key=key,
                wrapped=wrapped,
                manifest_hash=manifest_hash,
                deposit_keys=unlocked.deposits,
                subject_key=subject_keys.now,
            )

        return self._first_used(unlocked, subject, admitted)

    def release(
        self,
        *,
        subject: str,
        wrapped: Mapping[str, str],
        recipient_jwk: Mapping[str, Any],
        kid: str,
        warrant: Warrant,
    ) -> Released:
        """See ``keys.custodian.Custodian.release``."""
        unlocked = self._open()
        warranted = warrants.verified(
            warrant, issuers=unlocked.issuers, kid=kid, records=wrapped.keys(), now=self._clock()
        )
        # Who reads about themself has a new key each time.
        self._rates.take(subject if warranted.recipient == SUBJECT else kid)
        with reported(), self._subject_keys(unlocked, subject) as subject_keys:
            released = custodian.released(
                wrapped=wrapped,
                recipient_jwk=recipient_jwk,
                manifest_hash=warranted.manifest_hash,
                kid=kid,
                subject_keys=subject_keys,
                randomness=self._randomness,
            )
            with reported():
                unlocked.log.append(warranted, kid=kid, count=len(wrapped))
        return released

    def shred(self, *, subject: str) -> None:
        """See ``keys.custodian.Custodian.shred``.

        Works without the passphrase; a repeat changes nothing.
        """
        self._identity()
        path = self._path(subject)
        with reported():
            data = content(path)
            if data is None or not boxes.is_shredded(data):
                files.destroy(path, self._mark(data))

    def shred_certificate(self, *, subject: str) -> str:
        """See ``keys.custodian.Custodian.shred_certificate``."""
        signer, path = self._open().signer, self._path(subject)
        data = content(path)
        if data is None or not boxes.is_shredded(data):
            raise NotShredded("the subject's key was not destroyed")
        said = boxes.read_shredded(data) or {"at": None, "epoch": 0, "sealed": None}
        with reported():
            at = said["at"] or datetime.fromtimestamp(path.stat().st_mtime, UTC)
        whom = shredding.digest(subject.encode())
        statement = {"v": 1, "subject": whom, **said, "at": at}
        kept = {name: statement[name] for name in ShredStatement.model_fields}
        return shredding.issue(ShredStatement.model_validate(kept), signer)

    def renew(self, *, subject: str) -> None:
        """See ``keys.custodian.Custodian.renew``."""

        def renewed(keys: SubjectKeys) -> SubjectKeys | None:
            return keys.renewed(self._randomness(KEY_BYTES)) if keys.before is None else None

        self._exchange(subject, renewed)

    def rewrap(self, *, subject: str, wrapped: Mapping[str, str]) -> dict[str, str]:
        """See ``keys.custodian.Custodian.rewrap``."""
        custodian.require_few(wrapped)
        with reported(), self._subject_keys(self._open(), subject) as keys:
            return keys.rewrapped(wrapped)

    def retire(self, *, subject: str) -> None:
        """See ``keys.custodian.Custodian.retire``."""

        def retired(keys: SubjectKeys) -> SubjectKeys | None:
            if keys.before is None:
                return None
            written = self._path(subject).stat().st_mtime
            if self._clock().timestamp() - written < SETTLED_SECONDS:
                raise KeyChangeRefused("the key was exchanged a moment ago; retire it later")
            return keys.retired()

        self._exchange(subject, retired)

    def log_subject_key(self, *, subject: str) -> dict[str, Any]:
        """See ``keys.custodian.Custodian.log_subject_key``."""

        def public(subject_keys: SubjectKeys) -> dict[str, Any]:
            return logkeys.public_jwk(subject_keys.log_seed)

        return self._first_used(self._open(), subject, public)

    def log_epoch_key(self, *, epoch: str) -> dict[str, Any]:
        """See ``keys.custodian.Custodian.log_epoch_key``."""
        unseal = partial(self._unsealed, self._open())
        with reported():
            self._epochs.make(
                epoch, keep=lambda path: self._keep(path, self._randomness(KEY_BYTES))
            )
            with self._epochs.seed(epoch, unseal=unseal) as seed:
                return logkeys.public_jwk(sized(seed or b"", KEY_BYTES, epoch))

    def end_log_epoch(self, *, epoch: str) -> None:
        """See ``keys.custodian.Custodian.end_log_epoch``. Works without the passphrase."""
        self._identity()
        with reported():
            self._epochs.end(epoch)

    def open_log_volumes(self, *, volumes: Sequence[Volume]) -> OpenedVolumes:
        """See ``keys.custodian.Custodian.open_log_volumes``."""
        unlocked = self._open()
        with reported(), ExitStack() as held:
            return logkeys.opened(
                volumes,
                epoch_seed=lambda epoch: held.enter_context(
                    self._epochs.seed(epoch, unseal=partial(self._unsealed, unlocked))
                ),
                log_seed=lambda subject: (
                    held.enter_context(self._subject_keys(unlocked, subject)).log_seed
                ),
            )

    def __reduce__(self) -> NoReturn:
        raise TypeError("a custodian is neither pickled nor copied")

    def _first_used(
        self, unlocked: _Unlocked, subject: str, use: Callable[[SubjectKeys], Result]
    ) -> Result:
        """Use the subject's key; one that is made for it is kept only if the use of it succeeds."""
        with reported():
            try:
                with self._subject_keys(unlocked, subject) as keys:
                    return use(keys)
            except NoSubjectKey:
                fresh = self._randomness(KEY_BYTES)
                used = use(SubjectKeys.first(fresh))
                if self._keep(self._path(subject), fresh):
                    return used
            with self._subject_keys(unlocked, subject) as keys:
                return use(keys)

    @contextmanager
    def _subject_keys(self, unlocked: _Unlocked, subject: str) -> Iterator[SubjectKeys]:
        """The subject's keys while they are used; ``shred`` returns after the last user is done."""
        path = self._path(subject)
        try:
            with files.held(path) as data:
                if boxes.is_shredded(data):
                    raise SubjectShredded("the subject's key was destroyed")
                raw = self._unsealed(unlocked, data, path.name)
                yield SubjectKeys.parse(raw, name=path.name)
        except FileNotFoundError:
            if not path.parent.is_dir():
                raise KeyringDamaged(f"{SUBJECTS} is gone from the keyring") from None
            raise NoSubjectKey("nothing was admitted about the subject") from None

    def _exchange(self, subject: str, change: Callable[[SubjectKeys], SubjectKeys | None]) -> None:
        """Exchange a subject's keys in their file, unless ``change`` leaves them as they are."""
        path = self._path(subject)

        def changed(data: bytes) -> bytes | None:
            if boxes.is_shredded(data):
                raise SubjectShredded("the subject's key was destroyed")
            raw = self._unsealed(self._open(), data, path.name)
            keys = change(SubjectKeys.parse(raw, name=path.name))
            if keys is None:
                return None
            return roots.seal(keys.written(), name=path.name, randomness=self._randomness)

        with reported(), self._current() as roots:
            try:
                files.exchange(path, changed)
            except FileNotFoundError:
                raise NoSubjectKey("nothing was admitted about the subject") from None

    def _mark(self, data: bytes | None) -> bytes:
        """The mark of a key that is destroyed now; ``data`` is what its file holds."""
        try:
            epoch = RootFile.parse(files.read(self._directory / ROOT)).epoch
        except KeyringDamaged:
            epoch = 0
        sealed = None if data is None else shredding.digest(data)
        return boxes.shredded(at=instant(self._clock()), epoch=epoch, sealed=sealed)

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
                self._let_go()
                try:
                    self._unlocked = self._unlock(identity)
                except KeyringDamaged:
                    # Read while the root key was being rotated: of one epoch this, of another that.
                    seen, identity = identity, self._identity()
                    if seen == identity:
                        raise
            return self._unlocked

    def _let_go(self) -> None:
        """Close the release log's files as they were opened; who still writes to it opens them again."""
        before, self._unlocked = self._unlocked, None
        if before is not None:
            with suppress(OSError, CustodianError):
                before.log.close()

    def _identity(self) -> tuple[int, ...]:
        try:
            seen = (self._directory / ROOT).stat()
        except FileNotFoundError:
            raise KeyringMissing("there is no keyring in the directory") from None
        except OSError as error:
            raise KeyringUnreachable(f"the keyring cannot be read: {error.strerror}") from None
        trusted = self._trusted()
        return (seen.st_dev, seen.st_ino, seen.st_mtime_ns, seen.st_size, *trusted)

    def _trusted(self) -> tuple[int, ...]:
        """Which files say who signs, here and warrants, and what deposits are sealed to: exchanged at any time."""
        found: list[int] = []
        for name in (ISSUERS, SIGNING, CUSTODIAN):
            with suppress(OSError):
                seen = (self._directory / name).stat()
                found += (seen.st_ino, seen.st_mtime_ns, seen.st_size)
        return tuple(found)

    def _unlock(self, identity: tuple[int, ...]) -> _Unlocked:
        top = self._content(ROOT)
        opened = RootFile.parse(top).unwrapped(self._back)
        raw = opened.unseal(self._content(CUSTODIAN), name=CUSTODIAN)
        deposits = DepositKeys.parse(raw, name=CUSTODIAN)
        issuers, held = (
            content(self._directory / ISSUERS),
            broker_secrets_in(self._directory, opened),
        )
        if issuers is None and held is None:
            raise KeyringDamaged(f"{BROKER} is gone from the keyring")
        trusted = [] if issuers is None else issuers_in(issuers, opened)
        if held is not None:
            trusted += [key.jwk for key in held.signing.believed("receipts", self._clock())]
        signer = self._signer(opened, top)
        log = ReleaseLog(
            self._directory / RELEASES,
            signer=signer,
            clock=self._clock,
            sync_each=self._sync_each,
        )
        return _Unlocked(
            identity,
            opened,
            deposits,
            deposit_keys.vouched(deposits.newest.jwk, by=signer),
            held,
            {"keys": trusted},
            signer,
            log,
        )

    def _signer(self, opened: Roots, top: bytes) -> Ed25519PrivateKey:
        """The key of the release log; both are made where the keyring is from before there was one.

        The log first: a key without a log is a log that was taken away.
        """
        path = self._directory / SIGNER
        with reported():
            if not path.exists():
                releases.begin(self._directory / RELEASES)
                with files.held(self._directory / ROOT) as now:
                    if now != top:
                        raise KeyringDamaged(f"{ROOT} was replaced meanwhile")
                    fresh = self._randomness(KEY_BYTES)
                    box = opened.seal(fresh, name=SIGNER, randomness=self._randomness)
                    files.write_first(path, box)
        secret = sized(opened.unseal(self._content(SIGNER), name=SIGNER), KEY_BYTES, SIGNER)
        return Ed25519PrivateKey.from_private_bytes(secret)

    def _content(self, name: str) -> bytes:
        data = content(self._directory / name)
        if data is None:
            raise KeyringDamaged(f"{name} is gone from the keyring")
        return data
