"""Trust: the public keys that services need, and how a unit's own first come in."""

import hashlib
import hmac
from typing import Any

from audit.entries import Entry
from broker.domain.facets import facets, known
from broker.domain.ids import UnitId
from broker.errors import EnrolmentRefused, UnknownService
from broker.ports import Ports, ServiceKey
from tillit.enrolment import KeysUnusable, PublicKeys
from tillit.notes import Vkey
from tillit.wire import BrokerKeys, Enrolment

# A client by such a name reads the log and nothing else; no unit of a catalogue is called so.
AUDITOR = "auditor-"


def keys(ports: Ports) -> BrokerKeys:
    """The broker's receipt keys (old ones too, not revoked ones), the custodian's deposit key, the log's verifier key."""
    believed = ports.secrets.signing.believed("receipts", ports.clock())
    return BrokerKeys(
        issuer=ports.issuer,
        receipts={"keys": [key.jwk for key in believed]},
        custodian=dict(ports.custodian.public_jwk()),
        log=str(Vkey.of(ports.origin, ports.secrets.log)),
    )


def service_jwks(unit: UnitId, ports: Ports) -> dict[str, Any]:
    """A unit's registered public keys (RFC 7517 § 5).

    Raises:
        UnknownService: no such unit, or it has registered no keys.
    """
    with ports.store.read() as tx:
        registered = tx.service_keys(unit)
    if not registered:
        raise UnknownService
    return {"keys": [dict(key.jwk) for key in registered]}


def enrol(enrolment: Enrolment, *, ports: Ports) -> None:
    """Register a unit's public keys with the operator's one-time code and a proof of possession.

    Raises:
        EnrolmentRefused: the code, the keys or the proof do not hold; the code is not spent by a bad proof.
    """
    unit = UnitId(enrolment.unit)
    if unit not in ports.catalogue.units and not unit.startswith(AUDITOR):
        raise EnrolmentRefused
    try:
        public = PublicKeys.parse(enrolment.jwks)
        claimed = public.verify_possession(enrolment.proof)
    except KeysUnusable as error:
        raise EnrolmentRefused from error
    if not hmac.compare_digest(claimed, enrolment.code.encode()):
        raise EnrolmentRefused
    now = ports.clock()
    with ports.store.write() as tx:
        if not tx.spend_enrolment(unit, hashlib.sha256(enrolment.code.encode()).digest(), at=now):
            raise EnrolmentRefused
        tx.add_service_keys(
            [
                ServiceKey(unit, public.sig["kid"], "sig", public.sig),
                ServiceKey(unit, public.enc["kid"], "enc", public.enc),
            ],
            at=now,
        )
        content = {"enc": public.enc["kid"], "sig": public.sig["kid"], "unit": unit}
        found_by = facets(services=known((unit,), ports.catalogue.units))
        tx.append(Entry("service.enrolled", now, content, None, found_by))
