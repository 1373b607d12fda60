"""Making a keyring: fresh keys in a directory that appears whole, or not at all."""

import errno
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from keys import boxes, depositkeys, files, releases, roots
from keys.boxes import Cost
from keys.errors import KeyringExists, KeyringUnreachable
from keys.parts import BROKER, BROKER_BYTES, CUSTODIAN, RELEASES, SIGNER, SUBJECTS, reported
from keys.roots import ROOT, Back, Passphrase
from tillit.envelopes import KEY_BYTES, Randomness

_OCCUPIED = {errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR}


def create(
    directory: str | os.PathLike[str],
    protection: bytes | Back,
    *,
    deposits: depositkeys.Kind = "x25519",
    cost: Cost = Cost(),  # noqa: B008 - a frozen value
    randomness: Randomness = os.urandom,
) -> None:
    """Make a keyring with fresh keys, under a passphrase or another back end.

    It appears whole, or not at all. Raises ``KeyringExists`` when there is anything but an empty
    directory, ``PassphraseUnfit``, ``KeyringUnreachable`` when the files cannot be written, or what
    the back end raises. ``deposits`` is the kind of key that sources seal to, ``cost`` a passphrase's.
    """
    contents = {
        CUSTODIAN: depositkeys.first(deposits, randomness(KEY_BYTES)),
        BROKER: randomness(BROKER_BYTES),
        SIGNER: randomness(KEY_BYTES),
    }
    make(directory, contents, protection, cost=cost, randomness=randomness)


def make(
    directory: str | os.PathLike[str],
    contents: Mapping[str, bytes],
    protection: bytes | Back,
    *,
    cost: Cost,
    randomness: Randomness,
) -> None:
    """Make a keyring that holds these secrets, by the names of their files; see ``create``."""
    target = Path(directory).absolute()
    root = randomness(KEY_BYTES)
    back = _passphrase(protection, cost) if isinstance(protection, bytes) else protection
    top = roots.first(root, back=back, randomness=randomness).written()
    sealed = {
        name: boxes.seal(secret, key=root, name=name, randomness=randomness)
        for name, secret in contents.items()
    }
    with reported():
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
        files.make_directory(draft)
        try:
            if CUSTODIAN in sealed:
                files.make_directory(draft / SUBJECTS)
                releases.begin(draft / RELEASES)
            for name, content in {ROOT: top, **sealed}.items():
                files.write_first(draft / name, content)
            _put_in_place(draft, target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        files.sync_directory(target.parent)


def _put_in_place(draft: Path, target: Path) -> None:
    try:
        draft.rename(target)
    except OSError as error:
        found = KeyringExists if error.errno in _OCCUPIED else KeyringUnreachable
        raise found(f"the keyring cannot be put in its place: {error.strerror}") from None


def _passphrase(passphrase: bytes, cost: Cost) -> Back:
    return Passphrase(lambda: passphrase, cost=cost)
