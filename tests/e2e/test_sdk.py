"""The SDK against the real broker over HTTP: what a service does, from its keys to the last refusal."""

import asyncio
import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from broker.domain.ids import ConsentId, UnitId
from broker.usecases import me
from tests.e2e.served import ABOUT, BAND, DIAGNOSIS, NAV, OT, RATE, SCHOOL, Served
from tests.house import ACTOR, EMIL, LARVIK
from tillit import (
    Answer,
    AsyncClient,
    AuthenticationFailed,
    Client,
    Condition,
    Invalid,
    NotFound,
    Participant,
    ServiceKey,
    Subject,
    UsageError,
    Value,
    errors,
    wire,
)


def test_one_disclosure_from_deposit_to_withdrawal(served: Served) -> None:
    """The way that everything else stands on: asked before, after, and when it was taken back."""
    served.deposit({RATE: 0.62})
    nav = served.shell(NAV)
    emil = nav("subject", national_id=EMIL)
    before = nav("ask", emil, [RATE, DIAGNOSIS], **ABOUT)
    assert before.outcome == "refused"
    assert (dict(before.values), set(before.withheld)) == ({}, {RATE, DIAGNOSIS})

    consent = served.consented()
    answer = nav("ask", emil, [RATE, DIAGNOSIS], **ABOUT)
    assert answer.outcome == "partly_released"
    held = answer.values[RATE]
    assert (held.value, held.source, held.basis) == (0.62, SCHOOL, "measured")
    assert held.author_role == "teacher"
    assert held.observed_at == served.house.clock() - timedelta(hours=1)
    assert list(answer.withheld) == [DIAGNOSIS]
    assert all(reason.code and reason.text for reason in answer.withheld[DIAGNOSIS])
    assert answer.grounds[RATE][0].id == consent.id
    assert answer.id == answer.receipt.statement.id
    assert "0.62" not in repr(answer)

    again = nav("disclosure", answer.id, emil)
    assert (again.values, again.receipt) == (answer.values, answer.receipt)

    call = served.house.person(EMIL)
    me.withdraw(ConsentId(consent.id), wire.Withdrawal(), call=call, ports=served.house.ports)
    after = nav("ask", emil, [RATE], **ABOUT)
    assert (after.outcome, dict(after.values)) == ("refused", {})
    with pytest.raises(Invalid) as gone:
        nav("disclosure", answer.id, emil)
    assert gone.value.code == "disclosure.gone"


def test_check_says_what_an_ask_would_and_releases_nothing(served: Served) -> None:
    """May I? A handle does; the number is not needed."""
    nav, emil = served.released()
    check = nav("check", Subject(emil.handle), [RATE, DIAGNOSIS], **ABOUT)
    assert check.outcome == "partly_released"
    assert (set(check.permitted), set(check.withheld)) == ({RATE}, {DIAGNOSIS})
    assert check.permitted[RATE][0].source == SCHOOL
    assert check.policy.version
    assert check.stable_until is not None


def test_language_of_the_reasons_is_the_clients(served: Served) -> None:
    """A professional reads why in a language of their own."""
    texts = set()
    for language in ("nb", "nn", "en"):
        nav = served.shell(NAV, language=language)
        emil = nav("subject", national_id=EMIL)
        texts.add(nav("check", emil, [RATE], **ABOUT).withheld[RATE][0].text)
    assert len(texts) == 3


def test_deposit_takes_values_that_speak_for_themselves(served: Served) -> None:
    """Each with its own time, basis and role; the generalised field follows by itself."""
    school = served.shell(SCHOOL)
    emil = school("subject", national_id=EMIL)
    hour_ago = served.house.clock() - timedelta(hours=1)
    values = [
        Value(RATE, 0.97, hour_ago, "measured", "teacher"),
        Value("education.wishes", "tømrer", hour_ago, "stated_by_subject", "counsellor"),
    ]
    deposited = school("deposit", emil, values)
    assert set(deposited.records) == {RATE, BAND, "education.wishes"}
    served.consented()
    nav = served.shell(NAV)
    answer = nav("ask", nav("subject", national_id=EMIL), [BAND, "education.wishes"], **ABOUT)
    assert (answer.values[BAND].value, answer.values[BAND].basis) == ("95_100", "derived")
    assert answer.values["education.wishes"].basis == "stated_by_subject"
    assert answer.values["education.wishes"].author_role == "counsellor"


def test_hybrid_recipient_opens_what_it_gets(served: Served) -> None:
    """A unit whose key says so is sealed to by HPKE, and notices nothing."""
    served.deposit({RATE: 0.62})
    served.consented()
    hybrid = ServiceKey.generate(NAV, hybrid=True)
    served.register(hybrid)
    nav = served.shell(NAV, key=hybrid)
    answer = nav("ask", nav("subject", national_id=EMIL), [RATE], **ABOUT)
    assert answer.raw.key.alg == "HPKE-MLKEM768-X25519"
    assert answer.values[RATE].value == 0.62


# --- checks that a recipient makes ---


def test_oral_answer_is_recorded_line_by_line(served: Served) -> None:
    """A professional reads the text out and records each yes and no."""
    served.deposit({RATE: 0.62})
    nav = served.shell(NAV)
    view = served.requested(nav, valid_days=30, language="en", condition=Condition(kind="once"))
    assert view.text_sha256 != ""
    assert all(grant.condition.kind == "once" for grant in view.grants)
    captured = nav(
        "capture",
        view.id,
        answers=dict.fromkeys((grant.id for grant in view.grants), "yes"),
        read_out=view.text_sha256,
        actor=ACTOR,
    )
    assert captured.state == "active"
    emil = nav("subject", national_id=EMIL)
    assert nav("ask", emil, [RATE], **ABOUT).outcome == "released"
    used_up = nav("ask", emil, [RATE], **ABOUT)
    assert [reason.code for reason in used_up.withheld[RATE]] == ["consent.used_up"]


def test_consents_and_events_come_page_by_page(served: Served) -> None:
    """However many there are, one at a time is enough memory."""
    nav = served.shell(NAV)
    for category in ("education", "functioning", "work"):
        view = served.requested(nav, categories=[category], services=[NAV, SCHOOL, OT])
        served.house.answer(view, EMIL)
    whole = nav("consents")
    assert len(whole) == 3
    assert nav("consents", page=1) == whole
    events = nav("events")
    assert len(events) >= 3
    assert nav("events", page=1) == events
    assert nav("events", after=events[0].id) == events[1:]
    assert nav("events", after=events[-1].id) == []


def test_meeting_is_registered(served: Served) -> None:
    """With those who take part, by unit and role."""
    served.consented()
    nav = served.shell(NAV)
    meeting = nav(
        "call_meeting",
        nav("subject", national_id=EMIL),
        collaboration=LARVIK,
        held_at=served.house.clock() + timedelta(days=7),
        participants=[
            Participant(unit=NAV, role="veileder"),
            Participant(unit=SCHOOL, role="teacher"),
        ],
        actor=ACTOR,
    )
    assert meeting.id.startswith("mtg_")
    assert meeting.collaboration == LARVIK


def test_catalogue_is_fetched_once_and_frozen(served: Served) -> None:
    """It changes a few times a year."""
    nav = served.shell(NAV)
    catalogue = nav("catalogue")
    assert nav("catalogue") is catalogue
    assert RATE in catalogue["fields"]
    assert catalogue.etag
    with pytest.raises(TypeError):
        catalogue["fields"][RATE] = {}


# --- keys, tokens, repeats ---


def test_unit_enrols_with_a_code_and_a_lost_answer_does_no_harm(served: Served) -> None:
    """The code is spent by the first request that arrives; the second finds the keys taken."""
    code = "C" * 22
    with served.house.ports.store.write() as tx:
        tx.add_enrolment(
            UnitId("ips-larvik"),
            hashlib.sha256(code.encode()).digest(),
            expires_at=served.house.clock() + timedelta(days=1),
        )
    key = ServiceKey.generate("ips-larvik")
    unit = served.shell("ips-larvik", key=key)
    with pytest.raises(AuthenticationFailed) as refused:
        unit("enrol", code="D" * 22)
    assert refused.value.code == "enrolment.refused"
    unit("enrol", code=code)
    assert unit("subject", national_id=EMIL).handle.startswith("hdl_")
    unit("enrol", code=code)
    thief = served.shell("ips-larvik", key=ServiceKey.generate("ips-larvik"))
    with pytest.raises(AuthenticationFailed) as refused:
        thief("enrol", code=code)
    assert refused.value.code == "enrolment.refused"
    with pytest.raises(UsageError, match="Enrolment: code"):
        unit("enrol", code="short")


def test_token_is_renewed_in_time(served: Served) -> None:
    """A token lives for two minutes, a client for weeks."""
    nav = served.shell(NAV)
    for _ in range(3):
        assert nav("subject", national_id=EMIL).handle.startswith("hdl_")
        served.house.clock.step(seconds=121)


def test_same_idempotency_key_is_the_same_disclosure(served: Served) -> None:
    """A caller that crashed between sending and writing down asks once, whatever it does."""
    nav, emil = served.released()
    first, second = (
        nav("ask", emil, [RATE], **ABOUT, idempotency_key="case-17.ask-1") for _ in range(2)
    )
    assert (first.id, first.receipt.token) == (second.id, second.receipt.token)
    with pytest.raises(errors.ProblemError) as caught:
        nav("ask", emil, [BAND], **ABOUT, idempotency_key="case-17.ask-1")
    assert caught.value.code == "idempotency.key_reused"


def test_one_client_serves_many_at_once(served: Served) -> None:
    """A web application has one client and many threads, or one loop and many tasks."""
    _, emil = served.released()
    given: dict[str, Any] = {"service": NAV, "key": served.house.keys[NAV]}
    given["clock"] = served.house.clock
    if served.kind == "sync":
        with Client(served.url, **given) as client, ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(client.ask, emil, [RATE], **ABOUT) for _ in range(24)]
            answers = [one.result() for one in asked]
    else:
        answers = asyncio.run(_gathered(served.url, given, emil))
    assert [answer.values[RATE].value for answer in answers] == [0.62] * 24
    assert len({answer.id for answer in answers}) == 24


async def _gathered(url: str, given: dict[str, Any], emil: Subject) -> list[Answer]:
    async with AsyncClient(url, **given) as client:
        return await asyncio.gather(*(client.ask(emil, [RATE], **ABOUT) for _ in range(24)))


def test_another_services_handle_and_consent_are_not_found(served: Served) -> None:
    """Handles are pairwise; what is another's looks like what is not there."""
    nav, emil = served.released()
    ot = served.shell(OT)
    with pytest.raises(NotFound) as caught:
        ot("ask", emil, [RATE], **ABOUT)
    assert caught.value.code == "subject.unknown_handle"
    answer = nav("ask", emil, [RATE], **ABOUT)
    with pytest.raises(NotFound):
        ot("disclosure", answer.id, emil)
    with pytest.raises(NotFound):
        ot("subject", national_id="13097248022")


def test_erasure_is_attested_once_and_seen_by_the_subject(served: Served) -> None:
    """N13: the recipient says, signed, that it has erased; the youth sees it, and nothing is handed out again."""
    nav, emil = served.released()
    answer = nav("ask", emil, [RATE], **ABOUT)
    recorded = nav("attest_erasure", answer.id)
    assert (recorded.disclosure, recorded.erased_at) == (answer.id, served.house.clock())
    copied = me.copy(person=served.house.hashed(EMIL), language="nb", ports=served.house.ports)
    assert [d.erased_at for d in copied.disclosures] == [recorded.erased_at]
    with pytest.raises(errors.ProblemError) as gone:
        nav("disclosure", answer.id, emil)
    assert gone.value.code == "disclosure.gone"
    with pytest.raises(errors.ProblemError) as twice:
        nav("attest_erasure", answer.id)
    assert twice.value.code == "erasure.refused"
