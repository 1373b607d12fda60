"""What time does by itself, on both databases: consents end, lapse on birthdays and are offered again; erasures fall due."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from broker.compose import NoRegister
from broker.domain.errors import NotTheOneWhoPaused, SignerNotNeeded
from broker.domain.ids import ConsentId, DisclosureId, UnitId
from broker.errors import StoreDown, UnknownConsent
from broker.usecases import consents, erasures, feed, me
from broker.usecases.ticking import Ticked, tick
from tests.house import ACTOR, EMIL, FATHER, MOTHER, SARA, House
from tillit.erasures import attest
from tillit.wire import Attestation, Capture, ConsentView, Erasure, Withdrawal

IMPACT = "health.functional_impact"
RATE = "education.attendance.rate"
BIRTHDAY = datetime(2027, 9, 14, 22, tzinfo=UTC)
"""Sara's sixteenth, as it begins in Oslo."""
MONTH_BEFORE = BIRTHDAY - timedelta(days=30)


def ticked(house: House, at: datetime | None = None) -> Ticked:
    """Let the clock come to a moment, and tick."""
    if at is not None:
        house.clock.at = at
    return tick(ports=house.ports)


def by_guardians(house: House, **asked: object) -> ConsentView:
    """A consent for Sara that both her parents have signed."""
    view = house.request(
        "nav-larvik", SARA, **{"categories": ["health"], "valid_days": 364, **asked}
    )
    house.answer(view, MOTHER, child_heard=True)
    return house.answer(view, FATHER, child_heard=True)


def at_fourteen(house: House) -> ConsentView:
    """One for school and health in Tromsø, where the young are followed up from thirteen."""
    house.clock.at = datetime(2026, 6, 1, 9, tzinfo=UTC)
    view = house.request(
        "nav-tromso",
        SARA,
        collaboration="ung-og-inkludert-tromso",
        services=["nav-tromso", "langnes-skole", "helsesykepleier-langnes"],
        purposes=["coordination"],
        categories=["education", "health"],
        valid_days=364,
    )
    house.answer(view, MOTHER, child_heard=True)
    return house.answer(view, FATHER, child_heard=True)


def together(house: House) -> ConsentView:
    """The same, signed by Sara too."""
    view = house.request("nav-larvik", SARA, categories=["health"], valid_days=364)
    for signer in (SARA, MOTHER):
        house.answer(view, signer)
    return house.answer(view, FATHER)


def of(house: House, national_id: str) -> list[ConsentView]:
    """The person's consents, newest first."""
    return list(me.consents(person=house.hashed(national_id), ports=house.ports).consents)


def notices(house: House, national_id: str) -> list[str]:
    """What the person was told, newest first."""
    told = me.notices(person=house.hashed(national_id), limit=100, ports=house.ports)
    return [notice.kind for notice in told.notices]


def feed_of(house: House, unit: str) -> list[str]:
    """What a unit was told, in order."""
    page = feed.events(unit=UnitId(unit), after=0, limit=200, ports=house.ports)
    return [event.type for event in page.events]


def entries(house: House, kind: str) -> int:
    """How often something stands in the log."""
    with house.store.engine.connect() as connection:
        count = text("SELECT count(*) FROM log_entry WHERE type = :kind")
        return int(connection.execute(count, {"kind": kind}).scalar_one())


def outcome(house: House, field: str = IMPACT) -> str:
    """What Nav's ask about Sara is answered with."""
    return house.disclose(house.ask("nav-larvik", SARA, field), "nav-larvik").outcome


# --- ends


def test_what_is_over_expires_once(house: House) -> None:
    """N7: everything ends; the youth and the parties are told, once."""
    house.answer(house.request("nav-larvik", EMIL), EMIL)
    assert ticked(house) == Ticked()
    house.clock.step(days=182)
    assert ticked(house) == Ticked(expired=1)
    assert of(house, EMIL)[0].state == "expired"
    assert notices(house, EMIL)[0] == "expired"
    assert feed_of(house, "thor-heyerdahl-vgs")[-1] == "consent.expired"
    assert (ticked(house), entries(house, "consent.expired")) == (Ticked(), 1)


def test_what_nobody_answered_expires_too(house: House) -> None:
    """A request does not wait for ever; there is nothing to tell the youth, who gave nothing."""
    house.request("nav-larvik", EMIL)
    house.clock.step(days=182)
    assert ticked(house) == Ticked(expired=1)
    assert notices(house, EMIL) == ["requested"]
    assert feed_of(house, "nav-larvik") == ["consent.expired"]


def test_a_withdrawn_consent_is_not_looked_at_again(house: House) -> None:
    """What is over costs nothing, however long ago."""
    view = house.answer(house.request("nav-larvik", EMIL), EMIL)
    me.withdraw(ConsentId(view.id), Withdrawal(), call=house.person(EMIL), ports=house.ports)
    house.clock.step(days=400)
    with house.store.read() as tx:
        assert tx.due(at=house.clock.at) == 0


# --- birthdays


def test_sara_is_asked_again_before_her_birthday_and_her_yes_holds_from_the_day(
    house: House,
) -> None:
    """Guardians' lines lapse at sixteen; offered thirty days ahead, answered ahead, in force on the day (law.md, Ages)."""
    house.deposit("larvikshjelpa", SARA, {IMPACT: "sover dårlig"})
    old = by_guardians(house)
    assert ticked(house, MONTH_BEFORE - timedelta(minutes=1)) == Ticked()
    assert ticked(house, MONTH_BEFORE) == Ticked(reconfirmations=1, transitions=1)
    offered = of(house, SARA)[0]
    assert (offered.state, offered.waiting_for) == ("requested", ("subject",))
    assert [line.answer for line in offered.grants] == [None] * len(old.grants)
    assert [line.text for line in offered.grants] == [line.text for line in old.grants]
    assert {"reconfirm", "transition"} < set(notices(house, SARA))
    assert feed_of(house, "nav-larvik")[-1] == "consent.requested"
    answered = house.answer(offered, SARA)
    assert (answered.state, answered.waiting_for) == ("partly_signed", ())
    house.clock.at = BIRTHDAY - timedelta(seconds=1)
    assert (ticked(house), outcome(house)) == (Ticked(), "released")
    assert ticked(house, BIRTHDAY) == Ticked(lapsed=1, settled=1)
    assert [view.state for view in of(house, SARA)] == ["active", "lapsed"]
    assert outcome(house) == "released"
    assert {"settled", "lapsed"} < set(notices(house, SARA))
    assert ticked(house) == Ticked()


def test_nothing_is_carried_over_by_itself(house: House) -> None:
    """Without her own yes there is nothing left on the day; she may still answer after it."""
    house.deposit("larvikshjelpa", SARA, {IMPACT: "sover dårlig"})
    by_guardians(house)
    ticked(house, MONTH_BEFORE)
    assert ticked(house, BIRTHDAY) == Ticked(lapsed=1)
    assert outcome(house) == "refused"
    offered = of(house, SARA)[0]
    assert house.answer(offered, SARA).state == "active"
    assert outcome(house) == "released"


def test_a_refusal_ahead_is_final(house: House) -> None:
    """No to every line is a refusal at once; the guardians' yes holds to the birthday and no longer, and nobody asks twice."""
    house.deposit("larvikshjelpa", SARA, {IMPACT: "sover dårlig"})
    by_guardians(house)
    ticked(house, MONTH_BEFORE)
    assert house.answer(of(house, SARA)[0], SARA, lambda _: "no").state == "refused"
    assert ticked(house, MONTH_BEFORE + timedelta(days=1)) == Ticked()
    assert outcome(house) == "released"
    assert ticked(house, BIRTHDAY) == Ticked(lapsed=1)
    assert outcome(house) == "refused"


def test_parents_neither_see_nor_answer_what_the_youth_is_asked_again(house: House) -> None:
    """It takes effect when they have no say: neither in the portal nor on the telephone."""
    by_guardians(house)
    ticked(house, MONTH_BEFORE)
    offered = of(house, SARA)[0]
    assert offered.id not in {view.id for view in of(house, MOTHER)}
    with pytest.raises(UnknownConsent):
        house.answer(offered, MOTHER)
    captured = Capture.model_validate(
        {
            "method": "oral",
            "signer": "guardian",
            "read_out": offered.text_sha256,
            "answered_at": house.clock.at,
            "answers": {line.id: "yes" for line in offered.grants},
            "actor": ACTOR,
        }
    )
    with pytest.raises(SignerNotNeeded):
        consents.capture(
            ConsentId(offered.id), captured, call=house.call("nav-larvik"), ports=house.ports
        )


def test_only_the_outgrown_lines_lapse(house: House) -> None:
    """At fifteen school becomes Sara's own; health stays her parents', and so does the consent."""
    at_fourteen(house)
    assert ticked(house, datetime(2026, 8, 20, tzinfo=UTC)) == Ticked(reconfirmations=1)
    offered = of(house, SARA)[0]
    assert {line.category for line in offered.grants} == {"education"}
    house.answer(offered, SARA)
    assert ticked(house, datetime(2026, 9, 15, tzinfo=UTC)) == Ticked(lapsed=1, settled=1)
    new, old = of(house, SARA)
    assert (new.state, old.state) == ("active", "active")
    assert {line.category for line in old.grants if line.answer == "yes"} == {"health"}


def test_answering_again_after_the_birthday_leaves_the_rest_standing(house: House) -> None:
    """A re-confirmation holds some lines only: it does not take the whole consent's place."""
    at_fourteen(house)
    ticked(house, datetime(2026, 8, 20, tzinfo=UTC))
    ticked(house, datetime(2026, 9, 15, tzinfo=UTC))
    house.answer(of(house, SARA)[0], SARA)
    assert [view.state for view in of(house, SARA)] == ["active", "active"]


def test_what_the_youth_signed_beside_the_parents_stays(house: House) -> None:
    """Sara's own yes is enough from the birthday on: nothing lapses and nothing is asked again."""
    together(house)
    assert ticked(house, MONTH_BEFORE) == Ticked(transitions=1)
    assert ticked(house, BIRTHDAY) == Ticked()
    assert of(house, SARA)[0].state == "active"


def test_an_answer_given_ahead_of_the_birthday_settles_and_replaces(house: House) -> None:
    """A consent that waited for parents no longer does; like any that comes into force it takes its predecessor's place."""
    together(house)
    house.clock.at = MONTH_BEFORE - timedelta(days=1)
    ahead = house.request("nav-larvik", SARA, categories=["health"])
    assert house.answer(ahead, SARA).state == "partly_signed"
    assert ticked(house, MONTH_BEFORE) == Ticked(transitions=1)
    assert ticked(house, BIRTHDAY) == Ticked(settled=1)
    assert [view.state for view in of(house, SARA)] == ["active", "superseded"]


def test_a_paused_consent_lapses_too(house: House) -> None:
    """Pausing does not keep a parent's say beyond its day."""
    view = by_guardians(house)
    me.pause(ConsentId(view.id), call=house.person(SARA), ports=house.ports)
    assert ticked(house, BIRTHDAY) == Ticked(lapsed=1)
    assert of(house, SARA)[0].state == "lapsed"


def test_what_a_parent_paused_the_grown_youth_resumes(house: House) -> None:
    """A parent's pause ends with their say, and not before."""
    view = together(house)
    me.pause(ConsentId(view.id), call=house.person(MOTHER), ports=house.ports)
    with pytest.raises(NotTheOneWhoPaused):
        me.resume(ConsentId(view.id), call=house.person(SARA), ports=house.ports)
    house.clock.at = BIRTHDAY
    resumed = me.resume(ConsentId(view.id), call=house.person(SARA), ports=house.ports)
    assert resumed.state == "active"


def test_a_used_line_is_not_offered_again(house: House) -> None:
    """A single use that is spent would be a new one."""
    house.deposit("larvikshjelpa", SARA, {IMPACT: "sover dårlig"})
    by_guardians(house, services=["nav-larvik", "larvikshjelpa"], condition={"kind": "once"})
    assert outcome(house) == "released"
    assert ticked(house, MONTH_BEFORE) == Ticked(transitions=1, erasures_due=1)


def test_a_consent_that_ends_before_the_birthday_is_not_offered_again(house: House) -> None:
    """Its lines will not lapse: they will have expired."""
    house.clock.at = MONTH_BEFORE - timedelta(days=1)
    by_guardians(house, valid_days=20)
    assert ticked(house, MONTH_BEFORE) == Ticked(transitions=1)


# --- transitions


def test_a_transition_is_told_ahead_once_to_those_with_a_consent(house: House) -> None:
    """N25: thirty days before an age at which services change; not per consent, and not to whoever shares nothing."""
    turning_21 = datetime(2027, 12, 31, 23, tzinfo=UTC)
    house.clock.at = turning_21 - timedelta(days=90)
    house.answer(house.request("nav-larvik", EMIL), EMIL)
    bilateral = {
        "collaboration": None,
        "services": ["nav-larvik", "thor-heyerdahl-vgs"],
        "fields": [RATE],
    }
    house.answer(house.request("nav-larvik", EMIL, **bilateral), EMIL)
    house.request("ot-vestfold", SARA, services=["ot-vestfold", "nav-larvik"])
    assert ticked(house, turning_21 - timedelta(days=31)) == Ticked()
    assert ticked(house, turning_21 - timedelta(days=30)) == Ticked(transitions=1)
    assert ticked(house) == Ticked()
    assert notices(house, EMIL).count("transition") == 1
    assert entries(house, "transition.near") == 1


# --- erasures


def test_an_erasure_is_reminded_of_once_when_it_is_due(house: House) -> None:
    """N13: who holds the data is told when its time is over; the subject's handle is the recipient's own."""
    house.deposit("thor-heyerdahl-vgs", EMIL, {RATE: 0.6})
    house.answer(house.request("nav-larvik", EMIL), EMIL)
    answer = house.disclose(house.ask("nav-larvik", EMIL, RATE), "nav-larvik")
    house.disclose(house.ask("nav-larvik", EMIL, "education.grades"), "nav-larvik")
    ticked(house)
    assert ticked(house, answer.manifest.expires_at - timedelta(seconds=1)) == Ticked()
    assert ticked(house, answer.manifest.expires_at) == Ticked(erasures_due=1)
    assert ticked(house) == Ticked()
    page = feed.events(unit=UnitId("nav-larvik"), after=0, limit=200, ports=house.ports)
    due = page.events[-1]
    assert (due.type, due.disclosure, due.fields) == ("erase.due", answer.id, (RATE,))
    assert due.subject == house.handle("nav-larvik", EMIL)
    assert entries(house, "erase.due") == 1


def test_who_has_erased_is_not_reminded(house: House) -> None:
    """The attestation stands."""
    house.deposit("thor-heyerdahl-vgs", EMIL, {RATE: 0.6})
    house.answer(house.request("nav-larvik", EMIL), EMIL)
    answer = house.disclose(house.ask("nav-larvik", EMIL, RATE), "nav-larvik")
    said = Attestation(v=1, disclosure=answer.id, erased_at=house.clock.at)
    attested = attest(said, house.keys["nav-larvik"])
    erasures.erased(
        DisclosureId(answer.id),
        Erasure(attestation=attested),
        call=house.call("nav-larvik"),
        ports=house.ports,
    )
    ticked(house)
    assert ticked(house, answer.manifest.expires_at) == Ticked()


def test_what_the_release_before_wrote_is_found(house: House) -> None:
    """It does not know when to look: its rows are looked at soon, and lead to the same."""
    house.deposit("thor-heyerdahl-vgs", EMIL, {RATE: 0.6})
    view = house.answer(house.request("nav-larvik", EMIL), EMIL)
    answer = house.disclose(house.ask("nav-larvik", EMIL, RATE), "nav-larvik")
    me.withdraw(ConsentId(view.id), Withdrawal(), call=house.person(EMIL), ports=house.ports)
    with house.store.engine.begin() as connection:
        connection.execute(text("UPDATE consent SET look_at = 0"))
        connection.execute(text("UPDATE disclosure SET look_at = 0"))
    assert ticked(house) == Ticked()
    with house.store.read() as tx:
        assert tx.due(at=house.clock.at) == 0
    assert ticked(house, answer.manifest.expires_at) == Ticked(erasures_due=1)


# --- what does not answer


def test_without_a_register_what_is_over_still_ends(house: House) -> None:
    """Birthdays cannot be looked at; they are, as soon as the register answers."""
    by_guardians(house)
    house.answer(house.request("nav-larvik", EMIL), EMIL)
    alone = replace(house.ports, register=NoRegister())
    assert tick(ports=alone) == Ticked(postponed=2)
    assert tick(ports=alone) == Ticked()
    house.clock.at = MONTH_BEFORE
    assert tick(ports=alone) == Ticked(expired=1, postponed=1)
    assert ticked(house) == Ticked()
    assert ticked(house, MONTH_BEFORE + timedelta(hours=1)) == Ticked(
        reconfirmations=1, transitions=1
    )


def test_a_tick_that_is_interrupted_loses_nothing(house: House) -> None:
    """Each look stands alone: what was done is done, the rest is due still, and nothing is done twice."""
    for unit in ("nav-larvik", "ot-vestfold", "larvikshjelpa"):
        house.request(unit, EMIL, services=[unit, "thor-heyerdahl-vgs"])
    house.clock.step(days=182)
    seen: list[tuple[int, int]] = []
    first = tick(
        ports=house.ports,
        progress=lambda done, total: seen.append((done, total)),
        stopped=lambda: len(seen) == 2,
    )
    assert (first, seen) == (Ticked(expired=2), [(1, 3), (2, 3)])
    assert ticked(house) == Ticked(expired=1)
    assert entries(house, "consent.expired") == 3


def test_replicas_that_tick_at_once_do_everything_once(house: House) -> None:
    """Whoever comes second finds it done."""
    by_guardians(house)
    for unit in ("nav-larvik", "ot-vestfold", "larvikshjelpa"):
        house.request(unit, EMIL, services=[unit, "thor-heyerdahl-vgs"])
    house.clock.at = MONTH_BEFORE
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: tick(ports=house.ports), range(4)))
    assert sum(one.expired for one in found) == 3
    assert sum(one.reconfirmations for one in found) == 1
    assert sum(one.transitions for one in found) == 1
    assert [view.state for view in of(house, SARA)] == ["requested", "active"]
    assert {kind: entries(house, kind) for kind in ("consent.expired", "transition.near")} == {
        "consent.expired": 3,
        "transition.near": 1,
    }


def test_a_row_that_cannot_be_read_stands_in_nobodys_way(house: House) -> None:
    """It fails and stays due; a store that has more of them counts as down."""
    spoilt = house.request("nav-larvik", EMIL)
    house.request("ot-vestfold", EMIL, services=["ot-vestfold", "thor-heyerdahl-vgs"])
    spoil = text("UPDATE consent SET body = '{}', look_at = 0 WHERE id = :id")
    with house.store.engine.begin() as connection:
        connection.execute(spoil, {"id": spoilt.id})
    assert ticked(house) == Ticked(failed=1)
    with house.store.engine.begin() as connection:
        connection.execute(text("UPDATE consent SET body = '{}', look_at = 0"))
        connection.execute(
            text(
                "INSERT INTO consent (id, subject, version, state, body)"
                " SELECT 'con_3', subject, version, state, body FROM consent WHERE id = :id"
            ),
            {"id": spoilt.id},
        )
    with pytest.raises(StoreDown):
        ticked(house)
