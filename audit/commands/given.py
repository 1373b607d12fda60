"""What commands are given: a source, a token for it, keys, files; and the flags that say so."""

import argparse
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from audit.asking import AUDIT_SCOPE, Auditor
from audit.errors import SourceUnavailable
from audit.files import read
from audit.sources import SCOPE, Credentials, DirectorySource, HttpSource, Source
from tillit.keys import ServiceKey
from tillit.notes import MAX_NOTE_BYTES, NoteInvalid, VerifiedCheckpoint, Vkey, open_checkpoint
from tillit.quorums import MAX_POLICY_BYTES, Policy, PolicyInvalid

TIMEOUT = httpx.Timeout(30, connect=5)

_MAX_TOKEN_BYTES = 8192


def flags() -> argparse.ArgumentParser:
    """The flags that every command takes, as a parent of its parser."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--key", metavar="FILE", help="service key, for an access token")
    common.add_argument("--client", metavar="UNIT", help="the unit that the service key must be of")
    common.add_argument("--token-file", metavar="FILE", help="access token, instead of a key")
    common.add_argument("--json", action="store_true", help="answer in JSON")
    return common


@contextlib.contextmanager
def source(options: argparse.Namespace) -> Iterator[Source]:
    """Where ``options.source`` says that the log is. Raises ``SourceUnavailable``."""
    if "://" not in options.source:
        yield DirectorySource(Path(options.source))
        return
    with httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client:
        yield HttpSource(client, options.source, bearer(options, client))


@contextlib.contextmanager
def auditor(options: argparse.Namespace) -> Iterator[Auditor]:
    """The broker at ``options.source``, as it answers an auditor. Raises ``SourceUnavailable``."""
    with httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client:
        yield Auditor(client, options.source, bearer(options, client, scope=AUDIT_SCOPE))


def bearer(
    options: argparse.Namespace, client: httpx.Client, *, scope: str = SCOPE
) -> Callable[[], str] | None:
    """What gives an access token for ``options.source``, None without a token file or key."""
    if options.token_file:
        token = read(Path(options.token_file), _MAX_TOKEN_BYTES).decode("ascii", "replace").strip()
        return lambda: token
    if options.key:
        key = ServiceKey.load(options.key)
        if options.client and options.client != key.unit:
            raise SourceUnavailable("the service key is not that unit's")
        return Credentials(client, options.source, key, scope)
    return None


def vkey(text: str, flag: str = "--vkey") -> Vkey:
    """A log's vkey, or what the file of that name holds. Raises ``SourceUnavailable``, which names the flag."""
    try:
        if "+" not in text or Path(text).is_file():
            text = read(Path(text), MAX_NOTE_BYTES).decode("utf-8", "replace").strip()
        return Vkey.parse(text)
    except NoteInvalid as wrong:
        raise SourceUnavailable(f"{flag}: {wrong.detail}") from wrong


def policy(path: str) -> Policy:
    """The witness policy in a file. Raises ``SourceUnavailable``."""
    try:
        return Policy.parse(read(Path(path), MAX_POLICY_BYTES))
    except PolicyInvalid as wrong:
        raise SourceUnavailable(f"--witnesses: {wrong.detail}") from wrong


def since(path: str, vkey: Vkey, flag: str = "--since") -> VerifiedCheckpoint:
    """The checkpoint of an earlier visit. Raises ``SourceUnavailable``, which names the flag."""
    try:
        return open_checkpoint(read(Path(path), MAX_NOTE_BYTES), vkey)
    except NoteInvalid as wrong:
        raise SourceUnavailable(f"{flag}: {wrong.detail}") from wrong
