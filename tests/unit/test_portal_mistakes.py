"""Mistakes: whatever stops a person is told in words."""

import pytest

from broker.api.problems import TABLE
from broker.errors import BrokerError
from broker.portal.mistakes import TOLD, told
from broker.portal.words import languages

SPOKEN = languages()


def stopped(code: str) -> BrokerError:
    """An error with that code."""

    class Stopped(BrokerError):
        pass

    Stopped.code = code
    return Stopped("an inner detail")


@pytest.mark.parametrize("language", sorted(SPOKEN))
@pytest.mark.parametrize("code", sorted(TABLE))
def test_every_code_is_told_in_words(code: str, language: str) -> None:
    """No page shows a raw code as its text, and none tells what only the log should hold."""
    said = told(stopped(code), SPOKEN[language])  # type: ignore[index]  # of the keys
    assert (code, {"title", "text", "code"}) == (said["code"], set(said))
    for part in ("title", "text"):
        assert said[part].strip()
        assert code not in said[part]
        assert "inner detail" not in said[part]
        assert "_" not in said[part]
    assert said["title"] != said["text"]


def test_what_is_told_of_its_own_is_a_code_of_the_table() -> None:
    """A code that is renamed takes its words with it."""
    assert set(TOLD) <= set(TABLE)


@pytest.mark.parametrize(
    "code",
    [
        "question.answered",
        "question.over",
        "helper.code_refused",
        "helper.oneself",
        "helper.one_at_a_time",
        "helper.too_young",
    ],
)
def test_what_a_person_can_run_into_is_not_called_incomprehensible(code: str) -> None:
    """The page sent exactly what it can send; what stopped the person is something else, and they can do something."""
    words = SPOKEN["en"]
    assert told(stopped(code), words)["title"] != told(stopped("body.form"), words)["title"]


def test_what_is_not_there_reads_like_what_is_anothers() -> None:
    """An id that is guessed tells nothing, in words either."""
    words = SPOKEN["nb"]
    texts = {
        told(stopped(code), words)["text"]
        for code in ("consent.unknown", "disclosure.unknown", "path.unknown", "subject.none")
    }
    assert len(texts) == 1
