"""Rooms of the portal: pages that belong together, a module each."""

from collections.abc import Iterator

from broker.portal.pages import Page
from broker.portal.rooms import (
    choices,
    consents,
    contact,
    copy,
    growing,
    guarding,
    hiding,
    meetings,
    questions,
    requests,
    sessions,
    shared,
    staff,
    start,
    values,
)


def every() -> Iterator[Page]:
    """Every page."""
    for room in (
        start,
        guarding,
        growing,
        sessions,
        requests,
        questions,
        consents,
        shared,
        values,
        meetings,
        choices,
        contact,
        hiding,
        copy,
    ):
        yield from room.pages
    yield from staff.every()
