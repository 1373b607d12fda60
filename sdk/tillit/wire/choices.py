"""Choices: how the subject wants to be told of what each service does (N3)."""

from typing import Literal

from tillit.wire.terms import Instant, UnitId, Wire

How = Literal["at_once", "digest"]


class NoticeChoiceRequest(Wire):
    """``POST /v1/me/notice-choices``: be told of what a service does each time, or once a day."""

    unit: UnitId
    how: How


class NoticeChoice(Wire):
    """A service of which the subject is told once a day, since when; of every other it is each time."""

    unit: UnitId
    label: str
    how: How
    at: Instant


class MyNoticeChoices(Wire):
    """What the subject chose, by service. ``may_wait`` are the kinds of notices that a digest holds; others come at once."""

    choices: tuple[NoticeChoice, ...]
    may_wait: tuple[str, ...]
