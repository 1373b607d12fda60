"""Erasures: a recipient's signed word that what a disclosure gave it is gone, logged and shown to the subject (N13)."""

import hashlib

from audit.entries import Entry
from broker.domain.facets import of_manifest
from broker.domain.ids import DisclosureId
from broker.errors import ErasureRefused, UnknownDisclosure
from broker.ports import Ports, Transaction
from broker.stored import Notice
from broker.usecases.call import CLOCK_SKEW, Call, once
from broker.usecases.service_keys import published
from tillit.erasures import ErasureInvalid, verify
from tillit.jose import b64u
from tillit.wire import Erasure, ErasureAnswer


def erased(identity: DisclosureId, erasure: Erasure, *, call: Call, ports: Ports) -> ErasureAnswer:
    """Record the recipient's attestation; from then on the disclosure is not handed out again.

    Raises:
        UnknownDisclosure: none by that id was made to the calling unit.
        ErasureRefused: the attestation does not hold, lies outside the disclosure's time, or there is one already.
    """

    def act(tx: Transaction) -> ErasureAnswer:
        now = ports.clock()
        disclosure = tx.disclosure(identity)
        if disclosure is None or disclosure.recipient != call.unit:
            raise UnknownDisclosure
        jwks = {"keys": published(tx.service_keys(call.unit), now)}
        try:
            verified = verify(erasure.attestation, jwks, disclosure=identity)
        except ErasureInvalid as error:
            raise ErasureRefused("the attestation is not signed by the recipient") from error
        erased_at = verified.attestation.erased_at
        if not disclosure.at <= erased_at <= now + CLOCK_SKEW:
            raise ErasureRefused("erased before it was disclosed, or in the future")
        if not tx.add_erasure(identity, verified.token, erased_at=erased_at):
            raise ErasureRefused("its erasure has been attested already")
        content = {
            "attestation": b64u(hashlib.sha256(verified.token.encode()).digest()),
            "disclosure": identity,
            "recipient": call.unit,
        }
        found_by = of_manifest(disclosure.manifest, ports.catalogue)
        tx.append(Entry("disclosure.erased", now, content, disclosure.subject, found_by))
        # What the subject is to be told of later is not given away by its end.
        waits = disclosure.told_at if disclosure.told_at and disclosure.told_at > now else None
        told = Notice("erased", now, call.unit, disclosure=identity, told_at=waits)
        tx.add_notice(disclosure.subject, told)
        return ErasureAnswer(disclosure=identity, erased_at=erased_at)

    return once(act, answers=ErasureAnswer, call=call, ports=ports)
