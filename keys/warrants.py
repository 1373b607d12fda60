"""Warrants: what the custodian wants to see before it releases a key.

A warrant is the broker's receipt of a disclosure, which is signed when the disclosure is in the log,
and the manifest that the receipt names. The custodian knows the keys that receipts are signed with,
and nothing else of the broker's; so whoever makes it release leaves either an entry in the log or a
receipt for an entry that is not there, which ``tillit-audit reconcile`` finds.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from keys.errors import WarrantInvalid
from tillit import receipts
from tillit.errors import ReceiptInvalid
from tillit.jose import b64u, strict_json
from tillit.wire import Manifest

MAX_MANIFEST_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Warrant:
    """The receipt of a disclosure (compact JWS), and its manifest in JCS form."""

    receipt: str
    manifest: bytes


@dataclass(frozen=True, slots=True)
class Warranted:
    """What a warrant that holds gives leave for.

    ``leaf_hash`` is that of the log entry that was promised, ``manifest_hash`` what the key is bound
    to, ``recipient`` who reads. Whether the entry stands in the tree is for reconciliation.
    """

    leaf_hash: bytes
    manifest_hash: bytes
    recipient: str


def verified(
    warrant: Warrant,
    *,
    issuers: Mapping[str, Any],
    kid: str,
    records: Collection[str],
    now: datetime,
) -> Warranted:
    """Check that the warrant allows releasing these records to this key now.

    ``issuers`` is the JWK set of who may sign. Raises ``WarrantInvalid`` with the reason.

    *Not checked*: which record a content key is of, and whose: the custodian knows neither records nor handles.
    """
    try:
        receipt = receipts.verify(warrant.receipt, issuers)
    except ReceiptInvalid:
        raise WarrantInvalid("the receipt is not signed by a broker that is trusted") from None
    bound, manifest = _manifest(warrant.manifest)
    statement = receipt.statement
    if statement.manifest != b64u(bound):
        raise WarrantInvalid("the receipt is for another manifest")
    if (statement.id, statement.recipient) != (manifest.disclosure, manifest.recipient):
        raise WarrantInvalid("the receipt is for another disclosure")
    if statement.recipient_kid != kid:
        raise WarrantInvalid("the receipt is for another key")
    if not _named(manifest).issuperset(records):
        raise WarrantInvalid("a record that is not in the manifest")
    if now >= manifest.expires_at:
        raise WarrantInvalid("the disclosure has expired")
    return Warranted(receipt.leaf_hash, bound, manifest.recipient)


def _named(manifest: Manifest) -> set[str]:
    """The records that the manifest is for: the values, and what the subject says to those they contest."""
    fields = manifest.fields.values()
    return {field.record for field in fields} | {
        field.contested.record for field in fields if field.contested is not None
    }


def _manifest(data: bytes) -> tuple[bytes, Manifest]:
    if len(data) > MAX_MANIFEST_BYTES:
        raise WarrantInvalid("the manifest is too large")
    try:
        return hashlib.sha256(data).digest(), Manifest.model_validate(strict_json(data))
    except ValueError:
        raise WarrantInvalid("not a manifest") from None
