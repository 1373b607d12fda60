"""Receipts as they are kept, sealed like the entries they are of: opened through the custodian for whoever is handed one."""

from collections.abc import Sequence
from dataclasses import replace

from broker.stored import Disclosure
from broker.usecases.contents import open_volumes
from keys.custodian import Custodian
from tillit.contents import ContentBroken, open_receipt


def opened(found: Sequence[Disclosure], *, custodian: Custodian) -> Sequence[Disclosure]:
    """The disclosures with their receipts, but those whose receipt is gone with its time, or does not open.

    Raises:
        CustodianDown: there are sealed receipts, and the custodian does not open anything now.
    """
    sealed = [one.sealed_receipt for one in found if one.sealed_receipt is not None]
    volumes = [one.volume for one in sealed if one.volume is not None]
    keys, _ = open_volumes(volumes, custodian=custodian)
    whole = (_opened(one, keys) for one in found)
    return [one for one in whole if one is not None]


def _opened(one: Disclosure, keys: dict[str, bytes]) -> Disclosure | None:
    sealed = one.sealed_receipt
    if sealed is None:
        return one
    key = None if sealed.volume is None else keys.get(sealed.volume.id)
    if key is None:
        return None
    try:
        receipt = open_receipt(sealed.sealed, leaf_hash=one.leaf_hash, key=key)
    except ContentBroken:
        return None
    return replace(one, receipt=receipt, sealed_receipt=None)
