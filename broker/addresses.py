"""Addresses: which of them may be spoken to in plain text."""

import ipaddress
from urllib.parse import urlsplit

_LOCAL_NAMES = frozenset(("localhost", "localhost.localdomain"))


def is_plain_and_remote(url: str) -> bool:
    """Whether what is said there passes over a network in plain text."""
    parts = urlsplit(url)
    return parts.scheme != "https" and not _is_loopback(parts.hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in _LOCAL_NAMES
