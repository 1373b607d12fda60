"""What auditors are told over HTTP: everything about the log, nothing about anybody without a case and a reason."""

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import text

from broker.compose import custodian, now
from broker.domain.ids import UnitId
from broker.store.sql import SqlStore
from tests.integration.bad_input import LARVIK, NAV, an_ask
from tests.integration.world import EMIL, World
from tests.log_keys import contents
from tillit.jose import unb64u
from tillit.leaves import leaf, leaf_hash
from tillit.notes import Vkey, open_checkpoint
from tillit.wire.auditing import AuditedEvent, AuditedEvents, EventContent, ProvenEvent, Role

INTEGRITY, CONTENT = "auditor-riksrevisjonen", "auditor-datatilsynet"
LOOK = {"case": "2026/1234-5", "reason": "A complaint by the person concerned."}


def auditor(world: World, unit: str, role: Role) -> None:
    """An auditor with keys, whom the operator gave a role."""
    if unit not in world.keys:
        world.enrol(unit)
    store = SqlStore(world.settings.database, origin=world.settings.origin)
    with store.write() as tx:
        tx.set_auditor(UnitId(unit), role, at=now())
    store.close()


def as_auditor(world: World, unit: str = INTEGRITY, scope: str = "audit") -> dict[str, str]:
    """The credential of an auditor."""
    auditor(world, unit, "content" if unit == CONTENT else "integrity")
    return {"authorization": f"Bearer {world.token(unit, scope=scope)}"}


def asked(world: World) -> None:
    """Nav has asked about Emil, and the log has it in its tree."""
    answer = world.post("/v1/checks", an_ask(world.handle(NAV)), unit=NAV)
    assert answer.status_code == 200, answer.text
    until = time.monotonic() + 10
    waiting = text(
        "SELECT (SELECT count(*) FROM log_entry) - coalesce((SELECT size FROM log_spread), 0)"
    )
    while time.monotonic() < until:
        with world.store_engine.connect() as connection:
            if connection.execute(waiting).scalar_one() == 0:
                return
        time.sleep(0.05)
    pytest.fail("the log was not spread")


def search(world: World, **query: Any) -> AuditedEvents:
    """A page of events."""
    answer = world.client.get("/audit/v1/events", params=query, headers=as_auditor(world))
    assert answer.status_code == 200, answer.text
    return AuditedEvents.model_validate_json(answer.content)


def entries(world: World, kind: str) -> list[Mapping[str, Any]]:
    """The contents of the log's entries of a type."""
    return contents(world.store_engine, kind, custodian(world.settings))


def test_a_search_finds_the_check_and_nobody_in_it(world: World) -> None:
    """By everything it is found by at once; the answer names no person, no actor, no handle."""
    asked(world)
    handle = world.handle(NAV)
    answer = world.client.get(
        "/audit/v1/events",
        params={
            "type": "check",
            "service": NAV,
            "purpose": "case_discussion",
            "outcome": "refused",
        },
        headers=as_auditor(world),
    )
    page = AuditedEvents.model_validate_json(answer.content)
    assert page.events
    assert {event.type for event in page.events} == {"check"}
    assert all(event.facets["collaboration"] == (LARVIK,) for event in page.events)
    for somebody in (handle, EMIL, "hdl_", "sub_", "a17"):
        assert somebody not in answer.text


def test_what_is_found_is_what_the_tree_holds(world: World) -> None:
    """The leaf follows from what is shown, and its proof from the log's signature."""
    asked(world)
    found = search(world, type="check").events[0]
    assert hashed(found) == unb64u(found.leaf_hash)
    answer = world.client.get(f"/audit/v1/events/{found.index}", headers=as_auditor(world))
    proven = ProvenEvent.model_validate_json(answer.content)
    assert proven.event == found
    keys = world.client.get("/v1/keys").json()
    head = open_checkpoint(proven.proof.checkpoint.encode(), Vkey.parse(keys["log"]))
    head.check_inclusion(
        leaf_hash=hashed(found),
        index=found.index,
        path=tuple(unb64u(node) for node in proven.proof.path),
    )


def hashed(event: AuditedEvent) -> bytes:
    """The hash of the leaf that an event says it is."""
    return leaf_hash(leaf(event.type, event.at, unb64u(event.commitment)))


def test_every_page_and_proof_is_an_entry(world: World) -> None:
    """Who audits can be audited."""
    before = len(entries(world, "audit.searched")), len(entries(world, "audit.proven"))
    search(world, limit=1, service=NAV)
    world.client.get("/audit/v1/events/0", headers=as_auditor(world))
    searched, proven = entries(world, "audit.searched"), entries(world, "audit.proven")
    assert (len(searched), len(proven)) == (before[0] + 1, before[1] + 1)
    assert searched[-1] == {
        "after": -1,
        "auditor": INTEGRITY,
        "facets": {"service": NAV},
        "limit": 1,
        "since": None,
        "until": None,
    }
    assert proven[-1] == {"auditor": INTEGRITY, "index": 0}


def test_pages_follow_each_other_to_the_end(world: World) -> None:
    """Also through the entries that the pages themselves have made."""
    asked(world)
    seen, after = [], -1
    for _ in range(500):
        page = search(world, after=after, limit=40)
        seen += [event.index for event in page.events]
        if page.next is None:
            break
        after = page.next
    assert seen == list(range(page.size))


def test_a_content_is_shown_for_a_case_and_a_reason_and_is_told(fresh_world: World) -> None:
    """The look is an entry, and stands in the notices of whom it was about."""
    world = fresh_world
    asked(world)
    found = search(world, type="check").events[-1]
    headers = as_auditor(world, CONTENT, "audit.content")
    answer = world.client.post(
        f"/audit/v1/events/{found.index}/content", json=LOOK, headers=headers
    )
    assert answer.status_code == 200, answer.text
    shown = EventContent.model_validate_json(answer.content)
    assert (shown.event, shown.gone, shown.facets_missing) == (found, None, {})
    assert shown.content is not None
    assert shown.content["subject"] == world.handle(NAV)
    assert entries(world, "audit.looked") == [
        {
            "auditor": CONTENT,
            "case": LOOK["case"],
            "delay": None,
            "index": found.index,
            "reason": LOOK["reason"],
            "type": "check",
        }
    ]
    notices = world.get("/v1/me/notices", person=EMIL).json()["notices"]
    assert next((n["kind"], n["unit"]) for n in notices) == ("audit_looked", CONTENT)


def test_a_rule_may_delay_what_the_subject_is_told(fresh_world: World) -> None:
    """For some days, and the rule and the days are in the log."""
    world = fresh_world
    asked(world)
    found = search(world, type="check").events[-1]
    delay = {"rule": "investigation", "days": 30}
    answer = world.client.post(
        f"/audit/v1/events/{found.index}/content",
        json=LOOK | {"delay": delay},
        headers=as_auditor(world, CONTENT, "audit.content"),
    )
    assert answer.status_code == 200
    assert entries(world, "audit.looked")[-1]["delay"] == delay
    notices = world.get("/v1/me/notices", person=EMIL).json()["notices"]
    assert "audit_looked" not in [notice["kind"] for notice in notices]


def test_what_was_erased_is_told_as_gone(fresh_world: World) -> None:
    """The entry stands, its content does not; a look at it is logged all the same."""
    world = fresh_world
    asked(world)
    found = search(world, type="check").events[-1]
    with world.store_engine.begin() as connection:
        connection.execute(text("DELETE FROM log_volume WHERE subject IS NOT NULL"))
    answer = world.client.post(
        f"/audit/v1/events/{found.index}/content",
        json=LOOK,
        headers=as_auditor(world, CONTENT, "audit.content"),
    )
    shown = EventContent.model_validate_json(answer.content)
    assert (shown.content, shown.gone) == (None, "erased")
    assert len(entries(world, "audit.looked")) == 1


def test_facets_that_hide_an_entry_are_found_by_a_look(fresh_world: World) -> None:
    """They are under no signature: the content, which is, says what they should have been."""
    world = fresh_world
    asked(world)
    found = search(world, type="check").events[-1]
    with world.store_engine.begin() as connection:
        hiding = text("UPDATE log_entry SET facets = :facets WHERE idx = :idx")
        facets = json.dumps({"service": ["thor-heyerdahl-vgs"], "outcome": ["released"]})
        connection.execute(hiding, {"facets": facets, "idx": found.index})
    answer = world.client.post(
        f"/audit/v1/events/{found.index}/content",
        json=LOOK,
        headers=as_auditor(world, CONTENT, "audit.content"),
    )
    shown = EventContent.model_validate_json(answer.content)
    assert shown.facets_missing["service"] == (NAV,)
    assert shown.facets_missing["outcome"] == ("refused",)
    assert shown.facets_missing["purpose"] == ("case_discussion",)


def test_no_integrity_auditor_gets_the_scope_of_contents(world: World) -> None:
    """The role is the operator's to give; without one an auditor sees nobody."""
    auditor(world, INTEGRITY, "integrity")
    refused = world.ask_token(world.assertion(INTEGRITY), scope="audit.content")
    assert (refused.status_code, refused.json()["code"]) == (400, "oauth.scope")
    unknown = "auditor-unknown"
    world.enrol(unknown)
    refused = world.ask_token(world.assertion(unknown), scope="audit audit.content")
    assert refused.status_code == 400
    assert world.ask_token(world.assertion(unknown), scope="audit log").status_code == 200


def test_no_service_audits(world: World) -> None:
    """What others were answered is none of a service's business."""
    world.handle(NAV)
    assert world.ask_token(world.assertion(NAV), scope="audit").status_code == 400
    headers = {"authorization": f"Bearer {world.token(NAV)}"}
    assert world.client.get("/audit/v1/events", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "query",
    [
        "after=-2",
        "limit=0",
        "limit=501",
        "since=yesterday",
        "since=2026-11-23T09:00:00",
        "type=Not%20a%20type",
        "service=two%20words",
        "person=emil",
        "purpose=" + "x" * 81,
        "service=a&service=b",
    ],
)
def test_a_search_that_is_none_is_refused(world: World, query: str) -> None:
    """Every input has a bound, and an unknown one is no search for everything."""
    answer = world.client.get(f"/audit/v1/events?{query}", headers=as_auditor(world))
    assert (answer.status_code, answer.json()["code"]) == (400, "request.query")


@pytest.mark.parametrize("index", ["-1", "01", "1e3", "x", "9" * 16])
def test_an_index_that_is_none_is_no_resource(world: World, index: str) -> None:
    """And nothing is looked up for it."""
    answer = world.client.get(f"/audit/v1/events/{index}", headers=as_auditor(world))
    assert (answer.status_code, answer.json()["code"]) == (404, "path.unknown")


def test_an_entry_that_is_not_there_is_told(world: World) -> None:
    """Neither event nor content; the tree is shorter."""
    number = 10**15 - 1
    answer = world.client.get(f"/audit/v1/events/{number}", headers=as_auditor(world))
    assert (answer.status_code, answer.json()["code"]) == (404, "audit.unknown_entry")
    headers = as_auditor(world, CONTENT, "audit.content")
    answer = world.client.post(f"/audit/v1/events/{number}/content", json=LOOK, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "audit.unknown_entry")


@pytest.mark.parametrize(
    "wrong",
    [
        {"case": ""},
        {"case": "2026/131297 12345"},
        {"case": "x" * 41},
        {"case": None},
        {"reason": "short"},
        {"reason": "about 13129712345 it is"},
        {"reason": "x" * 1001},
        {"reason": None},
        {"delay": {"rule": "investigation", "days": 31}},
        {"delay": {"rule": "curiosity", "days": 1}},
        {"more": 1},
    ],
)
def test_a_look_without_case_and_reason_is_refused(world: World, wrong: dict[str, Any]) -> None:
    """In bounded words without anybody's number; and nothing is shown."""
    headers = as_auditor(world, CONTENT, "audit.content")
    body = {name: said for name, said in (LOOK | wrong).items() if said is not None}
    answer = world.client.post("/audit/v1/events/0/content", json=body, headers=headers)
    assert answer.status_code == 422
    assert "content" not in answer.json()
    assert "1312" not in answer.text
