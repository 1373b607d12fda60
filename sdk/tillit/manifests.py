"""Manifests: the hash that binds a key to what it was released or deposited for (design.md § 4)."""

import hashlib

from tillit.jcs import canonical, canonical_words
from tillit.wire import DepositManifest, Manifest


def manifest_bytes(manifest: Manifest | DepositManifest) -> bytes:
    """The manifest's JCS form, whose SHA-256 ``manifest_hash`` is."""
    return canonical_words(manifest.model_dump(mode="json"))


def manifest_hash(manifest: Manifest | DepositManifest) -> bytes:
    """SHA-256 over the manifest's JCS form.

    ``apv`` (ECDH-ES) or ``info`` (HPKE) of the key it belongs to.
    """
    return hashlib.sha256(manifest_bytes(manifest)).digest()


def field_aad(*, field: str, record: str, source: str) -> bytes:
    """What a sealed value is bound to for life: its field, record and source."""
    return canonical({"v": 1, "field": field, "record": record, "source": source})
