"""Rooms for employees of services that have no system of their own: to ask for a consent, and to record an answer."""

from collections.abc import Iterator

from broker.portal.pages import Page
from broker.portal.rooms.staff import asking, recording, requests, sessions


def every() -> Iterator[Page]:
    """Every page for employees."""
    for room in (sessions, requests, asking, recording):
        yield from room.pages
