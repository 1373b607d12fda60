"""Canonical JSON: one byte form per value (RFC 8785), for hashes and MACs over JSON."""

from typing import Any

import rfc8785


def canonical(value: Any) -> bytes:
    """The JCS form. ValueError: what JSON cannot hold exactly (NaN, integers beyond 2^53 - 1)."""
    return rfc8785.dumps(value)
