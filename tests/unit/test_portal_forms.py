"""Forms of the portal: what ties them to a session, and how a line's choice is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from broker.portal.forms import LanguageForm, LinesForm, check_of, is_ours
from broker.portal.rooms.requests import AnswerForm

ONCE = "a" * 22
TOKEN, ANOTHER = "t" * 43, "u" * 43
SENT = {"once": ONCE, "version": "1"}


def read(**fields: str) -> AnswerForm:
    """An answer's form as it comes from a browser."""
    return AnswerForm.model_validate_strings(SENT | fields)


def test_a_form_is_ours_for_the_session_it_was_shown_to() -> None:
    """And for no other; the session's secret itself stands in no page."""
    check = check_of(TOKEN)
    assert is_ours(check, TOKEN)
    assert not is_ours(check, ANOTHER)
    assert (len(check), TOKEN in check) == (43, False)


@given(st.text(max_size=80))
def test_no_other_text_is_a_check(text: str) -> None:
    """Whatever it is written in: it is compared, never an error."""
    assert is_ours(text, TOKEN) == (text == check_of(TOKEN))


def test_a_choice_stands_for_each_of_its_lines() -> None:
    """Lines that are shown as one are answered as one."""
    assert read(**{"line.g1,g3": "yes", "line.g2": "no"}).lines == {
        "g1": "yes",
        "g2": "no",
        "g3": "yes",
    }


def test_no_choice_is_no_line() -> None:
    """Radio buttons that nobody pressed are not sent at all."""
    assert read().lines == {}


@pytest.mark.parametrize(
    "fields",
    [
        {"line.g1": "maybe"},
        {"line.g1": ""},
        {"line.g1,g1": "yes", "line.g0": "yes"},
        {"line.": "yes"},
        {"line.g1,": "yes"},
        {"line.\N{GRINNING FACE}": "yes"},
        {"line.\u202eg1": "yes"},
        {"line." + "g1" * 10_000: "yes"},
        {f"line.{','.join(f'g{n}' for n in range(1, 9999))}": "yes"},
        {"fill": "all-yes"},
        {"child_heard": "on"},
        {"version": "1.5"},
        {"version": "-1"},
        {"version": "1" * 400},
        {"once": ONCE + "\n"},
    ],
)
def test_what_no_page_sends_is_not_read(fields: dict[str, str]) -> None:
    """Every member is bounded before it comes to a use case."""
    with pytest.raises(ValidationError):
        read(**fields)


def test_a_line_answered_twice_otherwise_is_not_read() -> None:
    """Which of the two was meant, nobody could say."""
    with pytest.raises(ValidationError):
        read(**{"line.g1": "yes", "line.g1,g2": "no"})


def test_lines_of_a_consent_that_are_to_stop_may_hold_any_word() -> None:
    """A ticked box is a ticked box."""
    form = LinesForm.model_validate_strings(SENT | {"line.g1,g2": "stop"})
    assert form.lines == {"g1": "stop", "g2": "stop"}


@pytest.mark.parametrize("back", ["/", "/shared", "/consents/con_" + "a" * 22, "/a//b"])
def test_a_page_of_the_portal_is_one_to_go_back_to(back: str) -> None:
    """Anywhere within."""
    given_ = {"once": ONCE, "language": "nn", "back": back}
    assert LanguageForm.model_validate_strings(given_).back == back


@pytest.mark.parametrize(
    "back",
    [
        "",
        "//x.no",
        "/\\x.no",
        "https://x.no",
        "/x?a=b",
        "/x#y",
        "/x\n",
        "/X",
        "/æ",
        "/" + "a" * 300,
    ],
)
def test_no_other_address_is_one_to_go_back_to(back: str) -> None:
    """No other site, no query, nothing that a header could be split by."""
    with pytest.raises(ValidationError):
        LanguageForm.model_validate_strings({"once": ONCE, "language": "nn", "back": back})
