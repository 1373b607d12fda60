"""Rooms of the portal: pages that belong together, a module each."""

from collections.abc import Iterator

from broker.portal.pages import Page
from broker.portal.rooms import consents, copy, requests, sessions, shared, start


def every() -> Iterator[Page]:
    """Every page."""
    for room in (start, sessions, requests, consents, shared, copy):
        yield from room.pages
