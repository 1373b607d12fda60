"""Faults: what the broker stands on goes away; the answer is 503, nothing is released, and service resumes by itself."""

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from tests.integration.bad_input import (
    ACTOR,
    LARVIK,
    NAV,
    SCHOOL,
    Unchanged,
    a_deposit,
    a_request,
    an_ask,
    refused,
)
from tests.integration.world import EMIL, World, world_in

FIELD = "education.attendance.rate"


def shared(world: World) -> str:
    """Nav's handle for Emil, whose attendance the school has deposited and which he shares with Nav."""
    deposited = world.post("/v1/deposits", a_deposit(world, world.handle(SCHOOL)), unit=SCHOOL)
    assert deposited.status_code == 201, deposited.text
    subject = world.handle(NAV)
    consent = world.post("/v1/consents", a_request(subject), unit=NAV).json()
    answers = {grant["id"]: "yes" for grant in consent["grants"]}
    path = f"/v1/me/consents/{consent['id']}/answer"
    answer = world.post(path, {"read": consent["text_sha256"], "answers": answers}, person=EMIL)
    assert (answer.status_code, answer.json()["state"]) == (200, "active"), answer.text
    return subject


def released(world: World, subject: str, *, key: str | None = None) -> Any:
    """Nav asks; the answer must release Emil's attendance."""
    answer = world.post("/v1/disclosures", an_ask(subject), unit=NAV, key=key)
    assert (answer.status_code, answer.json().get("outcome")) == (201, "released"), answer.text
    assert set(answer.json()["sealed"]) == {FIELD}
    return answer.json()


def unavailable(answer: Any, code: str) -> None:
    """A 503 problem with that code, which says when to come back and holds nothing sealed."""
    refused(None, answer, status=503, code=code, logged=False)  # type: ignore[arg-type]
    assert answer.headers["retry-after"] == "1"
    assert "ciphertext" not in answer.text


@contextmanager
def pragma(world: World, setting: str) -> Iterator[None]:
    """Every connection of the broker's to its database is under the setting."""

    def set_it(connection: sqlite3.Connection, _: object) -> None:
        connection.execute(f"PRAGMA {setting}")

    engine = world.store_engine
    event.listen(engine, "connect", set_it)
    engine.dispose()
    try:
        yield
    finally:
        event.remove(engine, "connect", set_it)
        engine.dispose()


# --- the database ------------------------------------------------------------------------------------


@contextmanager
def _gone(file: Path) -> Iterator[None]:
    """The database cannot be opened: its directory entry is somewhere else, with its journal."""
    beside = [path for path in file.parent.iterdir() if path.name.startswith(file.name)]
    away = file.parent / "away"
    away.mkdir()
    for path in beside:
        path.rename(away / path.name)
    file.mkdir()
    try:
        yield
    finally:
        file.rmdir()
        for path in away.iterdir():
            path.rename(file.parent / path.name)


def test_database_gone_is_503_and_comes_back(fresh_world: World) -> None:
    """Nothing is answered from memory."""
    world = fresh_world
    subject = shared(world)
    released(world, subject)
    world.token(NAV)
    with _gone(world.directory / "broker.db"):
        world.store_engine.dispose()
        for answer in (
            world.post("/v1/disclosures", an_ask(subject), unit=NAV),
            world.post("/v1/checks", an_ask(subject), unit=NAV),
            world.get("/v1/events", unit=NAV),
            world.get("/v1/me/disclosures", person=EMIL),
            world.ask_token(world.assertion(NAV)),
        ):
            unavailable(answer, "store.unavailable")
        ready = world.get("/readyz")
        assert (ready.status_code, ready.json()["parts"]["store"]) == (503, "down")
        assert world.get("/healthz").status_code == 200
    released(world, subject)


def test_full_disk_is_503_changes_nothing_and_comes_back(fresh_world: World) -> None:
    """SQLite is told that its file may not grow: what a full disk is to it."""
    world = fresh_world
    subject = shared(world)
    before = world.rows()
    with pragma(world, "max_page_count = 1"):
        codes = set()
        for _ in range(20):
            answer = world.post("/v1/disclosures", an_ask(subject), unit=NAV)
            if answer.status_code == 503:
                codes.add(answer.json()["code"])
                unavailable(answer, "store.unavailable")
        assert codes == {"store.unavailable"}
        full = world.rows()
        codes = {
            world.post("/v1/disclosures", an_ask(subject), unit=NAV).status_code for _ in range(3)
        }
    assert codes == {503}
    # What did not fit left nothing behind; what fitted was answered and counted.
    assert full == world.rows()
    assert full["disclosure"] - before["disclosure"] == full["remembered"] - before["remembered"]
    released(world, subject)


def test_readonly_database_is_503_for_changes(fresh_world: World) -> None:
    """A disk that was remounted read-only."""
    world = fresh_world
    subject = shared(world)

    with pragma(world, "query_only = ON"), Unchanged(world, entries=0):
        answer = world.post("/v1/disclosures", an_ask(subject), unit=NAV)
        unavailable(answer, "store.unavailable")
        answer = world.post("/v1/deposits", raw=b"{}", unit=SCHOOL)
        unavailable(answer, "store.unavailable")
    released(world, subject)


def test_locked_database_is_503_and_comes_back(fresh_world: World) -> None:
    """Another process sits on the write lock for longer than anyone waits."""
    world = fresh_world
    subject = shared(world)
    other = sqlite3.connect(world.directory / "broker.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        answer = world.post("/v1/disclosures", an_ask(subject), unit=NAV)
        unavailable(answer, "store.unavailable")
    finally:
        other.execute("ROLLBACK")
        other.close()
    released(world, subject)


# --- the keyring -------------------------------------------------------------------------------------


def _moved(world: World) -> Callable[[], None]:
    keyring = world.directory / "keyring"
    keyring.rename(world.directory / "elsewhere")

    def back() -> None:
        (world.directory / "elsewhere").rename(keyring)

    return back


def _other_passphrase(world: World) -> Callable[[], None]:
    """The root file is touched, so that it is opened again, and the passphrase is another."""
    sound = (world.directory / "passphrase").read_text()
    (world.directory / "passphrase").write_text("another passphrase altogether")
    os.utime(world.directory / "keyring" / "root")

    def back() -> None:
        (world.directory / "passphrase").write_text(sound)

    return back


def _no_passphrase(world: World) -> Callable[[], None]:
    file = world.directory / "passphrase"
    sound = file.read_text()
    file.unlink()
    os.utime(world.directory / "keyring" / "root")

    def back() -> None:
        file.write_text(sound)

    return back


def _garbled_subjects(world: World) -> Callable[[], None]:
    subjects = world.directory / "keyring" / "subjects"
    kept = world.directory / "kept"
    shutil.copytree(subjects, kept)
    for file in subjects.iterdir():
        file.chmod(0o600)
        file.write_bytes(b"garbled")

    def back() -> None:
        shutil.rmtree(subjects)
        kept.rename(subjects)

    return back


@pytest.mark.parametrize("lock", [_moved, _other_passphrase, _no_passphrase, _garbled_subjects])
def test_keyring_that_does_not_open_is_503_and_the_same_call_succeeds_later(
    fresh_world: World, lock: Callable[[World], Callable[[], None]]
) -> None:
    """The decision is recorded, nothing is released; the repeated call hands out that same disclosure."""
    world = fresh_world
    subject = shared(world)
    key = "one-and-only-key"
    back = lock(world)
    try:
        answer = world.post("/v1/disclosures", an_ask(subject), unit=NAV, key=key)
        unavailable(answer, "custodian.unavailable")
    finally:
        back()
    before = world.rows()["disclosure"]
    released(world, subject, key=key)
    assert before == world.rows()["disclosure"]


def test_locked_keyring_shows_in_readiness(fresh_world: World) -> None:
    """An operator sees which part it is."""
    world = fresh_world
    back = _no_passphrase(world)
    answer = world.get("/readyz")
    unavailable(answer, "server.not_ready")
    assert answer.json()["parts"]["custodian"] == "down"
    unavailable(world.get("/v1/keys"), "custodian.unavailable")
    back()
    assert world.get("/readyz").status_code == 200


# --- the register and the policy engine --------------------------------------------------------------


@pytest.mark.parametrize("content", [None, "garbled", '{"people": [{"national_id": "1"}]}'])
def test_register_that_cannot_be_read_is_503_and_comes_back(
    fresh_world: World, content: str | None
) -> None:
    """A birth date that is not known is not guessed."""
    world = fresh_world
    subject = shared(world)
    file = world.directory / "register.json"
    sound = file.read_text()
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    for answer in (
        world.post("/v1/disclosures", an_ask(subject), unit=NAV),
        world.post("/v1/subjects", {"national_id": EMIL}, unit=NAV),
    ):
        unavailable(answer, "register.unavailable")
    file.write_text(sound)
    released(world, subject)


def test_person_who_leaves_the_register_is_refused(fresh_world: World) -> None:
    """Whoever is no longer known is not decided about."""
    world = fresh_world
    subject = shared(world)
    (world.directory / "register.json").write_text(json.dumps({"people": []}))
    answer = world.post("/v1/disclosures", an_ask(subject), unit=NAV)
    refused(world, answer, status=404, code="subject.unknown_person", logged=True)


def test_opa_that_does_not_answer_is_503_and_nothing_is_released(
    tmp_path: Path, sqlite_template: Path
) -> None:
    """Nobody listens where the policy engine should be."""
    shutil.copy(sqlite_template, tmp_path / "broker.db")
    url = f"sqlite:///{tmp_path}/broker.db"
    with world_in(tmp_path, url) as world:
        subject = shared(world)
    with world_in(tmp_path, url, engine="opa", opa_url="http://127.0.0.1:9") as world:
        world.enrol(NAV)
        answer = world.post("/v1/disclosures", an_ask(subject), unit=NAV)
        unavailable(answer, "policy.unavailable")
        ready = world.get("/readyz")
        assert (ready.status_code, ready.json()["parts"]["engine"]) == (503, "down")
        assert world.refusals()[-1]["code"] == "policy.unavailable"
        assert world.rows()["disclosure"] == 0
    with world_in(tmp_path, url) as world:
        world.enrol(NAV)
        released(world, subject)


def test_nothing_is_released_after_withdrawal(fresh_world: World) -> None:
    """Over HTTP, too, the answer to a withdrawal is a promise."""
    world = fresh_world
    subject = shared(world)
    made = released(world, subject)
    (consent,) = world.get("/v1/me/consents", person=EMIL).json()["consents"]
    path = f"/v1/me/consents/{consent['id']}"
    assert world.post(f"{path}/pause", raw=b"", person=EMIL).json()["state"] == "paused"
    answer = world.post("/v1/disclosures", an_ask(subject), unit=NAV)
    assert answer.json()["outcome"] == "refused"
    assert world.post(f"{path}/resume", person=EMIL, raw=b"{}").json()["state"] == "active"
    assert world.post(f"{path}/withdraw", {}, person=EMIL).json()["state"] == "withdrawn"
    answer = world.post("/v1/disclosures", an_ask(subject), unit=NAV)
    assert answer.json()["outcome"] == "refused"
    answer = world.get(f"/v1/disclosures/{made['id']}", unit=NAV)
    refused(world, answer, status=410, code="disclosure.gone", logged=False)


def test_oral_answer_and_meeting_go_over_http(fresh_world: World) -> None:
    """The remaining calls of a service, once through."""
    world = fresh_world
    consent = world.post("/v1/consents", a_request(world.handle(NAV)), unit=NAV).json()
    capture = {
        "method": "oral",
        "signer": "subject",
        "read_out": consent["text_sha256"],
        "answered_at": datetime.now(UTC).isoformat(),
        "answers": {grant["id"]: "yes" for grant in consent["grants"]},
        "actor": ACTOR,
    }
    path = f"/v1/consents/{consent['id']}/capture"
    captured = world.post(path, capture, unit=NAV)
    assert (captured.status_code, captured.json()["state"]) == (200, "active"), captured.text
    page = world.get("/v1/consents?limit=1", unit=NAV).json()
    assert [consent["id"]] == [found["id"] for found in page["consents"]]
    meeting = {
        "collaboration": LARVIK,
        "subject": world.handle(NAV),
        "held_at": "2099-01-01T10:00:00+01:00",
        "participants": [{"unit": NAV, "role": "veileder"}, {"unit": SCHOOL, "role": "radgiver"}],
        "actor": ACTOR,
    }
    answer = world.post("/v1/meetings", meeting, unit=NAV)
    assert answer.status_code == 201, answer.text
    types = [event["type"] for event in world.get("/v1/events", unit=NAV).json()["events"]]
    assert types
    notices = world.get("/v1/me/notices?limit=5", person=EMIL).json()["notices"]
    assert "meeting" in [notice["kind"] for notice in notices]
