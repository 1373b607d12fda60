"""Quorums: which witnesses must have cosigned a checkpoint for it to count (C2SP tlog-policy).

The text form is that of C2SP tlog-policy, so that one file serves the log, its monitors and everybody else's tools:

    log <vkey>
    witness <name> <vkey> [<url>]
    group <name> all|any|<k> <name>...
    quorum <name>|none

A log signing two trees goes unseen only if enough witnesses to make up the quorum help it.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Self

from tillit.errors import TillitError, VerificationError
from tillit.notelines import NoteInvalid
from tillit.notes import Vkey
from tillit.witnesses import Cosignature, Witness, cosignatures

MAX_POLICY_BYTES = 64 * 1024
MAX_OF_A_KIND = 32
"""So many logs, witnesses and groups each; the specification asks for no fewer."""

NOBODY = "none"

_BLANK = re.compile(r"[ \t]+")
_COUNT = re.compile(r"[1-9][0-9]?")
_URL = re.compile(r"https?://[!-~]{1,500}")
_LEAST = {"log": 1, "witness": 2, "group": 3, "quorum": 1}
_MOST = {"log": 2, "witness": 3, "group": 2 + 2 * MAX_OF_A_KIND, "quorum": 1}


class PolicyInvalid(TillitError):
    """The text is no witness policy. ``detail`` begins with the line's number."""

    code = "witnesses.policy_invalid"


class NotWitnessed(VerificationError):
    """Too few witnesses have cosigned the checkpoint: somebody else may be shown another."""

    code = "verification.not_witnessed"


@dataclass(frozen=True, slots=True)
class Group:
    """So many of its members, witnesses or groups, make it count."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A checkpoint that the quorum has cosigned. ``missing`` are the policy's names of those who have not."""

    cosignatures: tuple[Cosignature, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """Who watches, and who of them is enough. ``quorum`` is a witness's or a group's name, or ``none``."""

    quorum: str
    witnesses: Mapping[str, Witness] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    logs: tuple[Vkey, ...] = ()
    urls: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """Read a policy strictly. Raises ``PolicyInvalid`` with the number of the line that is wrong."""
        read = _Reading()
        for number, line in enumerate(_lines(text), 1):
            try:
                read.line(line)
            except (PolicyInvalid, NoteInvalid) as wrong:
                raise PolicyInvalid(f"line {number}: {wrong.detail}") from wrong
        if read.quorum is None:
            raise PolicyInvalid("there is no quorum line")
        return cls(
            quorum=read.quorum,
            witnesses=MappingProxyType(read.witnesses),
            groups=MappingProxyType(read.groups),
            logs=tuple(read.logs),
            urls=MappingProxyType(read.urls),
        )

    @property
    def asks_nobody(self) -> bool:
        """Whether it is content with no witness at all."""
        return self.quorum == NOBODY

    def satisfied_by(self, cosigned: Collection[Witness]) -> bool:
        """Whether these witnesses are enough."""
        return self.asks_nobody or self._counts(self.quorum, cosigned)

    def _counts(self, name: str, cosigned: Collection[Witness]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return self.witnesses[name] in cosigned
        return sum(self._counts(each, cosigned) for each in group.members) >= group.threshold

    def cosigned(self, note: str | bytes) -> tuple[Cosignature, ...]:
        """What the policy's witnesses say of a checkpoint. Raises ``NoteInvalid``; see ``cosignatures``."""
        return cosignatures(note, self.witnesses.values())

    def check(self, note: str | bytes, *, log: Vkey, since: datetime | None = None) -> Witnessed:
        """Raise ``NotWitnessed`` unless the quorum has cosigned the checkpoint, where said so at ``since`` or later.

        ``log`` is whose checkpoint it is: none that has its key is a witness to it, and a policy that lists logs must list
        it. Raises ``NoteInvalid`` for a bad line of a known witness. *Not checked*: the log's own signature.
        """
        if self.logs and log not in self.logs:
            raise NotWitnessed("the policy is about another log")
        found = tuple(
            each
            for each in self.cosigned(note)
            if each.witness.public_key != log.public_key and (since is None or each.at >= since)
        )
        witnesses = {each.witness for each in found}
        if not self.satisfied_by(witnesses):
            lately = "" if since is None else " lately"
            raise NotWitnessed(
                f"{len(found)} of {len(self.witnesses)} witnesses have cosigned{lately}, too few"
            )
        missing = (name for name, each in self.witnesses.items() if each not in witnesses)
        return Witnessed(found, tuple(missing))


@dataclass
class _Reading:
    """What has been read so far of a policy."""

    logs: list[Vkey] = field(default_factory=list)
    witnesses: dict[str, Witness] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    members: set[str] = field(default_factory=set)
    quorum: str | None = None

    def line(self, line: str) -> None:
        kind, *words = _BLANK.split(line.strip(" \t"))
        if not kind or kind.startswith("#"):
            return
        if kind not in _LEAST:
            raise PolicyInvalid("neither log, witness, group nor quorum")
        if not _LEAST[kind] <= len(words) <= _MOST[kind]:
            raise PolicyInvalid(f"too few or too many words for a {kind}")
        getattr(self, f"_{kind}")(*words)

    def _log(self, vkey: str, url: str | None = None) -> None:
        log = Vkey.parse(vkey)
        _check_url(url)
        _check_new(log.public_key, (each.public_key for each in self.logs))
        self.logs.append(log)

    def _witness(self, name: str, vkey: str, url: str | None = None) -> None:
        witness = Witness.parse(vkey)
        _check_new(witness.public_key, (each.public_key for each in self.witnesses.values()))
        self._check_free(name)
        if url is not None:
            _check_url(url)
            self.urls[name] = url
        self.witnesses[name] = witness

    def _group(self, name: str, threshold: str, *members: str) -> None:
        self._check_free(name)
        for member in members:
            self._check_known(member)
            if member in self.members:
                raise PolicyInvalid(f"{member} is already in a group")
            self.members.add(member)
        least = {"any": "1", "all": str(len(members))}.get(threshold, threshold)
        if not _COUNT.fullmatch(least) or int(least) > len(members):
            raise PolicyInvalid("not all, any or a number of the members")
        self.groups[name] = Group(int(least), members)

    def _quorum(self, name: str) -> None:
        if self.quorum is not None:
            raise PolicyInvalid("a second quorum")
        if name != NOBODY:
            self._check_known(name)
        self.quorum = name

    def _check_free(self, name: str) -> None:
        if name == NOBODY or name in self.witnesses or name in self.groups:
            raise PolicyInvalid(f"the name {name} is taken")
        if max(len(self.witnesses), len(self.groups)) >= MAX_OF_A_KIND:
            raise PolicyInvalid("too many witnesses or groups")

    def _check_known(self, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise PolicyInvalid(f"no witness or group before it is called {name}")


def _lines(text: str | bytes) -> Iterable[str]:
    try:
        whole = text if isinstance(text, str) else text.decode()
        size = len(whole.encode())
    except UnicodeError as wrong:
        raise PolicyInvalid("not UTF-8") from wrong
    if size > MAX_POLICY_BYTES:
        raise PolicyInvalid("the policy is too large")
    if not whole.endswith("\n") or any((c < " " and c not in "\n\t") or c == "\x7f" for c in whole):
        raise PolicyInvalid("each line ends in a newline and holds no other control character")
    return whole[:-1].split("\n")


def _check_url(url: str | None) -> None:
    if url is not None and not _URL.fullmatch(url):
        raise PolicyInvalid("not an http address")


def _check_new(key: bytes, known: Iterable[bytes]) -> None:
    held = list(known)
    if key in held:
        raise PolicyInvalid("the key is there already")
    if len(held) >= MAX_OF_A_KIND:
        raise PolicyInvalid("too many keys")
