"""Answers: whose lines are whose, when a yes is enough, and what is written down of it."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from broker.domain.consent_events import ConsentEvent
from broker.domain.consents import Consent
from broker.domain.errors import (
    ConsentError,
    LinesMissing,
    LinesNotForSigner,
    LinesUnknown,
    OutOfTime,
    SignerHasSigned,
    SignerNotNeeded,
    SignersUnknown,
    TextDiffers,
    named,
)
from broker.domain.ids import GrantId
from broker.domain.signatures import Needed, Signature, Signer
from broker.domain.states import State
from tests.consenting import (
    ALONE,
    BOTH_GUARDIANS,
    EMIL,
    FATHER,
    HALF_A_YEAR,
    MOTHER,
    NOW,
    ONE_GUARDIAN,
    RECORDER,
    SOMEBODY,
    TOGETHER,
    Need,
    answers,
    asked,
    line,
)

LATER = NOW + timedelta(hours=1)
ADULT = {"education": ALONE, "health": ALONE}
CHILD = {"education": ONE_GUARDIAN, "health": ONE_GUARDIAN}
FIFTEEN = {"education": ALONE, "health": TOGETHER}


def by(
    consent: Consent,
    signer: Signer,
    *,
    yes: tuple[int, ...] = (),
    no: tuple[int, ...] = (),
    needed: Mapping[str, Needed] = ADULT,
    **more: Any,
) -> tuple[Consent, ConsentEvent]:
    """A digital answer."""
    fields: dict[str, Any] = {"method": "digital", "at": LATER, "read": consent.text_sha256}
    return consent.answer(answers(yes, no), signer=signer, needed=needed, **{**fields, **more})


def test_yes_to_three_of_five_grants_exactly_those() -> None:
    """Line by line (N4)."""
    consent, told = by(asked(*map(line, range(1, 6))), EMIL, yes=(1, 3, 5), no=(2, 4))
    assert [grant.answer for grant in consent.grants] == ["yes", "no", "yes", "no", "yes"]
    assert (consent.state, consent.version, consent.valid_from) == (State.ACTIVE, 2, LATER)
    assert told.type == "consent.activated"
    assert told.grants == ("g1", "g2", "g3", "g4", "g5")


def test_no_to_every_line_is_a_refusal() -> None:
    """A state of its own, with no reason asked (N5)."""
    consent, told = by(asked(), EMIL, no=(1, 2))
    assert (consent.state, consent.valid_from) == (State.REFUSED, None)
    assert told.type == "consent.refused"


def test_a_line_without_an_answer_is_named() -> None:
    """Silence is neither yes nor no."""
    with pytest.raises(LinesMissing, match=r"^g2$"):
        by(asked(), EMIL, yes=(1,))


def test_an_answer_to_no_line_is_named() -> None:
    """A typing error never passes for an answer."""
    with pytest.raises(LinesUnknown, match=r"^g3$"):
        by(asked(), EMIL, yes=(1, 2, 3))


def test_reading_another_text_is_no_answer_to_this_one() -> None:
    """The hash of what was shown must be this consent's."""
    with pytest.raises(TextDiffers):
        by(asked(), EMIL, yes=(1, 2), read="A" * 43)


def test_answering_after_the_end_is_refused() -> None:
    """An old request does not come into force."""
    with pytest.raises(OutOfTime):
        by(asked(), EMIL, yes=(1, 2), at=NOW + HALF_A_YEAR)


def test_the_childs_yes_waits_for_a_guardian() -> None:
    """Nothing is shared on it yet."""
    consent, told = by(asked(), EMIL, yes=(1, 2), needed=CHILD)
    assert (consent.state, consent.valid_from) == (State.PARTLY_SIGNED, None)
    assert told.type == "consent.partly_signed"
    assert consent.waiting_for(CHILD) == ("guardian",)
    signed, _ = by(consent, MOTHER, yes=(1, 2), needed=CHILD)
    assert signed.state == State.ACTIVE
    assert signed.waiting_for(CHILD) == ()


def test_a_special_line_waits_alone_but_all_of_it_waits() -> None:
    """At 15 the school is one's own to share; the consent is in force when every yes is signed."""
    consent, _ = by(asked(), EMIL, yes=(1, 2), needed=FIFTEEN)
    assert consent.state == State.PARTLY_SIGNED
    assert by(consent, MOTHER, yes=(2,), needed=FIFTEEN)[0].state == State.ACTIVE


def test_a_no_needs_no_further_signature() -> None:
    """Without the health line nobody is waited for."""
    assert by(asked(), EMIL, yes=(1,), no=(2,), needed=FIFTEEN)[0].state == State.ACTIVE


def test_a_guardian_answers_only_the_lines_that_need_guardians() -> None:
    """What the youth decides alone is not a guardian's to see or answer (N24)."""
    with pytest.raises(LinesNotForSigner, match=r"^g1$"):
        by(asked(), MOTHER, yes=(1, 2), needed=FIFTEEN)


def test_a_guardian_who_is_not_needed_cannot_sign() -> None:
    """From 18 guardians have no say."""
    with pytest.raises(SignerNotNeeded):
        by(asked(), MOTHER, yes=(1, 2))


def test_one_of_two_guardians_is_half() -> None:
    """Under the rule ``all`` nothing is shared on one signature (Maja, 13)."""
    needed = {"education": BOTH_GUARDIANS, "health": BOTH_GUARDIANS}
    consent, _ = by(asked(), MOTHER, yes=(1, 2), needed=needed, child_heard=True)
    assert (consent.state, consent.waiting_for(needed)) == (State.PARTLY_SIGNED, ("guardian",))
    both, _ = by(consent, FATHER, yes=(1, 2), needed=needed)
    assert (both.state, both.signed(GrantId("g1")).guardians) == (State.ACTIVE, 2)


def test_each_signers_no_makes_the_line_a_no() -> None:
    """Two must agree; one alone can refuse."""
    needed = {"education": BOTH_GUARDIANS, "health": BOTH_GUARDIANS}
    consent, _ = by(asked(), MOTHER, yes=(1, 2), needed=needed, child_heard=True)
    both, told = by(consent, FATHER, yes=(1,), no=(2,), needed=needed)
    assert [grant.answer for grant in both.grants] == ["yes", "no"]
    assert (both.state, told.grants) == (State.ACTIVE, ("g2",))
    again, _ = by(asked(), EMIL, no=(1,), yes=(2,), needed=CHILD)
    after, _ = by(again, MOTHER, yes=(1, 2), needed=CHILD)
    assert [grant.answer for grant in after.grants] == ["no", "yes"]


def test_the_second_signers_no_to_all_is_a_refusal() -> None:
    """The cool-down counts from there."""
    consent, _ = by(asked(), EMIL, yes=(1, 2), needed=CHILD)
    assert by(consent, MOTHER, no=(1, 2), needed=CHILD)[0].state == State.REFUSED


def test_a_child_that_was_not_heard_is_waited_for() -> None:
    """The guardian's yes stands, and is in force once the child has been heard."""
    consent, _ = by(asked(), MOTHER, yes=(1, 2), needed=CHILD)
    assert (consent.state, consent.waiting_for(CHILD)) == (State.PARTLY_SIGNED, ("child_heard",))
    assert by(consent, EMIL, yes=(1, 2), needed=CHILD)[0].state == State.ACTIVE


def test_a_child_heard_by_the_guardian_is_heard() -> None:
    """As the guardian, or who recorded, says."""
    consent, _ = by(asked(), MOTHER, yes=(1, 2), needed=CHILD, child_heard=True)
    assert consent.state == State.ACTIVE
    view = consent.signed(GrantId("g1"))
    assert (view.subject, view.guardians, view.child_heard) == (False, 1, True)


@pytest.mark.parametrize(
    ("first", "second"), [(EMIL, Signer("subject")), (MOTHER, MOTHER), (SOMEBODY, SOMEBODY)]
)
def test_nobody_signs_twice(first: Signer, second: Signer) -> None:
    """One person is one signature; guardians without a key cannot be told apart."""
    needed = {"education": BOTH_GUARDIANS, "health": BOTH_GUARDIANS}
    oral: dict[str, Any] = {"method": "oral", "recorded_by": RECORDER}
    consent, _ = by(asked(), first, yes=(1, 2), needed=needed, **oral)
    with pytest.raises(SignerHasSigned):
        by(consent, second, yes=(1, 2), needed=needed, **oral)


def test_a_guardian_without_a_key_is_never_the_second_one() -> None:
    """An unidentified guardian may be the one who has signed already."""
    needed = {"education": BOTH_GUARDIANS, "health": BOTH_GUARDIANS}
    oral: dict[str, Any] = {"method": "oral", "recorded_by": RECORDER}
    consent, _ = by(asked(), SOMEBODY, yes=(1, 2), needed=needed, child_heard=True, **oral)
    assert consent.signed(GrantId("g1")).guardians == 1
    with_key, _ = by(consent, MOTHER, yes=(1, 2), needed=needed)
    assert (with_key.state, with_key.signed(GrantId("g1")).guardians) == (State.PARTLY_SIGNED, 1)
    assert by(with_key, FATHER, yes=(1, 2), needed=needed)[0].state == State.ACTIVE


@pytest.mark.parametrize(
    "needed", [{"education": ALONE}, {**ADULT, "health": Need(subject=False, guardians=0)}]
)
def test_nobody_signs_while_it_is_unknown_who_must(needed: Mapping[str, Needed]) -> None:
    """Closed on doubt, and it says for which category."""
    with pytest.raises(SignersUnknown, match=r"^health$"):
        by(asked(), EMIL, yes=(1, 2), needed=needed)


def test_an_oral_answer_keeps_who_recorded_it_and_what_was_read_out() -> None:
    """As fully as a digital one (N2)."""
    said = LATER - timedelta(minutes=20)
    consent, told = by(
        asked(), Signer("subject"), yes=(1,), no=(2,), method="oral", answered_at=said,
        recorded_by=RECORDER,
    )  # fmt: skip
    signature = consent.signatures[0]
    assert (said, RECORDER, consent.text_sha256) == (
        signature.at,
        signature.recorded_by,
        signature.read,
    )
    assert consent.valid_from == LATER
    content = told.content()
    assert content["recorded_by"] == {"unit": "nav-larvik", "actor": "a17", "role": "veileder"}
    assert (content["yes"], content["no"], content["method"]) == (["g1"], ["g2"], "oral")


def test_a_log_entry_names_the_signer_by_kind_only() -> None:
    """No key of a person leaves the consent; the content is plain JSON."""
    consent, told = by(asked(), EMIL, yes=(1, 2))
    written = json.dumps([told.content(), consent.pause(at=LATER, by=EMIL)[1].content()])
    assert EMIL.key is not None
    assert EMIL.key not in written
    assert told.content()["by"] == "subject"


def test_a_signature_is_oral_with_a_recorder_or_digital_with_a_key() -> None:
    """Anything between is a bug in the caller."""
    fields: dict[str, Any] = {"at": NOW, "read": "", "yes": (), "no": ()}
    with pytest.raises(ValueError, match="recorded"):
        Signature(EMIL, "oral", **fields)
    with pytest.raises(ValueError, match="recorded"):
        Signature(EMIL, "digital", **fields, recorded_by=RECORDER)
    with pytest.raises(ValueError, match="known person"):
        Signature(SOMEBODY, "digital", **fields)
    with pytest.raises(ValueError, match="recorded"):
        Signature(EMIL, "paper", **fields, scan="s")


def test_an_answer_on_paper_has_a_scan_and_no_other_has() -> None:
    """What was signed can be shown again: the log names the very file (design.md § 5)."""
    fields: dict[str, Any] = {"at": NOW, "read": "", "yes": (), "no": (), "recorded_by": RECORDER}
    with pytest.raises(ValueError, match="scan"):
        Signature(EMIL, "paper", **fields)
    with pytest.raises(ValueError, match="scan"):
        Signature(EMIL, "oral", **fields, scan="s")
    _, event = by(
        asked(), Signer("subject"), yes=(1, 2), method="paper", recorded_by=RECORDER, scan="s"
    )
    content = event.content()
    assert (content["method"], content["scan"]) == ("paper", "s")
    _, oral = by(asked(), Signer("subject"), yes=(1, 2), method="oral", recorded_by=RECORDER)
    assert "scan" not in oral.content()


def test_a_request_waits_for_everyone_it_needs() -> None:
    """Before the first answer too."""
    needed = {"education": Need(subject=True, guardians=1, child_heard=True), "health": ALONE}
    assert asked().waiting_for(needed) == ("child_heard", "guardian", "subject")


def test_every_refusal_of_the_domain_has_a_code_of_its_own() -> None:
    """Callers match on codes."""
    kinds = ConsentError.__subclasses__()
    codes = [kind.code for kind in kinds]
    assert len(set(codes)) == len(codes)
    assert all(code.startswith("consent.") for code in codes)


def test_a_detail_names_at_most_twenty() -> None:
    """Errors are bounded like everything else."""
    assert named(["b", "a"]) == "a, b"
    assert named(f"g{n:03d}" for n in range(30)).endswith("g019 …")
