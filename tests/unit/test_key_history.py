"""Key histories and rotations that do not hold: each way of lying about a key."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tillit import leaves
from tillit.enrolment import KeysUnusable, rotation, verify_rotation
from tillit.errors import VerificationError
from tillit.history import HistoryBroken, verify
from tillit.jose import b64u
from tillit.keys import ServiceKey
from tillit.notes import Vkey, sign_checkpoint
from tillit.wire.service_keys import KeyHistory

UNIT, ORIGIN = "nav-larvik", "tillit.test/log"
AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
LOG = Ed25519PrivateKey.generate()
VKEY = Vkey.of(ORIGIN, LOG)
OLD, NEW = ServiceKey.generate(UNIT), ServiceKey.generate(UNIT)


@dataclass
class Told:
    """What a broker tells of a unit's keys, in a log that holds each change alone."""

    changes: list[dict[str, Any]] = field(default_factory=list)

    def change(self, kind: str, content: dict[str, Any], *, size: int | None = 1) -> "Told":
        """One more change; ``size`` of the tree it is proven in, None while it waits."""
        at, salt = AT + timedelta(seconds=len(self.changes)), bytes(32)
        leaf = leaves.leaf(kind, at, leaves.commitment(salt, content))
        proof = None
        if size is not None:
            root = leaves.leaf_hash(leaf)
            note = sign_checkpoint(origin=ORIGIN, size=size, root=root, key=LOG, at=at)
            proof = {"index": 0, "leaf_hash": b64u(root), "path": [], "checkpoint": note}
        said = {"type": kind, "at": at.isoformat(), "content": content, "salt": b64u(salt)}
        self.changes.append({**said, "proof": proof})
        return self

    def history(self, **last: Any) -> KeyHistory:
        """As it crosses the wire, with members of the last change altered."""
        self.changes[-1] |= last
        return KeyHistory.model_validate({"unit": UNIT, "changes": self.changes})


def _enrolled() -> Told:
    kids = {"sig": OLD.sig_kid, "enc": OLD.enc_kid, "unit": UNIT}
    return Told().change("service.enrolled", kids)


def test_a_history_that_holds_tells_which_keys_are_believed() -> None:
    """Also while the newest change waits for its place."""
    told = _enrolled().change(
        "service.keys_rotated",
        {"sig": NEW.sig_kid, "enc": NEW.enc_kid, "replaces": OLD.sig_kid, "unit": UNIT},
    )
    told.change("service.key_revoked", {"kid": OLD.sig_kid, "unit": UNIT}, size=None)
    proven = verify(told.history(), unit=UNIT, log=VKEY, jwks=NEW.public_jwks())
    assert proven.kids == {NEW.sig_kid, NEW.enc_kid, OLD.enc_kid}
    assert [change.index for change in proven.changes] == [0, 0, None]
    assert proven.checkpoint is not None
    assert verify(_enrolled().history(), unit=UNIT, log=VKEY, jwks={"keys": []}).checkpoint


@pytest.mark.parametrize(
    "last",
    [
        {"at": "2026-11-20T09:00:01Z"},
        {"salt": b64u(b"\x01" * 32)},
        {"type": "service.key_revoked"},
        {"content": {"sig": NEW.sig_kid, "enc": NEW.enc_kid, "unit": UNIT}},
        {"content": {"sig": OLD.sig_kid, "enc": OLD.enc_kid, "unit": "another"}},
        {"content": {"x": "y" * (1 << 21), "unit": UNIT}},
    ],
)
def test_a_change_that_the_log_does_not_have_is_found(last: dict[str, Any]) -> None:
    """Every member is bound by the leaf."""
    history = _enrolled().history(**last)
    with pytest.raises(VerificationError):
        verify(history, unit=UNIT, log=VKEY, jwks={"keys": []})


def test_a_history_of_another_unit_a_foreign_log_and_a_foreign_key_are_found() -> None:
    """The history must be the unit's, the log the one that is trusted, the keys those of the history."""
    history = _enrolled().history()
    with pytest.raises(HistoryBroken):
        verify(history, unit="another", log=VKEY, jwks={"keys": []})
    stranger = Vkey.of(ORIGIN, Ed25519PrivateKey.generate())
    with pytest.raises(VerificationError):
        verify(history, unit=UNIT, log=stranger, jwks={"keys": []})
    with pytest.raises(HistoryBroken):
        verify(history, unit=UNIT, log=VKEY, jwks=NEW.public_jwks())


def test_a_path_that_holds_what_is_no_hash_is_found() -> None:
    """The wire takes 43 characters; these are no 32 bytes in their one spelling."""
    told = _enrolled()
    told.changes[-1]["proof"]["path"] = ["_" * 43]
    with pytest.raises(VerificationError):
        verify(told.history(), unit=UNIT, log=VKEY, jwks={"keys": []})


# --- rotations ---


def _present(*keys: ServiceKey) -> dict[str, Any]:
    return {key.sig_kid: key.public_jwks()["keys"][0] for key in keys}


def test_a_rotation_names_the_key_that_vouched() -> None:
    """One of several that the unit has."""
    given = rotation(OLD, NEW)
    other = ServiceKey.generate(UNIT)
    public, replaces = verify_rotation(given, unit=UNIT, present=_present(other, OLD))
    assert (public.sig["kid"], public.enc["kid"], replaces) == (
        NEW.sig_kid,
        NEW.enc_kid,
        OLD.sig_kid,
    )


@pytest.mark.parametrize(
    "change",
    [
        {"endorsement": rotation(NEW, NEW).endorsement},
        {"proof": rotation(OLD, OLD).proof},
        {"proof": rotation(NEW, NEW).proof},
        {"jwks": OLD.public_jwks()},
        {"jwks": {"keys": []}},
        {"endorsement": "no token"},
    ],
)
def test_a_rotation_without_both_words_is_refused(change: dict[str, Any]) -> None:
    """The present key's for the new ones, and the new one's own."""
    given = rotation(OLD, NEW).model_copy(update=change)
    with pytest.raises(KeysUnusable):
        verify_rotation(given, unit=UNIT, present=_present(OLD))


def test_a_rotation_is_one_units_own() -> None:
    """The same two keys say nothing at another unit, and a key that is gone vouches for nothing."""
    given = rotation(OLD, NEW)
    with pytest.raises(KeysUnusable):
        verify_rotation(given, unit="another", present=_present(OLD))
    with pytest.raises(KeysUnusable):
        verify_rotation(given, unit=UNIT, present={})
