"""The SDK against the real broker over HTTP: what a service does, from its keys to the last refusal."""

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from broker.domain.ids import ConsentId, UnitId
from broker.ports import ServiceKey as RegisteredKey
from broker.usecases import me
from tests import shells
from tests.house import ACTOR, EMIL, LARVIK, SARA, House, build
from tests.serving import serving
from tests.shells import Shell
from tests.tampering import AsyncTampering, Tampering
from tillit import (
    Answer,
    AsyncClient,
    AuthenticationFailed,
    Client,
    Condition,
    Invalid,
    ManifestMismatch,
    NotFound,
    Participant,
    ReceiptInvalid,
    Retries,
    SealBroken,
    ServiceKey,
    SourceSignatureInvalid,
    Subject,
    SubjectMismatch,
    UsageError,
    Value,
    VerificationError,
    errors,
    wire,
)
from tillit.notes import NoteInvalid, Vkey

RATE, BAND = "education.attendance.rate", "education.attendance.band"
DIAGNOSIS = "health.diagnosis"
SCHOOL, NAV, OT = "thor-heyerdahl-vgs", "nav-larvik", "ot-vestfold"
ABOUT: dict[str, Any] = {"purpose": "coordination", "collaboration": LARVIK, "actor": ACTOR}
QUICK = Retries(attempts=8, within=10.0, first_wait=0.01, longest_wait=0.1)


@dataclass
class Served:
    """A broker that serves, and the ways in."""

    house: House
    url: str
    stack: ExitStack
    kind: str

    def shell(self, unit: str, **more: Any) -> Shell:
        """A client of the kind that is tested."""
        key = self.house.keys.get(unit)
        given = {"service": unit, "key": key, "clock": self.house.clock, "retries": QUICK, **more}
        return self.stack.enter_context(shells.opened(self.kind, self.url, **given))

    def tampered(self, unit: str, path: str, change: Callable[[Any], Any], **more: Any) -> Shell:
        """A client whose answers on a path are changed on their way."""
        carrier = Tampering if self.kind == "sync" else AsyncTampering
        return self.shell(unit, transport=carrier(path, change), **more)

    def deposit(self, values: dict[str, Any], **more: Any) -> None:
        """The school deposits something about Emil."""
        school = self.shell(SCHOOL, **more)
        emil = school("subject", national_id=EMIL)
        school("deposit", emil, values, **self.observed())

    def observed(self) -> dict[str, Any]:
        """What values observed an hour ago have in common."""
        hour_ago = self.house.clock() - timedelta(hours=1)
        return {"observed_at": hour_ago, "basis": "measured", "author_role": "teacher"}

    def requested(self, shell: Shell, **more: Any) -> wire.ConsentView:
        """Nav asks Emil for a consent."""
        asked = {
            "services": [NAV, SCHOOL],
            "purposes": ["coordination"],
            "categories": ["education"],
            "collaboration": LARVIK,
            "actor": ACTOR,
            **more,
        }
        emil = shell("subject", national_id=EMIL)
        view: wire.ConsentView = shell("request_consent", emil, **asked)
        return view

    def consented(self) -> wire.ConsentView:
        """Emil has said yes to every line of a consent."""
        return self.house.answer(self.requested(self.shell(NAV)), EMIL)

    def released(self) -> tuple[Shell, Subject]:
        """Everything is ready for Nav to ask for the rate."""
        self.deposit({RATE: 0.62})
        self.consented()
        nav = self.shell(NAV)
        return nav, nav("subject", national_id=EMIL)


@pytest.fixture(params=shells.NAMES)
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """A fresh broker over HTTP."""
    house = build(tmp_path)
    with serving(house, tmp_path) as url, ExitStack() as stack:
        yield Served(house, url, stack, str(request.param))


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
    _register(served, hybrid)
    nav = served.shell(NAV, key=hybrid)
    answer = nav("ask", nav("subject", national_id=EMIL), [RATE], **ABOUT)
    assert answer.raw.key.alg == "HPKE-MLKEM768-X25519"
    assert answer.values[RATE].value == 0.62


# --- checks that a recipient makes ---


def test_value_about_another_person_is_found(served: Served) -> None:
    """The broker may confuse two youths; the recipient's SDK does not."""
    nav, emil = served.released()
    sara = Subject(emil.handle, national_id=SARA)
    with pytest.raises(SubjectMismatch):
        nav("ask", sara, [RATE], **ABOUT)


def _flip(text: str) -> str:
    return ("B" if text[0] == "A" else "A") + text[1:]


def _seal(answer: Any, member: str) -> Any:
    field = answer["sealed"][RATE]
    return {**answer, "sealed": {RATE: {**field, member: _flip(field[member])}}}


def _manifest(answer: Any, **members: Any) -> Any:
    return {**answer, "manifest": {**answer["manifest"], **members}}


_CHANGES: tuple[tuple[Callable[[Any], Any], type[VerificationError]], ...] = (
    (lambda a: _seal(a, "ciphertext"), SealBroken),
    (lambda a: _seal(a, "tag"), SealBroken),
    (lambda a: _seal(a, "iv"), SealBroken),
    (lambda a: _seal(a, "encrypted_key"), SealBroken),
    (lambda a: {**a, "receipt": _flip(a["receipt"])}, ReceiptInvalid),
    (lambda a: {**a, "receipt": a["receipt"][:-9] + _flip(a["receipt"][-9:])}, ReceiptInvalid),
    (lambda a: _manifest(a, purpose="referral"), VerificationError),
    (lambda a: _manifest(a, expires_at="2036-01-01T00:00:00Z"), ManifestMismatch),
    (lambda a: _manifest(a, fields={}), VerificationError),
    (lambda a: {**a, "outcome": "partly_released"}, VerificationError),
    (lambda a: {**a, "sealed": {}}, VerificationError),
    (lambda a: {**a, "key": None}, VerificationError),
)


def test_changed_answer_gives_no_values(served: Served) -> None:
    """Whoever changes anything on the way gets an exception raised, and nothing opened."""
    _, emil = served.released()
    for change, error in _CHANGES:
        nav = served.tampered(NAV, "/v1/disclosures", change)
        with pytest.raises(error) as caught:
            nav("ask", emil, [RATE], **ABOUT)
        assert caught.value.code.startswith("verification.")


def test_other_disclosure_than_the_one_asked_for_again_is_refused(served: Served) -> None:
    """Two sound disclosures swapped: each opens, but not for the other."""
    nav, emil = served.released()
    first, second = (nav("ask", emil, [RATE], **ABOUT) for _ in range(2))
    other = second.raw.model_dump(mode="json")
    false = served.tampered(NAV, "/v1/disclosures/", lambda _: other)
    with pytest.raises(ManifestMismatch, match="another disclosure"):
        false("disclosure", first.id, emil)


def test_disclosure_again_can_be_held_to_what_was_asked(served: Served) -> None:
    """A caller who kept the ask does not have to take the receipt's word for it."""
    nav, emil = served.released()
    answer = nav("ask", emil, [RATE], **ABOUT)
    asked = wire.Ask(subject=emil.handle, fields=(RATE,), **ABOUT)
    assert nav("disclosure", answer.id, emil, asked=asked).values == answer.values
    other = asked.model_copy(update={"purpose": "referral"})
    with pytest.raises(VerificationError):
        nav("disclosure", answer.id, emil, asked=other)


def test_expired_disclosure_is_not_opened(served: Served) -> None:
    """The recipient's own clock says that the values should be erased by now."""
    nav, emil = served.released()
    answer = nav("ask", emil, [RATE], **ABOUT)
    old = answer.raw.model_dump(mode="json")
    served.house.clock.step(days=40)
    false = served.tampered(NAV, "/v1/disclosures/", lambda _: old)
    with pytest.raises(ManifestMismatch, match="expired"):
        false("disclosure", answer.id, emil)


# --- keys of sources ---


def _register(served: Served, key: ServiceKey) -> None:
    """The unit's newest keys, as the operator's rotation puts them in."""
    served.house.clock.step(seconds=1)
    with served.house.ports.store.write() as tx:
        tx.add_service_keys(
            [
                RegisteredKey(UnitId(key.unit), jwk["kid"], jwk["use"], jwk)
                for jwk in key.public_jwks()["keys"]
            ],
            at=served.house.clock(),
        )


def test_new_key_of_a_source_is_fetched_when_it_turns_up(served: Served) -> None:
    """A source that changed its key is believed after its keys were fetched anew, not before."""
    nav, emil = served.released()
    assert nav("ask", emil, [RATE], **ABOUT).values[RATE].value == 0.62
    fresh = ServiceKey.generate(SCHOOL)
    _register(served, fresh)
    served.deposit({RATE: 0.5}, key=fresh)
    assert nav("ask", emil, [RATE], **ABOUT).values[RATE].value == 0.5


def test_value_signed_by_nobody_known_is_refused(served: Served) -> None:
    """A broker that gives out other keys for a source cannot vouch for the source's values."""
    served.released()
    stranger = ServiceKey.generate(SCHOOL).public_jwks()
    nav = served.tampered(NAV, "/v1/services/", lambda _: stranger)
    emil = nav("subject", national_id=EMIL)
    for _ in range(2):
        with pytest.raises(SourceSignatureInvalid):
            nav("ask", emil, [RATE], **ABOUT)


def test_pinned_keys_of_a_source_are_never_fetched(served: Served) -> None:
    """Then not even the broker can pass another's value off as the source's."""
    served.released()
    false = ServiceKey.generate(SCHOOL).public_jwks()
    real = served.house.keys[SCHOOL].public_jwks()
    nav = served.tampered(NAV, "/v1/services/", lambda _: false, sources={SCHOOL: real})
    emil = nav("subject", national_id=EMIL)
    assert nav("ask", emil, [RATE], **ABOUT).values[RATE].value == 0.62
    pinned = served.shell(NAV, sources={SCHOOL: false})
    with pytest.raises(SourceSignatureInvalid):
        pinned("ask", emil, [RATE], **ABOUT)


def test_key_set_of_a_source_is_checked_before_it_is_kept(served: Served) -> None:
    """Each kid is its key's thumbprint."""
    served.released()
    sig, enc = served.house.keys[SCHOOL].public_jwks()["keys"]
    nav = served.tampered(NAV, "/v1/services/", lambda _: {"keys": [{**sig, "kid": enc["kid"]}]})
    with pytest.raises(errors.ProtocolError, match="thumbprint"):
        nav("ask", nav("subject", national_id=EMIL), [RATE], **ABOUT)


# --- trust and the log ---


def test_proof_shows_that_the_log_holds_the_disclosure(served: Served) -> None:
    """Waits while the log has yet to take the entry in, then checks everything."""
    nav, emil = served.released()
    answer = nav("ask", emil, [RATE], **ABOUT)
    proven = nav("proof", answer)
    assert proven.leaf_hash == answer.receipt.leaf_hash
    assert proven.index < proven.checkpoint.size
    assert proven.checkpoint.origin == "tillit.test/log"


_FALSE_PROOFS: tuple[Callable[[Any], Any], ...] = (
    lambda a: {**a, "index": a["index"] + 1},
    lambda a: {**a, "path": a["path"][1:]},
    lambda a: {**a, "path": [_flip(a["path"][0]), *a["path"][1:]]},
    lambda a: {**a, "checkpoint": a["checkpoint"].replace("tillit.test", "tillit.tess")},
)


def test_false_proof_is_refused(served: Served) -> None:
    """The proof stands on the log's signature and the receipt, not on the broker's word."""
    nav, emil = served.released()
    answer = nav("ask", emil, [RATE], **ABOUT)
    nav("proof", answer)
    for change in _FALSE_PROOFS:
        false = served.tampered(NAV, f"/v1/disclosures/{answer.id}/proof", change)
        with pytest.raises(VerificationError):
            false("proof", answer)


def test_proof_that_holds_no_hash_is_no_answer(served: Served) -> None:
    """43 characters of base64url can still be another spelling of the same bytes."""
    nav, emil = served.released()
    answer = nav("ask", emil, [RATE], **ABOUT)
    nav("proof", answer)
    false = served.tampered(NAV, "/v1/disclosures/", lambda a: {**a, "path": ["-" * 42 + "_"]})
    with pytest.raises(errors.ProtocolError, match="no hash"):
        false("proof", answer)


def test_pinned_trust_is_what_counts(served: Served) -> None:
    """Whoever pins the broker's keys is not fooled by a broker that shows others."""
    nav, emil = served.released()
    trust = nav("trust")
    answer = nav("ask", emil, [RATE], **ABOUT)
    pinned = served.tampered(NAV, "/v1/keys", lambda _: {}, trust=trust)
    assert pinned("ask", emil, [RATE], **ABOUT).values[RATE].value == 0.62
    other = ServiceKey.generate(NAV)
    false = trust.model_copy(update={"receipts": {"keys": other.public_jwks()["keys"][:1]}})
    with pytest.raises(ReceiptInvalid):
        served.shell(NAV, trust=false)("ask", emil, [RATE], **ABOUT)
    log = str(Vkey.of("tillit.test/log", other.signer))
    with pytest.raises(NoteInvalid):
        served.shell(NAV, trust=trust.model_copy(update={"log": log}))("proof", answer)
    log = str(Vkey.of("another.test/log", other.signer))
    with pytest.raises(ReceiptInvalid, match="another log"):
        served.shell(NAV, trust=trust.model_copy(update={"log": log}))("proof", answer)


# --- consents, meetings, feed ---


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
