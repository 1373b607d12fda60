"""What the clients hand back: frozen, typed, and silent about persons."""

import copy
import hashlib
import json
import pickle
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tillit import Actor, Catalogue, Subject, UsageError, Value, drafts, wire
from tillit.jose import b64u
from tillit.results import frozen

HANDLE = "hdl_" + "a" * 22
NUMBER = "13097248022"
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
ACTOR = Actor(id="a17", role="veileder")


def test_subject_tells_its_number_only_when_asked() -> None:
    """A number in a traceback or a log is a number that has leaked."""
    emil = Subject(HANDLE, national_id=NUMBER)
    assert emil.reveal() == NUMBER
    for shown in (repr(emil), str(emil), f"{emil}", repr([emil]), repr({"s": emil})):
        assert NUMBER not in shown
    assert not hasattr(emil, "__dict__")
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(emil)
    with pytest.raises(TypeError):
        json.dumps(emil)
    assert copy.copy(emil) is emil
    assert copy.deepcopy([emil])[0] is emil


def test_subject_does_not_change() -> None:
    """Whose handle and whose number it is stay together."""
    emil = Subject(HANDLE, national_id=NUMBER)
    with pytest.raises(AttributeError, match="does not change"):
        emil.handle = "hdl_" + "b" * 22
    with pytest.raises(AttributeError, match="does not change"):
        del emil.handle
    assert {emil: 1}[Subject(HANDLE, national_id=NUMBER)] == 1
    assert emil != Subject(HANDLE)
    assert emil != HANDLE


@pytest.mark.parametrize(
    ("handle", "number"),
    [
        ("hdl_short", NUMBER),
        (HANDLE + "\n", NUMBER),
        (NUMBER, NUMBER),
        (HANDLE, "1309724802"),
        (HANDLE, "130972480222"),
        (HANDLE, "1309724802x"),
        (HANDLE, "١٣٠٩٧٢٤٨٠٢٢"),
        (HANDLE, NUMBER + "\n"),
    ],
)
def test_subject_of_the_wrong_form_is_refused_without_repeating_it(
    handle: str, number: str
) -> None:
    """What was typed into the wrong place may be a number."""
    with pytest.raises(UsageError) as caught:
        Subject(handle, national_id=number)
    assert number not in str(caught.value)
    assert handle not in str(caught.value)


def test_catalogue_is_read_only_all_the_way_down() -> None:
    """One caller cannot change what another reads."""
    catalogue = Catalogue({"fields": {"a.b": {"types": ["x"]}}, "version": "1"}, etag='"1"')
    assert (len(catalogue), list(catalogue)) == (2, ["fields", "version"])
    assert catalogue["fields"]["a.b"]["types"] == ("x",)
    with pytest.raises(TypeError):
        catalogue["fields"]["a.b"]["types"] = ()
    assert repr(catalogue) == "Catalogue(fields, version)"
    assert frozen([{"a": (1, None)}]) == ({"a": (1, None)},)


# --- drafts ---


def test_values_have_what_they_share_or_say_it_themselves() -> None:
    """Never a value without a time, a basis and a role."""
    common: dict[str, Any] = {"observed_at": NOW, "basis": "measured", "author_role": "teacher"}
    alone = Value("a.b", 1, NOW, "measured", "teacher")
    assert drafts.values({"a.b": 1}, **common) == (alone,)
    none: dict[str, Any] = {"observed_at": None, "basis": None, "author_role": None}
    assert drafts.values([alone], **none) == (alone,)
    with pytest.raises(UsageError, match="each Value says itself"):
        drafts.values([alone], **common)
    for missing in common:
        with pytest.raises(UsageError, match="say observed_at, basis and author_role"):
            drafts.values({"a.b": 1}, **{**common, missing: None})
    with pytest.raises(UsageError, match="basis is one of measured, "):
        drafts.values({"a.b": 1}, **{**common, "basis": "guessed"})


@pytest.mark.parametrize("fields", ["education.grades", [], ["a.b"] * 2, ["A.b"], ["a.b"] * 201])
def test_ask_that_cannot_be_put_is_refused_here(fields: Iterable[str]) -> None:
    """A string is not a list of one-letter fields."""
    with pytest.raises(UsageError):
        drafts.ask(
            Subject(HANDLE),
            fields,  # type: ignore[arg-type] # what a caller without types may do
            purpose="coordination",
            actor=ACTOR,
            collaboration=None,
            meeting=None,
            source=None,
        )


def test_consent_request_holds_always_unless_it_is_said_otherwise() -> None:
    """The plainest condition is the one that is taken for granted."""
    request = drafts.consent_request(
        Subject(HANDLE),
        services=["nav-larvik", "ot-vestfold"],
        purposes=["coordination"],
        actor=ACTOR,
        categories=["education"],
        fields=[],
        collaboration=None,
        about=None,
        condition=None,
        valid_days=None,
        language="nb",
    )
    assert request.condition == wire.Condition(kind="standing")
    assert (request.subject, request.about) == (HANDLE, None)


def test_times_are_said_in_utc_and_refused_without_a_zone() -> None:
    """Two services in two zones mean the same moment."""
    asked: dict[str, Any] = {
        "collaboration": "ungdomsutvalget-larvik",
        "participants": [
            wire.Participant(unit="nav-larvik", role="veileder"),
            wire.Participant(unit="ot-vestfold", role="veileder"),
        ],
        "actor": ACTOR,
    }
    oslo = timezone(timedelta(hours=1))
    at = drafts.meeting(Subject(HANDLE), held_at=NOW.astimezone(oslo), **asked).held_at
    assert at.isoformat() == "2026-11-23T08:00:00+00:00"
    with pytest.raises(UsageError, match="MeetingRequest: held_at: timezone_aware"):
        drafts.meeting(Subject(HANDLE), held_at=NOW.replace(tzinfo=None), **asked)


@pytest.mark.parametrize("scan", [None, b"%PDF"])
def test_of_a_scanned_paper_only_the_hash_is_said(scan: bytes | None) -> None:
    """With a scan the answer is on paper, without one it is oral; the service keeps the paper."""
    said = drafts.capture(
        answers={"g1": "yes"},
        read_out="a" * 42 + "A",
        answered_at=datetime(2026, 11, 23, tzinfo=UTC),
        actor=Actor(id="a17", role="veileder"),
        signer="subject",
        child_heard=False,
        scan=scan,
    )
    hashed = None if scan is None else b64u(hashlib.sha256(scan).digest())
    assert (said.method, said.scan_sha256) == ("oral" if scan is None else "paper", hashed)
    assert ("scan_sha256" in said.model_dump_json()) == (scan is not None)
