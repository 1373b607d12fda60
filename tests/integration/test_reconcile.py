"""The release log against the transparency log: a broker that has a key released and logs nothing is found."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit import paths, reads
from audit.errors import SourceUnavailable
from audit.files import write
from audit.reconcile import Reconciled, reconcile
from audit.sources import DirectorySource
from broker.usecases import asks, own_reading
from broker.usecases.call import Call
from keys.errors import WarrantInvalid
from keys.keyring import LocalCustodian
from keys.releases import ReleaseLog, begin
from keys.warrants import Warrant, Warranted
from tests.house import EMIL, House
from tests.integration.test_one_disclosure import CAPACITY, DIAGNOSIS, RATE, shared
from tests.sealed_case import warrant_for
from tillit.jose import b64u
from tillit.notes import VerifiedCheckpoint, Vkey, open_checkpoint
from tillit.releases import HEAD, Chain, Release, release_line, segment_name, vkey

NAV = "nav-larvik"


@dataclass
class Auditor:
    """An auditor beside a running house, with what both sides hand over."""

    house: House
    home: Path
    custodian: LocalCustodian

    @property
    def releases(self) -> Path:
        """The custodian's release log."""
        return self.home / "keyring" / "releases"

    @property
    def segment(self) -> Path:
        """Its first segment."""
        return self.releases / segment_name(1)

    @property
    def head(self) -> VerifiedCheckpoint:
        """Its head, signed now."""
        return open_checkpoint(self.custodian.releases_head(), self.custodian.releases_vkey())

    def disclose(self, *fields: str, key: str | None = None) -> None:
        """Nav asks for fields about Emil."""
        self.house.disclose(self.house.ask(NAV, EMIL, *fields), NAV, key=key)

    def look(self, *, wait: float = 120, settle: bool = True, **more: object) -> Reconciled:
        """Compare the two, so many seconds after the last that happened."""
        self.house.clock.step(seconds=wait)
        if settle:
            self.custodian.releases_head()
        given = {
            "releases": self.releases,
            "releases_vkey": self.custodian.releases_vkey(),
            "now": self.house.clock.at,
            **more,
        }
        source = DirectorySource(self._mirrored())
        return reconcile(source, self._vkey, **given)  # type: ignore[arg-type]

    def kinds(self, **more: object) -> set[str]:
        """What a look finds."""
        found = self.look(**more)  # type: ignore[arg-type]
        assert found.holds is not bool(found.findings)
        return {finding.kind for finding in found.findings}

    def change(self, change: Callable[[list[bytes]], list[bytes]]) -> None:
        """Edit the release log by hand; each line is told without its end."""
        self.custodian.releases_head()
        lines = self.segment.read_bytes().splitlines()
        self.segment.write_bytes(b"".join(line + b"\n" for line in change(lines)))

    @property
    def _vkey(self) -> Vkey:
        return Vkey.of(self.house.ports.origin, self.house.ports.secrets.log)

    def _mirrored(self) -> Path:
        self.house.sequencer.run_once()
        directory = self.home / "mirror"
        shutil.rmtree(directory, ignore_errors=True)
        with self.house.store.engine.connect() as connection:
            size = open_checkpoint(reads.checkpoint(connection), self._vkey).size
            for path in (paths.CHECKPOINT, *map(str, paths.needed(size))):
                served = reads.resource(connection, path)
                assert served is not None
                write(directory / path, served)
        return directory


@pytest.fixture
def auditor(house: House, tmp_path: Path) -> Auditor:
    """An auditor of a house in which Emil has said yes."""
    shared(house)
    assert isinstance(house.ports.custodian, LocalCustodian)
    return Auditor(house, tmp_path, house.ports.custodian)


def test_an_honest_house_holds(auditor: Auditor) -> None:
    """Released, handed out again, refused: each release has its entry, and the rest released nothing."""
    auditor.disclose(RATE)
    for _ in range(2):
        auditor.disclose(CAPACITY, key="the-very-same-key")
    auditor.disclose(DIAGNOSIS)
    found = auditor.look()
    assert found.findings == ()
    assert (found.releases.number, found.entries, found.pending) == (3, 2, 0)
    assert (found.disclosures, found.unreleased) == (3, 1)


def test_own_readings_stand_on_entries_too(auditor: Auditor) -> None:
    """What a youth reads about themself is a release like any other, and found if it were not logged."""
    house = auditor.house
    for _ in range(2):
        own_reading.read(None, call=house.person(EMIL), ports=house.ports)
    found = auditor.look()
    assert found.findings == ()
    assert (found.releases.number, found.entries, found.disclosures) == (2, 2, 2)


def test_a_release_on_a_receipt_that_was_never_logged_is_found(auditor: Auditor) -> None:
    """A broker that signs what it does not commit leaves the trace with the custodian."""
    auditor.disclose(RATE)
    house = auditor.house
    with house.ports.store.read() as tx:
        subject = tx.subject_by_person(house.hashed(EMIL))
    enc = house.keys[NAV].public_jwks()["keys"][1]
    auditor.custodian.release(
        subject=str(subject),
        wrapped={},
        recipient_jwk=enc,
        kid=enc["kid"],
        warrant=warrant_for([], enc["kid"], house.ports.secrets.receipts),
    )
    found = auditor.look()
    assert [finding.kind for finding in found.findings] == ["unlogged"]
    assert found.findings[0].detail.startswith("release 2 of ")
    assert EMIL not in found.findings[0].detail


def test_a_release_whose_entry_was_rolled_back_is_found(auditor: Auditor) -> None:
    """Record before you release is what an honest broker does; the order of another is seen."""
    house = auditor.house
    ask = house.ask(NAV, EMIL, RATE)
    call = Call(house.call(NAV).unit, "a-key-of-this-test", house.call(NAV).body_sha256, "nb")
    ports = replace(house.ports, store=_Forgetful(house))  # type: ignore[arg-type]
    asks.disclose(ask, call=call, ports=ports)
    assert auditor.kinds() == {"unlogged"}


class _Forgetful:
    """The house's store, whose first transaction is rolled back after it was used: a dishonest broker's."""

    def __init__(self, house: House) -> None:
        self._store = house.store
        self._first = True

    def write(self) -> object:
        if not self._first:
            return self._store.write()
        self._first = False
        return _RolledBack(self._store)

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


class _RolledBack:
    def __init__(self, store: object) -> None:
        self._inner = store.write()  # type: ignore[attr-defined]

    def __enter__(self) -> object:
        return self._inner.__enter__()

    def __exit__(self, *_: object) -> None:
        self._inner.__exit__(InterruptedError, InterruptedError(), None)


def test_without_any_receipt_nothing_is_released(auditor: Auditor) -> None:
    """The custodian does not take a broker's word."""
    enc = auditor.house.keys[NAV].public_jwks()["keys"][1]
    with pytest.raises(WarrantInvalid):
        auditor.custodian.release(
            subject="x", wrapped={}, recipient_jwk=enc, kid=enc["kid"], warrant=Warrant("", b"")
        )
    assert auditor.kinds() == set()


def _edited(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], lines[2].replace(b'"count":1', b'"count":2'), *lines[3:]]


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        (_edited, {"releases_altered", "releases_truncated"}),
        (lambda lines: [*lines[:2], *lines[3:]], {"releases_altered", "releases_truncated"}),
        (
            lambda lines: [lines[0], lines[2], lines[1], lines[3]],
            {"releases_altered", "releases_truncated"},
        ),
        (lambda lines: lines[:-1], {"releases_truncated"}),
        (lambda _: [b"nothing"], {"releases_altered", "releases_truncated"}),
    ],
    ids=["edited", "removed", "swapped", "cut off", "emptied"],
)
def test_a_release_log_that_was_tampered_with_is_found(
    auditor: Auditor, change: Callable[[list[bytes]], list[bytes]], kinds: set[str]
) -> None:
    """Whoever would hide a release from the auditor has to break the chain, or the head."""
    for _ in range(3):
        auditor.disclose(RATE)
    auditor.change(change)
    assert auditor.kinds(settle=False) == kinds


def test_a_chain_that_was_written_anew_is_found(auditor: Auditor) -> None:
    """All lines fit, and none is missing: but it is not what the custodian signed."""
    for _ in range(2):
        auditor.disclose(RATE)

    def rewritten(lines: list[bytes]) -> list[bytes]:
        chain, made = Chain(), [lines[0]]
        chain.take(lines[0])
        for number in (1, 2):
            release = Release(
                number, auditor.house.clock.at, b"l" * 32, b"m" * 32, b64u(b"k" * 32), 1
            )
            made.append(release_line(release, chain.head))
            chain.take(made[-1])
        return made

    auditor.change(rewritten)
    assert auditor.kinds(settle=False) == {"releases_forked", "unlogged"}


def test_a_head_by_another_key_is_no_head(auditor: Auditor) -> None:
    """Whoever writes the log anew has to have the custodian's signing key, too."""
    auditor.disclose(RATE)
    stranger = vkey(Ed25519PrivateKey.generate())
    assert auditor.kinds(releases_vkey=stranger) == {"releases_signature"}


def test_what_was_seen_before_must_still_be_there(auditor: Auditor) -> None:
    """A custodian that starts anew, or goes back to a backup, is found by who was there before."""
    auditor.disclose(RATE)
    backup = auditor.segment.read_bytes()
    for _ in range(2):
        auditor.disclose(RATE)
    before = auditor.head
    assert auditor.kinds(releases_since=before) == set()
    auditor.segment.write_bytes(backup)
    (auditor.releases / HEAD).unlink()
    assert auditor.kinds() == set()
    assert auditor.kinds(releases_since=before) == {"releases_truncated"}
    for _ in range(2):
        auditor.disclose(RATE)
    assert auditor.kinds(releases_since=before) == {"releases_forked"}


def test_segments_are_read_in_order_and_none_may_be_missing(auditor: Auditor) -> None:
    """A torn line is told and no alarm; a segment that is gone is one."""
    auditor.disclose(RATE)
    with auditor.segment.open("ab") as file:
        file.write(b'{"at":"2026')
    auditor.disclose(RATE)
    found = auditor.look()
    assert (found.holds, found.releases.torn, found.releases.number) == (True, 11, 2)
    second = auditor.releases / segment_name(2)
    kept = second.read_bytes()
    second.rename(auditor.releases / segment_name(3))
    assert "releases_missing" in auditor.kinds(settle=False)
    (auditor.releases / segment_name(3)).write_bytes(b"x\n")
    (auditor.releases / segment_name(3)).rename(second)
    assert "releases_altered" in auditor.kinds(settle=False)
    second.write_bytes(kept)
    assert auditor.kinds(settle=False) == set()


def test_a_release_before_its_entry_is_found(auditor: Auditor) -> None:
    """Record before you release: the custodian's clock says whether it was so."""
    auditor.disclose(RATE)
    lines = auditor.segment.read_bytes().splitlines()
    chain = Chain()
    chain.take(lines[0])
    was = chain.take(lines[1])
    assert isinstance(was, Release)
    signer = Ed25519PrivateKey.generate()
    early = auditor.home / "early"
    begin(early)
    log = ReleaseLog(early, signer=signer, clock=lambda: was.at - timedelta(minutes=1))
    log.append(
        Warranted(was.leaf_hash, was.manifest_hash, "nav-larvik"), kid=was.kid, count=was.count
    )
    log.close()
    assert auditor.kinds(releases=early, releases_vkey=vkey(signer)) == {"early"}


def test_what_is_too_young_to_tell_is_told_later(auditor: Auditor) -> None:
    """The tree follows within a second; a log that is older than the releases proves nothing."""
    auditor.look()
    auditor.disclose(RATE)
    stale = auditor.home / "stale"
    shutil.copytree(auditor.home / "mirror", stale)
    found = auditor.look(wait=30)
    assert (found.findings, found.pending, found.entries) == ((), 0, 1)

    def against_the_old_one() -> Reconciled:
        return reconcile(
            DirectorySource(stale),
            auditor._vkey,
            releases=auditor.releases,
            releases_vkey=auditor.custodian.releases_vkey(),
            now=auditor.house.clock.at,
        )

    assert against_the_old_one().pending == 1
    auditor.house.clock.step(minutes=5)
    auditor.disclose(RATE)
    auditor.custodian.releases_head()
    with pytest.raises(SourceUnavailable, match="older than the releases"):
        against_the_old_one()


def test_where_there_is_no_release_log_nothing_is_said(auditor: Auditor, tmp_path: Path) -> None:
    """Neither good nor bad: a directory that holds none, and a log that nobody has signed."""
    with pytest.raises(SourceUnavailable):
        auditor.look(releases=tmp_path / "nowhere")
    other = Vkey.of(auditor.house.ports.origin, Ed25519PrivateKey.generate())
    auditor.disclose(RATE)
    auditor.look()
    found = reconcile(
        DirectorySource(auditor.home / "mirror"),
        other,
        releases=auditor.releases,
        releases_vkey=auditor.custodian.releases_vkey(),
        now=auditor.house.clock.at,
    )
    assert {finding.kind for finding in found.findings} == {"signature"}
    assert (found.pending, found.entries) == (1, 0)
